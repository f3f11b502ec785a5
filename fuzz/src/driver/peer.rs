//! What the peer sends, and how much of it has come.
use super::setup::content;
use sansocket::proto::Role;

/// Where a data frame lies in the stream.
#[derive(Clone, Copy, Debug)]
struct Span {
    payload: usize,
    end: usize,
    fin: bool,
}

#[derive(Debug)]
pub(super) struct Peer {
    masked: bool,
    pub bytes: Vec<u8>,
    /// How many of them have come.
    pub come: usize,
    before_take: usize,
    /// No more will be sent.
    pub ended: bool,
    /// It is within a message.
    within: bool,
    /// The data frames; how many of their headers have come; and how much payload of those before the last that has.
    spans: Vec<Span>,
    begun: usize,
    before: usize,
}

impl Peer {
    pub(super) fn new(role: Role) -> Self {
        let masked = role == Role::Server;
        Self {
            masked,
            bytes: vec![],
            come: 0,
            before_take: 0,
            ended: false,
            within: false,
            spans: vec![],
            begun: 0,
            before: 0,
        }
    }

    /// A frame of a message, as the RFC wants it.
    pub(super) fn data(&mut self, text: bool, fin: bool, len: usize) {
        if self.ended {
            return;
        }
        let opcode = match (self.within, text) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        self.within = !fin;
        self.frame(opcode | if fin { 0x80 } else { 0 }, content(self.bytes.len(), len));
        let end = self.bytes.len();
        self.spans.push(Span { payload: end - len, end, fin });
    }

    /// Any other frame.
    pub(super) fn frame(&mut self, first: u8, payload: &[u8]) {
        if self.ended {
            return;
        }
        let mask = if self.masked { 0x80 } else { 0 };
        self.bytes.push(first);
        match payload.len() {
            len @ ..=125 => self.bytes.push(mask | len as u8),
            len @ ..=0xFFFF => self.bytes.extend([mask | 126, (len >> 8) as u8, len as u8]),
            len => {
                self.bytes.push(mask | 127);
                self.bytes.extend((len as u64).to_be_bytes());
            }
        }
        let key = if self.masked { [7, first, 0x5A, payload.len() as u8] } else { [0; 4] };
        if self.masked {
            self.bytes.extend(key);
        }
        self.bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    }

    pub(super) fn waiting(&self) -> usize {
        self.bytes.len() - self.come
    }

    /// The next bytes come.
    pub(super) fn take(&mut self, n: usize) {
        self.before_take = self.come;
        self.come += n.min(self.waiting());
        while self.spans.get(self.begun).is_some_and(|span| span.payload <= self.come) {
            let before = self.begun.checked_sub(1).map(|last| self.spans[last]);
            self.before += before.map_or(0, |span| span.end - span.payload);
            self.before += usize::from(before.is_none_or(|span| span.fin)); // that a message begins counts, too
            self.begun += 1;
        }
    }

    /// Those that have come last.
    pub(super) fn taken(&self) -> &[u8] {
        &self.bytes[self.before_take..self.come]
    }

    /// Whether a message has begun to come and not ended.
    pub(super) fn is_unfinished(&self) -> bool {
        let last = self.begun.checked_sub(1).map(|last| self.spans[last]);
        last.is_some_and(|span| !span.fin || self.come < span.end)
    }

    /// How much payload of messages has come.
    pub(super) fn payload(&self) -> usize {
        let last = self.begun.checked_sub(1).map(|last| self.spans[last]);
        self.before + last.map_or(0, |span| self.come.min(span.end) - span.payload)
    }
}
