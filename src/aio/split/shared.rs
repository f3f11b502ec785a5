//! [`Shared`]: what the ends of a split connection share, and what each does with it.
use super::{
    room::{Due, Inner, Room},
    wakers::RECEIVER,
};
use crate::{
    adapter::{Error, outcome},
    aio::{
        Runtime,
        link::{Link, Wire},
        receive,
    },
    close::CloseFrame,
    config::Config,
    error::SendError,
    proto::{Closed, Control, ControlSink, Deadline, Inbound, Outbound, RecvState, SendState, Sending, Sent},
};
use std::{
    io,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

/// What the ends share: the stream, the sending half, and which tasks wait.
///
/// The lock is held while the stream is polled, and while a message is queued. It is never held while a task waits or
/// is woken; nor, as long as there is a receiver, while messages are unmasked, inflated or validated.
///
/// | a task that waits | for | is woken by |
/// |---|---|---|
/// | the receiver | input, and output to leave | the stream; a sender that has output begin to wait, or leave |
/// | a sender | room to queue, then what it queued to leave | the stream; a task that has output leave |
/// | a sender that closes | the Close frame to leave; the end, without a receiver | likewise; a dropped receiver |
/// | any of them | something that cannot happen any more | the task that ends or closes the connection |
///
/// | flag | says that |
/// |---|---|
/// | `Wakers::state` | some task is in the room; on leaving it wakes all if the stream has woken meanwhile |
/// | a waker in a slot | the task with that slot waits, and has not been woken since it last looked |
/// | `Room::cut` | a sender has ended the connection, and the receiving half has not been told |
/// | `More::left` | the receiver was dropped, and this was its half |
/// | `More::timed_out` | this deadline ended the connection |
///
/// A receiver that waits keeps all deadlines: it is woken when output begins to wait. A sender that waits keeps the
/// deadline for writing too, since perhaps nobody receives. So a task that stops waiting has no deadline to hand on.
pub(in crate::aio) type Shared<S, R> = Room<Link<S, R>, More<R>>;
type Inside<S, R> = Inner<Link<S, R>, More<R>>;

/// What is behind the lock beside the stream and the sending half.
#[derive(Debug)]
pub(in crate::aio) struct More<R> {
    pub(super) config: Arc<Config>,
    pub(super) left: Option<Box<Inbound>>,
    timed_out: Option<Deadline>,
    /// The one alarm of all senders that wait.
    alarm: Option<R>,
    /// When the deadline for writing passes, if by then no more bytes have left than `released`.
    stalls_at: Option<Instant>,
    released: u32,
}

impl<R> More<R> {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self { config, left: None, timed_out: None, alarm: None, stalls_at: None, released: 0 }
    }
}

/// Whether to queue a message now: there is room for it; or none can be queued any more, and the attempt says why.
pub(super) fn may_queue(outbound: &Outbound, config: &Config) -> bool {
    outbound.buffered_amount() <= config.high_water_mark || outbound.state() != SendState::Open
}

impl<S, R> Shared<S, R> {
    /// Tells the receiving half when a sender has cut the connection.
    #[inline]
    pub(super) fn tell(&self, inbound: &mut Inbound) {
        if self.take_cut() {
            tell(inbound, self.look(|inner| inner.more.timed_out));
        }
    }
}

fn tell(inbound: &mut Inbound, timed_out: Option<Deadline>) {
    match timed_out {
        _ if inbound.state() == RecvState::Ended => {}
        Some(deadline) => inbound.give_up(deadline),
        None => inbound.abort(),
    }
}

impl<S, R: Runtime<S>> Shared<S, R> {
    /// Writes, and waits, until `reached` says that it is enough. `reached` is asked before each write, so it may queue
    /// what is to be written. Its second argument says whether it [may](may_queue).
    #[inline]
    pub(in crate::aio) fn poll_written(
        &self,
        slot: &mut Option<usize>,
        cx: &Context<'_>,
        reached: impl FnMut(&mut Outbound, bool) -> Result<bool, SendError>,
    ) -> Poll<Result<(), Error>> {
        self.poll(slot, cx.waker(), |inner, cx, due| self.write(inner, cx, due, reached))
    }

    fn write(
        &self,
        inner: &mut Inside<S, R>,
        cx: &mut Context<'_>,
        due: &mut Due,
        mut reached: impl FnMut(&mut Outbound, bool) -> Result<bool, SendError>,
    ) -> Poll<Result<(), Error>> {
        let mut takes_more = true;
        loop {
            let outbound = &mut inner.link.outbound;
            let may_queue = may_queue(outbound, &inner.more.config);
            match (reached(outbound, may_queue), inner.more.timed_out) {
                (Ok(true), _) => return Poll::Ready(Ok(())),
                // With nothing to write, the stream may be shutting down: that is for the receiver to wait for.
                (Ok(false), _) if !takes_more || outbound.is_flushed() => break,
                (Ok(false), _) => {}
                // This sender has waited (it has a slot), and the deadline is why it waited in vain.
                (Err(_), Some(deadline)) if due.except.is_some() => {
                    return Poll::Ready(Err(Error::TimedOut(deadline)));
                }
                (Err(error), _) => return Poll::Ready(Err(error.into())),
            }
            let flushed = inner.link.poll_flush(cx);
            takes_more = flushed.is_ready();
            if let Poll::Ready(Err(error)) = flushed {
                due.wake = true; // the receiver finds out why
                return Poll::Ready(Err(error.into()));
            }
        }
        ready!(inner.more.poll_stalled(cx, inner.link.sending()));
        self.give_up(inner, due, Some(Deadline::Write));
        Poll::Ready(Err(Error::TimedOut(Deadline::Write)))
    }

