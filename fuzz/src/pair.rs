//! A client and a server, the wire between them, and what each of them must make of the other.
mod setup;

pub use setup::{Compression, How, Settings};

use crate::model::{self, Body, Item, Limits};
use sansocket::{
    CloseCode, CloseFrame, Kind, Message, Prepared, ReadyState, SendError,
    bytes::Buf,
    proto::{Closed, Connection, Event, Role},
};
use setup::{Content, bytes_of, config, outgoing, text_of};
use std::time::{Duration, Instant};

/// One end, and what it has done and heard.
struct End {
    connection: Connection,
    chunks: bool,
    auto_pong: bool,
    echo: bool,
    /// What it has sent, and the message that it has begun.
    sent: Vec<Item>,
    begun: Option<(bool, Vec<u8>)>,
    pings: Vec<Vec<u8>>,
    pongs: Vec<Vec<u8>>,
    sent_len: usize,
    enough: usize,
    /// It has closed, heard a Close frame or the end.
    closing: bool,
    /// How many events it has told.
    told: usize,
    /// What it has received, messages joined; and how many of the other's pings and pongs.
    heard: Vec<Item>,
    heard_pings: Vec<Vec<u8>>,
    heard_pongs: Vec<Vec<u8>>,
    heard_close: Option<Body>,
    closed: Option<Box<Closed>>,
    /// All bytes it has written, how many of them have been delivered, and whether no more will come.
    wire: Vec<u8>,
    delivered: usize,
    shut_down: bool,
    /// It has been told that the transport ended.
    eof: bool,
    /// It was not wanted any more.
    aborted: bool,
}

/// Both.
pub struct Pair {
    ends: [End; 2],
    now: Instant,
    settings: Settings,
    /// The transport failed, or an end gave up: not everything need arrive.
    broken: bool,
    waited: bool,
    /// Messages that have been prepared: their kind, and the length asked for.
    prepared: Vec<(bool, usize, Prepared)>,
}

impl Pair {
    pub fn new(settings: Settings) -> Self {
        // Any will do: it is only ever added to.
        #[expect(clippy::disallowed_methods, reason = "there is no other way to an Instant")]
        let now = Instant::now();
        let end = |role, index: usize| End {
            connection: Connection::new(settings.compression.established(role), config(settings, index)),
            chunks: settings.chunks[index],
            auto_pong: settings.auto_pong,
            echo: settings.echo && role == Role::Server && !settings.chunks[index],
            sent: vec![],
            begun: None,
            pings: vec![],
            pongs: vec![],
            sent_len: 0,
            enough: settings.enough(),
            closing: false,
            told: 0,
            heard: vec![],
            heard_pings: vec![],
            heard_pongs: vec![],
            heard_close: None,
            closed: None,
            wire: vec![],
            delivered: 0,
            shut_down: false,
            eof: false,
            aborted: false,
        };
        let ends = [end(Role::Client, 0), end(Role::Server, 1)];
        Self { ends, now, settings, broken: false, waited: false, prepared: vec![] }
    }

    /// So many bytes, or fewer: not too many in all.
    fn allowed(&self, end: usize, len: usize) -> usize {
        len.min(self.settings.enough().saturating_sub(self.ends[end].sent_len))
    }

    /// One of that kind and length: the one that was, if there was one.
    fn prepare(&mut self, text: bool, len: usize) -> Prepared {
        let found = self.prepared.iter().find(|(kind, other, _)| (*kind, *other) == (text, len));
        if let Some((.., prepared)) = found {
            return prepared.clone();
        }
        let prepared = Prepared::new(Message::from(Content::new(text, self.prepared.len(), len)));
        self.prepared.push((text, len, prepared.clone()));
        prepared
    }

    pub fn send(&mut self, end: usize, text: bool, len: usize, how: How) {
        let len = self.allowed(end, len);
        let prepared = (how == How::Prepared).then(|| self.prepare(text, len));
        let end = &mut self.ends[end];
        let content = Content::new(text, end.sent.len(), len);
        let done = end.connection.send(outgoing(content, how, &prepared));
        let bytes = prepared.as_ref().map_or(content.as_bytes(), Prepared::as_bytes);
        let unfinished = end.begun.is_some().then_some(SendError::Unfinished);
        if end.allows(done, unfinished) {
            end.sent_len += bytes.len();
            end.sent.push(Item::Data { text, bytes: bytes.to_vec(), fin: true });
        }
    }

