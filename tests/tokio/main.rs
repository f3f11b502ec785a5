//! The Tokio adapter against transports and peers that try to break it. Time is Tokio's paused clock; nothing sleeps.
#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod cancel;
mod closing;
mod cuts;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(feature = "deflate")]
mod deflate_wire;
mod ends;
mod line;
mod memory;
mod opening;
mod pressure;
mod shape;
mod skipping;
mod split;
mod streaming;
mod timers;

use sansocket_test_support::{self as support, counted, idle};

#[global_allocator]
static COUNTED: counted::Counted = counted::Counted;
