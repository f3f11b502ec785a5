//! Peers in memory: one connection under test against a scripted peer, or two joined by a wire; known chance, told time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
pub mod chance;
pub mod counted;
pub mod deflate;
pub mod http;
pub mod idle;

use sansocket::{
    bytes::Buf,
    close::CloseSeen,
    entropy::Entropy,
    proto::{Connection, Established, Event, Role},
    *,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

pub const BOTH: [Role; 2] = [Role::Client, Role::Server];
pub const FIN: u8 = 0x80;
pub const TEXT: u8 = FIN | 1;
pub const BINARY: u8 = FIN | 2;
pub const CLOSE: u8 = FIN | 8;
pub const PING: u8 = FIN | 9;
pub const PONG: u8 = FIN | 10;

/// Chance that is known: the n-th key drawn is `key(n)`.
#[derive(Debug, Default)]
pub struct Counting(AtomicU32);
impl Entropy for Counting {
    fn fill(&self, dest: &mut [u8]) {
        for part in dest.chunks_mut(4) {
            let key = key(self.0.fetch_add(1, Ordering::Relaxed));
            part.copy_from_slice(&key[..part.len()]);
        }
    }
}
/// All different; the first is that of the examples in RFC 6455 §5.7.
pub fn key(n: u32) -> [u8; 4] {
    (0x37fa_213d ^ n.wrapping_mul(0x9e37_79b9)).to_be_bytes()
}
/// What a scripted client masks with.
pub const PEER_KEY: [u8; 4] = [0x12, 0xA5, 0x00, 0xFF];

/// RFC 6455 §5.2 to the letter, written apart from the library: a header in the fewest bytes.
pub fn head(first: u8, len: u64, key: Option<[u8; 4]>) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match len {
        0..=125 => out.push(mask | len as u8),
        126..=0xFFFF => {
            out.push(mask | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(mask | 127);
            out.extend(len.to_be_bytes());
        }
    }
    out.extend(key.into_iter().flatten());
    out
}
/// A whole frame.
pub fn wire(first: u8, payload: impl AsRef<[u8]>, key: Option<[u8; 4]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut out = head(first, payload.len() as u64, key);
    let key = key.unwrap_or_default();
    out.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    out
}
/// A whole frame from a client.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    wire(first, payload, Some(PEER_KEY))
}
/// The body of a Close frame.
pub fn body(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// A frame taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub first: u8,
    pub key: Option<[u8; 4]>,
    pub payload: Vec<u8>,
}
/// Takes whole frames apart; fails on a length that is not minimal, and on a frame cut short.
pub fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut all = vec![];
    while !bytes.is_empty() {
        let (first, second) = (bytes[0], bytes[1]);
        let (len, at) = match second & 0x7F {
            126 => (u64::from(u16::from_be_bytes(bytes[2..4].try_into().unwrap())), 4),
            127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()), 10),
            short => (short.into(), 2),
        };
        let key = (second & 0x80 != 0).then(|| bytes[at..at + 4].try_into().unwrap());
        let header = head(first, len, key);
        assert_eq!(&bytes[..header.len()], header, "not the shortest header");
        let payload =
            wire(0, &bytes[header.len()..header.len() + len as usize], key)[header.len()..].to_vec();
        bytes = &bytes[header.len() + payload.len()..];
        all.push(Frame { first, key, payload });
    }
    all
}

/// An event that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Message(Message),
    Chunk(Message, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    CloseReceived(Option<CloseFrame>),
    Error(ProtocolError),
    Closed(Closed),
}
impl From<Event<'_>> for Told {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Message(message) => Self::Message(message.into_message()),
            Event::Chunk { data, fin } => Self::Chunk(data.into_message(), fin),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::CloseReceived(frame) => Self::CloseReceived(frame),
            Event::Error(error) => Self::Error(error),
            Event::Closed(closed) => Self::Closed(*closed),
            other => panic!("an event that these tests do not know: {other:?}"),
        }
    }
}
pub fn told(connection: &mut Connection) -> Option<Told> {
    connection.poll_event().map(Told::from)
}
pub fn all_told(connection: &mut Connection) -> Vec<Told> {
    std::iter::from_fn(|| told(connection)).collect()
}
/// Every byte that waits for the transport, taken.
pub fn written(connection: &mut Connection) -> Vec<u8> {
    let mut out = vec![];
    while connection.transmit().has_remaining() {
        let n = connection.transmit().remaining();
        out.extend(connection.transmit().copy_to_bytes(n));
    }
    out
}
pub fn messages(events: &[Told]) -> Vec<Message> {
    let message = |event: &Told| if let Told::Message(m) = event { Some(m.clone()) } else { None };
    events.iter().filter_map(message).collect()
}
/// The last event, which says how it ended.
pub fn closed(events: &[Told]) -> &Closed {
    match events {
        [before @ .., Told::Closed(closed)] => {
            assert!(!before.iter().any(|event| matches!(event, Told::Closed(_))), "closed twice");
            closed
        }
        other => panic!("not closed: {other:?}"),
    }
}
/// The defaults of the role, with known chance.
pub fn config(role: Role) -> Config {
    let mut config = if role == Role::Client { Config::client() } else { Config::server() };
    config.entropy = Arc::new(Counting::default());
    config
}
/// A moment to count from: the only clock that is read.
#[allow(clippy::disallowed_methods, reason = "an epoch to count from")]
pub fn epoch() -> Instant {
    Instant::now()
}
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn other(role: Role) -> Role {
    if role == Role::Client { Role::Server } else { Role::Client }
}
/// Every event that waits is taken; says how many there were.
pub fn drain(connection: &mut Connection) -> usize {
    std::iter::from_fn(|| connection.poll_event().map(drop)).count()
}