    /// The kind is that of the message begun, unless `other`; the last chunk, if the length is odd.
    pub fn chunk(&mut self, end: usize, other: bool, len: usize, how: How) {
        let (fin, len) = (len % 2 == 1, self.allowed(end, len));
        let text = self.ends[end].begun.as_ref().is_some_and(|(text, _)| *text) != other;
        let prepared = (how == How::Prepared).then(|| self.prepare(text, len));
        let end = &mut self.ends[end];
        let content = Content::new(text, end.sent.len() + len, len);
        let done = end.connection.send_chunk(outgoing(content, how, &prepared), fin);
        let bytes = prepared.as_ref().map_or(content.as_bytes(), Prepared::as_bytes);
        let mismatch = (end.begun.is_some() && other).then_some(SendError::KindMismatch);
        if end.allows(done, mismatch) {
            end.sent_len += bytes.len();
            let (_, begun) = end.begun.get_or_insert((text, vec![]));
            begun.extend_from_slice(bytes);
            if fin {
                let bytes = std::mem::take(begun);
                end.begun = None;
                end.sent.push(Item::Data { text, bytes, fin: true });
            }
        }
    }

    pub fn ping(&mut self, end: usize, len: usize) {
        let end = &mut self.ends[end];
        let payload = bytes_of(end.pings.len(), len);
        let long = (len > 125).then_some(SendError::LongControl(len));
        let done = end.connection.ping(payload);
        if end.allows(done, long) {
            end.pings.push(payload.to_vec());
        }
    }

    pub fn pong(&mut self, end: usize, len: usize) {
        let end = &mut self.ends[end];
        let payload = bytes_of(end.pongs.len() + 77, len);
        let long = (len > 125).then_some(SendError::LongControl(len));
        let done = end.connection.halves().1.pong(payload);
        if end.allows(done, long) {
            end.pongs.push(payload.to_vec());
        }
    }

    pub fn close(&mut self, end: usize, code: Option<u16>, reason: usize) {
        let end = &mut self.ends[end];
        let frame = code.map(|code| {
            let code = CloseCode::new(code).unwrap_or(CloseCode::NORMAL);
            CloseFrame::truncate(code, text_of(3, reason))
        });
        end.connection.close(frame);
        end.closing = true;
        assert_ne!(end.connection.state(), ReadyState::Open);
    }

    /// The transport takes this many bytes.
    pub fn write(&mut self, end: usize, mut n: usize) {
        let end = &mut self.ends[end];
        while n > 0 {
            let before = end.connection.buffered_amount();
            let out = end.connection.transmit();
            let chunk = out.chunk();
            let take = chunk.len().min(n);
            if take == 0 {
                assert_eq!((out.remaining(), before), (0, 0), "bytes that nobody can write");
                break;
            }
            assert!(!end.shut_down, "bytes after the end of the transport");
            end.wire.extend_from_slice(&chunk[..take]);
            out.advance(take);
            n -= take;
        }
        if end.connection.wants_shutdown() {
            assert_eq!(end.connection.transmit().remaining(), 0, "an end before the last byte");
            end.connection.shut_down();
            assert!(!end.connection.wants_shutdown(), "only once");
            end.shut_down = true;
        }
    }

    /// So many bytes arrive at this end; at the end of the other's, its end.
    pub fn deliver(&mut self, end: usize, n: usize, by_buffer: bool) {
        let [ours, theirs] = self.both(end);
        if ours.eof {
            return;
        }
        let waiting = &theirs.wire[theirs.delivered..];
        let piece = &waiting[..n.min(waiting.len())];
        theirs.delivered += piece.len();
        if by_buffer {
            ours.connection.read_buf().extend_from_slice(piece);
        } else {
            ours.connection.receive(piece);
        }
        if theirs.shut_down && theirs.delivered == theirs.wire.len() {
            ours.end();
        }
    }

    /// Takes so many events.
    pub fn poll(&mut self, end: usize, mut n: usize) {
        while n > 0 && self.ends[end].hear() {
            n -= 1;
        }
    }

    /// Time passes, in quarters of a second; everybody is told.
    pub fn wait(&mut self, quarters: u64) {
        self.now += Duration::from_millis(250 * (quarters % 512));
        self.waited |= self.settings.timeouts;
        for end in &mut self.ends {
            end.connection.handle_timeout(self.now);
            let next = end.connection.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a deadline that passed is still to come");
            assert!(self.settings.timeouts || next.is_none(), "a deadline that nobody set");
        }
    }

