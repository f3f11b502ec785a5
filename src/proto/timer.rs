//! A table of deadlines. This is the only module in `proto` that stores an `Instant`.
use std::time::{Duration, Instant};

/// The timers, each with what its running out means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Silence: send a ping; silence after it: give up.
    Keepalive,
    /// No byte of an unfinished message: fail the connection.
    Message,
    /// Output waits, and the transport has let go of no byte: give up.
    Write,
    /// Closing: the transport should have ended by now. Takes the place of [`Keepalive`](Self::Keepalive).
    Close,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timers {
    at: [Option<Instant>; 3],
    /// Whether the first of them is `Close`, and not `Keepalive`: a connection that is closing needs no keepalive.
    closing: bool,
}

impl Timers {
    /// The slot of a timer. `None`: the other timer of that slot runs there.
    fn slot(&mut self, timer: Timer) -> Option<&mut Option<Instant>> {
        match timer {
            Timer::Keepalive if self.closing => None,
            Timer::Close if !self.closing => None,
            Timer::Keepalive | Timer::Close => self.at.get_mut(0),
            Timer::Message => self.at.get_mut(1),
            Timer::Write => self.at.get_mut(2),
        }
    }

    /// Starts a timer, or starts it again. Without a duration it would never run out, so it is stopped; likewise if it
    /// would run out later than an `Instant` can say.
    pub(super) fn start(&mut self, timer: Timer, now: Instant, after: Option<Duration>) {
        match timer {
            Timer::Keepalive => self.closing = false,
            Timer::Close => self.closing = true,
            Timer::Message | Timer::Write => {}
        }
        if let Some(slot) = self.slot(timer) {
            *slot = after.and_then(|after| now.checked_add(after));
        }
    }
    pub(super) fn stop(&mut self, timer: Timer) {
        if let Some(slot) = self.slot(timer) {
            *slot = None;
        }
    }
    pub(super) fn stop_all(&mut self) {
        *self = Self::default();
    }
    #[inline]
    pub(super) fn is_running(&self, timer: Timer) -> bool {
        let [first, message, write] = &self.at;
        match timer {
            Timer::Keepalive => first.is_some() && !self.closing,
            Timer::Close => first.is_some() && self.closing,
            Timer::Message => message.is_some(),
            Timer::Write => write.is_some(),
        }
    }
    /// Whether a timer has run out at `now`. If so, it is stopped.
    pub(super) fn take_due(&mut self, timer: Timer, now: Instant) -> bool {
        self.slot(timer).is_some_and(|slot| slot.take_if(|at| *at <= now).is_some())
    }
    /// When the next timer runs out.
    pub(super) fn next(&self) -> Option<Instant> {
        self.at.iter().flatten().min().copied()
    }
    /// Of the timers that have run out at `now`, when the last one did.
    pub(super) fn latest_due(&self, now: Instant) -> Option<Instant> {
        self.at.iter().flatten().filter(|at| **at <= now).max().copied()
    }
}
