//! Compressed messages, good and broken, whole and cut: what comes out is what a naive inflater makes of them, in bounded
//! memory; and what makes no sense, is too long or no text fails as it should.
//!
//! Input: flags, limit, how many cuts, the cuts (each as a distance), then messages: how, a number, length, content. A length
//! of 255 takes the rest. The content is the payload as it is, or it is compressed first, and then perhaps broken.
#![no_main]
use flate2::{Compress, Compression, FlushCompress};
use libfuzzer_sys::fuzz_target;
use sansocket::{
    Config, Deflate, Delivery, Kind, ProtocolError, Violation,
    bytes::Buf,
    close::CloseSeen,
    extension::{
        Agreement, Extension, ExtensionOffer,
        deflate::{Context, Memory},
    },
    proto::{Closed, Connection, Established, Event, Role},
};
use sansocket_fuzz::{
    Repeatable,
    inflate::{End, Inflate},
    memory,
    model::{self, Item},
};
use std::{cell::RefCell, collections::HashMap, ops::Range, sync::Arc};

/// Flags. The receiver is a client.
const CLIENT: u8 = 1;
/// Messages are delivered in chunks.
const CHUNKS: u8 = 2;
/// The context is kept from one message to the next.
const TAKEOVER: u8 = 4;
/// Bytes are written to the buffer that is lent for them, in the run that is cut.
const READ_BUF: u8 = 8;
/// A ping comes between the fragments.
const PINGS: u8 = 16;

/// More than this in chunks is not looked at.
const ENOUGH: usize = 1 << 20;

/// What was agreed on.
#[derive(Clone, Copy, Debug)]
struct Setup {
    flags: u8,
    role: Role,
    limit: usize,
    window_bits: u8,
}

impl Setup {
    fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// No more than this is compressed at once: more than a limit worth meeting. With the smallest window, in which it takes
    /// longest, a few windows.
    fn enough(self) -> usize {
        if self.window_bits <= 9 { 6000 } else { 80_000 }
    }

    fn agreement(self) -> Agreement {
        let mut deflate = Deflate::default();
        deflate.receive = Some(Context { window_bits: 15, takeover: true });
        let (server, peer) = (self.role == Role::Server, ["server", "client"]);
        let peer = peer[usize::from(server)];
        let mut params = format!("permessage-deflate; {peer}_max_window_bits={}", self.window_bits);
        if !self.has(TAKEOVER) {
            params += &format!("; {peer}_no_context_takeover");
        }
        let params: ExtensionOffer = params.parse().expect("well-formed");
        if server { deflate.accept(&params) } else { deflate.confirm(&params).ok() }.expect("agreed on")
    }
}

fuzz_target!(|input: &[u8]| {
    let [flags, limit, cuts, rest @ ..] = input else { return };
    let (cuts, rest) = rest.split_at(rest.len().min(usize::from(cuts % 16)));
    let setup = Setup {
        flags: *flags,
        role: if flags & CLIENT != 0 { Role::Client } else { Role::Server },
        limit: [5000, 100, 1, 0, 70_000, 1 << 20, 512, 32 << 10][usize::from(limit % 8)],
        window_bits: [15, 15, 15, 15, 15, 12, 9, 8][usize::from(flags >> 5)],
    };
    let Some((bytes, told)) = write(setup, rest) else { return };
    let whole = Story::of(Setup { flags: flags & !READ_BUF, ..setup }, &bytes, &mut std::iter::empty());
    whole.is_told_by(setup, &told);
    let mut steps = cuts.iter().map(|step| usize::from(*step)).chain(std::iter::repeat_n(1, 64));
    let cut = Story::of(setup, &bytes, &mut steps);
    cut.is_told_by(setup, &told);
    // Of two things that are wrong, a cut may bring one or the other to light.
    if told.fault.as_ref().is_none_or(|fault| fault.must && fault.any.len() == 1) {
        assert_eq!(whole.error, cut.error);
        assert_eq!(whole.closed, cut.closed);
        assert_eq!(whole.output, cut.output, "cut, it answers otherwise");
        if !setup.has(CHUNKS) {
            assert_eq!(whole.items, cut.items);
        }
    }
    let memory = Memory::default();
    assert_eq!((memory.contexts(), memory.unfinished()), (0, 0), "reserved by nobody");
});

