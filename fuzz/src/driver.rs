//! One end, its transport and its clock, as a driver sees them; a peer that sends and takes what the script wants; and a
//! naive account of what must come of it.
mod account;
mod clock;
mod peer;
mod run;
mod wire;

use crate::{
    Repeatable, memory,
    model::{self, Body, Item},
};
use clock::{Clock, View};
use peer::Peer;
pub use run::World;
use sansocket::{
    CloseCode, CloseFrame, Config, Deadline, Delivery, Keepalive, Outgoing, ProtocolError, ReadyState, Role,
    SendError,
    proto::{Closed, Connection, Established, Event, Position, Ready, SendState, Transmit},
};
use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};
use wire::Wire;

/// Those that are kept; the keepalive's are the interval and the wait for an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    pub keepalive: Option<(Duration, Duration)>,
    pub message: Option<Duration>,
    pub write: Option<Duration>,
    pub close: Option<Duration>,
}

/// How the end is configured, and its transport.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub role: Role,
    pub timeouts: Timeouts,
    pub fragment_size: usize,
    pub high_water_mark: usize,
    pub chunks: bool,
    /// Messages are sent back, lent.
    pub echo: bool,
    pub auto_pong: bool,
    /// The transport holds back what it has taken until a flush is done; else what it takes has left.
    pub buffers: bool,
    /// Bytes are written by another hand: what is to be written is taken away first.
    pub elsewhere: bool,
}

/// A place in what was queued, and what must have left by then.
#[derive(Debug)]
struct Asked {
    position: Position,
    what: What,
    done: bool,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// So many bytes of messages.
    Data(usize),
    /// So many pings.
    Controls(usize),
    Close,
}

/// All of it.
pub struct Drive {
    connection: Connection,
    /// The first buffer may be one that an earlier connection has left to the thread, and have so much memory.
    spare: usize,
    settings: Settings,
    now: Instant,
    clock: Clock,
    peer: Peer,
    wire: Wire,
    /// Bytes to be written, in another hand.
    away: Option<Transmit>,
    /// The peer takes nothing, so that no flush is done, and so many bytes at most fit in between.
    stuck: bool,
    room: usize,
    /// What the driver has been told of: the end of the transport, its failure, that the end is not wanted.
    eof: bool,
    write_failed: bool,
    aborted: bool,
    shut_down: bool,
    reading: bool,
    pausing: bool,
    /// A turn ended with nothing more to be had: all that has come has been looked at.
    drained: bool,
    /// What has been accepted, and how long it is in frames; the message that has begun.
    sent: Vec<Item>,
    begun: Option<(bool, Vec<u8>)>,
    accepted: usize,
    queued: usize,
    pings: Vec<Vec<u8>>,
    pongs: Vec<Vec<u8>>,
    close_queued: bool,
    positions: Vec<Asked>,
    /// What has been heard.
    heard: Vec<Item>,
    /// How often something has moved.
    moves: usize,
    error: Option<ProtocolError>,
    by_peer: Option<bool>,
    closed: Option<Box<Closed>>,
    /// When payload has last come, and when what had come by then had been looked at.
    payload_at: Instant,
    seen_at: Instant,
    /// The first deadline that passed, and whether one did that ends it at once.
    timed_out: Option<Deadline>,
    given_up: bool,
    /// It has failed for a message that stalled.
    stalled: bool,
    /// Messages that were queued are not to be sent.
    dropped: bool,
    /// Output waited when the transport failed, or when the end was told.
    cut_off: bool,
}

static EPOCH: LazyLock<Instant> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "there is no other way to an Instant")]
    Instant::now()
});

