//! A WebSocket library that never touches a socket, with thin layers on top that do.
//!
//! [`proto::Connection`] is the protocol: bytes in, events out; messages in, bytes out; time told to it.
//! [`handshake`] is how one comes to be. [`blocking`] moves the bytes, over any `Read + Write`.
//!
//! ```text
//!            receive / read_buf                       poll_event
//!   bytes ─────────────────────▶ ┌──────────────┐ ─────────────────▶ events
//!                                │  Connection  │
//!   bytes ◀───────────────────── └──────────────┘ ◀───────────────── messages, close, ping
//!                 transmit          ▲        │           send
//!                     handle_timeout│        │poll_timeout
//!                                   └─ now   ▼ deadline
//! ```
#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]
// No panic is reachable from input.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::todo)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Values: no state, no I/O, no time.
mod close;
pub mod entropy;
mod error;
pub mod frame;
mod message;
mod text;

// Machines.
mod config;
pub mod handshake;
pub mod proto;
mod session;

// Adapters: these may do I/O, and nothing above may name them.
mod adapter;
pub mod blocking;

pub use adapter::Error;
pub use close::{CloseCode, CloseFrame, CloseReason, InvalidCloseCode, ReasonTooLong};
pub use config::{Config, Delivery, Keepalive, Origins};
pub use error::{ProtocolError, SendError, Violation};
pub use message::{Kind, Message, Outgoing};
pub use proto::{Closed, Deadline, Lent, ReadyState, Role, Subprotocol};
pub use session::{Session, SessionError, SessionEvent};
pub use text::Utf8Bytes;

pub use bytes;
pub use http;

/// The examples of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
