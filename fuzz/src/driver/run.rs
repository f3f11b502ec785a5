//! What a driver does in turn: it writes, shuts down, tells the time; and does so until nothing more can come.
use super::{Drive, View};
use sansocket::{
    Deadline,
    bytes::Buf,
    proto::{RecvState, SendState},
};
use std::{io::IoSlice, time::Duration};

/// What the world does when the script has ended.
#[derive(Clone, Copy, Debug)]
pub enum World {
    /// The peer takes nothing and sends nothing.
    Dead,
    /// It takes everything, and says no more.
    Silent,
    /// It takes everything, and ends.
    Ends,
}

/// More often than this nothing has to be waited for: a ping, its answer, a message, output, the end; each put off once.
const MOST_WAITS: usize = 12;

impl Drive {
    /// Has the transport let go of what it holds. `false`: it does not.
    fn release(&mut self) -> bool {
        let out = self.connection.halves().1;
        if out.is_holding() {
            if self.stuck {
                return false;
            }
            out.flushed();
            self.moves += 1;
            self.wire.leave();
        }
        true
    }

    /// The transport takes this many bytes, if it takes any.
    pub fn write(&mut self, n: usize, vectored: bool) {
        if self.has_ended() || self.write_failed || !self.release() {
            return;
        }
        let (before, mut n) = (self.wire.bytes.len(), n.min(self.room));
        while n > 0 {
            let took = self.write_some(n, vectored);
            if took == 0 {
                break;
            }
            n -= took;
        }
        let took = self.wire.bytes.len() - before;
        if took == 0 {
            return;
        }
        assert!(!self.shut_down, "bytes after the end of the transport");
        (self.moves, self.room) = (self.moves + 1, self.room - if self.stuck { took } else { 0 });
        let out = self.connection.halves().1;
        match (self.settings.buffers, self.stuck) {
            (true, true) => out.flush_pending(),
            (true, false) => {
                out.flushed();
                self.wire.leave();
            }
            (false, _) => self.wire.leave(),
        }
    }

    fn write_some(&mut self, n: usize, vectored: bool) -> usize {
        let out = self.connection.halves().1;
        if self.settings.elsewhere && self.away.is_none() {
            self.away = Some(out.take_transmit()).filter(Buf::has_remaining);
        }
        let from = match &mut self.away {
            Some(away) => away,
            None => out.transmit(),
        };
        let mut slices = [IoSlice::new(&[]); 4];
        let count = if vectored { from.chunks_vectored(&mut slices) } else { 0 };
        let chunks = if vectored { &slices[..count] } else { &[IoSlice::new(from.chunk())] };
        let mut took = 0;
        for chunk in chunks {
            let take = chunk.len().min(n - took);
            self.wire.bytes.extend_from_slice(&chunk[..take]);
            took += take;
        }
        from.advance(took);
        assert!(took > 0 || n == 0 || !from.has_remaining(), "bytes that nobody can write");
        if let Some(away) = &self.away {
            let empty = !away.has_remaining();
            out.written(took);
            self.away = self.away.take().filter(|_| !empty);
        }
        took
    }

    /// The transport takes no more bytes, ever.
    pub fn fail_write(&mut self) {
        if !self.write_failed {
            self.cut_off |= self.connection.wants_write();
            (self.write_failed, self.away) = (true, None);
            self.connection.halves().1.write_failed();
            assert!(!self.connection.wants_write() && self.connection.buffered_amount() == 0);
        }
    }

    pub fn shut_down(&mut self) {
        if self.connection.wants_shutdown() {
            assert!(!self.shut_down, "twice");
            assert!(!self.connection.wants_write(), "the end before the last byte");
            assert_eq!(self.connection.transmit().remaining(), 0);
            self.connection.shut_down();
            assert!(!self.connection.wants_shutdown(), "only once");
            (self.shut_down, self.moves) = (true, self.moves + 1);
        }
    }

    pub fn wait(&mut self, quarters: u64) {
        self.now += Duration::from_millis(250 * quarters);
    }

    /// Time passes up to the next deadline.
    pub fn wait_for_deadline(&mut self) {
        self.now = self.connection.poll_timeout().unwrap_or(self.now).max(self.now);
    }

