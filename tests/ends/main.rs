//! How connections end: over streams that misbehave in every way a stream can, with clocks that are told the time.
#![cfg(all(feature = "tokio", feature = "futures", feature = "deflate"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_types, reason = "tests do I/O")]

mod abilities;
mod app;
mod app_async;
mod app_blocking;
mod blocking_face;
mod cases_1;
mod cases_2;
mod cases_2_stuck;
mod cases_3;
mod cases_4;
mod cases_4_words;
mod clocks;
mod faces;
mod matrix;
mod mix;
mod model;
mod plan;
mod script;
mod stream;

use sansocket_test_support as support;
