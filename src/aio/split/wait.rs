//! [`Waiting`]: a sender that waits until the stream has taken what it sent.
use super::shared::Shared;
use crate::{
    adapter::{Error, outcome},
    aio::Runtime,
    error::SendError,
    proto::{ControlSink, Deadline, Mark, Outbound},
};
use std::{
    task::{Context, Poll, ready},
    time::Instant,
};

/// What is waited for.
#[derive(Debug)]
pub(super) enum Until {
    /// The stream has taken all up to here.
    Sent(Mark),
    /// No more than the high-water mark is queued.
    Room,
    /// The control frames that are queued have been sent.
    Controls,
    /// The Close frame has been sent; without a receiver, the connection has ended.
    Closed,
}

impl Until {
    fn is_reached(&mut self, outbound: &Outbound, high_water: usize) -> Result<bool, SendError> {
        match self {
            Self::Room => Ok(outbound.buffered_amount() <= high_water),
            Self::Sent(mark) => outbound.has_sent(mark),
            Self::Closed => outbound.has_sent_close(),
            Self::Controls => match outbound.mark_controls()? {
                Some(mut mark) => {
                    let sent = outbound.has_sent(&mut mark);
                    *self = Self::Sent(mark);
                    sent
                }
                None => Ok(false),
            },
        }
    }
}

/// What a sender has while it waits, and only then: its slot, and the deadlines.
#[derive(Debug)]
pub(super) struct Wait<R> {
    slot: Option<usize>,
    alarm: Option<R>,
    /// How many bytes the stream had taken when the peer was last seen to take one, and how long it may be until the
    /// next.
    taken: u32,
    stalls_at: Option<Instant>,
    /// When closing has taken too long.
    closes_at: Option<Instant>,
}

impl<R> Default for Wait<R> {
    fn default() -> Self {
        Self { slot: None, alarm: None, taken: 0, stalls_at: None, closes_at: None }
    }
}

/// A wait that ends when it is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'a, S, R> {
    shared: &'a Shared<S, R>,
    wait: Wait<R>,
}

impl<'a, S, R> Waiting<'a, S, R> {
    pub(super) fn new(shared: &'a Shared<S, R>) -> Self {
        Self { shared, wait: Wait::default() }
    }
}

impl<S, R: Runtime<S>> Waiting<'_, S, R> {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, until: &mut Until) -> Poll<Result<(), Error>> {
        self.wait.poll(self.shared, cx, until)
    }
}

impl<S, R> Drop for Waiting<'_, S, R> {
    fn drop(&mut self) {
        self.wait.end(self.shared);
    }
}

impl<R> Wait<R> {
    /// Nothing is waited for any more.
    pub(super) fn end<S>(&mut self, shared: &Shared<S, R>) {
        if let Some(slot) = std::mem::take(self).slot {
            shared.leave(slot);
        }
    }

    /// Writes, and waits. What was left behind by a receiver is driven on the way.
    #[inline]
    pub(super) fn poll<S>(
        &mut self,
        shared: &Shared<S, R>,
        cx: &mut Context<'_>,
        until: &mut Until,
    ) -> Poll<Result<(), Error>>
    where
        R: Runtime<S>,
    {
        if let Some(slot) = self.slot {
            shared.wakers.rejoin(slot, cx.waker());
        } else if let Poll::Ready(done) = self.poll_once(shared, until) {
            return Poll::Ready(done); // most of the time the stream takes all at once, and nobody need be woken
        }
        let done = ready!(self.poll_joined(shared, cx, until));
        self.end(shared);
        Poll::Ready(done)
    }

    #[inline(never)]
    fn poll_joined<S>(
        &mut self,
        shared: &Shared<S, R>,
        cx: &mut Context<'_>,
        until: &mut Until,
    ) -> Poll<Result<(), Error>>
    where
        R: Runtime<S>,
    {
        self.slot.get_or_insert_with(|| shared.wakers.join(cx.waker()));
        loop {
            if let Poll::Ready(done) = self.poll_once(shared, until) {
                return Poll::Ready(done);
            }
            let deadline = ready!(self.poll_deadline(shared, cx, until));
            let late = shared.change(|inner, due| {
                let sending = inner.link.sending();
                // While the clock was read another may have written.
                let late = deadline != Deadline::Write || sending.waiting && sending.taken == self.taken;
                if late {
                    shared.give_up(deadline, inner, due);
                }
                due.except = self.slot;
                late
            });
            if late {
                return Poll::Ready(Err(Error::TimedOut(deadline)));
            }
        }
    }

