//! [`Wakers`]: all who wait for the one stream of a split connection, behind the one waker that it is polled with.
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Wake, Waker},
};

/// A stream remembers one waker for each direction, but several tasks may write, and a stream with a protocol of its
/// own may write when it is asked to read. So it is always polled with this, which wakes all of them.
#[derive(Debug, Default)]
pub(super) struct Wakers(Mutex<Slots>);

#[derive(Debug, Default)]
struct Slots {
    receiver: Option<Waker>,
    /// One for each sender that waits: what it is woken with, until it has been.
    senders: Vec<Option<Waker>>,
    free: Vec<usize>,
    /// How many are polling the stream now, with its lock held: whom it wakes meanwhile is woken after that.
    polling: usize,
    fired: bool,
}

/// Whom to wake.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Due {
    pub(super) receiver: bool,
    pub(super) senders: bool,
    /// But for this one, which knows.
    pub(super) except: Option<usize>,
}

const ALL: Due = Due { receiver: true, senders: true, except: None };

/// So many are woken each time the lock is taken.
const BATCH: usize = 16;

impl Wakers {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for a sender that is about to wait.
    pub(super) fn join(&self, waker: &Waker) -> usize {
        let mut slots = self.slots();
        let slot = slots.free.pop().unwrap_or(slots.senders.len());
        let waker = Some(waker.clone());
        match slots.senders.get_mut(slot) {
            Some(free) => *free = waker,
            None => slots.senders.push(waker),
        }
        slot
    }

    /// The sender waits again, perhaps in another task.
    pub(super) fn rejoin(&self, slot: usize, waker: &Waker) {
        let mut slots = self.slots();
        let old = slots.senders.get_mut(slot).and_then(|mine| replace(mine, waker));
        drop(slots);
        drop(old);
    }

    /// The sender does not wait any more. Says whether that leaves none.
    pub(super) fn leave(&self, slot: usize) -> bool {
        let mut slots = self.slots();
        let old = slots.senders.get_mut(slot).and_then(Option::take);
        slots.free.push(slot);
        let none = slots.free.len() == slots.senders.len();
        if none {
            slots.free.clear();
            slots.senders.clear();
            if slots.senders.capacity() > 64 {
                (slots.free, slots.senders) = (Vec::new(), Vec::new()); // a crowd has gone, and its room with it
            }
        }
        drop(slots);
        drop(old);
        none
    }

    /// The stream is about to be polled, by the receiver if a waker is given.
    pub(super) fn enter(&self, receiver: Option<&Waker>) {
        let mut slots = self.slots();
        slots.polling += 1;
        let old = receiver.and_then(|waker| replace(&mut slots.receiver, waker));
        drop(slots);
        drop(old); // whatever that does, it does unlocked
    }

    /// The stream has been polled and unlocked.
    pub(super) fn exit(&self, due: Due) {
        let mut slots = self.slots();
        slots.polling -= 1;
        let due = if std::mem::take(&mut slots.fired) { ALL } else { due };
        drop(slots);
        self.wake_due(due);
    }

    /// Wakes whoever is due, with nothing locked.
    pub(super) fn wake_due(&self, mut due: Due) {
        let mut next = 0;
        while due.receiver || due.senders {
            let mut batch = [const { None }; BATCH];
            let mut slots = self.slots();
            if std::mem::take(&mut due.receiver) {
                batch[0] = slots.receiver.take();
            }
            for place in &mut batch[1..] {
                while let Some(waker) = slots.senders.get_mut(next).filter(|_| due.senders && place.is_none())
                {
                    if due.except != Some(next) {
                        *place = waker.take();
                    }
                    next += 1;
                }
            }
            due.senders &= next < slots.senders.len();
            drop(slots);
            batch.into_iter().flatten().for_each(Waker::wake);
        }
    }
}

/// Puts a waker in a slot, unless one is there that does the same, and gives back what was there.
fn replace(slot: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    if slot.as_ref().is_some_and(|old| old.will_wake(waker)) { None } else { slot.replace(waker.clone()) }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        let mut slots = self.slots();
        if slots.polling > 0 {
            slots.fired = true;
        } else {
            drop(slots);
            self.wake_due(ALL);
        }
    }
}