impl Drive {
    pub fn new(settings: Settings) -> Self {
        let mut connection = Connection::new(Established::bare(settings.role), config(settings));
        let spare = connection.read_buf().capacity();
        Self {
            connection,
            spare,
            settings,
            now: *EPOCH,
            clock: Clock::new(settings.timeouts),
            peer: Peer::new(settings.role),
            wire: Wire::default(),
            away: None,
            stuck: false,
            room: usize::MAX,
            eof: false,
            write_failed: false,
            aborted: false,
            shut_down: false,
            reading: true,
            pausing: true,
            drained: true,
            sent: vec![],
            begun: None,
            accepted: 0,
            queued: 0,
            pings: vec![],
            pongs: vec![],
            close_queued: false,
            positions: vec![],
            heard: vec![],
            moves: 0,
            error: None,
            by_peer: None,
            closed: None,
            payload_at: *EPOCH,
            seen_at: *EPOCH,
            timed_out: None,
            given_up: false,
            stalled: false,
            dropped: false,
            cut_off: false,
        }
    }

    pub fn has_ended(&self) -> bool {
        self.closed.is_some()
    }

    // What the application does.

    /// So many bytes, or fewer: not too many in all.
    fn allowed(&self, len: usize) -> usize {
        let most = if self.settings.fragment_size < 100 { 2000 } else { 100_000 };
        len.min(most - self.accepted.min(most))
    }

    /// Whether it did what was asked. It must, unless the end has begun or there is a reason.
    fn allows(&self, done: Result<(), SendError>, reason: Option<SendError>) -> bool {
        let ending = self.close_queued || self.write_failed || self.by_peer.is_some() || self.has_ended();
        match done {
            Ok(()) => assert!(!ending && !self.dropped && reason.is_none(), "{reason:?} was to be refused"),
            Err(SendError::Closing) => assert!(ending || self.dropped || self.eof, "refused"),
            Err(error) => assert_eq!(Some(error), reason),
        }
        done.is_ok()
    }

    pub fn send(&mut self, text: bool, len: usize, owned: bool) {
        let bytes = content(self.sent.len(), self.allowed(len));
        let unfinished = self.begun.is_some().then_some(SendError::Unfinished);
        let done = self.connection.send(outgoing(text, bytes, owned));
        if self.allows(done, unfinished) {
            self.count(bytes.len());
            self.sent.push(Item::Data { text, bytes: bytes.to_vec(), fin: true });
        }
    }

    pub fn piece(&mut self, fin: bool, len: usize, owned: bool) {
        let bytes = content(self.sent.len() + len, self.allowed(len));
        let text = self.begun.as_ref().is_none_or(|(text, _)| *text);
        let done = self.connection.send_chunk(outgoing(text, bytes, owned), fin);
        if self.allows(done, None) {
            if fin || !bytes.is_empty() {
                self.count(bytes.len());
            }
            let (_, begun) = self.begun.get_or_insert((text, vec![]));
            begun.extend_from_slice(bytes);
            if fin {
                let bytes = std::mem::take(begun);
                self.begun = None;
                self.sent.push(Item::Data { text, bytes, fin: true });
            }
        }
    }

    /// So many bytes of a message have been accepted.
    fn count(&mut self, len: usize) {
        let (size, masked) = (self.settings.fragment_size, self.settings.role == Role::Client);
        self.accepted += len;
        let header = |len: usize| if len < 126 { 2 } else { 4 } + if masked { 4 } else { 0 };
        let (mut rest, mut framed) = (len, 0);
        while rest > size {
            framed += header(size) + size;
            rest -= size;
        }
        self.queued += framed + header(rest) + rest;
    }

    pub fn ping(&mut self) {
        let payload = self.pings.len().to_be_bytes();
        let done = self.connection.ping(payload);
        if self.allows(done, None) {
            self.pings.push(payload.to_vec());
        }
    }

    pub fn close(&mut self, code: u16, empty: bool) {
        self.close_queued |= self.connection.halves().1.state() == SendState::Open;
        let frame = CloseFrame::new(CloseCode::new(code).unwrap_or(CloseCode::NORMAL), "bye");
        self.connection.close((!empty).then_some(frame));
        assert_ne!(self.connection.state(), ReadyState::Open);
    }

    pub fn abort(&mut self) {
        self.aborted = true;
        self.connection.abort();
        assert!(self.is_ending() && !self.connection.wants_read());
    }

