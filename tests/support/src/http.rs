//! Heads of opening handshakes, written out: the key and the answer are those of RFC 6455 §1.3.

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// A whole request that every server accepts.
pub const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// The request with one more field.
pub fn request_with(field: &str) -> String {
    format!("{}{field}\r\n\r\n", REQUEST.strip_suffix("\r\n").unwrap_or(REQUEST))
}
