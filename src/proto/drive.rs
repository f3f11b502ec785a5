//! What a driver should do next: whether to read, to write, to shut down or to wait, and until when.
//!
//! These are questions, answered from the state and without I/O. So a driver may ask them in any order, as often as it
//! likes. The adapters of this crate ask the same ones.
use super::{
    Connection, Inbound,
    event::{ControlSink, Sending},
    inbound::Pausing,
    state::{InputState, ReadyState, RecvState, SendState},
};
use std::time::Instant;

/// What a driver should do once no event is ready and the transport has taken what it can: see [`Inbound::next_step`].
///
/// There is no step for writing: a driver writes before it asks, in each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read from the transport, and put in what comes. If nothing does, wait: for input and, while
    /// [`wants_write`](Connection::wants_write), for the transport to take output.
    Read {
        /// Tell the time before waiting: see [`Inbound::wants_time`].
        timed: bool,
    },
    /// Shut the transport down for writing, then say so by [`Outbound::shut_down`](super::Outbound::shut_down): see
    /// [`Inbound::wants_shutdown`]. If the transport cannot do that, treat it as ended:
    /// [`receive_eof`](Inbound::receive_eof).
    ShutDown,
    /// Tell the time, then wait for the transport to take output. Read nothing before: see [`Inbound::wants_read`].
    Wait,
    /// Ask for the next event, without I/O: the connection [is ending](Inbound::is_ending), or a message that was kept
    /// back at the high-water mark can be handed out now.
    Advance,
}

impl Inbound {
    /// What to do next, once no event is ready and the transport has taken what it can. It asks the other questions
    /// here, in this order: [`wants_shutdown`](Self::wants_shutdown), [`is_ending`](Self::is_ending),
    /// [`wants_read`](Self::wants_read), [`wants_time`](Self::wants_time).
    #[inline]
    pub fn next_step(&mut self, out: &impl ControlSink) -> Step {
        if self.state == RecvState::Open && self.input == InputState::Open && out.is_idle() {
            return if self.is_held() { Step::Advance } else { Step::Read { timed: self.is_timed() } };
        }
        self.next_step_slow(out, &out.sending())
    }

    #[inline(never)]
    fn next_step_slow(&mut self, out: &impl ControlSink, sending: &Sending) -> Step {
        self.reads_little |= sending.waiting;
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

    /// Whether a message has come, and the high-water mark kept it back when an event was last asked for.
    #[inline]
    fn is_held(&self) -> bool {
        self.pausing == Pausing::Held && !self.reader.is_drained()
    }

    /// Whether to read from the transport. It is not to be read
    ///
    /// - after its end;
    /// - while a message is kept back because more than [`high_water_mark`](crate::Config::high_water_mark) is queued:
    ///   a peer that takes no answers is asked for nothing more;
    /// - while a pong waits for the transport: a flood of pings is left there.
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

    /// Whether [`Event::Closed`](super::Event::Closed) comes without waiting for the transport: all input has been read
    /// and all output written, or the connection was given up.
    pub fn is_ending(&self, out: &impl ControlSink) -> bool {
        let sending = out.sending();
        self.role().has_ended(self.state, sending.state, self.input, sending.waiting)
    }

    /// Whether no message is handed out, because more than the high-water mark is queued. Control frames in front of
    /// the next message are handed out: a peer that is taking a long message may ask whether we are alive.
    ///
    /// A connection that is closing does not pause. No message can be queued then, and the peer's Close frame has to
    /// come.
    #[inline(always)]
    pub(super) fn is_paused(&self, out: &impl ControlSink) -> bool {
        self.pausing != Pausing::Off
            && out.buffered_amount() > self.config.high_water_mark
            && self.pauses(&out.sending())
    }

    /// Whether the high-water mark counts: not while closing.
    #[cold]
    fn pauses(&self, sending: &Sending) -> bool {
        sending.state == SendState::Open && self.input != InputState::GivenUp
    }

    /// Whether messages and reads are kept back while more than [`high_water_mark`](crate::Config::high_water_mark) is
    /// queued. Default: they are.
    ///
    /// Switch it off if senders wait at the mark in threads or tasks of their own. Else a peer that reads only after it has
    /// been read would wait for ever.
    pub fn set_pausing(&mut self, pausing: bool) {
        self.pausing = if pausing { Pausing::On } else { Pausing::Off };
    }

    /// The state of both directions: see [`Connection::state`].
    pub fn ready_state(&self, out: &impl ControlSink) -> ReadyState {
        ReadyState::of(self.state, out.sending().state)
    }
}

impl Connection {
    /// What to do next, once no event is ready and the transport has taken what it can: see [`Inbound::next_step`].
    pub fn next_step(&mut self) -> Step {
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
    /// When to call [`handle_timeout`](Self::handle_timeout) again, at the latest. `None`: no deadline runs.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.inbound.poll_timeout()
    }
    /// Whether the time should be told before waiting, whatever [`poll_timeout`](Self::poll_timeout) says: see
    /// [`Inbound::wants_time`].
    pub fn wants_time(&self) -> bool {
        self.inbound.wants_time(&self.outbound)
    }
}