    /// Remembers a place in what is queued.
    pub fn mark(&mut self, what: u8) {
        let out = &*self.connection.halves().1;
        let (position, what) = match what % 4 {
            0 => (out.control_position(), What::Controls(self.pings.len())),
            1 => (out.close_position(), What::Close),
            // What has been dropped is queued no more.
            _ => (out.position(), What::Data(self.queued.saturating_sub(out.unsent()))),
        };
        if self.positions.len() < 16 {
            self.positions.push(Asked { position, what, done: false });
        }
    }

    /// Nobody asks for a place any more.
    pub fn forget_mark(&mut self, which: usize) {
        if !self.positions.is_empty() {
            self.positions.swap_remove(which % self.positions.len());
        }
    }

    pub fn set_pausing(&mut self, pausing: bool) {
        self.pausing = pausing;
        self.connection.halves().0.set_pausing(pausing);
    }

    pub fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
        self.connection.halves().0.set_reading(reading);
        if !reading {
            self.clock.stops_reading();
        }
    }

    // What the peer does.

    pub fn peer_sends(&mut self, text: bool, fin: bool, len: usize) {
        if self.peer.bytes.len() < 100_000 {
            self.peer.data(text, fin, len);
        }
    }
    pub fn peer_sends_frame(&mut self, first: u8, payload: &[u8]) {
        self.peer.frame(first, payload);
    }
    pub fn peer_ends(&mut self) {
        self.peer.ended = true;
    }
    /// The peer takes what it is sent, or so many bytes and then nothing.
    pub fn peer_takes(&mut self, all: bool, room: usize) {
        self.stuck = !all;
        self.room = if all { usize::MAX } else { room };
    }

    // What the driver does.

    /// Reads so many bytes, if it should: says whether it read anything.
    pub fn read(&mut self, n: usize, how: u8) -> bool {
        if !self.connection.wants_read() || self.peer.waiting() > 0 && n == 0 {
            return false;
        }
        self.drained = false;
        if self.peer.waiting() == 0 {
            if self.peer.ended {
                (self.eof, self.moves) = (true, self.moves + 1);
                self.connection.receive_eof();
                assert!(!self.connection.wants_read(), "a read after the end");
            }
            return self.peer.ended;
        }
        self.moves += 1;
        memory::forget();
        let before = self.peer.payload();
        self.peer.take(n);
        if self.peer.payload() != before {
            self.payload_at = self.now;
        }
        let bytes = self.peer.taken();
        match how % 4 {
            0 => self.connection.receive(bytes),
            1 => self.connection.read_buf().extend_from_slice(bytes),
            2 => sansocket::bytes::BufMut::put_slice(&mut self.connection.read_buf().append(), bytes),
            _ => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let mut buf = self.connection.read_buf();
                    let room = buf.room();
                    let fits = rest.len().min(room.len());
                    room[..fits].copy_from_slice(&rest[..fits]);
                    buf.filled(fits);
                    rest = &rest[fits..];
                }
            }
        }
        self.check_memory();
        true
    }

    /// No call asks for much more than has come, or was to be sent.
    fn check_memory(&self) {
        let (asked, come) = (memory::largest(), self.peer.come + self.accepted);
        assert!(asked <= 4 * come + (64 << 10) + self.spare, "{asked} bytes at once, and {come} have come");
    }

    /// Takes an event. `false`: there is none in this turn.
    pub fn hear(&mut self) -> bool {
        let mark = self.settings.high_water_mark;
        let (inbound, outbound) = self.connection.halves();
        let open = outbound.state() == SendState::Open && !self.aborted && !self.given_up;
        let pauses = self.pausing && open && outbound.buffered_amount() > mark;
        let waited = outbound.wants_write();
        memory::forget();
        let ready = inbound.advance(outbound);
        let Some(ready) = ready else {
            self.check_memory();
            return false;
        };
        self.moves += 1;
        assert!(self.closed.is_none(), "{ready:?} after Closed");
        let data = matches!(ready, Ready::Data { .. });
        assert!(!(pauses && data), "a message above the high-water mark");
        assert!(self.error.is_none() || matches!(ready, Ready::Closed(_)), "{ready:?} after an error");
        match inbound.lend(ready) {
            Event::Message(message) => {
                let text = message.as_str().is_some();
                let bytes = message.as_bytes().to_vec();
                if self.settings.echo && self.accepted < 100_000 && self.begun.is_none() {
                    let open = outbound.state() == SendState::Open;
                    assert_eq!(outbound.send(message).is_ok(), open);
                    if open {
                        self.count(bytes.len());
                        self.sent.push(Item::Data { text, bytes: bytes.clone(), fin: true });
                    }
                }
                self.heard.push(Item::Data { text, bytes, fin: true });
            }
            Event::Chunk { data, fin } => {
                let text = data.as_str().is_some();
                model::join(&mut self.heard, text, data.as_bytes(), fin);
            }
            Event::Ping(payload) => {
                let payload = payload.to_vec();
                if !self.settings.auto_pong {
                    let _ = outbound.pong(&payload);
                }
                self.pongs.push(payload.clone());
                self.heard.push(Item::Ping(payload));
            }
            Event::Pong(payload) => self.heard.push(Item::Pong(payload.to_vec())),
            Event::CloseReceived(frame) => {
                self.by_peer = Some(!self.close_queued);
                self.close_queued = true;
                self.heard.push(Item::Close(body(frame.as_ref())));
            }
            Event::Error(error) => {
                (self.error, self.dropped, self.close_queued) = (Some(error), true, true);
            }
            Event::Closed(closed) => {
                assert!(self.aborted || self.given_up || !waited, "the end, and output that waits");
                self.closed = Some(closed);
                self.cut_off |= waited;
            }
            other => panic!("{other:?}"),
        }
        self.check_memory();
        true
    }

    /// Takes all events that there are.
    pub fn drain(&mut self) {
        let ending = self.is_ending();
        loop {
            self.connection.halves().0.begin_turn();
            while self.hear() {}
            if !self.connection.halves().0.has_more() {
                break;
            }
        }
        let paused = self.pausing && self.connection.buffered_amount() > self.settings.high_water_mark;
        self.drained = !paused;
        if self.drained {
            self.seen_at = self.payload_at;
        }
        // Unless what has been heard was answered.
        let answered = self.connection.wants_write();
        assert!(!ending || self.has_ended() || answered, "it was ending, and did not end");
        assert!(self.has_ended() || !self.is_ending(), "it is ending, and has nothing to say");
        if !paused {
            self.connection.halves().0.rest();
        }
    }

    fn is_ending(&mut self) -> bool {
        let (inbound, outbound) = self.connection.halves();
        inbound.is_ending(outbound)
    }
}

