//! The blocking adapter, over scripted streams and over sockets on this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests do I/O")]
mod chunks;
mod closing;
mod deadlines;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(feature = "deflate")]
mod deflate_wire;
mod ends;
mod guide;
mod handshake;
mod late;
mod messages;
mod script;
mod split;
mod told;

use sansocket_test_support::{self as support, idle};
