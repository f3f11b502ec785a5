//! The first line of an HTTP/1 head, judged as its bytes come. A peer that speaks another protocol is told at the first
//! byte that shows it, for such a peer waits for an answer and never sends the end of a head.
use super::error::HandshakeError;
use crate::{
    quote::{Quoted, first_line, without_query},
    sniff::LooksLike,
    text::is_token_byte,
};

/// What the head is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A request, before whose first line one CRLF may come (RFC 9112 §2.2).
    Request,
    /// A response.
    Response,
}

/// How far the first line has come.
#[derive(Debug, Default)]
pub(super) enum FirstLine {
    /// Nothing has come.
    #[default]
    Start,
    /// CR has come where a request may begin.
    AfterCr,
    /// The method: nothing of it has come, or some.
    Method { begun: bool },
    /// The request's target: nothing of it has come, or some.
    Target { begun: bool },
    /// The version: this many bytes of [`VERSION`] have come.
    Version(usize),
    /// The rest is judged when the head is complete.
    Rest,
}

const VERSION: &[u8] = b"HTTP/1.";

impl FirstLine {
    /// Looks at the next bytes of the line; false at one that cannot be in the first line of HTTP/1.
    pub(super) fn accepts(&mut self, bytes: &[u8], side: Side) -> bool {
        bytes.iter().all(|byte| self.accepts_byte(*byte, side))
    }

    fn accepts_byte(&mut self, byte: u8, side: Side) -> bool {
        if matches!(self, Self::Start) {
            *self = match (side, byte) {
                (Side::Request, b'\r') => {
                    *self = Self::AfterCr;
                    return true;
                }
                (Side::Request, _) => Self::Method { begun: false },
                (Side::Response, _) => Self::Version(0),
            };
        }
        *self = match *self {
            Self::AfterCr if byte == b'\n' => Self::Method { begun: false },
            Self::Method { begun: true } if byte == b' ' => Self::Target { begun: false },
            Self::Method { .. } if is_token_byte(byte) => Self::Method { begun: true },
            Self::Target { begun: true } if byte == b' ' => Self::Version(0),
            Self::Target { .. } if !matches!(byte, b' ' | b'\r' | b'\n') => Self::Target { begun: true },
            Self::Version(at) if VERSION.get(at) == Some(&byte) => match at + 1 {
                at if at < VERSION.len() => Self::Version(at),
                _ => Self::Rest,
            },
            Self::Rest => Self::Rest,
            _ => return false,
        };
        true
    }
}

/// The error for a peer that has begun with these bytes.
pub(super) fn not_http(bytes: &[u8]) -> HandshakeError {
    let begins = Quoted(without_query(first_line(bytes))).to_string().into();
    HandshakeError::NotHttp { looks_like: LooksLike::not_http(bytes), begins }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes are taken.
    fn taken(line: &str, side: Side) -> usize {
        let mut first = FirstLine::default();
        let wrong = line.bytes().position(|byte| !first.accepts(&[byte], side));
        assert_eq!(FirstLine::default().accepts(line.as_bytes(), side), wrong.is_none(), "{line:?}");
        wrong.unwrap_or(line.len())
    }

    #[test]
    fn the_first_byte_that_cannot_be_http_is_refused() {
        for (line, at) in [
            ("GET / HTTP/1.1\r\n", 16),
            ("\r\nGET / HTTP/1.0 what comes then is not judged here\r\n", 53),
            ("OPTIONS * HTTP/1.1", 18),
            ("\r\n\r\n", 2),
            ("\rG", 1),
            ("\x16\x03", 0),
            (" GET", 0),
            ("SSH-2.0-OpenSSH_9.6\r\n", 19),
            ("SSH-2.0-OpenSSH_9.6 Debian-2\r\n", 28),
            ("PRI * HTTP/2.0", 11),
            ("PROXY TCP4 192.0.2.1", 11),
            ("GET  /", 4),
            ("GET /\r\n", 5),
            ("GET / http/1.1", 6),
        ] {
            assert_eq!(taken(line, Side::Request), at, "{line:?}");
        }
        for (line, at) in
            [("HTTP/1.1 101\r\n", 14), ("SSH-2.0", 0), ("HTTP/2", 5), ("\r\nHTTP/1.1", 0), ("220 ", 0)]
        {
            assert_eq!(taken(line, Side::Response), at, "{line:?}");
        }
    }
}
