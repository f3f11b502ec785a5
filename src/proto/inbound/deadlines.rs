//! The deadlines: what silence means, and what is done about it.
use super::Inbound;
use crate::{
    close::{CloseCode, CloseFrame},
    proto::{
        closed::Deadline,
        event::{Control, ControlSink, Sending},
        state::{InputState, RecvState, SendState},
        timer::Timer,
    },
};
use std::time::{Duration, Instant};

impl Inbound {
    /// Tells the time: there is no other way for it to come in. Does what is due, and starts the timers that should now
    /// run.
    ///
    /// Read and write first. Silence is the peer's only if a read has just found nothing. Extra calls are cheap. A late
    /// call acts late, and without any call no deadline passes. Afterwards ask for events and write: the connection may
    /// be [ending](Self::is_ending), or a ping or a Close frame be queued.
    ///
    /// | deadline | passes when | then |
    /// |---|---|---|
    /// | [`keepalive`] | open, and nothing has come or left | a ping; after it, the end |
    /// | [`message_timeout`] | a message is unfinished, and no payload has come | failed with 1008 |
    /// | [`write_timeout`] | output waits, and none has left; also while closing | the end |
    /// | [`close_timeout`] | closing, and all output has left | the end |
    ///
    /// [`keepalive`]: crate::Config::keepalive
    /// [`message_timeout`]: crate::Config::message_timeout
    /// [`write_timeout`]: crate::Config::write_timeout
    /// [`close_timeout`]: crate::Config::close_timeout
    pub fn handle_timeout(&mut self, now: Instant, out: &mut impl ControlSink) {
        if self.state == RecvState::Ended || self.input == InputState::GivenUp {
            return self.timers.stop_all();
        }
        let sending = out.sending();
        let closing = self.is_closing(&sending);
        self.watch_output(now, &sending, closing);
        if self.input == InputState::GivenUp {
            return;
        }
        if closing {
            return self.watch_close(now, &sending);
        }
        let reads = self.reading && self.wants_read_with(&sending);
        if !std::mem::replace(&mut self.listened, reads) || !reads {
            self.excuse_silence(now);
        }
        if self.watch_message(now, out) {
            return self.watch_output(now, &out.sending(), true);
        }
        self.keep_alive(now, out, &sending);
        self.released = sending.released;
    }

