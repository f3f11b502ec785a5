//! The core, driven in memory: what holds for whole connections, beyond the sections of the RFCs.
mod config;
mod deadlines;
mod driver;
mod extension;
mod lifecycle;
mod machine;
mod properties;
mod regressions;
mod streaming;

use sansocket_test_support as support;