fn config(settings: Settings) -> Config {
    let mut config = Config::server();
    config.entropy = Arc::new(Repeatable::default());
    config.fragment_size = settings.fragment_size;
    config.high_water_mark = settings.high_water_mark;
    config.auto_pong = settings.auto_pong;
    config.delivery = if settings.chunks { Delivery::Chunks } else { Delivery::Messages };
    let Timeouts { keepalive, message, write, close } = settings.timeouts;
    config.keepalive = keepalive.map(|(interval, timeout)| Keepalive { interval, timeout });
    (config.message_timeout, config.write_timeout, config.close_timeout) = (message, write, close);
    config
}

fn outgoing(text: bool, bytes: &'static [u8], owned: bool) -> Outgoing<'static> {
    match std::str::from_utf8(bytes) {
        Ok(content) if text && owned => content.to_owned().into(),
        Ok(content) if text => content.into(),
        _ if owned => bytes.to_vec().into(),
        _ => bytes.into(),
    }
}

/// Bytes that differ from those of the message before, and are text.
fn content(seed: usize, len: usize) -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..101_000_u32).map(|i| b' ' + ((i ^ i >> 8) % 95) as u8).collect());
    let from = seed % 61;
    &BYTES[from..from + len]
}

fn body(frame: Option<&CloseFrame>) -> Body {
    frame.map(|frame| (frame.code.get(), frame.reason.as_str().to_owned()))
}
