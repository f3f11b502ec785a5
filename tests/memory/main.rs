//! What connections hold, counted by the allocator: floods, messages that are kept.

mod promises;
mod sharing;

use sansocket_test_support::{self as support, counted};

#[global_allocator]
static COUNTED: counted::Counted = counted::Counted;
