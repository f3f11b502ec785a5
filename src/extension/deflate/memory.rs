//! [`Memory`]: what the compression of many connections may take together, and the codec states that it lends them.
use super::pool::Pools;
use crate::error::Violation;
use std::{
    fmt,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The budget of [`Memory::default`].
const DEFAULT_BUDGET: usize = 256 << 20;

/// What the compression of many connections may take together, and the codec states that they share.
///
/// [`Deflate::memory`](super::Deflate::memory) holds a handle. A clone is another handle to the same memory, and two
/// handles are equal if they are to the same memory. The default is the memory of the process, which every
/// [`Deflate`](super::Deflate) uses unless it is given another. Its budget is 256 MiB.
///
/// There are two accounts, and each may come to the budget:
///
/// | account | counts | when the budget is spent |
/// |---|---|---|
/// | [`contexts`](Self::contexts) | the most that contexts kept between messages can come to, from the handshake on | new connections agree to keep none, or decline compression |
/// | [`unfinished`](Self::unfinished) | what messages hold of which only a part has come: the bytes inflated so far, a window, and a state of 48 KiB | the connection is failed with [`OverBudget`](Violation::OverBudget), code 1013 |
///
/// So contexts, which are agreed on for the life of a connection, never leave messages without memory.
///
/// A message may hold no more than it leaves to all others. So as the budget runs out, connections whose messages hold the
/// most are the first to be failed, and short messages still pass. A connection is failed when its message grows, and not
/// on behalf of another: a connection gives memory back only when its driver runs next, and a silent peer gives it no
/// reason to.
///
/// ```
/// use sansocket::{Deflate, extension::deflate::Memory};
///
/// let mut deflate = Deflate::default();
/// deflate.memory = Memory::new(1 << 30); // 1 GiB, for the connections of this `Deflate` alone
/// assert_eq!(deflate.memory.unfinished(), 0);
/// ```
#[derive(Clone)]
pub struct Memory(Arc<Shared>);

/// The counters are `Relaxed`: no other memory is accessed depending on them.
struct Shared {
    budget: usize,
    contexts: AtomicUsize,
    unfinished: AtomicUsize,
    pools: Pools,
}

impl Memory {
    /// Memory with accounts of its own, which may come to `budget` bytes each, and states of its own to lend.
    pub fn new(budget: usize) -> Self {
        let (contexts, unfinished) = Default::default();
        Self(Arc::new(Shared { budget, contexts, unfinished, pools: Pools::default() }))
    }

    /// How many bytes each account may come to.
    pub fn budget(&self) -> usize {
        self.0.budget
    }

    /// Bytes that are reserved for contexts kept between messages: the most that they may come to, not what they take
    /// already. A client must keep the window that its server says it keeps, so this may pass the budget.
    pub fn contexts(&self) -> usize {
        self.0.contexts.load(Relaxed)
    }

    /// Bytes that messages hold of which a part has come.
    pub fn unfinished(&self) -> usize {
        self.0.unfinished.load(Relaxed)
    }

    /// The codec states to lend.
    pub(super) fn pools(&self) -> &Pools {
        &self.0.pools
    }

    /// Reserves `bytes` for contexts; `None` if that would exceed the budget. Zero bytes always succeed.
    pub(super) fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let add =
            |reserved: usize| reserved.checked_add(bytes).filter(|&sum| bytes == 0 || sum <= self.0.budget);
        let reserved = self.0.contexts.fetch_update(Relaxed, Relaxed, add);
        reserved.ok().map(|_| Reservation { memory: self.clone(), bytes })
    }

    /// Reserves without asking the budget: the server's answer obliges us to keep this window.
    pub(super) fn reserve_regardless(&self, bytes: usize) -> Reservation {
        self.0.contexts.fetch_add(bytes, Relaxed);
        Reservation { memory: self.clone(), bytes }
    }

    /// A message that held `held` bytes holds `bytes` from now on. If that is more than before, as many must be left for
    /// others.
    pub(super) fn hold(&self, held: &mut usize, bytes: usize) -> Result<(), Violation> {
        let (budget, before) = (self.0.budget, *held);
        let change = |all: usize| {
            let sum = all.saturating_sub(before).checked_add(bytes)?;
            (bytes <= before || sum.checked_add(bytes)? <= budget).then_some(sum)
        };
        if bytes != before {
            let changed = self.0.unfinished.fetch_update(Relaxed, Relaxed, change);
            changed.map_err(|_| Violation::OverBudget { budget })?;
            *held = bytes;
        }
        Ok(())
    }
}