    /// Cuts the connection: nothing more is written, and all are told.
    fn give_up(&self, inner: &mut Inside<S, R>, due: &mut Due, timed_out: Option<Deadline>) {
        inner.link.outbound.write_failed();
        inner.more.timed_out = inner.more.timed_out.or(timed_out);
        self.cut(due);
    }

    /// Ends the transport at once.
    pub(super) fn abort(&self) {
        self.enter(|inner, cx, due| {
            self.give_up(inner, due, None);
            let _ = inner.link.poll_shutdown(cx);
        });
    }

    /// Begins the closing handshake, and waits until the Close frame has left. Without a receiver it does all of it,
    /// and discards what comes.
    pub(in crate::aio) fn poll_close(
        &self,
        slot: &mut Option<usize>,
        cx: &Context<'_>,
        frame: &mut Option<CloseFrame>,
    ) -> Poll<Result<(), Error>> {
        self.poll(slot, cx.waker(), |inner, cx, due| {
            // As closing begins, all are woken: the receiver has a deadline to keep, and no sender can queue any more.
            due.wake = inner.link.outbound.state() == SendState::Open;
            inner.link.outbound.close(frame.take());
            let Some(inbound) = &mut inner.more.left else {
                return self
                    .write(inner, cx, due, |outbound, _| outbound.has_sent(&mut outbound.close_position()));
            };
            if self.take_cut() {
                tell(inbound, inner.more.timed_out);
            }
            let closed = ready!(receive::poll_closed(cx, inbound, &mut inner.link, &mut inner.more.alarm));
            due.wake = true;
            Poll::Ready(outcome(&closed))
        })
    }
}

impl<R> More<R> {
    /// Ready when bytes wait and none has left for too long.
    fn poll_stalled<S>(&mut self, cx: &mut Context<'_>, sending: Sending) -> Poll<()>
    where
        R: Runtime<S>,
    {
        if sending.waiting && (sending.released != self.released || self.stalls_at.is_none()) {
            let Config { write_timeout, close_timeout, .. } = *self.config;
            let closing = sending.state != SendState::Open;
            let patience = write_timeout.or(close_timeout.filter(|_| closing));
            self.stalls_at = patience.and_then(|patience| R::now().checked_add(patience));
            self.released = sending.released;
        }
        let Some(at) = self.stalls_at.filter(|_| sending.waiting) else { return Poll::Pending };
        loop {
            let alarm = self.alarm.get_or_insert_with(|| R::new(at));
            alarm.set(at);
            // The stream may take bytes again, and the runtime not have looked. So the runtime's own timer decides.
            ready!(alarm.poll(cx));
            if at <= R::now() {
                return Poll::Ready(());
            }
        }
    }
}

/// The receiving loop's view of a split connection.
pub(super) struct Ends<'a, S, R>(pub(super) &'a Shared<S, R>);

impl<S, R> ControlSink for Ends<'_, S, R> {
    fn control(&mut self, control: Control<'_>) {
        self.0.enter(|inner, _, due| {
            due.except = Some(RECEIVER);
            due.wake = !matches!(control, Control::Ping | Control::Pong(_)); // no message can be queued any more
            inner.link.control(control);
        });
    }
    fn sending(&self) -> Sending {
        self.0.look(|inner| inner.link.sending())
    }
    fn buffered_amount(&self) -> usize {
        self.0.look(|inner| inner.link.buffered_amount())
    }
    fn end(&mut self) -> Sent {
        self.0.enter(|inner, _, due| {
            due.except = Some(RECEIVER);
            inner.link.end()
        })
    }
}

impl<S, R: Runtime<S>> Wire for Ends<'_, S, R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, inbound: &mut Inbound) -> Poll<io::Result<usize>> {
        let read = self.0.poll(&mut Some(RECEIVER), cx.waker(), |inner, cx, _| {
            let read = inner.link.poll_read(cx, inbound);
            // Senders may have queued something since the receiver last wrote. Once all of it has left, the next step
            // may be another: `Interrupted` has the loop go round once more.
            let unsent = read.is_pending() && !inner.link.outbound.is_flushed();
            match unsent && inner.link.poll_flush(cx).is_ready() {
                true => Poll::Ready(Err(io::ErrorKind::Interrupted.into())),
                false => read,
            }
        });
        if read.is_pending() {
            self.0.tell(inbound);
        }
        read
    }
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(&mut Some(RECEIVER), cx.waker(), |inner, cx, _| inner.link.poll_flush(cx))
    }
    fn rest(&mut self) {
        self.0.enter(|inner, _, _| inner.link.outbound.rest());
    }
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(&mut Some(RECEIVER), cx.waker(), |inner, cx, _| inner.link.poll_shutdown(cx))
    }
    fn ended(&mut self, closed: Option<&Closed>) {
        self.0.enter(|inner, _, due| {
            due.except = Some(RECEIVER);
            inner.more.timed_out = inner.more.timed_out.or(closed.and_then(|closed| closed.timed_out));
            due.wake = true;
        });
    }
}