/// What is to be heard.
#[derive(Debug, Default)]
struct Told {
    items: Vec<Item>,
    fault: Option<Fault>,
}

/// What a message does wrong that is not delivered.
#[derive(Debug)]
struct Fault {
    /// Any of these is named; and unless it `must` fail, it may be delivered after all.
    any: Vec<Violation>,
    must: bool,
    /// What there is of it, what comes between its fragments, and where in the stream they begin.
    bytes: Vec<u8>,
    pings: Vec<Item>,
    at: Range<u64>,
}

/// The stream, and what is to be heard of it; `None` if that is too much.
fn write(setup: Setup, mut recipe: &[u8]) -> Option<(Vec<u8>, Told)> {
    let (mut wire, mut told) = (vec![], Told::default());
    let mut model = Inflate::new(setup.window_bits, setup.has(TAKEOVER));
    let (mut peer, mut all) = (Peer::default(), 0);
    while let [how, number, len, rest @ ..] = recipe {
        let len = if *len == 255 { rest.len() } else { rest.len().min(usize::from(*len)) };
        let (content, rest) = rest.split_at(len);
        recipe = rest;
        let (text, compressed) = (how & 1 != 0, how & 2 == 0);
        let mut content = if how & 0x80 != 0 { content.repeat(37) } else { content.to_vec() };
        let payload = if compressed && how & 4 != 0 {
            content.truncate(setup.enough());
            peer.deflate(setup, how >> 3 & 3, *number, &content)
        } else {
            content
        };
        let begin = wire.len() as u64;
        let fragments = [1, 2, 3, 7][usize::from(how >> 5 & 3)];
        let pings = frames(setup, text, compressed, fragments, &payload, &mut wire);
        let at = begin..wire.len() as u64;
        let most = if setup.has(CHUNKS) { ENOUGH } else { setup.limit };
        // With the byte that is too much, the receiver may see that what is behind it makes no sense.
        let mut may_break = false;
        let (bytes, end) = if compressed {
            let inflated = model.message(&payload, most + 1);
            let over = inflated.bytes.len() > most;
            may_break = inflated.overreaches || over && inflated.end == End::Corrupt;
            (inflated.bytes, if over { End::TooLong } else { inflated.end })
        } else {
            let end = if payload.len() > most { End::TooLong } else { End::Whole };
            (payload, end)
        };
        all += bytes.len();
        if setup.has(CHUNKS) && (end == End::TooLong || all > ENOUGH) {
            return None;
        }
        let mut any = match end {
            End::Whole => vec![],
            End::Corrupt => vec![Violation::Encoding, Violation::MissingContext],
            End::TooLong => vec![Violation::MessageTooBig { limit: most }],
        };
        // What is over the limit is not looked at, and half a character may be, until there is no more to come.
        let wrong = std::str::from_utf8(&bytes[..bytes.len().min(most)]).err();
        if text && wrong.is_some_and(|error| error.error_len().is_some() || end == End::Whole) {
            if compressed && end == End::TooLong {
                any.clear(); // the text was there before; without compression the length was
            }
            any.push(Violation::Utf8);
        }
        let must = !any.is_empty();
        if may_break {
            any.extend([Violation::Encoding, Violation::MissingContext]);
        }
        if !any.is_empty() {
            told.fault = Some(Fault { any, must, bytes, at, pings });
            break;
        }
        told.items.extend(pings);
        told.items.push(Item::Data { text, bytes, fin: true });
    }
    Some((wire, told))
}

thread_local! {
    /// A compressor for each level and window, made once: making one takes longer than most inputs do.
    static SPARES: RefCell<HashMap<(u32, u8), Compress>> = RefCell::default();
}

/// A peer's compressor. Without context takeover, it is given back before each message.
#[derive(Default)]
struct Peer(Option<((u32, u8), Compress)>);

