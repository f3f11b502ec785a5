//! The deadlines, kept a second time, naively: for each, since when there has been cause for it, as far as was told.
use super::Timeouts;
use sansocket::Deadline;
use std::time::{Duration, Instant};

/// What is to be seen of a connection when the time is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Either direction is past being open.
    pub closing: bool,
    /// The transport has ended.
    pub ended: bool,
    /// Output waits, or is held by the transport.
    pub waiting: bool,
    /// How many bytes have left, and have come, ever.
    pub left: usize,
    pub come: usize,
    /// Whether the driver reads.
    pub reads: bool,
    /// Whether a message is unfinished, if that is known; and how much payload has come.
    pub unfinished: Option<bool>,
    pub payload: usize,
}

/// What must come of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub gives_up: Option<Deadline>,
    pub pings: bool,
    /// The message has stalled; `None`: that is not known.
    pub fails: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    timeouts: Timeouts,
    /// Since when output waits and none of it leaves; nothing waits, while closing; nothing comes; no payload does.
    stuck: Option<Instant>,
    closing: Option<Instant>,
    silent: Option<Instant>,
    pinged: bool,
    stalled: Option<Instant>,
    /// It is not known since when no payload has come.
    unknown: bool,
    /// As last seen.
    left: usize,
    come: usize,
    payload: usize,
    listened: bool,
}

impl Clock {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, listened: true, ..Self::default() }
    }

    /// The driver has stopped to read, if only for a while.
    pub(super) fn stops_reading(&mut self) {
        self.listened = false;
    }

    /// How long output may wait, and what that is called.
    fn patience(&self, closing: bool) -> (Option<Duration>, Deadline) {
        match self.timeouts.write {
            None if closing => (self.timeouts.close, Deadline::Close),
            write => (write, Deadline::Write),
        }
    }

    pub(super) fn tell(&mut self, now: Instant, view: View) -> Due {
        let mut due = Due { fails: Some(false), ..Due::default() };
        let passed = |since: Option<Instant>, after: Option<Duration>| {
            since.zip(after).is_some_and(|(since, after)| now >= since + after)
        };
        let moved = std::mem::replace(&mut self.left, view.left) != view.left;
        let (patience, deadline) = self.patience(view.closing);
        if !view.waiting || patience.is_none() {
            self.stuck = None;
        } else if moved || self.stuck.is_none() {
            self.stuck = Some(now);
        } else if passed(self.stuck, patience) {
            due.gives_up = Some(deadline);
            return due;
        }
        if view.closing {
            (self.silent, self.stalled, self.unknown) = (None, None, false);
            if view.waiting || view.ended {
                self.closing = None;
            } else if passed(Some(*self.closing.get_or_insert(now)), self.timeouts.close) {
                due.gives_up = Some(Deadline::Close);
            }
            return due;
        }
        let listened = std::mem::replace(&mut self.listened, view.reads) && view.reads;
        self.watch_message(now, view, listened, &mut due);
        if due.fails == Some(true) {
            self.fails(now);
            return due;
        }
        let Some((interval, timeout)) = self.timeouts.keepalive else { return due };
        let heard = std::mem::replace(&mut self.come, view.come) != view.come;
        let phase = if self.pinged { timeout } else { interval };
        if heard || view.waiting && moved || self.silent.is_none() {
            (self.silent, self.pinged) = (Some(now), false);
        } else if passed(self.silent, Some(phase)) {
            self.silent = Some(now);
            if listened && self.pinged {
                due.gives_up = Some(Deadline::Keepalive);
            } else if listened {
                (due.pings, self.pinged) = (true, true);
            }
        }
        due
    }

    /// The message has stalled: its Close frame waits.
    pub(super) fn fails(&mut self, now: Instant) {
        (self.silent, self.stalled, self.unknown) = (None, None, false);
        self.stuck = self.stuck.or(Some(now)).filter(|_| self.patience(true).0.is_some());
    }

    fn watch_message(&mut self, now: Instant, view: View, listened: bool, due: &mut Due) {
        let progress = std::mem::replace(&mut self.payload, view.payload) != view.payload;
        let Some(after) = self.timeouts.message else { return };
        self.unknown |= view.unfinished.is_none();
        match view.unfinished {
            Some(false) => (self.stalled, self.unknown) = (None, false),
            Some(true) if progress => (self.stalled, self.unknown) = (Some(now), false),
            _ if self.unknown => due.fails = if listened { None } else { Some(false) },
            _ => match self.stalled {
                None => self.stalled = Some(now),
                Some(since) if now < since + after => {}
                Some(_) if listened => due.fails = Some(true),
                Some(_) => self.stalled = Some(now),
            },
        }
    }

    /// When the next deadline passes; `None`: that is not known.
    pub(super) fn next(&self, closing: bool) -> Option<Option<Instant>> {
        if self.unknown {
            return None;
        }
        let after = |since: Option<Instant>, after: Option<Duration>| Some(since? + after?);
        let silence =
            self.timeouts.keepalive.map(|(interval, pong)| if self.pinged { pong } else { interval });
        let times = [
            after(self.stuck, self.patience(closing).0),
            after(self.closing, self.timeouts.close),
            after(self.silent, silence),
            after(self.stalled, self.timeouts.message),
        ];
        Some(times.into_iter().flatten().min())
    }

    /// Whether bytes alone put off whatever deadline there is, so that the time need not be told.
    pub(super) fn is_calm(&self) -> bool {
        self.timeouts.keepalive.is_none() || self.silent.is_some()
    }
}
