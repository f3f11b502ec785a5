//! A WebSocket library that never touches a socket, with thin layers on top that do.
//!
//! [`proto::Connection`] is the protocol after the opening handshake: bytes go in and events come out, messages go in
//! and bytes come out, and it is told the time. [`handshake`] opens a connection. Adapters move the bytes:
//!
//! | module | over | feature |
//! |---|---|---|
//! | [`blocking`] | any `Read + Write` | |
//! | [`tokio`] | Tokio's `AsyncRead + AsyncWrite` | `tokio` |
//! | [`futures`] | the streams of `futures::io` (smol, async-std), under any executor | `futures` |
//! | [`aio`] | streams of any other runtime: `tokio` and `futures` are made of it | either |
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
//!
//! An application that receives messages and sends others needs no more than an adapter, [`Config`], [`Message`] and
//! [`Error`]. An event loop of your own drives a [`proto::Connection`], as [`proto`] shows, or a [`session::Session`],
//! which begins with a handshake.
//!
//! The [`guide`] has a chapter for each question that concerns more than one type: [driving the core](guide::driving),
//! [closing](guide::closing), [back-pressure](guide::pressure), [memory](guide::memory), [split](guide::split), and
//! [pages from elsewhere](guide::origins).
//!
//! # Features
//! - `idna`: host names that are not ASCII, in the URLs that clients connect to.
//! - `deflate`: permessage-deflate (RFC 7692): [`Deflate`](extension). A client's default [`Config`] offers it then; a
//!   server takes it up when told to.
//! - `tokio`, `futures`: the asynchronous adapter. Neither changes what the core does. Only `tokio` dials.
//!
#![cfg_attr(feature = "tokio", doc = "[`tokio`]: crate::tokio")]
#![cfg_attr(not(feature = "tokio"), doc = "[`tokio`]: https://docs.rs/sansocket/latest/sansocket/tokio/")]
#![cfg_attr(feature = "futures", doc = "[`futures`]: crate::futures")]
#![cfg_attr(
    not(feature = "futures"),
    doc = "[`futures`]: https://docs.rs/sansocket/latest/sansocket/futures/"
)]
#![cfg_attr(any(feature = "tokio", feature = "futures"), doc = "[`aio`]: crate::aio")]
#![cfg_attr(
    not(any(feature = "tokio", feature = "futures")),
    doc = "[`aio`]: https://docs.rs/sansocket/latest/sansocket/aio/"
)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]
// Input from the peer must never be able to cause a panic.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::todo)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Values: no I/O and no time.
mod authority;
pub mod close;
pub mod entropy;
mod error;
pub mod extension;
pub mod frame;
mod message;
mod per_thread;
mod quote;
mod sentence;
mod sniff;
mod text;

// Machines.
mod config;
pub mod handshake;
pub mod proto;
pub mod session;

// Adapters: only these do I/O, and nothing above names them.
mod adapter;
#[cfg(any(feature = "tokio", feature = "futures"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "tokio", feature = "futures"))))]
pub mod aio;
pub mod blocking;
#[cfg(feature = "futures")]
#[cfg_attr(docsrs, doc(cfg(feature = "futures")))]
pub mod futures;
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub mod tokio;

#[cfg(any(doc, doctest))]
pub mod guide;

pub use adapter::{Error, Reply};
pub use close::{CloseCode, CloseFrame};
pub use config::{Config, Delivery, InvalidOrigin, Keepalive, OriginPattern, Origins};
pub use error::{ProtocolError, SendError, Violation};
#[cfg(feature = "deflate")]
#[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
pub use extension::Deflate;
pub use message::{Kind, Message, Outgoing, Prepared};
pub use proto::{Closed, Deadline, Lent, ReadyState};
pub use sniff::LooksLike;
pub use text::Utf8Bytes;

pub use bytes;
pub use http;

/// Compiles the examples of the README, one of which needs Tokio.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