    fn poll_once<S>(&mut self, shared: &Shared<S, R>, until: &mut Until) -> Poll<Result<(), Error>>
    where
        R: Runtime<S>,
    {
        let mut ended = Ok(());
        let closing = matches!(until, Until::Closed);
        if shared.is_left_behind() {
            match self.drive(shared) {
                Some(outcome) if closing => return Poll::Ready(outcome),
                Some(outcome) => ended = outcome,
                None if closing => return Poll::Pending,
                None => {}
            }
        }
        let sent = shared.poll(None, |inner, cx, due| {
            due.except = self.slot;
            let before = inner.link.sending().taken;
            // After the end there is nothing to write, and no deadline for a stream that does not let go.
            let flushed = if inner.ended { inner.last_flush() } else { inner.flush(cx, due) };
            if flushed.is_ready() || inner.link.sending().taken != before {
                due.receiver |= std::mem::take(&mut inner.paused);
            }
            if let Poll::Ready(Err(error)) = flushed {
                // There is nothing more to write, and the receiver should look why.
                (due.receiver, due.senders) = (true, true);
                return Poll::Ready(Err(error.into()));
            }
            let reached = until.is_reached(&inner.link.outbound, shared.high_water);
            // What the stream has taken last it may still keep to itself.
            let behind = matches!(until, Until::Room) || !inner.link.outbound.is_flushed();
            match reached {
                Ok(true) if flushed.is_ready() || behind => {
                    if self.slot.is_none() && inner.link.sending().waiting {
                        // Nobody hears of it when this one leaves: see `Shared::leave`.
                        due.receiver |= std::mem::take(&mut inner.parked);
                    }
                    Poll::Ready(Ok(()))
                }
                Ok(_) if !inner.ended => Poll::Pending,
                unsent => match inner.timed_out {
                    Some(deadline) if closing => Poll::Ready(Err(Error::TimedOut(deadline))),
                    _ => Poll::Ready(Err(unsent.err().unwrap_or(SendError::Closing).into())),
                },
            }
        });
        match (sent, ended) {
            (Poll::Ready(Err(Error::Send(_))), Err(ended)) => Poll::Ready(Err(ended)),
            (sent, _) => sent,
        }
    }

    /// Drives what was left behind, unless another sender does. Says how the connection ended, if this is the end.
    #[cold]
    fn drive<S>(&self, shared: &Shared<S, R>) -> Option<Result<(), Error>>
    where
        R: Runtime<S>,
    {
        let mut left = shared.take_left()?;
        let ended = left.drive(shared).map(outcome);
        shared.put_left(left, self.slot);
        ended
    }

    /// Waits until the peer has taken nothing for too long, or closing has taken too long.
    fn poll_deadline<S>(
        &mut self,
        shared: &Shared<S, R>,
        cx: &mut Context<'_>,
        until: &Until,
    ) -> Poll<Deadline>
    where
        R: Runtime<S>,
    {
        let sending = shared.look(|link| link.sending());
        let now = R::now();
        if self.stalls_at.is_none() || sending.taken != self.taken || !sending.waiting {
            self.taken = sending.taken;
            self.stalls_at = shared.write_timeout.and_then(|timeout| now.checked_add(timeout));
        }
        if matches!(until, Until::Closed) && self.closes_at.is_none() {
            self.closes_at = shared.close_timeout.and_then(|timeout| now.checked_add(timeout));
        }
        loop {
            let now = R::now();
            let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            let due = self.closes_at.into_iter().chain(self.stalls_at).filter(|at| *at <= now).max();
            if let (Some(due), Some(alarm)) = (due, &mut self.alarm) {
                // Until the runtime says so too, the stream may take bytes again, and the runtime not have looked.
                alarm.set(due);
                ready!(alarm.poll(cx));
            }
            if passed(self.closes_at) {
                return Poll::Ready(Deadline::Close);
            }
            if passed(self.stalls_at) {
                return Poll::Ready(Deadline::Write);
            }
            let Some(next) = self.closes_at.into_iter().chain(self.stalls_at).min() else {
                return Poll::Pending;
            };
            match &mut self.alarm {
                Some(alarm) => alarm.set(next),
                None => self.alarm = Some(R::new(next)),
            }
            if self.alarm.as_mut().is_some_and(|alarm| alarm.poll(cx).is_pending()) {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests;