    /// What is on its way to this end is lost, and no more comes.
    pub fn cut(&mut self, end: usize) {
        self.broken = true;
        let [ours, theirs] = self.both(end);
        theirs.delivered = theirs.wire.len();
        ours.end();
    }

    pub fn abort(&mut self, end: usize) {
        self.broken = true;
        self.ends[end].connection.abort();
        (self.ends[end].eof, self.ends[end].aborted) = (true, true);
    }

    fn both(&mut self, end: usize) -> [&mut End; 2] {
        let [client, server] = &mut self.ends;
        if end == 0 { [client, server] } else { [server, client] }
    }

    /// Everything arrives that can.
    pub fn settle(&mut self) {
        for _ in 0.. {
            let before = self.progress();
            for end in [0, 1] {
                self.write(end, usize::MAX);
                self.deliver(1 - end, usize::MAX, false);
                self.poll(1 - end, usize::MAX);
            }
            if self.progress() == before {
                return;
            }
        }
    }

    fn progress(&self) -> impl PartialEq + use<> {
        self.ends.each_ref().map(|end| (end.wire.len(), end.delivered, end.shut_down, end.told))
    }

    /// The rest happens, and then they agree on everything.
    pub fn finish(mut self) {
        self.settle();
        for end in [0, 1] {
            if !self.ends[end].closing && !self.broken {
                self.check_arrived(end);
            }
        }
        self.close(self.settings.close_first, Some(1000), 5);
        self.settle();
        let timed_out = |end: &End| end.connection.state() != ReadyState::Closed || !end.is_in_time();
        if self.broken || self.waited && self.ends.iter().any(timed_out) {
            self.broken = true;
            for end in &mut self.ends {
                end.end();
            }
            self.settle();
        }
        for end in [0, 1] {
            self.check_end(end);
        }
    }

    /// All that the end sent and finished is what the other received.
    fn check_arrived(&mut self, end: usize) {
        let [ours, theirs] = self.both(end);
        let whole = theirs.heard.iter().filter(|item| matches!(item, Item::Data { fin: true, .. }));
        if !theirs.closing {
            assert_eq!(whole.count(), ours.sent.len(), "not all arrived");
        }
        assert_eq!(ours.connection.buffered_amount(), 0);
    }

    fn check_end(&mut self, end: usize) {
        let (broken, longest) = (self.broken, self.settings.fragment_size);
        let inflate = self.settings.compression.inflate(end);
        let [ours, theirs] = self.both(end);
        let closed = ours.closed.as_deref().expect("an end, told");
        assert!(ours.connection.poll_event().is_none(), "something after the end");
        assert_eq!(ours.connection.state(), ReadyState::Closed);
        assert_eq!(ours.connection.buffered_amount(), 0);
        assert_eq!(closed.error, None);

        // What was written is a stream of frames as the RFC wants them, that ends with the Close frame.
        let wire = model::read_inflating(theirs.connection.role(), &ours.wire, Limits::NONE, inflate);
        assert_eq!(wire.error, None);
        assert!(wire.longest <= longest);
        let messages: Vec<_> = wire.items.iter().filter(|item| matches!(item, Item::Data { .. })).collect();
        assert!(
            ours.sent.iter().zip(&messages).all(|(sent, item)| sent == *item),
            "written otherwise than sent"
        );
        assert!(messages.len() <= ours.sent.len(), "more is written than was sent");
        let close = wire.items.iter().find_map(|item| match item {
            Item::Close(body) => Some(body.clone()),
            _ => None,
        });
        // An end that gave up leaves bytes behind, and so perhaps half a frame.
        let given_up = ours.aborted || closed.timed_out.is_some();
        let half = wire.whole != ours.wire.len();
        assert!(!half || given_up && close.is_none(), "something after the Close frame, or half a frame");
        assert!(closed.unsent == 0 || given_up, "{closed:?}");
        if closed.sent.is_some() {
            assert_eq!(Some(body(closed.sent.frame())), close, "what it says it sent");
        }
        if let Some(heard) = &theirs.heard_close {
            assert_eq!(Some(heard), close.as_ref(), "sent and received");
        }
        assert_eq!(closed.received.is_some().then(|| body(closed.received.frame())), ours.heard_close);

        // What the other heard is what this one sent: all of it if it ended clean.
        let mut heard = &theirs.heard[..];
        if let [before @ .., Item::Data { bytes, text, fin: false }] = heard {
            let unfinished = ours.sent.get(before.len());
            let whole = match (unfinished, &ours.begun) {
                (Some(Item::Data { bytes, text, .. }), _) => (*text, bytes),
                (_, Some((text, bytes))) => (*text, bytes),
                _ => panic!("a message that nobody sent"),
            };
            assert!(whole.0 == *text && whole.1.starts_with(bytes), "part of another message");
            heard = before;
        }
        assert!(ours.sent.starts_with(heard), "messages are not what was sent");
        in_order(&theirs.heard_pings, &ours.pings);
        in_order(&theirs.heard_pongs, &ours.pongs);
        if broken {
            return;
        }
        assert_eq!(heard.len(), ours.sent.len(), "not all arrived");
        assert!(closed.was_clean() && closed.timed_out.is_none() && closed.unsent == 0, "{closed:?}");
        let other = theirs.closed.as_deref().expect("told");
        assert_eq!(closed.received, other.sent);
        assert!(!(closed.by_peer && other.by_peer), "both say that the other began");
        assert_eq!(theirs.delivered, theirs.wire.len());
    }
}