impl Peer {
    /// The content compressed, and what goes wrong with it then.
    fn deflate(&mut self, setup: Setup, how: u8, number: u8, content: &[u8]) -> Vec<u8> {
        if !setup.has(TAKEOVER) {
            self.give_back();
        }
        let kind = (u32::from(number) % 10, setup.window_bits.max(9));
        let (_, peer) = self.0.get_or_insert_with(|| {
            let spare = SPARES.with_borrow_mut(|spares| spares.remove(&kind));
            let new = || Compress::new_with_window_bits(Compression::new(kind.0), false, kind.1);
            (kind, spare.unwrap_or_else(new))
        });
        let mut out = Vec::with_capacity(content.len() + content.len() / 8 + 100);
        let flush = if how == 1 { FlushCompress::Finish } else { FlushCompress::Sync };
        peer.compress_vec(content, &mut out, flush).expect("compressed");
        if how == 1 {
            // RFC 7692 §7.2.3.4: a final block, and a byte after it; or nothing.
            out.extend((number & 0x80 == 0).then_some(0));
            peer.reset();
        } else {
            out.truncate(out.len().saturating_sub(4));
        }
        match how {
            2 if !out.is_empty() => {
                let bit = usize::from(number) * 7 % (out.len() * 8);
                out[bit / 8] ^= 1 << (bit % 8);
            }
            3 => out.truncate(usize::from(number)),
            _ => {}
        }
        out
    }

