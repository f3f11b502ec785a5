//! RFC 7692, permessage-deflate, through handshakes and connections: a test for each rule, named by its section.
#![cfg(feature = "deflate")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod hostile;
mod memory;
mod messages;
mod negotiation;

use sansocket_test_support::{self as support, counted};

#[global_allocator]
static COUNTED: counted::Counted = counted::Counted;
