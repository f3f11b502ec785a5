//! What a driver should do next: whether to read, to write, to shut down or to wait, and until when.
//!
//! These are questions, answered from the state and without I/O, so a driver may ask them in any order and as often as it
//! likes. Both adapters of this crate ask nothing else.
use super::{
    Connection, Inbound,
    event::{ControlSink, Sending},
    state::{InputState, ReadyState, RecvState, SendState},
};
use std::time::Instant;

/// What a driver should do once no event is ready and the transport has taken what it can: see [`Inbound::next_step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read from the transport, waiting if need be.
    Read {
        /// Tell the time first: see [`Inbound::wants_time`].
        timed: bool,
    },
    /// Shut the transport down for writing: see [`Inbound::wants_shutdown`].
    ShutDown,
    /// Wait for the transport to take output: nothing is to be read before.
    Wait,
    /// Ask for the next event: see [`Inbound::is_ending`], or a message was kept back and need not be any more.
    Advance,
}

impl Inbound {
    /// What to do next: the other questions in one.
    #[inline]
    pub fn next_step(&self, out: &impl ControlSink) -> Step {
        if self.state == RecvState::Open && self.input == InputState::Open && out.is_idle() {
            return if self.is_held() { Step::Advance } else { Step::Read { timed: self.is_timed() } };
        }
        self.next_step_slow(out, &out.sending())
    }

    #[inline(never)]
    fn next_step_slow(&self, out: &impl ControlSink, sending: &Sending) -> Step {
        if self.wants_shutdown_with(sending) {
            Step::ShutDown
        } else if self.role().has_ended(self.state, sending.state, self.input, sending.waiting)
            || self.is_held() && !self.is_paused(out)
        {
            Step::Advance
        } else if self.wants_read_with(sending) {
            Step::Read { timed: self.wants_time_with(sending) }
        } else {
            Step::Wait
        }
    }

    /// Whether a message that has come was kept back when it was last asked for.
    #[inline]
    fn is_held(&self) -> bool {
        self.held && !self.reader.is_drained()
    }

    /// Whether to read from the transport. Not after its end; not while more than
    /// [`high_water_mark`](crate::Config::high_water_mark) is queued and a message has come that has to wait for that, so
    /// that a peer that takes no answers is asked for nothing more; and not while a ping waits for its pong, so that a flood
    /// of pings ends at the transport.
    pub fn wants_read(&self, out: &impl ControlSink) -> bool {
        self.wants_read_with(&out.sending())
    }

    pub(super) fn wants_read_with(&self, sending: &Sending) -> bool {
        self.input == InputState::Open
            && self.state != RecvState::Ended
            && !self.is_held()
            && !(sending.owes_pong && sending.waiting)
    }

    /// Whether the transport should now be shut down for writing (RFC 6455 §7.1.1): see
    /// [`Connection::wants_shutdown`](super::Connection::wants_shutdown).
    pub fn wants_shutdown(&self, out: &impl ControlSink) -> bool {
        self.wants_shutdown_with(&out.sending())
    }

    fn wants_shutdown_with(&self, sending: &Sending) -> bool {
        !sending.waiting && self.role().wants_shutdown(self.state, sending.state, self.input)
    }

    /// Whether [`Event::Closed`](super::Event::Closed) can come without the transport being waited for: everything that was
    /// to be read or written has been, or was given up.
    pub fn is_ending(&self, out: &impl ControlSink) -> bool {
        let sending = out.sending();
        self.role().has_ended(self.state, sending.state, self.input, sending.waiting)
    }

    /// Whether more than the high-water mark is queued, so that no message is handed out. Control frames in front of the
    /// next message are: the peer may ask whether we are alive while it takes a long message.
    ///
    /// Not while closing: no message can be queued then, and the peer's Close frame is waited for.
    #[inline(always)]
    pub(super) fn is_paused(&self, out: &impl ControlSink) -> bool {
        self.pausing && out.buffered_amount() > self.config.high_water_mark && self.pauses(&out.sending())
    }

    /// Whether the mark counts.
    #[cold]
    fn pauses(&self, sending: &Sending) -> bool {
        sending.state == SendState::Open && self.input != InputState::GivenUp
    }

    /// Whether output above the high-water mark keeps events and reads back. Default: it does.
    ///
    /// Switch it off where those who send wait at the mark by themselves, in another thread or task: a peer that must be
    /// read before it reads would else wait for ever.
    pub fn set_pausing(&mut self, pausing: bool) {
        self.pausing = pausing;
    }

    /// The state of both directions: see [`Connection::state`].
    pub fn ready_state(&self, out: &impl ControlSink) -> ReadyState {
        ReadyState::of(self.state, out.sending().state)
    }
}

impl Connection {
    /// What to do next, once no event is ready and the transport has taken what it can: see [`Inbound::next_step`].
    pub fn next_step(&self) -> Step {
        self.inbound.next_step(&self.outbound)
    }
    /// Whether to read from the transport: see [`Inbound::wants_read`].
    pub fn wants_read(&self) -> bool {
        self.inbound.wants_read(&self.outbound)
    }
    /// Whether there are bytes to write, or bytes that the transport has taken and not let go of: see
    /// [`Outbound::wants_write`](super::Outbound::wants_write).
    pub fn wants_write(&self) -> bool {
        self.outbound.wants_write()
    }
    /// Whether the transport should now be shut down for writing: FIN, TLS `close_notify`, HTTP/2 END_STREAM
    /// (RFC 6455 §7.1.1). Never before [`transmit`](Self::transmit) has run empty.
    pub fn wants_shutdown(&self) -> bool {
        self.inbound.wants_shutdown(&self.outbound)
    }
    /// Tells the time: see [`Inbound::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.inbound.handle_timeout(now, &mut self.outbound);
    }
    /// When to call [`handle_timeout`](Self::handle_timeout) again, at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.inbound.poll_timeout()
    }
    /// Whether the clock should be read before waiting: see [`Inbound::wants_time`].
    pub fn wants_time(&self) -> bool {
        self.inbound.wants_time(&self.outbound)
    }
}
