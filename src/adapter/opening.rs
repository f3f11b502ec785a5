//! What the opening handshakes of all adapters share.
use super::Error;
use std::io;

/// The most bytes that are read and dropped from a peer that has been refused. A TCP stream that is closed with unread
/// bytes resets the connection, and the peer might lose the refusal.
pub(crate) const LINGER_BYTES: usize = 1 << 20;

/// A `wss://` URL cannot be dialled: there is no TLS in this crate.
pub(crate) fn needs_tls() -> Error {
    let message = "wss:// needs TLS: connect a TLS stream and pass it to connect_over, or use a ws:// URL";
    io::Error::new(io::ErrorKind::Unsupported, message).into()
}
