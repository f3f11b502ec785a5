//! [`LooksLike`]: which other protocol a peer seems to speak. Asked only once a peer has been found wrong.
use std::fmt;

/// What bytes look like that are not what they should be: a guess, for error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LooksLike {
    /// A TLS handshake (RFC 8446 §5.1): the client uses `wss://`.
    Tls,
    /// A TLS alert (RFC 8446 §6): the server expects TLS.
    TlsAlert,
    /// An HTTP/2 preface or SETTINGS frame (RFC 9113 §3.4, §6.5).
    Http2,
    /// The header of the PROXY protocol, version 1 or 2.
    Proxy,
    /// The banner of SSH (RFC 4253 §4.2).
    Ssh,
    /// HTTP/1 text, in the place of a frame.
    Http1,
    /// CR LF, in the place of a frame.
    LineEnd,
}

impl LooksLike {
    /// In the place of an HTTP/1.1 message.
    pub(crate) fn not_http(bytes: &[u8]) -> Option<Self> {
        const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
        match bytes {
            [0x16] | [0x16, 0x03, ..] => Some(Self::Tls),
            [0x15] | [0x15, 0x03, ..] => Some(Self::TlsAlert),
            // The header of a frame: length, type 4, no flags or ACK, stream 0.
            [0, 0, _, 4, 0 | 1, 0, 0, 0, 0, ..] => Some(Self::Http2),
            _ if bytes.starts_with(b"PRI * HTTP/2") => Some(Self::Http2),
            _ if bytes.starts_with(b"PROXY ") => Some(Self::Proxy),
            // Four of its bytes are two line ends, which others send too.
            _ if bytes.len() > 4 && PROXY_V2.starts_with(&bytes[..bytes.len().min(PROXY_V2.len())]) => {
                Some(Self::Proxy)
            }
            _ if bytes.starts_with(b"SSH-") => Some(Self::Ssh),
            _ => None,
        }
    }

    /// In the place of a frame.
    pub(crate) fn not_a_frame(bytes: &[u8]) -> Option<Self> {
        const HTTP1: [&[u8]; 9] = [
            b"HTTP/1.",
            b"GET /",
            b"POST /",
            b"PUT /",
            b"HEAD /",
            b"DELETE /",
            b"OPTIONS ",
            b"PATCH /",
            b"CONNECT ",
        ];
        if HTTP1.iter().any(|text| bytes.starts_with(text)) {
            return Some(Self::Http1);
        }
        match Self::not_http(bytes) {
            None if bytes.starts_with(b"\r\n") => Some(Self::LineEnd),
            looks_like => looks_like,
        }
    }
}

/// With what to do about it.
impl fmt::Display for LooksLike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS: the peer uses wss:// or https://, and nothing in front of this end decrypts TLS",
            Self::TlsAlert => "a TLS alert: the peer expects TLS, so connect with wss://",
            Self::Http2 => {
                "HTTP/2: a WebSocket is opened over HTTP/1.1 here, so the peer must speak that (in TLS, by ALPN \"http/1.1\")"
            }
            Self::Proxy => {
                "the PROXY protocol: a load balancer sends its header first, so read the header off the stream, or switch it off there"
            }
            Self::Ssh => "SSH: check the port",
            Self::Http1 => "HTTP text: the peer, or a proxy, went back to HTTP after the upgrade",
            Self::LineEnd => "a line end: the peer, or a proxy, wrote CR LF after the opening handshake",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_them_by_their_first_bytes() {
        use LooksLike::{Http2, Proxy, Ssh, Tls, TlsAlert};
        for (bytes, expected) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], Some(Tls)),
            (b"\x16", Some(Tls)),
            (b"\x16\x05", None),
            (b"\x15\x03\x01\x00\x02\x02\x46", Some(TlsAlert)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Http2)),
            (b"\0\0\x12\x04\0\0\0\0\0\0\x03", Some(Http2)),
            (b"\0\0\x12\x04\0\0\0\0", None),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n", Some(Proxy)),
            (b"PROXY UNKNOWN\r\n", Some(Proxy)),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11", Some(Proxy)),
            (b"\r\n\r\n\0", Some(Proxy)),
            (b"\r\n\r\n", None),
            (b"\r\n\r\nGET / HTTP/1.1\r\n", None),
            (b"SSH-2.0-OpenSSH_9.6\r\n", Some(Ssh)),
            (b"220 mail.example.com ESMTP\r\n", None),
            (b"", None),
        ] {
            assert_eq!(LooksLike::not_http(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn in_the_place_of_a_frame_it_knows_http_text_and_line_ends() {
        use LooksLike::{Http1, LineEnd, TlsAlert};
        for (bytes, expected) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], Some(Http1)),
            (b"GET /other HTTP/1.1\r\n", Some(Http1)),
            (b"\r\n", Some(LineEnd)),
            (b"\r\n\x81\x00", Some(LineEnd)),
            (b"\x15\x03\x03\x00\x02\x01\x00", Some(TlsAlert)),
            (b"\x8f\x00", None),
        ] {
            assert_eq!(LooksLike::not_a_frame(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
