//! RFC 6455 §5 read naively: all bytes at hand, everything copied, nothing clever. It shares with the library
//! only the names of things, so that an error would have to be made twice to go unseen.
use crate::inflate::{End, Inflate};
use sansocket::{Violation, proto::Role};

/// What a stream of frames says. Adjacent chunks of a message are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Data { text: bool, bytes: Vec<u8>, fin: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Body),
}

/// The body of a Close frame.
pub type Body = Option<(u16, String)>;

/// What is allowed beyond the RFC's own rules.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub message: usize,
    pub fragments: u32,
    pub empty_fragments: u32,
    /// Chunks of messages are delivered, and neither their length nor their number is limited.
    pub chunks: bool,
}

impl Limits {
    pub const NONE: Self =
        Self { message: usize::MAX, fragments: u32::MAX, empty_fragments: u32::MAX, chunks: false };
}

/// What was read.
#[derive(Debug, Default)]
pub struct Reading {
    pub items: Vec<Item>,
    /// All rules that the frame breaks which begins at this offset: any may be named.
    pub error: Option<(Vec<Violation>, u64)>,
    /// If that frame is a Close frame with a wrong body: its reason, up to what is not text.
    pub reason: Option<String>,
    /// What came of a message that did not end, and has not become an item.
    pub pending: Vec<u8>,
    /// How many bytes make whole frames, up to the Close frame.
    pub whole: usize,
    /// The longest payload of a data frame.
    pub longest: usize,
}

#[derive(Default)]
struct InMessage {
    text: bool,
    /// It has to be inflated when all of it is there.
    compressed: bool,
    data: Vec<u8>,
    /// How much of it has become items, and how much is whole characters for certain.
    told: usize,
    valid: usize,
}

impl InMessage {
    fn untold(&self, end: usize, fin: bool) -> Item {
        Item::Data { text: self.text, bytes: self.data[self.told..end].to_vec(), fin }
    }
    fn tell(&mut self, items: &mut Vec<Item>) {
        let end = if self.text { self.valid } else { self.data.len() };
        if end > self.told {
            items.push(self.untold(end, false));
            self.told = end;
        }
    }
}

/// Reads everything, as the given role receives it.
pub fn read(role: Role, bytes: &[u8], limits: Limits) -> Reading {
    read_inflating(role, bytes, limits, None)
}

/// Likewise, where messages may be compressed (RFC 7692 §6). Of one that does not end, nothing is told.
pub fn read_inflating(role: Role, bytes: &[u8], limits: Limits, mut inflate: Option<Inflate>) -> Reading {
    let mut reading = Reading::default();
    let mut message: Option<InMessage> = None;
    let (mut fragments, mut empty) = (0, 0);
    let mut at = 0;
    let faults = loop {
        reading.whole = at;
        let rest = &bytes[at..];
        let Some(header) = Header::read(rest) else { break vec![] };
        let wrong = header.faults(role, message.is_some(), inflate.is_some());
        if !wrong.is_empty() {
            break wrong;
        }
        let (Some(len), Some(key)) = (header.len, header.key) else { break vec![] };
        let come = &rest[header.size..];
        let come = &come[..come.len().min(usize::try_from(len).unwrap_or(usize::MAX))];
        let whole = come.len() as u64 == len;
        let mut payload = come.to_vec();
        if header.masked {
            payload.iter_mut().enumerate().for_each(|(i, byte)| *byte ^= key[i % 4]);
        }
        if header.opcode >= 8 {
            if !whole {
                break vec![];
            }
            if header.opcode == 8 {
                let wrong = close_faults(&payload);
                if !wrong.is_empty() {
                    let reason = payload.get(2..).unwrap_or_default();
                    let text = (0..=reason.len()).rev().find_map(|n| std::str::from_utf8(&reason[..n]).ok());
                    reading.reason = text.filter(|text| !text.is_empty()).map(str::to_owned);
                    break wrong;
                }
            }
            if let Some(message) = message.as_mut().filter(|_| limits.chunks) {
                message.tell(&mut reading.items);
            }
            at += header.size + payload.len();
            match header.opcode {
                8 => {
                    let body = payload.split_at_checked(2).map(|(code, reason)| {
                        (u16::from_be_bytes([code[0], code[1]]), String::from_utf8_lossy(reason).into_owned())
                    });
                    reading.items.push(Item::Close(body));
                    reading.whole = at;
                    return reading;
                }
                9 => reading.items.push(Item::Ping(payload)),
                _ => reading.items.push(Item::Pong(payload)),
            }
            continue;
        }
        let fragmented = !(header.fin && header.opcode != 0);
        let current = message.get_or_insert_with(|| {
            (fragments, empty) = (0, 0);
            InMessage { text: header.opcode == 1, compressed: header.rsv != 0, ..Default::default() }
        });
        // An empty last frame adds nothing but the end.
        fragments += u32::from(!(header.fin && len == 0));
        empty = if len == 0 { empty + 1 } else { 0 };
        let mut wrong = vec![];
        if fragmented && empty > limits.empty_fragments {
            wrong.push(Violation::TooManyEmptyFragments { limit: limits.empty_fragments });
        }
        if fragmented && !limits.chunks && fragments > limits.fragments {
            wrong.push(Violation::TooManyFragments { limit: limits.fragments });
        }
        if !limits.chunks && current.data.len() as u128 + u128::from(len) > limits.message as u128 {
            wrong.push(Violation::MessageTooBig { limit: limits.message });
        }
        if !wrong.is_empty() {
            break wrong;
        }
        reading.longest = reading.longest.max(payload.len());
        current.data.extend(payload);
        let ends = whole && header.fin;
        if current.compressed && ends {
            let Some(inflated) =
                inflate.as_mut().map(|inflate| inflate.message(&current.data, limits.message))
            else {
                unreachable!("a fault");
            };
            match inflated.end {
                End::Whole if !inflated.overreaches => current.data = inflated.bytes,
                End::TooLong => break vec![Violation::MessageTooBig { limit: limits.message }],
                _ => break vec![Violation::Encoding, Violation::MissingContext],
            }
        }
        if current.text && (ends || !current.compressed) {
            match std::str::from_utf8(&current.data[current.valid..]) {
                Err(error) if ends || error.error_len().is_some() => break vec![Violation::Utf8],
                Err(error) => current.valid += error.valid_up_to(),
                Ok(_) => current.valid = current.data.len(),
            }
        }
        if !whole {
            break vec![];
        }
        if ends {
            reading.items.push(current.untold(current.data.len(), true));
            message = None;
        }
        at += header.size + come.len();
    };
    if let Some(mut message) = message {
        if limits.chunks && faults.is_empty() {
            message.tell(&mut reading.items);
        }
        reading.pending = message.data.split_off(message.told);
    }
    if !faults.is_empty() {
        reading.error = Some((faults, at as u64));
    }
    reading
}

