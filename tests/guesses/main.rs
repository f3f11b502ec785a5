//! What people who know another WebSocket library type first compiles, and does what they mean.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod values;
