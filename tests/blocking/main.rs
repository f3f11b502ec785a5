//! The blocking adapter, over scripted streams and over sockets on this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests do I/O")]
mod closing;
mod deadlines;
mod handshake;
#[path = "../support/idle.rs"]
mod idle;
mod messages;
mod pieces;
mod script;
mod split;