/// The memory of the process.
impl Default for Memory {
    fn default() -> Self {
        static PROCESS: LazyLock<Memory> = LazyLock::new(|| Memory::new(DEFAULT_BUDGET));
        PROCESS.clone()
    }
}

impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Memory {}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("budget", &self.0.budget)
            .field("contexts", &self.contexts())
            .field("unfinished", &self.unfinished())
            .finish()
    }
}

/// A part of what contexts may take, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    memory: Memory,
    bytes: usize,
}

impl Reservation {
    /// Splits off a reservation of `bytes`.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { memory: self.memory.clone(), bytes }
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.memory.0.contexts.fetch_sub(self.bytes, Relaxed);
    }
}

/// Bytes of a compressor's state in zlib-rs: two windows, a chain as long, and 248 KiB whatever the window.
pub(super) fn compressor(window_bits: u8) -> usize {
    (248 << 10) + (4 << window_bits)
}

/// Bytes that are kept of received messages: the window, without a state.
pub(super) fn window(window_bits: u8) -> usize {
    1 << window_bits.max(9) // zlib cannot send with 8, so one that agreed to that may send with 9
}

/// Bytes of a decompressor's state in zlib-rs, whatever the window.
pub(super) const INFLATER: usize = 48 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_counted_past_its_end() {
        let memory = Memory::new(usize::MAX);
        let held = memory.reserve_regardless(1);
        assert!(memory.reserve(usize::MAX).is_none());
        drop(held);
        assert!(memory.reserve(usize::MAX).is_some());
        let memory = Memory::new(0);
        assert!(memory.reserve(0).is_some() && memory.reserve(1).is_none());
        assert_eq!(memory.contexts(), 0);
    }

    #[test]
    fn a_message_may_hold_no_more_than_it_leaves() {
        let (memory, over) = (Memory::new(1000), Err(Violation::OverBudget { budget: 1000 }));
        let (mut large, mut small) = (0, 0);
        assert_eq!(memory.hold(&mut large, 501), over);
        assert_eq!((memory.hold(&mut large, 500), large), (Ok(()), 500));
        assert_eq!(memory.hold(&mut small, 251), over);
        assert_eq!((memory.hold(&mut small, 250), memory.unfinished()), (Ok(()), 750));
        assert_eq!(memory.hold(&mut large, 501), over, "it grows, so it is failed");
        assert_eq!((memory.hold(&mut large, 499), memory.unfinished()), (Ok(()), 749), "it shrinks");
        assert_eq!(memory.hold(&mut small, usize::MAX), over);
        for held in [&mut large, &mut small] {
            assert_eq!(memory.hold(held, 0), Ok(()));
        }
        assert_eq!(memory.unfinished(), 0);
        assert!(memory.reserve(1000).is_some(), "another account");
    }

    #[test]
    fn handles_are_to_the_same_memory_or_not() {
        let (one, other) = (Memory::new(9), Memory::new(9));
        let reserved = one.clone().reserve(5);
        assert_eq!((one.contexts(), other.contexts()), (5, 0));
        assert!(one == one.clone() && one != other && Memory::default() == Memory::default());
        assert_eq!(format!("{one:?}"), "Memory { budget: 9, contexts: 5, unfinished: 0 }");
        drop(reserved);
    }
}