impl End {
    /// Whether it did what was asked. It must, unless it is closing or there is a reason.
    fn allows(&self, done: Result<(), SendError>, reason: Option<SendError>) -> bool {
        match done {
            Ok(()) => assert!(!self.closing && reason.is_none(), "{reason:?} was to be refused"),
            // After a deadline it closes by itself.
            Err(SendError::Closing) => {
                assert!(self.closing || self.connection.state() != ReadyState::Open);
            }
            Err(error) => assert_eq!(Some(error), reason),
        }
        done.is_ok()
    }

    fn is_in_time(&self) -> bool {
        self.closed.as_ref().is_some_and(|closed| closed.timed_out.is_none())
    }

    fn end(&mut self) {
        if !self.eof {
            self.eof = true;
            self.connection.receive_eof();
        }
    }

    fn hear(&mut self) -> bool {
        let (inbound, outbound) = self.connection.halves();
        let Some(event) = inbound.poll_event(outbound) else { return false };
        self.told += 1;
        assert!(self.closed.is_none(), "{event:?} after Closed");
        match event {
            Event::Message(message) => {
                assert!(!self.chunks);
                let text = message.kind() == Kind::Text;
                let bytes = message.as_bytes().to_vec();
                if self.echo
                    && self.sent_len < self.enough
                    && self.begun.is_none()
                    && outbound.send(message).is_ok()
                {
                    assert!(!self.closing);
                    self.sent_len += bytes.len();
                    self.sent.push(Item::Data { text, bytes: bytes.clone(), fin: true });
                }
                self.heard.push(Item::Data { text, bytes, fin: true });
            }
            Event::Chunk { data, fin } => {
                assert!(self.chunks);
                let text = data.kind() == Kind::Text;
                assert!(!text || std::str::from_utf8(data.as_bytes()).is_ok());
                model::join(&mut self.heard, text, data.as_bytes(), fin);
            }
            Event::Ping(payload) => {
                self.heard_pings.push(payload.to_vec());
                if !self.auto_pong && outbound.pong(payload).is_err() {
                    return true;
                }
                self.pongs.push(payload.to_vec());
            }
            Event::Pong(payload) => self.heard_pongs.push(payload.to_vec()),
            Event::CloseReceived(frame) => {
                self.closing = true;
                assert_eq!(self.heard_close.replace(body(frame.as_ref())), None, "two Close frames");
            }
            Event::Closed(closed) => {
                self.closing = true;
                self.closed = Some(closed);
            }
            other => panic!("{other:?}"),
        }
        true
    }
}

/// Each was sent, in this order; some were replaced by the next. Those of the keepalive are empty.
fn in_order(heard: &[Vec<u8>], sent: &[Vec<u8>]) {
    let mut sent = sent.iter();
    for payload in heard {
        assert!(
            payload.is_empty() || sent.any(|other| other == payload),
            "{payload:x?} was not sent, or not then"
        );
    }
}

fn body(frame: Option<&CloseFrame>) -> Body {
    frame.map(|frame| (frame.code.get(), frame.reason.as_str().to_owned()))
}
