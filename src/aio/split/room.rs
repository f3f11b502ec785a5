//! [`Room`]: the lock around what the ends of a split connection share, and who is woken after each use of it.
use super::{
    sync::{
        ControlSink, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    wakers::Wakers,
};
use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// A lock. Each use that changes something for tasks that wait wakes them, after the lock is released.
#[derive(Debug)]
pub(crate) struct Room<L, X> {
    inner: Mutex<Inner<L, X>>,
    wakers: Arc<Wakers>,
    /// The waker that the stream is polled with: it wakes all who wait.
    proxy: Waker,
    /// Whether a sender has cut the connection and the receiving half has not been told.
    cut: AtomicBool,
}

/// What is behind the lock.
#[derive(Debug)]
pub(crate) struct Inner<L, X> {
    pub(super) link: L,
    pub(super) more: X,
}

/// Whether to wake all tasks that wait, except for the task with this slot, which is the one at work.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(super) wake: bool,
    pub(super) except: Option<usize>,
}

/// Leaves the room, and wakes, after the lock is released; also when the stream panics.
struct Exit<'a>(&'a Wakers, Due, usize);

impl Drop for Exit<'_> {
    fn drop(&mut self) {
        self.0.exit(self.2, self.1.wake, self.1.except);
    }
}

impl<L: ControlSink, X> Room<L, X> {
    pub(super) fn new(link: L, more: X) -> Self {
        let wakers = Arc::new(Wakers::default());
        let (inner, proxy) = (Mutex::new(Inner { link, more }), wakers.clone().into());
        Self { inner, wakers, proxy, cut: AtomicBool::new(false) }
    }

    pub(super) fn into_link(self) -> L {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner).link
    }

    fn lock(&self) -> MutexGuard<'_, Inner<L, X>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks, and changes nothing.
    pub(super) fn look<V>(&self, look: impl FnOnce(&Inner<L, X>) -> V) -> V {
        look(&self.lock())
    }

    /// Uses what is behind the lock. `work` polls the stream with the context that it is given. All who wait are woken
    /// if output has begun to wait, or has left, or if `work` says so.
    pub(super) fn enter<V>(&self, work: impl FnOnce(&mut Inner<L, X>, &mut Context<'_>, &mut Due) -> V) -> V {
        let mut exit = Exit(&self.wakers, Due::default(), self.wakers.enter());
        let mut inner = self.lock();
        let (before, buffered) = (inner.link.sending(), inner.link.buffered_amount());
        let done = work(&mut inner, &mut Context::from_waker(&self.proxy), &mut exit.1);
        let after = inner.link.sending();
        let less = after.released != before.released || inner.link.buffered_amount() < buffered;
        exit.1.wake |= before.waiting != after.waiting || before.waiting && less;
        done
    }

    /// As [`enter`](Self::enter). If `work` is pending, the task is kept in its slot, to be woken and to do it again.
    #[inline]
    pub(super) fn poll<V>(
        &self,
        slot: &mut Option<usize>,
        waker: &Waker,
        work: impl FnOnce(&mut Inner<L, X>, &mut Context<'_>, &mut Due) -> Poll<V>,
    ) -> Poll<V> {
        let mut old = None; // dropped when all is unlocked
        self.enter(|inner, cx, due| {
            due.except = *slot;
            let done = work(inner, cx, due);
            // The lock is still held, so nothing can have changed since `work` looked.
            if done.is_pending() || slot.is_some() {
                old = self.wakers.set(slot, done.is_pending().then_some(waker));
                due.except = *slot;
            }
            done
        })
    }

    /// The task with this slot stops waiting.
    pub(super) fn leave(&self, slot: &mut Option<usize>) {
        drop(self.wakers.set(slot, None));
    }

    /// A sender cuts the connection: all are woken, and the receiving half is to be told.
    pub(super) fn cut(&self, due: &mut Due) {
        self.cut.store(true, Relaxed);
        due.wake = true;
    }

    /// Whether the receiving half is to be told that a sender has cut the connection. The receiver asks before it goes
    /// on, and again when it begins to wait. Relaxed is enough: it is woken after the store, so it sees it then.
    #[inline]
    pub(super) fn take_cut(&self) -> bool {
        self.cut.load(Relaxed) && self.cut.swap(false, Relaxed)
    }
}
