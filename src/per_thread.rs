//! What a thread keeps between two uses, so that connections need not. This table is all of it:
//!
//! | | at most | why |
//! |---|---|---|
//! | [`Buffer::Input`] | 256 KiB | what is received: an idle connection holds no buffer, and a read allocates none |
//! | [`Buffer::Decoded`] | 256 KiB | what an extension has decoded |
//! | [`Buffer::Encoded`] | 256 KiB | what an extension has encoded, until it is framed |
//! | [`swap_in_output`] | 256 KiB | what is sent |
//! | [`number`] | a number | which of the pools of [`Deflate`](crate::extension) the thread uses |
//! | `entropy` | 1 KiB | a random stream: a system call for each masking key would cost ten times as much as the frame |
//!
//! Each buffer is swapped: a connection that needs one exchanges its empty buffer for the thread's, and gives it back
//! once all bytes in it are dealt with. So there is one spare of each kind, and a thread that has none allocates one.
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
#[derive(Clone, Copy, Debug)]
pub(crate) enum Buffer {
    /// For bytes received.
    Input,
    /// For what an extension has decoded.
    Decoded,
    /// For what an extension has encoded.
    Encoded,
}

impl Buffer {
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

    /// Exchanges a buffer without memory for the thread's spare.
    #[inline(always)]
    pub(crate) fn swap_in(self, buf: &mut BytesMut) {
        self.with(|spare| spare.swap_in(buf));
    }

    /// Leaves a buffer to the thread, or frees it. Its bytes are not needed any more; that they are initialised spares the
    /// next read from doing so. `memory` is how much memory it has, at most, with what has been cut off its front.
    #[inline(always)]
    pub(crate) fn swap_out(self, buf: &mut BytesMut, memory: usize) {
        if self.with(|spare| spare.swap_out(buf, memory)).is_none() {
            *buf = BytesMut::new();
        }
    }
}

/// Exchanges a buffer without memory for the thread's spare of what is sent.
#[inline(always)]
pub(crate) fn swap_in_output(buf: &mut Vec<u8>) {
    // There are no spares while the thread ends.
    let _ = OUTPUT.try_with(|spare| std::mem::swap(&mut *spare.borrow_mut(), buf));
}

/// Leaves an empty buffer of what was sent to the thread, or frees it.
#[inline]
pub(crate) fn swap_out_output(buf: &mut Vec<u8>) {
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
    fn swap_in(&self, buf: &mut BytesMut) {
        std::mem::swap(&mut *self.0.borrow_mut(), buf);
    }

    #[inline]
    fn swap_out(&self, buf: &mut BytesMut, memory: usize) {
        let mut spare = self.0.borrow_mut();
        if spare.capacity() == 0 && memory == buf.capacity() && memory <= KEEP {
            return std::mem::swap(&mut *spare, buf);
        }
        swap_out_slow(&mut spare, buf, memory);
    }
}

/// The thread has a spare already, or the front of this buffer was cut off, or it is larger than [`KEEP`].
#[cold]
#[inline(never)]
fn swap_out_slow(spare: &mut BytesMut, buf: &mut BytesMut, memory: usize) {
    // The front is taken back, so that the capacity is all of the memory again. That fails if there is less than was
    // thought.
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

/// A number of this thread, counted from zero in the order in which threads first ask for theirs. Zero while the thread
/// ends.
#[cfg(feature = "deflate")]
pub(crate) fn number() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Relaxed);
    }
    NUMBER.try_with(|number| *number).unwrap_or_default()
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
            spare.swap_out(&mut buf, memory);
            spare.swap_in(&mut buf);
            let capacity = buf.capacity();
            assert!(!buf.try_reclaim(capacity + 1), "{too_much}: {capacity}, and was {}", buf.capacity());
        }
    }

    #[test]
    fn a_thread_keeps_one_buffer_of_each_kind_and_no_large_one() {
        let mut buffers = [KEEP, KEEP, KEEP + 1].map(BytesMut::with_capacity);
        for (at, buf) in buffers.iter_mut().enumerate() {
            if at == 2 {
                let mut kept = BytesMut::new();
                Buffer::Decoded.swap_in(&mut kept);
                assert_eq!(kept.capacity(), KEEP);
            }
            let memory = buf.capacity();
            Buffer::Decoded.swap_out(buf, memory);
            assert_eq!(buf.capacity(), 0, "kept or freed");
        }
        let mut none = BytesMut::new();
        Buffer::Decoded.swap_in(&mut none);
        assert_eq!(none.capacity(), 0);
    }
}
