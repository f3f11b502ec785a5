//! [`Room`]: the lock around what both ends of a split connection use, and who is woken by each use of it.
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

/// A lock. Those who wait are woken by each use that changes something for them, once it is unlocked again.
#[derive(Debug)]
pub(crate) struct Room<L, X> {
    inner: Mutex<Inner<L, X>>,
    wakers: Arc<Wakers>,
    /// What the stream is polled with.
    proxy: Waker,
    /// A sender has cut the connection, and the receiving half has not been told.
    cut: AtomicBool,
}

/// What is behind the lock.
#[derive(Debug)]
pub(crate) struct Inner<L, X> {
    pub(super) link: L,
    pub(super) more: X,
}

/// Whether all who wait are to be woken, except for who is in this slot, and is at work.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(super) wake: bool,
    pub(super) except: Option<usize>,
}

/// Leaves and wakes after the lock is released, also when the stream panics.
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

    /// Uses what is behind the lock, and polls the stream with the context. When that has output begin to wait, or leave, or
    /// when `work` says so, all who wait are woken.
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

    /// As [`enter`](Self::enter), and waits if it has to: who waits has a slot, is woken, and does it again.
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
            // With the lock held, so nothing happens between what it saw and this.
            if done.is_pending() || slot.is_some() {
                old = self.wakers.set(slot, done.is_pending().then_some(waker));
                due.except = *slot;
            }
            done
        })
    }

    /// Who has this slot waits for nothing any more.
    pub(super) fn leave(&self, slot: &mut Option<usize>) {
        drop(self.wakers.set(slot, None));
    }

    /// A sender cuts the connection: all are woken, and the receiving half is to be told.
    pub(super) fn cut(&self, due: &mut Due) {
        self.cut.store(true, Relaxed);
        due.wake = true;
    }

    /// Whether the receiving half is to be told. It asks before it goes on, and again when it begins to wait.
    #[inline]
    pub(super) fn take_cut(&self) -> bool {
        self.cut.load(Relaxed) && self.cut.swap(false, Relaxed)
    }
}
