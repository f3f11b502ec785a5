//! The client's side of the opening handshake: a request out, a 101 in.
mod check;
mod handshake;
mod http;
mod request;
mod response;

pub use check::InvalidResponse;
pub use handshake::{ClientHandshake, Upgraded};
pub use http::HttpHandshake;
pub use request::ClientRequest;
