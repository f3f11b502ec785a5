//! What the fuzz targets share: chance that repeats itself, and RFC 6455 read a second time, naively.
pub mod cuts;
pub mod driver;
pub mod http;
pub mod inflate;
pub mod memory;
pub mod model;
pub mod pair;

use sansocket::entropy::Entropy;
use std::sync::atomic::{AtomicU64, Ordering};

/// Entropy that is the same in every run.
#[derive(Debug, Default)]
pub struct Repeatable(AtomicU64);

impl Entropy for Repeatable {
    fn fill(&self, dest: &mut [u8]) {
        for byte in dest {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            *byte = (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8;
        }
    }
}