    /// Says whether the driver reads. Default: it does.
    ///
    /// While it does not, silence says nothing about the peer, so the deadlines that blame silence start anew when they
    /// pass. A driver needs this only if it tells the time without a read before, although
    /// [`wants_read`](Self::wants_read): one whose caller only sends, for instance.
    #[inline]
    pub fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
        self.listened &= reading;
    }

    /// Gives up when output has waited for too long and none of it has left. Closing without a `write_timeout`, the
    /// `close_timeout` takes its place, so that closing always has a deadline.
    fn watch_output(&mut self, now: Instant, sending: &Sending, closing: bool) {
        let (patience, deadline) = match self.config.write_timeout {
            None if closing => (self.config.close_timeout, Deadline::Close),
            patience => (patience, Deadline::Write),
        };
        if !sending.waiting {
            self.timers.stop(Timer::Write);
        } else if sending.released != self.released || !self.timers.is_running(Timer::Write) {
            self.timers.start(Timer::Write, now, patience);
            if closing {
                self.released = sending.released;
            }
        } else if self.timers.take_due(Timer::Write, now) {
            self.give_up(deadline);
        }
    }

    /// Closing: once all output has left, the transport has to end within `close_timeout`.
    fn watch_close(&mut self, now: Instant, sending: &Sending) {
        self.timers.stop(Timer::Keepalive);
        self.timers.stop(Timer::Message);
        if sending.waiting || self.input == InputState::Ended {
            // Output has a deadline of its own. After the end of the transport only output is waited for.
            self.timers.stop(Timer::Close);
        } else if self.timers.take_due(Timer::Close, now) {
            self.give_up(Deadline::Close);
        } else if !self.timers.is_running(Timer::Close) {
            self.timers.start(Timer::Close, now, self.config.close_timeout);
        }
    }

    /// Any byte that comes is a sign of life, and so is output that leaves. Silence brings a ping; silence after the
    /// ping brings the end.
    fn keep_alive(&mut self, now: Instant, out: &mut impl ControlSink, sending: &Sending) {
        let Some(keepalive) = self.config.keepalive else { return };
        let received = self.received();
        let alive = received != self.heard || sending.waiting && sending.released != self.released;
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

    /// Fails the connection when an unfinished message has brought no byte for too long. Says whether it has.
    fn watch_message(&mut self, now: Instant, out: &mut impl ControlSink) -> bool {
        if !self.reader.is_unfinished() {
            self.timers.stop(Timer::Message);
        } else if std::mem::take(&mut self.reader.progressed) || !self.timers.is_running(Timer::Message) {
            self.timers.start(Timer::Message, now, self.config.message_timeout);
        } else if self.timers.take_due(Timer::Message, now) {
            self.ending().timed_out = Some(Deadline::Message);
            self.state.on_fail();
            self.reader.end();
            let reason = Deadline::Message.to_string();
            out.control(Control::Fail(CloseFrame::truncate(CloseCode::POLICY_VIOLATION, &reason)));
            self.timers.stop(Timer::Keepalive);
            return true;
        }
        false
    }

    /// The deadlines that blame silence start anew if they have passed: nobody listened.
    fn excuse_silence(&mut self, now: Instant) {
        let (pinged, keepalive) = (self.pinged, self.config.keepalive);
        let silence = keepalive.map(|silence| if pinged { silence.timeout } else { silence.interval });
        for (timer, after) in [(Timer::Keepalive, silence), (Timer::Message, self.config.message_timeout)] {
            if self.timers.take_due(timer, now) {
                self.timers.start(timer, now, after);
            }
        }
    }

    /// A deadline has passed: nothing more is waited for. What has come is still delivered, then comes
    /// [`Event::Closed`](crate::proto::Event::Closed) with this deadline in
    /// [`timed_out`](crate::Closed::timed_out).
    ///
    /// [`handle_timeout`](Self::handle_timeout) does this by itself. Only a driver that keeps a deadline elsewhere
    /// calls it, such as one whose senders write in other threads.
    pub fn give_up(&mut self, deadline: Deadline) {
        self.ending().timed_out.get_or_insert(deadline);
        self.input.on_give_up();
        self.timers.stop_all();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) again, at the latest. `None`: no deadline runs.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The latest of the deadlines that have passed by `now` and have not been acted on.
    ///
    /// For a driver whose clock may be ahead of what it knows of the transport, as in an asynchronous runtime: bytes
    /// may have come that the runtime has not polled. Such a driver calls [`handle_timeout`](Self::handle_timeout) only
    /// once the runtime's own timer for this deadline has fired.
    pub fn latest_due(&self, now: Instant) -> Option<Instant> {
        self.timers.latest_due(now)
    }

    /// How many bytes have come, ever, modulo 2^32: whether there are more than before is what matters.
    fn received(&self) -> u32 {
        self.reader.received() as u32
    }

    /// Whether the time should be told before waiting, although [`poll_timeout`](Self::poll_timeout) has not passed: a
    /// deadline is to be started or moved, since a message is unfinished, output waits, the connection is closing, or
    /// no keepalive runs yet.
    ///
    /// Else it is enough to tell the time once `poll_timeout` has passed, and the clock need not be read each time that
    /// the driver wakes.
    pub fn wants_time(&self, out: &impl ControlSink) -> bool {
        self.wants_time_with(&out.sending())
    }

    pub(in crate::proto) fn wants_time_with(&self, sending: &Sending) -> bool {
        let timed = sending.waiting || self.is_closing(sending) || self.is_timed();
        timed && self.state != RecvState::Ended && self.input != InputState::GivenUp
    }

    /// What [`wants_time`](Self::wants_time) says of a connection that is open and whose output has left.
    #[inline(always)]
    pub fn is_timed(&self) -> bool {
        let untimed = !self.timers.is_running(Timer::Keepalive) && self.config.keepalive.is_some();
        untimed || self.reader.is_unfinished()
    }

    /// Whether the connection is on its way to the end.
    #[inline]
    pub(super) fn is_closing(&self, sending: &Sending) -> bool {
        self.state != RecvState::Open || sending.state != SendState::Open || self.input != InputState::Open
    }

    /// How long output may wait and none of it leave: [`write_timeout`](crate::Config::write_timeout).
    pub fn write_timeout(&self) -> Option<Duration> {
        self.config.write_timeout
    }
}
