//! The same bytes, cut in two ways: one story, the one that a naive reading of the RFC tells; in bounded memory.
//!
//! Input: flags, limits, how many cuts, the cuts (each as a distance), the bytes. With [`FRAMES`], the bytes are
//! turned into frames first, so that most are well-formed.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sansocket::{
    CloseFrame, Config, Delivery, Kind, ProtocolError, ReadyState,
    bytes::Buf,
    proto::{Closed, Connection, Established, Event, Role},
};
use sansocket_fuzz::{
    Repeatable, memory,
    model::{self, Body, Item, Limits, Reading},
};
use std::sync::Arc;

/// Flags. The receiver is a client.
const CLIENT: u8 = 1;
/// Messages are delivered in chunks.
const CHUNKS: u8 = 2;
/// What is to be sent is taken after each event; else only at the end.
const PROMPT: u8 = 4;
/// Above so many bytes that wait, only the latest ping is answered.
const PROMPT_BYTES: usize = 4 * 1024;
/// The bytes are a recipe for frames.
const FRAMES: u8 = 8;
/// Bytes are written to the buffer that is lent for them, in the run that is cut.
const READ_BUF: u8 = 16;
/// In the run that is cut, the transport ends before anything that is left to be sent has been taken.
const EARLY_END: u8 = 32;
/// What distinguishes the run that is cut.
const CUT_ONLY: u8 = READ_BUF | EARLY_END;

fuzz_target!(|input: &[u8]| {
    let [flags, limits, cuts, rest @ ..] = input else { return };
    let at = rest.len().min(usize::from(cuts % 16));
    let (cuts, rest) = rest.split_at(at);
    let role = if flags & CLIENT != 0 { Role::Client } else { Role::Server };
    let limits = Limits {
        message: [1000, 125, 0, 1 << 20][usize::from(limits % 4)],
        fragments: [65_536, 3, 1, 0][usize::from(limits / 4 % 4)],
        empty_fragments: [64, 2, 1, 0][usize::from(limits / 16 % 4)],
        chunks: flags & CHUNKS != 0,
    };
    let bytes = if flags & FRAMES != 0 { frames(role, rest) } else { rest.to_vec() };

    let reading = model::read(role, &bytes, limits);
    let whole = Story::of(*flags & !CUT_ONLY, role, limits, &bytes, &mut std::iter::empty());
    whole.is_told_by(&reading, *flags);
    // Past the cuts given, byte by byte: or, with none, all of it.
    let mut steps = cuts.iter().map(|step| usize::from(*step)).chain(std::iter::repeat_n(1, 64));
    let cut = Story::of(*flags, role, limits, &bytes, &mut steps);
    cut.is_told_by(&reading, *flags);
    assert_eq!(whole.output, cut.output, "cut, it answers otherwise");
    assert_eq!(whole.error, cut.error);
    assert_eq!(whole.closed, cut.closed);
    if !limits.chunks {
        assert_eq!(whole.items, cut.items);
    }
});

