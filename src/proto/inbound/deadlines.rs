//! The deadlines: what silence means, and what is done about it.
use super::Inbound;
use crate::{
    close::{CloseCode, CloseFrame},
    proto::{
        closed::Deadline,
        event::{Control, ControlSink, Sending},
        state::{RecvState, SendState},
        timer::Timer,
    },
};
use std::time::{Duration, Instant};

impl Inbound {
    /// Tells it the time: the only way that time comes in. Fires what is due, and starts what should now run.
    ///
    /// Calling it too often costs little; calling it late delays what is due, and never never fires it.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut impl ControlSink) {
        let sending = out.sending();
        if self.eof {
            return self.timers.stop_all();
        }
        if self.state != RecvState::Open || sending.state != SendState::Open {
            if self.timers.take_due(Timer::Close, now) {
                return self.give_up(Deadline::Close);
            }
            let running = self.timers.is_running(Timer::Close);
            if !running {
                self.timers.stop_all();
                self.timers.start(Timer::Close, now, self.config.close_timeout);
            }
            return;
        }
        self.keep_alive(now, out, &sending);
        if self.eof {
            return;
        }
        if !self.reader.is_unfinished() {
            self.timers.stop(Timer::Message);
        } else if std::mem::take(&mut self.reader.progressed) || !self.timers.is_running(Timer::Message) {
            self.timers.start(Timer::Message, now, self.config.message_timeout);
        } else if self.timers.take_due(Timer::Message, now) {
            return self.stalled(now, out);
        }
        if !sending.waiting {
            self.timers.stop(Timer::Write);
        } else if sending.taken != self.taken || !self.timers.is_running(Timer::Write) {
            self.taken = sending.taken;
            self.timers.start(Timer::Write, now, self.config.write_timeout);
        } else if self.timers.take_due(Timer::Write, now) {
            self.give_up(Deadline::Write);
        }
    }

    /// Any byte is life; silence brings a ping, and silence after it the end.
    fn keep_alive(&mut self, now: Instant, out: &mut impl ControlSink, sending: &Sending) {
        let Some(keepalive) = self.config.keepalive else { return };
        let received = self.received();
        // So is that it takes what it is sent, as long as there is anything to take.
        let alive = received != self.heard || sending.waiting && sending.taken != self.taken;
        if alive || !self.timers.is_running(Timer::Keepalive) {
            (self.heard, self.pinged) = (received, false);
            self.timers.start(Timer::Keepalive, now, Some(keepalive.interval));
        } else if self.timers.take_due(Timer::Keepalive, now) {
            if self.pinged {
                return self.give_up(Deadline::Keepalive);
            }
            out.control(Control::Ping);
            self.pinged = true;
            self.timers.start(Timer::Keepalive, now, Some(keepalive.timeout));
        }
    }

    /// While nothing is being read, silence says nothing of the peer: the deadlines that end it start anew.
    pub(crate) fn listens(&mut self, reading: bool, now: Instant) {
        if std::mem::replace(&mut self.listening, reading) && reading {
            return;
        }
        let (pinged, keepalive) = (self.pinged, self.config.keepalive);
        let silence = keepalive.map(|silence| if pinged { silence.timeout } else { silence.interval });
        for (timer, after) in [(Timer::Keepalive, silence), (Timer::Message, self.config.message_timeout)] {
            if self.timers.take_due(timer, now) {
                self.timers.start(timer, now, after);
            }
        }
    }

    /// An unfinished message has brought no byte: the peer is there, but does not do its part.
    fn stalled(&mut self, now: Instant, out: &mut impl ControlSink) {
        self.ending().timed_out = Some(Deadline::Message);
        self.state = RecvState::Discarding;
        self.reader.end();
        out.control(Control::Fail(CloseFrame::new(
            CloseCode::POLICY_VIOLATION,
            &Deadline::Message.to_string(),
        )));
        self.timers.stop_all();
        self.timers.start(Timer::Close, now, self.config.close_timeout);
    }

    /// The transport is not waited for any more.
    pub(crate) fn give_up(&mut self, deadline: Deadline) {
        self.ending().timed_out.get_or_insert(deadline);
        self.eof = true;
        self.timers.stop_all();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) again, at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The latest deadline that has passed, and has not been seen to.
    pub(crate) fn latest_due(&self, now: Instant) -> Option<Instant> {
        self.timers.latest_due(now)
    }

    /// How many bytes have come, ever, modulo 2^32: whether any has is what matters.
    fn received(&self) -> u32 {
        self.reader.received() as u32
    }

    /// Whether bytes have come that [`handle_timeout`](Self::handle_timeout) has not been told the time of.
    pub(crate) fn has_heard(&self) -> bool {
        self.received() != self.heard
    }

    /// The deadline that ended it.
    pub(crate) fn timed_out(&self) -> Option<Deadline> {
        self.ending.as_ref().and_then(|ending| ending.timed_out)
    }

    /// See [`Config::close_timeout`].
    pub(crate) fn close_timeout(&self) -> Option<Duration> {
        self.config.close_timeout
    }

    /// See [`Config::write_timeout`].
    pub(crate) fn write_timeout(&self) -> Option<Duration> {
        self.config.write_timeout
    }

    /// See [`Keepalive::interval`](crate::Keepalive::interval).
    pub(crate) fn keepalive_interval(&self) -> Option<Duration> {
        self.config.keepalive.map(|keepalive| keepalive.interval)
    }

    /// The next deadline that bytes alone do not put off.
    pub(crate) fn strict_deadline(&self) -> Option<Instant> {
        self.timers.strict()
    }

    /// Whether there is a deadline that bytes alone do not put off (a message is unfinished, output waits, the
    /// connection is closing), or one that has not been started.
    ///
    /// A driver that calls [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) has
    /// passed, and before it waits if this says so, need not read the clock each time it wakes.
    pub fn wants_time(&self, out: &impl ControlSink) -> bool {
        let sending = out.sending();
        let closing = self.state != RecvState::Open || sending.state != SendState::Open;
        !self.eof && (closing || sending.waiting || self.is_timed())
    }

    /// As [`wants_time`](Self::wants_time), of an open connection without output.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        let untimed = self.config.keepalive.is_some() && !self.timers.is_running(Timer::Keepalive);
        untimed || self.reader.is_unfinished()
    }

    /// Whether the transport has ended or was given up, and that has not been told.
    #[inline]
    pub(crate) fn is_given_up(&self) -> bool {
        self.eof && !self.told
    }

    /// The transport has not taken a byte for as long as a write may take.
    pub(crate) fn write_timed_out(&mut self) {
        self.give_up(Deadline::Write);
    }
}