/// One end, whose peer is the script.
pub struct End {
    pub conn: Connection,
    pub role: Role,
    pub now: Instant,
    /// Bytes the peer has written, and where the last frame of those began.
    fed: u64,
    began: u64,
    /// Frames this end has written: which key is next.
    keys: u32,
}
impl End {
    pub fn new(role: Role) -> Self {
        Self::with(role, |_| ())
    }
    pub fn with(role: Role, tweak: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(role);
        tweak(&mut config);
        Self::of(role, Connection::new(Established::bare(role), config))
    }
    pub fn of(role: Role, conn: Connection) -> Self {
        Self { conn, role, now: epoch(), fed: 0, began: 0, keys: 0 }
    }

    // What the peer does.

    /// A frame as the peer must send it: masked if the peer is the client.
    pub fn frame(&mut self, first: u8, payload: impl AsRef<[u8]>) -> &mut Self {
        let frame = wire(first, payload, self.peer_key());
        self.raw(frame)
    }
    /// Any bytes, where a frame should begin.
    pub fn raw(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.began = self.fed;
        self.more(bytes)
    }
    /// Any bytes, that belong to the frame begun before.
    pub fn more(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.fed += bytes.as_ref().len() as u64;
        self.conn.receive(bytes.as_ref());
        self
    }
    pub fn eof(&mut self) -> &mut Self {
        self.conn.receive_eof();
        self
    }
    /// The transport ends in both directions: nothing more comes, and nothing more leaves.
    pub fn cut(&mut self) -> &mut Self {
        self.conn.receive_eof();
        self.conn.halves().1.write_failed();
        self
    }
    /// The key that the peer masks with, if it must.
    pub fn peer_key(&self) -> Option<[u8; 4]> {
        (self.role == Role::Server).then_some(PEER_KEY)
    }

    // What must come of it.

    pub fn tells(&mut self, expected: Told) -> &mut Self {
        assert_eq!(told(&mut self.conn), Some(expected), "{:?}", self.role);
        self
    }
    pub fn text(&mut self, expected: &str) -> &mut Self {
        self.tells(Told::Message(Message::text(expected)))
    }
    pub fn binary(&mut self, expected: &[u8]) -> &mut Self {
        self.tells(Told::Message(Message::binary(expected.to_vec())))
    }
    pub fn ping(&mut self, expected: impl AsRef<[u8]>) -> &mut Self {
        self.tells(Told::Ping(expected.as_ref().to_vec()))
    }
    pub fn pong(&mut self, expected: impl AsRef<[u8]>) -> &mut Self {
        self.tells(Told::Pong(expected.as_ref().to_vec()))
    }
    pub fn quiet(&mut self) -> &mut Self {
        assert_eq!(told(&mut self.conn), None, "{:?}", self.role);
        self
    }
    /// An error is next; whichever.
    pub fn errs(&mut self) -> &mut Self {
        assert!(matches!(told(&mut self.conn), Some(Told::Error(_))));
        self
    }
    pub fn is(&mut self, state: ReadyState) -> &mut Self {
        assert_eq!(self.conn.state(), state, "{:?}", self.role);
        self
    }
    /// Exactly these bytes have left or are about to, and no more: one frame, masked with the next key by a client.
    pub fn writes(&mut self, first: u8, payload: impl AsRef<[u8]>) -> &mut Self {
        self.writes_all(&[(first, payload.as_ref())])
    }
    pub fn writes_all(&mut self, expected: &[(u8, &[u8])]) -> &mut Self {
        let mut bytes = vec![];
        for (first, payload) in expected {
            let key = (self.role == Role::Client).then(|| key(self.keys));
            self.keys += 1;
            bytes.extend(wire(*first, payload, key));
        }
        let out = written(&mut self.conn);
        assert!(out == bytes, "{:?} wrote {:x?}\ninstead of {:x?}", self.role, start(&out), start(&bytes));
        self
    }
    pub fn writes_nothing(&mut self) -> &mut Self {
        self.writes_all(&[])
    }
    /// What is queued leaves, and is not looked at.
    pub fn flush(&mut self) -> &mut Self {
        self.keys += frames(&written(&mut self.conn)).len() as u32;
        self
    }
    /// The end, as told; and nothing after it.
    pub fn ends(&mut self) -> Closed {
        let Some(Told::Closed(closed)) = told(&mut self.conn) else { panic!("{:?}: not closed", self.role) };
        self.quiet().is(ReadyState::Closed);
        assert_eq!(self.conn.poll_timeout(), None, "nothing is waited for after the end");
        closed
    }