/// Each frame from: FIN, a wish for length, for a wrong mask, for a key, opcode; then length and payload.
fn frames(role: Role, mut recipe: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    while let [first, len, rest @ ..] = recipe {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        recipe = rest;
        let times = if first & 0x40 != 0 { 37 } else { 1 };
        let key = if first & 0x10 != 0 { [0; 4] } else { [*len, 0x5A, *first, 0xC3] };
        let masked = (role == Role::Server) != (first & 0x20 != 0);
        out.push(first & 0x8F);
        let total = payload.len() * times;
        let mask = if masked { 0x80 } else { 0 };
        match total {
            0..=125 => out.push(mask | total as u8),
            _ => {
                out.push(mask | 126);
                out.extend((total as u16).to_be_bytes());
            }
        }
        if masked {
            out.extend(key);
        }
        let key = if masked { key } else { [0; 4] };
        let payload = payload.iter().cycle().take(total);
        out.extend(payload.enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    }
    out.extend(recipe);
    out
}

/// All that comes out of a connection.
struct Story {
    items: Vec<Item>,
    error: Option<ProtocolError>,
    closed: Option<Box<Closed>>,
    output: Vec<u8>,
    role: Role,
}

impl Story {
    fn of(
        flags: u8,
        role: Role,
        limits: Limits,
        bytes: &[u8],
        steps: &mut dyn Iterator<Item = usize>,
    ) -> Self {
        let mut config = Config::server();
        config.entropy = Arc::new(Repeatable::default());
        config.max_message_size = limits.message;
        config.max_fragments = limits.fragments;
        config.max_empty_fragments = limits.empty_fragments;
        config.delivery = if limits.chunks { Delivery::Chunks } else { Delivery::Messages };
        let mut connection = Connection::new(Established::bare(role), config);
        let mut story = Self { items: vec![], error: None, closed: None, output: vec![], role };
        // The first buffer may be one that an earlier connection has left to the thread.
        let (mut at, mut most, spare) = (0, 0, connection.read_buf().capacity());
        while at < bytes.len() {
            let step = steps.next().unwrap_or(usize::MAX).min(bytes.len() - at);
            let piece = &bytes[at..at + step];
            at += step;
            memory::forget();
            if flags & READ_BUF != 0 {
                connection.read_buf().extend_from_slice(piece);
                let buffer = connection.read_buf();
                most = most.max(buffer.len());
                assert!(buffer.capacity() <= spare.max(4 * most + (64 << 10)), "memory by announcement");
                if !limits.chunks && story.error.is_none() {
                    // All that waits is one message within its limit, and what has just come.
                    let held = limits.message.max(125) + 14 + step;
                    assert!(buffer.len() <= 3 * held, "{} bytes kept, of {held}", buffer.len());
                }
            } else {
                connection.receive(piece);
            }
            check_memory(at);
            story.hear(&mut connection, flags, at);
        }
        if flags & EARLY_END == 0 {
            story.drain(&mut connection);
        }
        connection.receive_eof();
        story.hear(&mut connection, flags, at);
        assert_eq!(story.closed.is_none(), connection.wants_write(), "the end, and output that waits");
        story.drain(&mut connection);
        story.hear(&mut connection, flags, at);
        assert!(!connection.wants_write() && !connection.wants_read());
        assert!(connection.poll_event().is_none(), "something after the end");
        assert_eq!(connection.state(), ReadyState::Closed);
        assert_eq!(connection.buffered_amount(), 0);
        story
    }

    fn drain(&mut self, connection: &mut Connection) {
        let out = connection.transmit();
        let n = out.remaining();
        self.output.extend(out.copy_to_bytes(n));
    }

    fn hear(&mut self, connection: &mut Connection, flags: u8, at: usize) {
        loop {
            memory::forget();
            let event = connection.poll_event();
            check_memory(at);
            let Some(event) = event else { return };
            assert!(self.closed.is_none(), "{event:?} after Closed");
            assert!(self.error.is_none() || matches!(event, Event::Closed(_)), "{event:?} after an error");
            match event {
                Event::Message(message) => {
                    assert_ne!(flags & CHUNKS, CHUNKS);
                    let text = message.kind() == Kind::Text;
                    let lent = message.as_bytes().to_vec();
                    assert_eq!(message.as_str().is_some(), text);
                    let owned = message.into_message();
                    assert_eq!(owned.as_bytes(), lent);
                    assert_eq!(owned.as_str().is_some(), text);
                    assert!(!text || std::str::from_utf8(&lent).is_ok(), "text that is not");
                    self.items.push(Item::Data { text, bytes: lent, fin: true });
                }
                Event::Chunk { data, fin } => {
                    assert_eq!(flags & CHUNKS, CHUNKS);
                    let text = data.kind() == Kind::Text;
                    assert!(!text || std::str::from_utf8(data.as_bytes()).is_ok(), "text that is not");
                    assert!(fin || !data.is_empty(), "a chunk of nothing");
                    model::join(&mut self.items, text, data.as_bytes(), fin);
                }
                Event::Ping(payload) => self.items.push(Item::Ping(payload.to_vec())),
                Event::Pong(payload) => self.items.push(Item::Pong(payload.to_vec())),
                Event::CloseReceived(frame) => self.items.push(Item::Close(body(frame))),
                Event::Error(error) => self.error = Some(error),
                Event::Closed(closed) => self.closed = Some(closed),
                other => panic!("an event that nobody knows: {other:?}"),
            }
            if flags & PROMPT != 0 {
                self.drain(connection);
            }
        }
    }

    /// Whether it is the story that the model tells.
    fn is_told_by(&self, reading: &Reading, flags: u8) {
        let mut items = self.items.clone();
        match (&self.error, &reading.error) {
            (None, None) => {}
            (Some(error), Some((rules, offset))) => {
                assert!(rules.contains(&error.violation), "{error:?}, not one of {rules:?}");
                assert_eq!(error.offset, *offset, "{error:?}");
                assert_eq!(error.reason(), reading.reason.as_deref(), "{error:?}");
                // Of the message that failed, a part may have been delivered.
                if let Some(Item::Data { bytes, fin: false, .. }) = items.last() {
                    assert!(reading.pending.starts_with(bytes));
                    items.pop();
                }
            }
            (ours, theirs) => panic!("{ours:?}, but {theirs:?}"),
        }
        assert_eq!(items, reading.items);

        let received = items.iter().find_map(|item| match item {
            Item::Close(body) => Some(body.clone()),
            _ => None,
        });
        let closed = self.closed.as_ref().expect("Closed is told");
        assert_eq!(closed.received.is_some().then(|| body(closed.received.frame().cloned())), received);
        assert_eq!(closed.by_peer, received.is_some());
        assert_eq!((&closed.error, closed.timed_out, closed.unsent), (&self.error, None, 0));
        let sent = closed.sent.is_some().then(|| body(closed.sent.frame().cloned()));

        // What it answers: every ping, or the last; then the Close frame that is due, and nothing after it.
        let answers = model::read(model::peer(self.role), &self.output, Limits::NONE);
        assert!(answers.error.is_none() && answers.whole == self.output.len(), "{:x?}", self.output);
        let mut due: Vec<Item> = items
            .into_iter()
            .filter_map(|item| match item {
                Item::Ping(payload) => Some(Item::Pong(payload)),
                _ => None,
            })
            .collect();
        if flags & PROMPT == 0 {
            due = unread(self.role, due, self.error.is_some());
        }
        match (&self.error, received) {
            (Some(error), None) => {
                let Some(Some((code, reason))) = sent.clone() else { panic!("no answer to {error:?}") };
                assert_eq!(code, model::answer(error.violation));
                due.push(Item::Close(Some((code, reason))));
            }
            (None, Some(body)) => due.push(Item::Close(body)),
            (None, None) => {}
            both => panic!("{both:?}"),
        }
        assert_eq!(answers.items, due);
        let answered = answers.items.iter().find_map(|item| match item {
            Item::Close(body) => Some(body.clone()),
            _ => None,
        });
        assert_eq!(sent, answered);
    }
}

/// No call asks for much more than has come.
fn check_memory(come: usize) {
    let asked = memory::largest();
    assert!(asked <= 4 * come + (64 << 10), "{asked} bytes at once, and {come} have come");
}

/// Of the answers that nobody has read: the first are framed at once; of the rest only the latest is kept, and not
/// even that when the connection fails.
fn unread(role: Role, pongs: Vec<Item>, failed: bool) -> Vec<Item> {
    let header = if role == Role::Client { 6 } else { 2 };
    let (mut framed, mut last, mut len) = (vec![], None, 0);
    for pong in pongs {
        let Item::Pong(payload) = &pong else { unreachable!("pongs") };
        if len < PROMPT_BYTES && last.is_none() {
            len += header + payload.len();
            framed.push(pong);
        } else {
            last = Some(pong);
        }
    }
    framed.extend(last.filter(|_| !failed));
    framed
}

fn body(frame: Option<CloseFrame>) -> Body {
    frame.map(|frame| (frame.code.get(), frame.reason.as_str().to_owned()))
}
