//! [`Shared`]: what both ends of a split connection have, and the order in which they may touch it.
use super::{
    half::Half,
    wakers::{Due, Wakers},
};
use crate::{
    aio::{
        Runtime,
        link::{Link, Wire},
    },
    error::SendError,
    message::Outgoing,
    proto::{ControlSink, Deadline, Inbound, Mark},
};
use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

/// The lock is held while the stream is read or written, or a message is queued, which may be to compress it, for that has an
/// order; never while messages are unmasked, inflated or validated, never while anyone waits, and never while anyone is woken.
///
/// No message waits for a call that may not come: whoever queues one writes it or, if the receiver is parked, wakes
/// the receiver; and a stream that takes no more now wakes all who wait.
#[derive(Debug)]
pub(super) struct Shared<S, R> {
    inner: Mutex<Inner<S, R>>,
    pub(super) wakers: Arc<Wakers>,
    pub(super) proxy: Waker,
    /// What `buffered_amount` was when the lock was last released.
    queued: AtomicUsize,
    /// The receiver was dropped.
    left_behind: AtomicBool,
    /// A sender has given the output up, and the receiving half has not been told.
    gave_up: AtomicBool,
    pub(super) high_water: usize,
    pub(super) write_timeout: Option<Duration>,
    pub(super) close_timeout: Option<Duration>,
}

/// What is behind the lock.
#[derive(Debug)]
pub(super) struct Inner<S, R> {
    pub(super) link: Link<S, R>,
    /// The receiver waits to read, and has not been woken for what is queued.
    pub(super) parked: bool,
    /// The receiver waits for the stream to take bytes.
    pub(super) paused: bool,
    /// Someone waits for the stream to take bytes, or to let go of them.
    unflushed: bool,
    /// The end of the writing side waits for the stream to let go of what it keeps.
    pub(super) ending: bool,
    /// Nothing more is written: all has been, or it never will be.
    pub(super) ended: bool,
    /// The deadline that ended it.
    pub(super) timed_out: Option<Deadline>,
    /// The receiving half that a dropped receiver left; not there while a sender drives it.
    left: Option<Box<Half<R>>>,
    /// A sender would have driven it meanwhile.
    missed: bool,
}

/// Leaves and wakes, after the lock is released: also when the stream panics.
struct Exit<'a>(&'a Wakers, Due);

impl Drop for Exit<'_> {
    fn drop(&mut self) {
        self.0.exit(self.1);
    }
}

impl<S, R> Shared<S, R> {
    pub(super) fn new(link: Link<S, R>, inbound: &Inbound) -> Self {
        let wakers = Arc::new(Wakers::default());
        Self {
            queued: AtomicUsize::new(link.outbound.buffered_amount()),
            inner: Mutex::new(Inner {
                link,
                parked: false,
                paused: false,
                unflushed: false,
                ending: false,
                ended: false,
                timed_out: None,
                left: None,
                missed: false,
            }),
            proxy: wakers.clone().into(),
            wakers,
            left_behind: AtomicBool::new(false),
            gave_up: AtomicBool::new(false),
            high_water: inbound.high_water_mark(),
            write_timeout: inbound.write_timeout(),
            close_timeout: inbound.close_timeout(),
        }
    }

