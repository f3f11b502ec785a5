//! What contexts may take in the whole process: reserved when they are agreed upon, freed when they go.
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// No memory is read or written on the strength of this number, so no order is asked for.
static RESERVED: AtomicUsize = AtomicUsize::new(0);

/// Bytes that are reserved at this moment for contexts kept between messages, in the whole process: the most that they
/// may come to, not what they take already. See [`Deflate::memory_budget`](super::Deflate::memory_budget).
pub fn memory_reserved() -> usize {
    RESERVED.load(Relaxed)
}

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Reservation(usize);

impl Reservation {
    /// Unless more than `budget` would be reserved then. Nothing is always to be had.
    pub(super) fn within(budget: usize, bytes: usize) -> Option<Self> {
        let add = |reserved: usize| reserved.checked_add(bytes).filter(|&sum| bytes == 0 || sum <= budget);
        RESERVED.fetch_update(Relaxed, Relaxed, add).ok().map(|_| Self(bytes))
    }
    /// Whatever the budget: the peer has decided.
    pub(super) fn regardless(bytes: usize) -> Self {
        RESERVED.fetch_add(bytes, Relaxed);
        Self(bytes)
    }
    /// Shares it out: `bytes` of it are another's.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.0);
        self.0 -= bytes;
        Self(bytes)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        RESERVED.fetch_sub(self.0, Relaxed);
    }
}

/// A compressor's state, by its allocations in zlib-rs: two windows, a chain as long, and 248 KiB whatever the window.
pub(super) fn compressor(window_bits: u8) -> usize {
    (248 << 10) + (4 << window_bits)
}

/// What is kept of received messages: the window, without a state.
pub(super) fn window(window_bits: u8) -> usize {
    1 << window_bits.max(9) // zlib cannot send with 8, so one that agreed to that may send with 9
}

/// A decompressor's state in zlib-rs, whatever the window.
pub(super) const INFLATER: usize = 48 << 10;
