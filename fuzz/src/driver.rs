//! One end, its transport and its clock, as a driver sees them; a peer that sends and takes what the script wants; and a
//! naive account of what must come of it.
mod account;
mod app;
mod clock;
mod peer;
mod run;
mod setup;
mod wire;

pub use run::World;
pub use setup::{Settings, Timeouts};

use crate::{
    memory,
    model::{self, Body, Item},
};
use app::Asked;
use clock::{Clock, View};
use peer::Peer;
use sansocket::{
    CloseFrame, Deadline, ProtocolError,
    bytes::BufMut,
    proto::{Closed, Connection, Established, Event, Role, SendState, Transmit},
};
use setup::config;
use std::{sync::LazyLock, time::Instant};
use wire::Wire;

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
    /// The peer takes nothing, so no flush is done. The transport in between holds at most this many bytes.
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
    /// The events that the end under test has given.
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
    /// The peer takes everything it is sent, or this many bytes and then nothing.
    pub fn peer_takes(&mut self, all: bool, room: usize) {
        self.stuck = !all;
        self.room = if all { usize::MAX } else { room };
    }

    /// Reads this many bytes if the driver should read. Says whether it read anything.
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
            2 => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let buf = self.connection.read_buf();
                    let mut room = buf.append();
                    let (now, later) = rest.split_at(rest.len().min(room.remaining_mut()));
                    room.put_slice(now);
                    rest = later;
                }
            }
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

    /// Takes an event, by the call that begins turns by itself or in two steps. `false`: there is none, in this turn.
    pub fn hear(&mut self, poll: bool) -> bool {
        let mark = self.settings.high_water_mark;
        let (inbound, outbound) = self.connection.halves();
        let open = outbound.state() == SendState::Open && !self.aborted && !self.given_up;
        let pauses = self.pausing && open && outbound.buffered_amount() > mark;
        let waited = outbound.wants_write();
        memory::forget();
        let event = match poll {
            true => inbound.poll_event(outbound),
            false => inbound.advance(outbound).map(|ready| inbound.lend(ready)),
        };
        let Some(event) = event else {
            self.check_memory();
            return false;
        };
        self.moves += 1;
        assert!(self.closed.is_none(), "{event:?} after Closed");
        let data = matches!(event, Event::Message(_) | Event::Chunk { .. });
        assert!(!(pauses && data), "a message above the high-water mark");
        assert!(self.error.is_none() || matches!(event, Event::Closed(_)), "{event:?} after an error");
        match event {
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
                let given_up = self.aborted || self.given_up;
                assert!(given_up || !waited, "the end, and output that waits");
                assert!(given_up || self.eof || self.is_over(), "the end, and the peer may say more");
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
        // Both Close frames have gone, and nothing can come after the server's end.
        let over = self.is_over() && !self.connection.wants_write();
        assert!(ending || !over, "a server that waits for the client's end");
        loop {
            self.connection.halves().0.begin_turn();
            while self.hear(false) {}
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

    /// A server has heard the client's Close frame, and ended its side.
    fn is_over(&self) -> bool {
        self.settings.role == Role::Server && self.by_peer.is_some() && self.shut_down
    }

    fn is_ending(&mut self) -> bool {
        let (inbound, outbound) = self.connection.halves();
        inbound.is_ending(outbound)
    }
}

fn body(frame: Option<&CloseFrame>) -> Body {
    frame.map(|frame| (frame.code.get(), frame.reason.as_str().to_owned()))
}