/// A header as far as it has come.
struct Header {
    fin: bool,
    rsv: u8,
    opcode: u8,
    masked: bool,
    short: u8,
    len: Option<u64>,
    /// Zeros if there is none.
    key: Option<[u8; 4]>,
    size: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (masked, short) = (second >= 128, second % 128);
        let (at, long) = match short {
            126 => (4, bytes.get(2..4)),
            127 => (10, bytes.get(2..10)),
            _ => (2, None),
        };
        let long = long.map(|bytes| bytes.iter().fold(0, |len, byte| len << 8 | u64::from(*byte)));
        let len = if short < 126 { Some(u64::from(short)) } else { long };
        let size = if masked { at + 4 } else { at };
        let key =
            if masked { bytes.get(at..at + 4).map(|key| key.try_into().unwrap()) } else { Some([0; 4]) };
        Some(Self { fin: first >= 128, rsv: first & 0x70, opcode: first % 16, masked, short, len, key, size })
    }

    fn faults(&self, role: Role, in_message: bool, extended: bool) -> Vec<Violation> {
        let control = self.opcode >= 8;
        let known = if extended && [1, 2].contains(&self.opcode) { 0x40 } else { 0 };
        let rules = [
            // RSV1 is for the first frame of a message (RFC 7692 §6).
            (self.rsv & !known != 0, Violation::ReservedBits),
            (role == Role::Server && !self.masked, Violation::Unmasked),
            (role == Role::Client && self.masked, Violation::Masked),
            (![0, 1, 2, 8, 9, 10].contains(&self.opcode), Violation::ReservedOpcode(self.opcode)),
            (self.opcode == 0 && !in_message, Violation::UnexpectedContinuation),
            ([1, 2].contains(&self.opcode) && in_message, Violation::ExpectedContinuation),
            (control && !self.fin, Violation::FragmentedControl),
            (control && self.short > 125, Violation::LongControl),
            (self.short == 126 && self.len.is_some_and(|len| len < 126), Violation::OverlongLength),
            (self.short == 127 && self.len.is_some_and(|len| len < 65_536), Violation::OverlongLength),
            (self.len.is_some_and(|len| len >= 1 << 63), Violation::LengthOverflow),
        ];
        rules.into_iter().filter(|(broken, _)| *broken).map(|(_, rule)| rule).collect()
    }
}

fn close_faults(body: &[u8]) -> Vec<Violation> {
    let [high, low, reason @ ..] = body else {
        return if body.is_empty() { vec![] } else { vec![Violation::ShortClose] };
    };
    let code = u16::from_be_bytes([*high, *low]);
    let mut wrong = vec![];
    let reserved = [1004, 1005, 1006, 1015].contains(&code);
    if !(1000..5000).contains(&code) || (1015..3000).contains(&code) || reserved {
        wrong.push(Violation::CloseCode(code));
    }
    if std::str::from_utf8(reason).is_err() {
        wrong.push(Violation::CloseReason(code));
    }
    wrong
}

/// The code that answers a violation (RFC 6455 §7.4.1).
pub fn answer(violation: Violation) -> u16 {
    match violation {
        Violation::Utf8 | Violation::CloseReason(_) | Violation::Encoding | Violation::MissingContext => 1007,
        Violation::MessageTooBig { .. } => 1009,
        Violation::TooManyFragments { .. } | Violation::TooManyEmptyFragments { .. } => 1008,
        Violation::OverBudget { .. } => 1013,
        _ => 1002,
    }
}

/// Adds a chunk to what was told, joining it to the chunk before it.
pub fn join(items: &mut Vec<Item>, text: bool, chunk: &[u8], fin: bool) {
    if let Some(Item::Data { text: before, bytes, fin: ended @ false }) = items.last_mut() {
        assert_eq!(*before, text, "a message changes its kind");
        bytes.extend_from_slice(chunk);
        *ended = fin;
    } else {
        items.push(Item::Data { text, bytes: chunk.to_vec(), fin });
    }
}

/// The other end.
pub fn peer(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}
