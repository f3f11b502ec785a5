//! [`Wakers`]: all tasks that wait for the one stream of a split connection, behind the one waker that it is polled
//! with.
use super::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use std::{
    collections::BTreeMap,
    mem,
    sync::Arc,
    task::{Wake, Waker},
};

/// A stream remembers one waker for each direction. But several tasks may write, and a stream with a protocol of its
/// own, such as TLS, may write when it is asked to read. So the stream is always polled with this waker, which wakes
/// all tasks.
///
/// The stream may wake while it is polled, under the lock of the [`Room`](super::room::Room). Tasks are woken with
/// nothing locked, since waking one may run any code.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    slots: Mutex<Slots>,
    /// How many tasks are in the room, plus [`FIRED`] for each time that the stream has woken.
    state: AtomicUsize,
}

#[derive(Debug, Default)]
struct Slots {
    /// The waker of each task that waits, until it has been woken.
    wakers: BTreeMap<usize, Waker>,
    last: usize,
}

const FIRED: usize = 1 << 16;
/// The receiver's slot. Senders have others.
pub(super) const RECEIVER: usize = 0;

impl Wakers {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With a waker: a task waits, and is given a slot if it has none. Without: the task waits no longer, and gives its
    /// slot back. Returns the waker that was there, to be dropped with nothing locked.
    pub(super) fn set(&self, slot: &mut Option<usize>, waker: Option<&Waker>) -> Option<Waker> {
        let Some(waker) = waker else {
            return slot.take().and_then(|slot| self.slots().wakers.remove(&slot));
        };
        let mut slots = self.slots();
        let slot = *slot.get_or_insert_with(|| {
            slots.last += 1;
            slots.last
        });
        let known = slots.wakers.get(&slot).is_some_and(|old| old.will_wake(waker));
        if known { None } else { slots.wakers.insert(slot, waker.clone()) }
    }

    /// A task is about to enter the room. Says how often the stream has woken by now.
    pub(super) fn enter(&self) -> usize {
        self.state.fetch_add(1, SeqCst) / FIRED
    }

    /// A task has left the room, which it entered when the stream had woken `fired` times. If the stream has woken
    /// since, all tasks are woken; else, if `wake`, all but the task with slot `one`.
    pub(super) fn exit(&self, fired: usize, wake: bool, one: Option<usize>) {
        if self.state.fetch_sub(1, SeqCst) / FIRED != fired {
            self.wake_all_but(None);
        } else if wake {
            self.wake_all_but(one);
        }
    }

    fn wake_all_but(&self, one: Option<usize>) {
        let mut slots = self.slots();
        let mut woken = mem::take(&mut slots.wakers);
        slots.wakers.extend(one.and_then(|slot| woken.remove_entry(&slot)));
        drop(slots);
        woken.into_values().for_each(Waker::wake);
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    /// While a task is in the room, waking is left to it: it may be the very task that calls this, with the lock held.
    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_add(FIRED, SeqCst) % FIRED == 0 {
            self.wake_all_but(None);
        }
    }
}