    /// Tells the time: what comes of it is what the clock says.
    pub fn tell(&mut self) {
        let was_ending = self.is_ending();
        let (inbound, out) = self.connection.halves();
        let view = View {
            closing: inbound.state() != RecvState::Open || out.state() != SendState::Open || self.eof,
            ended: self.eof,
            waiting: out.wants_write(),
            left: self.wire.left,
            come: self.peer.come,
            reads: self.reading && inbound.wants_read(out),
            unfinished: self.drained.then(|| self.peer.is_unfinished()),
            payload: self.peer.payload(),
        };
        let state = inbound.state();
        inbound.handle_timeout(self.now, out);
        let (failed, waits) = (inbound.state() != state, out.wants_write());
        let ending = self.is_ending();
        if self.has_ended() || self.aborted || self.given_up {
            assert_eq!((failed, waits, self.connection.poll_timeout()), (false, view.waiting, None));
            assert!(!self.connection.wants_time(), "the time, when all is over");
            return;
        }
        let mut due = self.clock.tell(self.now, view);
        match due.fails {
            Some(fails) => {
                assert_eq!(failed, fails, "a message that has stalled, or has not: {due:?}, {view:?}")
            }
            None if failed => {
                let stalled = self.now - self.seen_at;
                assert!(Some(stalled) >= self.settings.timeouts.message, "too early: {stalled:?}");
                self.clock.fails(self.now);
                (due.gives_up, due.pings) = (None, false);
            }
            None => {}
        }
        if failed {
            self.timed_out = Some(Deadline::Message);
            (self.stalled, self.dropped, self.close_queued) = (true, true, true);
        }
        if !was_ending {
            assert_eq!(ending, due.gives_up.is_some(), "{due:?}, {view:?}");
        }
        if let Some(deadline) = due.gives_up {
            self.timed_out.get_or_insert(deadline);
            self.given_up = true;
            assert_eq!(self.connection.poll_timeout(), None);
        } else {
            assert_eq!(waits, view.waiting || due.pings || failed, "{due:?}, {view:?}");
            let next = self.connection.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a deadline that passed is still to come");
            if let Some(expected) = self.clock.next(view.closing || failed) {
                assert_eq!(next, expected, "{due:?}, {view:?}, {:?}", self.clock);
            }
        }
        self.moves += usize::from(failed || due.pings || due.gives_up.is_some());
    }

    /// The script has ended: the driver goes on until there is nothing more to be done, or the end.
    pub fn finish(mut self, world: World) {
        self.set_reading(true);
        match world {
            World::Dead => self.peer_takes(false, 0),
            World::Silent => self.peer_takes(true, 0),
            World::Ends => {
                self.peer_takes(true, 0);
                self.peer_ends();
            }
        }
        self.run();
        if !self.has_ended() {
            let kept = self.settings.timeouts;
            let bounded = kept.keepalive.is_some() && kept.close.is_some();
            // With a keepalive that does not count because nobody reads, only the write's deadline is left.
            assert!(!bounded || kept.write.is_none(), "nothing ends it: {kept:?}");
            self.peer_takes(true, 0);
            self.peer_ends();
            self.run();
            assert!(self.has_ended(), "it does not end with the transport");
        }
        self.check_end();
    }

    /// Does what is wanted, and else waits for the next deadline: to the end, or as long as there is one.
    fn run(&mut self) {
        let (begun, mut turns, mut waits) = (self.moves, 0, 0);
        while !self.has_ended() && waits <= MOST_WAITS {
            let before = self.moves;
            turns += 1;
            assert!(turns <= self.moves - begun + waits + 3, "{turns} turns, and nothing moves");
            self.drain();
            self.write(usize::MAX, turns % 2 == 0);
            self.shut_down();
            if self.has_ended() || self.is_ending() {
                continue;
            }
            self.read(usize::MAX, turns as u8);
            if self.moves > before {
                continue;
            }
            let timed = self.connection.wants_time();
            if timed {
                self.tell();
            } else {
                assert!(self.clock.is_calm() && !self.peer.is_unfinished() && !self.connection.wants_write());
            }
            if self.moves > before {
                continue;
            }
            let Some(at) = self.connection.poll_timeout() else { return };
            assert!(!timed || at > self.now, "a deadline that has passed");
            (self.now, waits) = (self.now.max(at), waits + 1);
            self.tell();
        }
    }
}
