//! An allocator that forwards to the system's, and counts for each thread what was asked of it.
#![allow(unsafe_code, reason = "an allocator that counts")]
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// A test binary that counts says so: `#[global_allocator] static COUNTED: Counted = Counted;`.
#[derive(Debug)]
pub struct Counted;

#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// How often memory was asked for, and how many bytes in all.
    pub calls: usize,
    pub bytes: usize,
    /// How much is held now, and was held at most.
    pub held: isize,
    pub most: isize,
}
thread_local! {
    pub static TALLY: Cell<Tally> = const { Cell::new(Tally { calls: 0, bytes: 0, held: 0, most: 0 }) };
}
fn note(asked: usize, freed: usize) {
    // Not while the thread ends.
    let _ = TALLY.try_with(|tally| {
        let mut now = tally.get();
        now.calls += usize::from(asked > 0);
        now.bytes += asked;
        now.held += asked as isize - freed as isize;
        now.most = now.most.max(now.held);
        tally.set(now);
    });
}

// SAFETY: every call is the system allocator's, with what it was called with.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: see above.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: see above.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: see above.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What `work` asked for, on this thread; `held` and `most` are beyond what was held before.
///
/// # Panics
///
/// If nothing is counted, because [`Counted`] is not the allocator of this test binary.
pub fn tally<T>(work: impl FnOnce() -> T) -> (Tally, T) {
    let before = TALLY.get();
    drop(std::hint::black_box(Box::new(0_u8)));
    assert!(TALLY.get().calls > before.calls, "the allocator of this binary does not count");
    let before = TALLY.get();
    TALLY.set(Tally { most: before.held, ..before });
    let result = work();
    let after = TALLY.get();
    let spent = Tally {
        calls: after.calls - before.calls,
        bytes: after.bytes - before.bytes,
        held: after.held - before.held,
        most: after.most - before.held,
    };
    (spent, result)
}
/// On a thread that has no spare buffers yet.
pub fn fresh(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .spawn(work)
        .unwrap()
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
