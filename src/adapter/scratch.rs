//! Memory of the thread, lent for a read: where a stream wants initialised bytes to read into.
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_SIZE].into_boxed_slice());
}

/// How much is read at a time.
const SCRATCH_SIZE: usize = 64 * 1024;

/// Lends the thread's memory for a read: initialised once, so that no read pays for zeroing it. A stream that reads from
/// another WebSocket within gets memory of its own.
#[inline]
pub(crate) fn with_scratch<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => read(&mut scratch),
        Err(_) => read(&mut vec![0; SCRATCH_SIZE]),
    })
}
