//! The driver's view of the core: whatever the order of bytes, writes, flushes and clock, no deadline is missed and none
//! fires early, and everything that was accepted has left or is counted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use crate::support::{chance::Chance, *};
use sansocket::{
    CloseCode, Closed, Deadline, Keepalive, ReadyState,
    bytes::Buf,
    proto::Established,
    proto::{Connection, Role},
};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(7);
const PONG: Duration = Duration::from_secs(5);
const MESSAGE: Duration = Duration::from_secs(11);
const WRITE: Duration = Duration::from_secs(13);
const CLOSING: Duration = Duration::from_secs(3);

/// A connection, and what its transport has seen of it: since when there has been cause for each deadline.
struct Run {
    conn: Connection,
    role: Role,
    now: Instant,
    chance: Chance,
    /// When a byte came, when one of a data payload did, and when one left.
    heard: Instant,
    fed_payload: Instant,
    left: Instant,
    /// When output began to wait, and when it had all left after a Close frame of either end.
    waits_since: Option<Instant>,
    closing_since: Option<Instant>,
    /// When the time was last told, and the longest that it was not.
    told: Instant,
    gap: Duration,
    /// Bytes that the transport has taken and not let go of.
    held: usize,
    /// Whether the message in progress is unfinished.
    unfinished: bool,
    stalled: bool,
    accepted: usize,
    wrote: usize,
    eof: bool,
}

impl Run {
    fn new(seed: u64) -> Self {
        let role = BOTH[seed as usize % 2];
        let mut config = config(role);
        config.keepalive = Some(Keepalive { interval: INTERVAL, timeout: PONG });
        (config.message_timeout, config.write_timeout) = (Some(MESSAGE), Some(WRITE));
        config.close_timeout = Some(CLOSING);
        let now = epoch();
        let mut conn = Connection::new(Established::bare(role), config);
        conn.handle_timeout(now);
        let chance = Chance(seed);
        Self {
            conn,
            role,
            now,
            chance,
            heard: now,
            fed_payload: now,
            left: now,
            waits_since: None,
            closing_since: None,
            told: now,
            gap: Duration::ZERO,
            held: 0,
            unfinished: false,
            stalled: false,
            accepted: 0,
            wrote: 0,
            eof: false,
        }
    }

    /// Some time passes, but no deadline.
    fn pass(&mut self) {
        let by = Duration::from_millis(self.chance.below(4_000) as u64);
        let until = self.conn.poll_timeout().unwrap_or(self.now + by);
        self.now = (self.now + by).min(until.max(self.now));
    }

    /// Tells the time, and looks what came of it.
    fn tell(&mut self) -> Option<Closed> {
        self.gap = self.gap.max(self.now - self.told);
        self.told = self.now;
        let open = self.conn.state() == ReadyState::Open;
        self.conn.handle_timeout(self.now);
        if open && self.conn.state() == ReadyState::Closing {
            let since = self.now - self.fed_payload;
            assert!(self.unfinished && since >= MESSAGE && since <= MESSAGE + 2 * self.gap, "{since:?}");
            self.stalled = true;
        }
        self.look()
    }

    fn look(&mut self) -> Option<Closed> {
        for event in all_told(&mut self.conn) {
            if let Told::Closed(closed) = event {
                return Some(closed);
            }
        }
        let waiting = self.conn.wants_write();
        self.waits_since = waiting.then(|| self.waits_since.unwrap_or(self.now));
        if self.conn.state() == ReadyState::Closing && !waiting {
            self.closing_since.get_or_insert(self.now);
        }
        None
    }

    fn feed(&mut self) {
        if self.eof {
            return;
        }
        self.heard = self.now;
        let key = (self.role == Role::Server).then_some(PEER_KEY);
        let first = match self.chance.below(12) {
            0..5 => 0x8A, // a pong, which is a sign of life and nothing else
            5 => 0x89,
            6..9 if self.unfinished => 0x00,
            6..9 => 0x02,
            9..11 if self.unfinished => FIN,
            9..11 => BINARY,
            _ if self.chance.below(4) == 0 => CLOSE,
            _ => 0x8A,
        };
        if first & 0x08 == 0 {
            self.fed_payload = self.now;
            self.unfinished = first & FIN == 0;
        }
        self.conn.receive(&wire(first, if first == CLOSE { "" } else { "data" }, key));
    }

