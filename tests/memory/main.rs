//! What connections hold, counted by the allocator: floods, messages that are kept, compression.
#[cfg(feature = "deflate")]
#[path = "../rfc7692/common.rs"]
mod common;
#[path = "../support/counted.rs"]
mod counted;
#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "deflate")]
mod deflate;
mod promises;
mod sharing;
