//! The server's side of the opening handshake: a request in, an answer out.
mod answer;
mod check;
mod handshake;
mod http;
mod request;
mod response;

pub use check::InvalidRequest;
pub use handshake::ServerHandshake;
pub use request::Upgrade;
pub(crate) use response::LINGER_BYTES;
pub use response::{Acceptance, Refused, Rejection};