    fn give_back(&mut self) {
        if let Some((kind, mut peer)) = self.0.take() {
            peer.reset();
            SPARES.with_borrow_mut(|spares| spares.insert(kind, peer));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// The message in so many frames, masked if the peer has to.
fn frames(
    setup: Setup,
    text: bool,
    rsv1: bool,
    fragments: usize,
    payload: &[u8],
    wire: &mut Vec<u8>,
) -> Vec<Item> {
    let mut pings = vec![];
    let mut frame = |first: u8, payload: &[u8]| {
        let mask = if setup.role == Role::Server { 0x80 } else { 0 };
        wire.push(first);
        match payload.len() {
            0..=125 => wire.push(mask | payload.len() as u8),
            126..=0xFFFF => {
                wire.push(mask | 126);
                wire.extend((payload.len() as u16).to_be_bytes());
            }
            _ => {
                wire.push(mask | 127);
                wire.extend((payload.len() as u64).to_be_bytes());
            }
        }
        let key = if mask != 0 { [payload.len() as u8, 0x5A, first, 0xC3] } else { [0; 4] };
        if mask != 0 {
            wire.extend(key);
        }
        wire.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    };
    let size = payload.len().div_ceil(fragments);
    for i in 0..fragments {
        let part = &payload[(i * size).min(payload.len())..((i + 1) * size).min(payload.len())];
        let first = if i > 0 { 0 } else { 2 - u8::from(text) | u8::from(rsv1) << 6 };
        frame(first | if i + 1 == fragments { 0x80 } else { 0 }, part);
        if setup.has(PINGS) && i + 1 < fragments {
            frame(0x89, &[i as u8]);
            pings.push(Item::Ping(vec![i as u8]));
        }
    }
    pings
}

/// All that comes out of a connection.
struct Story {
    items: Vec<Item>,
    error: Option<ProtocolError>,
    closed: Option<Box<Closed>>,
    output: Vec<u8>,
}

impl Story {
    fn of(setup: Setup, bytes: &[u8], steps: &mut dyn Iterator<Item = usize>) -> Self {
        let mut config = Config::server();
        config.entropy = Arc::new(Repeatable::default());
        config.max_message_size = setup.limit;
        config.delivery = if setup.has(CHUNKS) { Delivery::Chunks } else { Delivery::Messages };
        let established = Established::bare(setup.role).with_extension(setup.agreement());
        let mut connection = Connection::new(established, config);
        let mut story = Self { items: vec![], error: None, closed: None, output: vec![] };
        let mut at = 0;
        while at < bytes.len() {
            let step = steps.next().unwrap_or(usize::MAX).min(bytes.len() - at);
            let piece = &bytes[at..at + step];
            at += step;
            memory::forget();
            if setup.has(READ_BUF) {
                connection.read_buf().extend_from_slice(piece);
            } else {
                connection.receive(piece);
            }
            check_memory(setup, at);
            story.hear(&mut connection, setup, at);
        }
        let out = connection.transmit();
        let n = out.remaining();
        story.output.extend(out.copy_to_bytes(n));
        connection.receive_eof();
        story.hear(&mut connection, setup, at);
        assert!(connection.poll_event().is_none(), "something after the end");
        assert_eq!(connection.buffered_amount(), 0);
        story
    }

    fn hear(&mut self, connection: &mut Connection, setup: Setup, at: usize) {
        loop {
            memory::forget();
            let event = connection.poll_event();
            check_memory(setup, at);
            let Some(event) = event else { return };
            assert!(self.closed.is_none(), "{event:?} after Closed");
            assert!(self.error.is_none() || matches!(event, Event::Closed(_)), "{event:?} after an error");
            match event {
                Event::Message(message) => {
                    assert!(!setup.has(CHUNKS) && message.len() <= setup.limit);
                    let text = message.kind() == Kind::Text;
                    let lent = message.as_bytes().to_vec();
                    let owned = message.into_message();
                    assert_eq!(owned.as_bytes(), lent);
                    self.items.push(Item::Data { text, bytes: lent, fin: true });
                }
                Event::Chunk { data, fin } => {
                    assert!(setup.has(CHUNKS) && data.len() <= 64 << 10, "a chunk of {} bytes", data.len());
                    let text = data.kind() == Kind::Text;
                    assert!(!text || std::str::from_utf8(data.as_bytes()).is_ok(), "text that is not");
                    assert!(fin || !data.is_empty(), "a chunk of nothing");
                    // Whatever comes between the chunks, they are of one message.
                    let pings =
                        self.items.iter().rev().take_while(|item| matches!(item, Item::Ping(_))).count();
                    let end = self.items.len() - pings;
                    let pings = self.items.split_off(end);
                    model::join(&mut self.items, text, data.as_bytes(), fin);
                    if fin {
                        let message = self.items.pop();
                        self.items.extend(pings);
                        self.items.extend(message);
                    } else {
                        self.items.extend(pings);
                    }
                }
                Event::Ping(payload) => self.items.push(Item::Ping(payload.to_vec())),
                Event::Error(error) => self.error = Some(error),
                Event::Closed(closed) => self.closed = Some(closed),
                other => panic!("{other:?}, which nobody sent"),
            }
        }
    }

    fn is_told_by(&self, setup: Setup, told: &Told) {
        let mut items = &self.items[..];
        let closed = self.closed.as_ref().expect("Closed is told");
        assert_eq!(
            (&closed.error, &closed.received, closed.timed_out),
            (&self.error, &CloseSeen::None, None)
        );
        assert_eq!(closed.unsent, 0);
        let Some(fault) = &told.fault else {
            assert_eq!(self.error, None);
            assert!(items == told.items, "not what the model reads: {items:x?}, but {:x?}", told.items);
            return;
        };
        let Some(error) = &self.error else {
            assert!(!fault.must, "no error, but {:?}", fault.any);
            let (last, items) = items.split_last().expect("the message");
            assert!(matches!(last, Item::Data { bytes, fin: true, .. } if *bytes == fault.bytes));
            let (items, pings) = items.split_at(items.len() - fault.pings.len());
            assert_eq!((items, pings), (&told.items[..], &fault.pings[..]));
            return;
        };
        assert!(fault.any.contains(&error.violation), "{error:?}, not one of {:?}", fault.any);
        assert!(fault.at.contains(&error.offset), "{error:?}, not in {:?}", fault.at);
        assert_eq!(error.close_code().get(), model::answer(error.violation));
        let sent = closed.sent.frame().map(|frame| frame.code);
        assert_eq!(sent, Some(error.close_code()));
        let answers = model::read(model::peer(setup.role), &self.output, model::Limits::NONE);
        assert!(
            matches!(answers.items.last(), Some(Item::Close(Some((code, _)))) if *code == error.close_code().get())
        );
        // Of the message that failed, a part may have been delivered, and what came between its fragments.
        while let [before @ .., item @ (Item::Ping(_) | Item::Data { fin: false, .. })] = items {
            if let Item::Data { bytes, .. } = item {
                assert!(fault.bytes.starts_with(bytes), "part of another message");
            }
            items = before;
        }
        assert!(items == told.items, "not what the model reads: {items:x?}, but {:x?}", told.items);
    }
}

/// No call takes more than a message of the limit, twice where a buffer grows, what has come likewise, and a state of zlib's.
fn check_memory(setup: Setup, come: usize) {
    let (largest, grown) = (memory::largest(), memory::grown());
    let most = if setup.has(CHUNKS) { 64 << 10 } else { setup.limit };
    assert!(grown <= 2 * come + 2 * most + (160 << 10), "{grown} bytes more, and {come} have come");
    assert!(largest <= 4 * come + 2 * most + (64 << 10), "{largest} bytes at once, and {come} have come");
}
