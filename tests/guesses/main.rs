//! What people who know another WebSocket library type first compiles, and does what they mean.
#![allow(clippy::unwrap_used, clippy::needless_borrows_for_generic_args, reason = "as people type it")]
#[cfg(feature = "tokio")]
mod programs;
mod values;
