//! How much memory is asked for at once, and held at most: a buffer of an announced size shows, even if it is freed again
//! at once.
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

static LARGEST: AtomicUsize = AtomicUsize::new(0);
/// Bytes held; the most of them since [`forget`], and how many there were then.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static BEFORE: AtomicUsize = AtomicUsize::new(0);

/// Counts memory asked for, and memory given back.
fn count(more: usize, less: usize) {
    LARGEST.fetch_max(more, Ordering::Relaxed);
    let held = HELD.fetch_add(more, Ordering::Relaxed) + more;
    MOST.fetch_max(held, Ordering::Relaxed);
    HELD.fetch_sub(less, Ordering::Relaxed);
}

/// The system's allocator, watched.
struct Watched;

#[global_allocator]
static WATCHED: Watched = Watched;

// SAFETY: everything is done by the system's allocator.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(at, layout, size) }
    }
}

/// The most that has been asked for at once since [`forget`].
pub fn largest() -> usize {
    LARGEST.load(Ordering::Relaxed)
}

/// How many bytes more than at the last [`forget`] have been held since, at most.
pub fn grown() -> usize {
    MOST.load(Ordering::Relaxed) - BEFORE.load(Ordering::Relaxed)
}

/// Begins anew.
pub fn forget() {
    LARGEST.store(0, Ordering::Relaxed);
    let held = HELD.load(Ordering::Relaxed);
    MOST.store(held, Ordering::Relaxed);
    BEFORE.store(held, Ordering::Relaxed);
}
