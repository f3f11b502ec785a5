//! What the opening handshakes of all adapters share.
use super::Error;
use std::io;

/// A `wss://` URL cannot be dialled: there is no TLS in this crate.
pub(crate) fn needs_tls() -> Error {
    let message = "wss:// needs TLS: connect a TLS stream and pass it to connect_over, or use a ws:// URL";
    io::Error::new(io::ErrorKind::Unsupported, message).into()
}