    /// The last frame broke a rule: it is told once, with where that frame began; a Close frame with this code is
    /// all that leaves; nothing that follows is processed; and the end says why.
    pub fn fails(&mut self, code: u16, violation: Violation) -> Closed {
        let error = match told(&mut self.conn) {
            Some(Told::Error(error)) => error,
            other => panic!("{:?}: no error {violation:?} but {other:?}", self.role),
        };
        assert_eq!((error.violation, error.offset), (violation, self.began), "{:?}", self.role);
        assert_eq!(error.close_code().get(), code);
        self.is(ReadyState::Closing);
        assert_eq!(self.conn.send("too late"), Err(SendError::Closing));
        self.writes(CLOSE, body(code, &violation.to_string()));
        assert!(self.conn.wants_shutdown(), "{:?}: the transport is ended at once", self.role);
        self.conn.shut_down();
        self.frame(TEXT, "not processed").frame(PING, "?").frame(CLOSE, body(1000, "")).more([0xFF; 99]);
        self.quiet().writes_nothing().is(ReadyState::Closing);
        self.eof();
        let closed = self.ends();
        assert_eq!((closed.error.as_ref(), closed.timed_out), (Some(&error), None));
        assert_eq!((closed.code(), closed.was_clean(), closed.reason()), (1006, false, ""));
        let sent = CloseFrame::truncate(CloseCode::new(code).unwrap(), &violation.to_string());
        assert_eq!((&closed.sent, &closed.received), (&CloseSeen::Frame(sent), &CloseSeen::None));
        closed
    }

    // Time.

    /// So much time passes, and it is told.
    pub fn pass(&mut self, by: Duration) -> &mut Self {
        self.now += by;
        self.conn.handle_timeout(self.now);
        self
    }
    /// Time is told only now that the next deadline has come; says how long that took.
    pub fn pass_to_deadline(&mut self) -> Duration {
        let at = self.conn.poll_timeout().expect("a deadline");
        let by = at.saturating_duration_since(self.now);
        self.pass(by);
        by
    }
    /// How long until the next deadline.
    pub fn due_in(&self) -> Option<Duration> {
        self.conn.poll_timeout().map(|at| at.saturating_duration_since(self.now))
    }
}

fn start(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(200)]
}

/// Two ends, and a wire that delivers at most `mtu` bytes at a time.
pub struct Pair {
    pub client: Connection,
    pub server: Connection,
    pub now: Instant,
    pub mtu: usize,
}
impl Pair {
    pub fn new(tweak: impl Fn(&mut Config)) -> Self {
        let end = |role| {
            let mut config = config(role);
            tweak(&mut config);
            Connection::new(Established::bare(role), config)
        };
        Self { client: end(Role::Client), server: end(Role::Server), now: epoch(), mtu: usize::MAX }
    }
    pub fn end(&mut self, role: Role) -> &mut Connection {
        if role == Role::Client { &mut self.client } else { &mut self.server }
    }
    /// Moves bytes until nothing moves: what the client was told, and the server.
    pub fn drive(&mut self) -> (Vec<Told>, Vec<Told>) {
        let (mut client, mut server) = (all_told(&mut self.client), all_told(&mut self.server));
        while carry(&mut self.client, &mut self.server, self.mtu, &mut server)
            | carry(&mut self.server, &mut self.client, self.mtu, &mut client)
        {}
        client.extend(all_told(&mut self.client));
        server.extend(all_told(&mut self.server));
        (client, server)
    }
}
fn carry(from: &mut Connection, to: &mut Connection, mtu: usize, events: &mut Vec<Told>) -> bool {
    let mut moved = false;
    while from.transmit().has_remaining() {
        let n = from.transmit().chunk().len().min(mtu);
        to.receive(&from.transmit().chunk()[..n]);
        from.transmit().advance(n);
        events.extend(all_told(to));
        moved = true;
    }
    if from.wants_shutdown() {
        from.shut_down();
        to.receive_eof();
        events.extend(all_told(to));
        moved = true;
    }
    moved
}
