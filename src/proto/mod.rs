//! The protocol after the handshake, as machines: bytes in, events out; messages in, bytes out.
//!
//! [`Connection`] is both directions. It holds no socket, starts no thread, reads no clock: whoever has
//! those drives it. The adapters in this crate are such drivers; this is one in a few lines:
//!
//! ```
//! use bytes::Buf;
//! use sansocket::{Config, Role, proto::{Connection, Established, Event}};
//! # use bytes;
//! # fn main() -> Result<(), sansocket::SendError> {
//! let mut client = Connection::new(Established::bare(Role::Client), Config::client());
//! let mut server = Connection::new(Established::bare(Role::Server), Config::server());
//! client.send("hello")?;
//!
//! // What a transport does: bytes out of one, into the other.
//! let wire = client.transmit();
//! let bytes = wire.copy_to_bytes(wire.remaining());
//! server.receive(&bytes);
//!
//! // A message is lent where it lies; the sending half is free to answer while it lives.
//! let (inbound, outbound) = server.halves();
//! while let Some(event) = inbound.poll_event(outbound) {
//!     if let Event::Message(message) = event {
//!         assert_eq!(message.as_str(), Some("hello"));
//!         outbound.send(message)?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The rooms: `state` (every state and transition), `drive` (what a driver should do next), `reader` (bytes into
//! messages, in place), `decoding` (through an extension), `input` (the buffer that bytes arrive in), `inbound` and
//! `outbound` (the two directions), `transmit` (bytes on their way out), `timer` (deadlines), `closed` (the account of the
//! end), `event` (what the directions tell the driver and each other).
mod closed;
mod connection;
mod decoding;
mod drive;
mod established;
mod event;
mod inbound;
mod input;
mod outbound;
mod read_buf;
mod reader;
mod spare;
mod state;
mod timer;
mod transmit;

pub use closed::{Closed, Deadline};
pub use connection::Connection;
pub use drive::Step;
pub use established::{Established, InvalidSubprotocol, Subprotocol};
pub use event::{Control, ControlSink, Event, Ready, Sending, Sent};
pub use inbound::Inbound;
pub use input::Lent;
pub use outbound::{Outbound, Position};
pub use read_buf::ReadBuf;
pub use state::{ReadyState, RecvState, Role, SendState};
pub use transmit::Transmit;