    /// The stream and the sending half, when both ends are one again.
    pub(super) fn into_link(self) -> Link<S, R> {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner).link
    }

    fn lock(&self) -> MutexGuard<'_, Inner<S, R>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Link<S, R>) -> T) -> T {
        look(&self.lock().link)
    }

    /// Changes what is behind the lock, without polling the stream.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Inner<S, R>, &mut Due) -> T) -> T {
        let mut due = Due::default();
        let mut inner = self.lock();
        let changed = change(&mut inner, &mut due);
        self.queued.store(inner.link.outbound.buffered_amount(), Relaxed);
        drop(inner);
        self.wakers.wake_due(due);
        changed
    }

    /// Polls the stream; whoever's bytes may have left is woken. `receiver` is its waker, if it is the receiver that
    /// polls.
    pub(super) fn poll<T>(
        &self,
        receiver: Option<&Waker>,
        poll: impl FnOnce(&mut Inner<S, R>, &mut Context<'_>, &mut Due) -> T,
    ) -> T {
        self.wakers.enter(receiver);
        let mut exit = Exit(&self.wakers, Due::default());
        let mut inner = self.lock();
        let before = inner.link.sending().taken;
        let polled = poll(&mut inner, &mut Context::from_waker(&self.proxy), &mut exit.1);
        exit.1.senders |= inner.link.sending().taken != before;
        self.queued.store(inner.link.outbound.buffered_amount(), Relaxed);
        polled
    }

    /// Bytes queued that the stream has not taken.
    #[inline]
    pub(super) fn buffered_amount(&self) -> usize {
        self.queued.load(Relaxed)
    }

    /// Queues a message and takes it out of `message`, unless more than the high-water mark is queued. Who will not
    /// write it has the receiver do that.
    pub(super) fn queue(
        &self,
        message: &mut Option<Outgoing<'_>>,
        writes: bool,
        high_water: usize,
    ) -> Result<Option<Mark>, SendError> {
        self.change(|inner, due| {
            let outbound = &mut inner.link.outbound;
            if outbound.buffered_amount() > high_water {
                return Ok(None);
            }
            if let Some(message) = message.take() {
                let idle = outbound.is_flushed();
                outbound.send(message)?;
                due.receiver = idle && !writes && std::mem::take(&mut inner.parked);
            }
            Ok(Some(outbound.mark()))
        })
    }

    /// The end of what is queued now.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing) after the end.
    pub(super) fn mark(&self) -> Result<Mark, SendError> {
        let inner = self.lock();
        if inner.ended { Err(SendError::Closing) } else { Ok(inner.link.outbound.mark()) }
    }

    /// A sender does not wait any more. If no other does, the receiver keeps the deadline of what is
    /// still to be written, or to leave the stream.
    pub(super) fn leave(&self, slot: usize) {
        if self.wakers.leave(slot) {
            self.change(|inner, due| {
                due.receiver = inner.link.sending().waiting && std::mem::take(&mut inner.parked);
            });
        }
    }

    /// Nothing more is written. The receiver learns why.
    pub(super) fn give_up(&self, deadline: Deadline, inner: &mut Inner<S, R>, due: &mut Due) {
        inner.end(Some(deadline), due);
        self.gave_up.store(true, Relaxed);
        due.receiver = true;
    }

    /// Nothing more is written, and the receiving half knows.
    pub(super) fn end(&self, timed_out: Option<Deadline>) {
        self.change(|inner, due| inner.end(timed_out, due));
    }

    /// Whether the receiving half has not been told so.
    pub(super) fn has_given_up(&self) -> bool {
        self.gave_up.load(Relaxed)
    }

    /// Tells the receiving half when a sender has given up.
    #[inline]
    pub(super) fn tell(&self, inbound: &mut Inbound) {
        // Woken after it was set, it is sure to be seen; and seen by chance earlier it does no harm.
        if self.gave_up.load(Relaxed) {
            self.gave_up.store(false, Relaxed);
            inbound.give_up(self.lock().timed_out.unwrap_or(Deadline::Write));
        }
    }

    /// The receiver goes, and leaves this behind.
    pub(super) fn leave_behind(&self, half: Box<Half<R>>) {
        self.change(|inner, due| {
            inner.left = Some(half);
            self.left_behind.store(true, Relaxed);
            due.senders = true;
        });
    }

    #[inline]
    pub(super) fn is_left_behind(&self) -> bool {
        self.left_behind.load(Relaxed)
    }

    /// Takes what was left behind, to drive it unlocked.
    pub(super) fn take_left(&self) -> Option<Box<Half<R>>> {
        self.change(|inner, _| {
            inner.missed |= inner.left.is_none();
            inner.left.take()
        })
    }

    /// Puts it back; whoever would have taken it meanwhile may have been woken for what it has not seen.
    pub(super) fn put_left(&self, half: Box<Half<R>>, except: Option<usize>) {
        self.change(|inner, due| {
            inner.left = Some(half);
            *due = Due { senders: std::mem::take(&mut inner.missed), receiver: false, except };
        });
    }
}

impl<S, R> Inner<S, R> {
    fn end(&mut self, timed_out: Option<Deadline>, due: &mut Due) {
        self.link.outbound.abandon();
        self.ended = true;
        self.timed_out = self.timed_out.or(timed_out);
        due.senders = true;
    }
}

impl<S, R: Runtime<S>> Inner<S, R> {
    /// How the last flush went.
    pub(super) fn last_flush(&self) -> Poll<io::Result<()>> {
        if self.unflushed { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Writes all there is. That all is written is news to those who wait for it.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, due: &mut Due) -> Poll<io::Result<()>> {
        let flushed = self.link.poll_flush(cx);
        let waits = flushed.is_pending();
        due.senders |= std::mem::replace(&mut self.unflushed, waits) && !waits;
        if !waits && std::mem::take(&mut self.ending) {
            (due.receiver, due.senders) = (true, true); // it can go on, and the stream need not say so twice
        }
        flushed
    }
}
