//! WebSockets over any blocking stream, for one thread or two.
//!
//! ```no_run
//! # fn main() -> Result<(), sansocket::Error> {
//! let mut socket = sansocket::blocking::connect("ws://127.0.0.1:9001")?;
//! socket.send("hello")?;
//! while let Some(message) = socket.recv()? {
//!     println!("{message:?}");
//!     socket.close(sansocket::CloseCode::NORMAL)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! There is no thread behind a [`WebSocket`]: pings are answered, the closing handshake is done and deadlines pass
//! while a call receives. A call that sends keeps the deadline for writing only. So keep one receiving; or
//! [`split`](WebSocket::split) it, for a thread that receives and others that send.
//!
//! A server that answers what it receives does so with [`feed`](WebSocket::feed), or in the loop of
//! [`recv_ref`](WebSocket::recv_ref): answers to messages that came together then leave together.
#![allow(clippy::disallowed_types, reason = "an adapter does I/O")]
mod chunks;
mod client;
mod driver;
mod link;
mod opening;
mod output;
mod pending;
mod server;
mod split;
mod timing;
mod transport;
mod websocket;

pub use chunks::{MessageReader, MessageWriter};
pub use client::{Connector, connect, connect_over, connect_with};
pub use pending::{PendingUpgrade, read_request};
pub use server::{Acceptor, accept, accept_with, accept_with_config};
pub use split::{Receiver, ReuniteError, Sender};
pub use transport::{Half, Plain, Split, Transport};
pub use websocket::WebSocket;
