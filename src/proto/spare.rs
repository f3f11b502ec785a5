//! Buffers belong to the moment: a empty connection leaves its two with its thread, for whichever is next.
//!
//! So an idle connection holds no buffer, and a busy one allocates none.
use bytes::BytesMut;
use std::cell::Cell;

/// A thread keeps buffers of up to this many bytes; larger ones are freed.
const KEEP: usize = 256 * 1024;

/// One spare buffer of each thread.
pub(super) struct Spare(Cell<Option<BytesMut>>);

thread_local! {
    /// For what is received.
    pub(super) static INPUT: Spare = const { Spare(Cell::new(None)) };
    /// For what is sent.
    pub(super) static OUTPUT: Spare = const { Spare(Cell::new(None)) };
}

impl Spare {
    /// Takes the thread's spare buffer, or a new one that has no memory yet.
    pub(super) fn take(&self) -> BytesMut {
        self.0.take().unwrap_or_default()
    }

    /// Leaves an empty buffer to the thread, or frees it; `memory` is how much it has, with what has been cut off its
    /// front.
    #[inline]
    pub(super) fn put(&self, mut empty: BytesMut, memory: usize) {
        if memory <= KEEP {
            if memory > empty.capacity() {
                let _ = empty.try_reclaim(memory); // all of it, so that its capacity tells the truth again
            }
            self.0.set(Some(empty));
        }
    }
}