    fn write(&mut self, most: usize) {
        if self.held > 0 {
            return; // it lets go first
        }
        while self.conn.transmit().has_remaining() {
            let n = (1 + self.chance.below(most)).min(self.conn.transmit().chunk().len());
            self.conn.transmit().advance(n);
            self.wrote += n;
            self.held += n;
            if self.chance.below(3) == 0 {
                break;
            }
        }
        if self.held == 0 {
            return;
        }
        if self.chance.below(2) == 0 {
            self.conn.halves().1.flush_pending();
        } else {
            self.let_go();
        }
    }

    fn let_go(&mut self) {
        if self.held > 0 {
            (self.held, self.left) = (0, self.now);
            self.conn.halves().1.flushed();
        }
    }

    fn send(&mut self) {
        let len = self.chance.below(3_000);
        if self.conn.send(vec![0; len]).is_ok() {
            self.accepted += len;
        }
    }

    /// Runs to the end; whatever happens, there is one.
    fn run(&mut self) -> Closed {
        let quiet = self.chance.below(400);
        for step in 0.. {
            let action = if step > quiet { 9 + self.chance.below(2) } else { self.chance.below(11) };
            match action {
                0..3 => self.feed(),
                3 => self.send(),
                4..6 => self.write(5_000),
                6 => self.let_go(),
                7 if self.chance.below(30) == 0 => self.conn.close(CloseCode::NORMAL),
                8 if self.chance.below(60) == 0 => {
                    self.eof = true;
                    self.conn.receive_eof();
                }
                9 => self.pass(),
                _ => {}
            }
            if let Some(closed) = self.look().or_else(|| self.tell()) {
                return closed;
            }
            assert!(step < 5_000, "it does not end");
        }
        unreachable!()
    }
}

#[test]
fn no_deadline_fires_early_and_none_is_missed() {
    let mut seen = [0; 5];
    for seed in 0..4_000 {
        let mut run = Run::new(seed);
        let closed = run.run();
        let since = |cause: Instant| run.now - cause;
        // With the clock told after everything that happens, a deadline is acted on at once, so it is late by no more
        // than the longest time that the clock was not told.
        let (cause, after) = match closed.timed_out {
            None => {
                assert!(
                    closed.error.is_none() && (run.eof || closed.received.is_some()),
                    "seed {seed}: {closed:?}"
                );
                seen[0] += 1;
                continue;
            }
            Some(Deadline::Keepalive) => (run.heard, INTERVAL + PONG),
            Some(Deadline::Message) => {
                seen[2] += 1;
                assert!(run.stalled, "seed {seed}: {closed:?}"); // looked at when it happened
                continue;
            }
            Some(Deadline::Write) => (run.left.max(run.waits_since.unwrap()), WRITE),
            Some(Deadline::Close) => (run.closing_since.unwrap(), CLOSING),
            other => panic!("seed {seed}: {other:?}"),
        };
        let late = since(cause).checked_sub(after);
        assert!(late.is_some(), "seed {seed}: {:?} after {:?}", closed.timed_out, since(cause));
        assert!(late.unwrap() <= 2 * run.gap, "seed {seed}: {:?} {late:?} late", closed.timed_out);
        seen[closed.timed_out.unwrap() as usize + 1] += 1;
    }
    assert!(seen.iter().all(|times| *times > 20), "each of them was seen: {seen:?}");
}

#[test]
fn what_was_accepted_has_left_or_is_counted() {
    for seed in 0..2_000 {
        let mut run = Run::new(seed);
        let closed = run.run();
        let unaccounted = run.accepted.saturating_sub(run.wrote + closed.unsent);
        assert_eq!(
            unaccounted, 0,
            "seed {seed}: {} accepted, {} written, {closed:?}",
            run.accepted, run.wrote
        );
    }
}
