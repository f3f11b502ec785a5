//! The lock and the wakers of a split connection (`src/aio/split/{room,wakers}.rs`), as they are, through every
//! interleaving of small programs: no wake-up is lost, nothing locks for ever, and no task wakes itself.
//!
//! `cargo test --release --manifest-path tests/loom/Cargo.toml`
#![cfg(test)]
mod ends;
mod programs;
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "../../../src/aio/split/room.rs"]
mod room;
mod tasks;
#[path = "../../../src/aio/split/wakers.rs"]
mod wakers;

/// What `room` and `wakers` are made of here.
mod sync {
    pub(super) use loom::sync::{Mutex, MutexGuard, atomic};
    pub(super) use std::sync::PoisonError;

    pub(super) struct Sending {
        pub(super) waiting: bool,
        pub(super) released: u32,
    }
    pub(super) trait ControlSink {
        fn sending(&self) -> Sending;
        fn buffered_amount(&self) -> usize;
    }
}
