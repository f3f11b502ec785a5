//! How a connection comes to be (RFC 6455 §4): an HTTP/1.1 request, and a response of 101.
//!
//! Two machines, driven as a [`Connection`](crate::proto::Connection) is, and at their end becoming one. Bytes that
//! came after the head are in the connection already, and none can be lost between the two.
//!
//! ```text
//! ClientRequest ─▶ ClientHandshake ─poll─▶ Upgraded { connection, response }
//!
//!                  ServerHandshake ─poll─▶ Upgrade ─accept─▶ Connection
//!                                             └─reject──▶ Refused
//! ```
//!
//! ```
//! use sansocket::bytes::Buf;
//! use sansocket::{Config, handshake::{Acceptance, ClientHandshake, ClientRequest, ServerHandshake}};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let request = ClientRequest::try_from("ws://example.com/chat")?;
//! let mut client = ClientHandshake::new(request, Config::client());
//! let mut server = ServerHandshake::new(Config::server());
//!
//! // What a transport does: bytes out of one, into the other.
//! let wire = client.transmit();
//! server.receive(&wire.copy_to_bytes(wire.remaining()));
//! let upgrade = server.poll()?.expect("the request has come");
//! assert_eq!(upgrade.request().uri().path(), "/chat");
//! let mut served = upgrade.accept(Acceptance::new()).map_err(|rejection| rejection.into_error())?;
//!
//! let wire = served.transmit();
//! client.receive(&wire.copy_to_bytes(wire.remaining()));
//! let mut connection = client.poll()?.expect("the response has come").connection;
//! connection.send("hello")?;
//! # Ok(())
//! # }
//! ```
mod client;
mod declined;
mod error;
mod field;
mod first_line;
mod http1;
mod incoming;
mod key;
mod origin;
mod server;
mod url;

pub use client::{ClientHandshake, ClientRequest, HttpHandshake, InvalidResponse, Upgraded};
pub use error::{HandshakeError, HeadLimit};
pub use field::{InvalidField, InvalidHeader};
pub use origin::ForbiddenOrigin;
pub(crate) use server::LINGER_BYTES;
pub use server::{Acceptance, InvalidRequest, Refused, Rejection, ServerHandshake, Upgrade};
pub use url::{InvalidUrl, Scheme, Url};

crate::proto::machine!(ClientHandshake, {});
crate::proto::machine!(ServerHandshake, {});
