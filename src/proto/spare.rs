//! The spare buffers of a thread. A connection that has emptied a buffer leaves it to its thread, for the next
//! connection that needs one. So an idle connection holds no buffer, and a busy one allocates none.
use bytes::BytesMut;
use std::cell::RefCell;

/// A thread keeps buffers of up to this many bytes; larger ones are freed.
const KEEP: usize = 256 * 1024;

/// One spare buffer of each thread, or one without memory.
struct Spare(RefCell<BytesMut>);

thread_local! {
    static INPUT: Spare = Spare(RefCell::new(BytesMut::new()));
    static DECODED: Spare = Spare(RefCell::new(BytesMut::new()));
    static ENCODED: Spare = Spare(RefCell::new(BytesMut::new()));
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Which of a thread's spare buffers.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// For what is received.
    Input,
    /// For what an extension has decoded.
    Decoded,
    /// For what an extension has encoded.
    Encoded,
}

impl Of {
    /// `None` while the thread ends, and has no spares any more.
    #[inline(always)]
    fn with<T>(self, f: impl FnOnce(&Spare) -> T) -> Option<T> {
        match self {
            Self::Input => INPUT.try_with(f),
            Self::Decoded => DECODED.try_with(f),
            Self::Encoded => ENCODED.try_with(f),
        }
        .ok()
    }

    /// Exchanges a buffer without memory for the thread's.
    #[inline(always)]
    pub(super) fn take(self, buf: &mut BytesMut) {
        self.with(|spare| spare.take(buf));
    }

    /// Leaves a buffer to the thread, or frees it: what is in it is of use to nobody, but that it is initialised may
    /// be. `memory` is how much it has, with what has been cut off its front.
    #[inline(always)]
    pub(super) fn put(self, buf: &mut BytesMut, memory: usize) {
        if self.with(|spare| spare.put(buf, memory)).is_none() {
            *buf = BytesMut::new();
        }
    }
}

/// Exchanges a buffer without memory for the thread's spare of what is sent.
#[inline(always)]
pub(super) fn take_output(buf: &mut Vec<u8>) {
    // There are no spares while the thread ends.
    let _ = OUTPUT.try_with(|spare| std::mem::swap(&mut *spare.borrow_mut(), buf));
}

/// Leaves an empty buffer of what was sent to the thread, or frees it.
#[inline]
pub(super) fn put_output(buf: &mut Vec<u8>) {
    let kept = OUTPUT.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        let keep = spare.capacity() == 0 && buf.capacity() <= KEEP;
        if keep {
            std::mem::swap(&mut *spare, buf);
        }
        keep
    });
    if kept != Ok(true) {
        *buf = Vec::new();
    }
}

impl Spare {
    #[inline]
    fn take(&self, buf: &mut BytesMut) {
        std::mem::swap(&mut *self.0.borrow_mut(), buf);
    }

    #[inline]
    fn put(&self, buf: &mut BytesMut, memory: usize) {
        let mut spare = self.0.borrow_mut();
        if spare.capacity() == 0 && memory == buf.capacity() && memory <= KEEP {
            return std::mem::swap(&mut *spare, buf);
        }
        put_any(&mut spare, buf, memory);
    }
}

/// Not as it nearly always is: there is a spare already, or something has been cut off, or it is too large.
#[cold]
#[inline(never)]
fn put_any(spare: &mut BytesMut, buf: &mut BytesMut, memory: usize) {
    // All of it, so that its capacity tells the truth again; that cannot be had if there is less of it than thought.
    if memory > buf.capacity() {
        buf.clear();
    }
    if memory <= KEEP && (memory == buf.capacity() || buf.try_reclaim(memory)) {
        std::mem::swap(spare, buf);
    }
    if buf.capacity() > 0 {
        *buf = BytesMut::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Buf;

    #[test]
    fn what_is_kept_has_no_more_memory_than_it_says() {
        // It is known at most: a caller that let the buffer grow by itself may have moved its bytes to the front.
        for too_much in [0, 6] {
            let spare = Spare(RefCell::new(BytesMut::new()));
            let mut buf = BytesMut::with_capacity(1000);
            buf.extend_from_slice(b"header");
            buf.advance(6);
            let memory = buf.capacity() + 6 + too_much;
            spare.put(&mut buf, memory);
            spare.take(&mut buf);
            let capacity = buf.capacity();
            assert!(!buf.try_reclaim(capacity + 1), "{too_much}: {capacity}, and was {}", buf.capacity());
        }
    }
}
