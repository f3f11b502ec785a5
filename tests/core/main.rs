//! The core, driven in memory: what holds for whole connections, beyond the sections of the RFCs.
#[path = "../support/mod.rs"]
mod support;

mod config;
mod deadlines;
mod driver;
mod extension;
mod lifecycle;
mod properties;
mod regressions;
mod streaming;
