//! [`Timing`]: how long a stream lets one direction wait, and what is known of it.
use std::{
    io,
    time::{Duration, Instant},
};

/// The shortest wait: streams take a timeout of zero for none at all.
pub(super) const LEAST_WAIT: Duration = Duration::from_millis(1);

/// How long a stream lets one direction wait.
#[derive(Debug, Default)]
pub(super) struct Timing {
    /// No call waits for longer than this, even if no deadline is near. Then the clock is read.
    pub(super) longest: Option<Duration>,
    /// The timeout that the stream is set to.
    set: Option<Duration>,
    /// When the last call returned without moving a byte, if none has moved since.
    vain: Option<Instant>,
    /// Whether the stream has no timeouts, or has been seen not to wait. Then its owner waits.
    never_waits: bool,
}

impl Timing {
    /// Has the stream wait no longer than `within`. Setting a timeout is a system call, which costs as much as a
    /// message does: it is made only if the stream would wait longer, or if the timeout has to be exact and is not.
    pub(super) fn arm(
        &mut self,
        within: Option<Duration>,
        exactly: bool,
        set: impl FnOnce(Option<Duration>) -> io::Result<bool>,
    ) {
        let within = within.into_iter().chain(self.longest).min().map(|within| within.max(LEAST_WAIT));
        let earlier = within.is_some_and(|within| self.set.is_none_or(|set| within < set));
        if (earlier || exactly) && within != self.set {
            // A stream that cannot set timeouts is taken for one that does not wait. If setting failed, the next use
            // will, too.
            self.never_waits |= !set(within).unwrap_or(false);
            self.set = within;
        }
    }

    /// A call has returned without moving a byte. Returns whether to make it again: a stream that does not wait leaves
    /// that to its owner.
    ///
    /// The first time it is not known how long the call has waited. So it is made again, and timed.
    pub(super) fn waited(&mut self, now: Instant) -> bool {
        if let Some(since) = self.vain.replace(now) {
            self.never_waits |= self.set.is_some_and(|set| now.saturating_duration_since(since) < set / 2);
        }
        self.waits()
    }

    /// Whether the stream waits, for a limited time.
    #[inline]
    pub(super) fn waits(&self) -> bool {
        self.set.is_some() && !self.never_waits
    }

    /// Whether the last call returned without moving a byte.
    pub(super) fn has_waited(&self) -> bool {
        self.vain.is_some()
    }

    /// A call has moved bytes.
    #[inline]
    pub(super) fn moved(&mut self) {
        self.vain = None;
    }
}

/// How much time is left.
pub(super) fn left(now: Instant, until: Option<Instant>) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(now))
}
