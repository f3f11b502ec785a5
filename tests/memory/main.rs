//! What connections hold, counted by the allocator: floods, messages that are kept, compression.
#[cfg(feature = "deflate")]
#[path = "../rfc7692/common.rs"]
mod common;

#[cfg(feature = "deflate")]
mod deflate;
mod promises;
mod sharing;

use sansocket_test_support::{self as support, counted};

#[global_allocator]
static COUNTED: counted::Counted = counted::Counted;
