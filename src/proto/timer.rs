//! A table of deadlines. The only room in `proto` that holds an `Instant`.
use std::time::{Duration, Instant};

/// What may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Silence: send a ping; silence after it: give up.
    Keepalive,
    /// No byte of an unfinished message: fail the connection.
    Message,
    /// No byte taken by the peer: give up.
    Write,
    /// Closing: the transport should have ended by now.
    Close,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timers([Option<Instant>; 4]);

impl Timers {
    /// Starts it, or starts it again; without a duration it never ends, and is stopped. (So is one that
    /// ends later than an `Instant` can say.)
    pub(super) fn start(&mut self, timer: Timer, now: Instant, after: Option<Duration>) {
        self.0[timer as usize] = after.and_then(|after| now.checked_add(after));
    }
    pub(super) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }
    pub(super) fn stop_all(&mut self) {
        *self = Self::default();
    }
    pub(super) fn is_running(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }
    /// Whether it has run out at `now`; if so it is stopped.
    pub(super) fn take_due(&mut self, timer: Timer, now: Instant) -> bool {
        self.0[timer as usize].take_if(|at| *at <= now).is_some()
    }
    /// The next to run out.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }
    /// The last of those that have run out at `now`.
    pub(super) fn latest_due(&self, now: Instant) -> Option<Instant> {
        self.0.iter().flatten().filter(|at| **at <= now).max().copied()
    }
    /// The next to run out of those that silence alone does not explain.
    pub(super) fn strict(&self) -> Option<Instant> {
        [Timer::Message, Timer::Write, Timer::Close]
            .into_iter()
            .filter_map(|timer| self.0[timer as usize])
            .min()
    }
}
