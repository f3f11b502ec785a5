//! HTTP/1.1 heads: found as bytes come, each byte looked at once; then parsed, once, as a whole.
use super::{
    error::{HandshakeError, HeadLimit},
    first_line::{FirstLine, Side, not_http},
};
use crate::config::Config;
use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};

/// How far into the input the head has been followed.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Bytes looked at.
    at: usize,
    /// Where the current line begins.
    line: usize,
    /// How many lines came before it.
    lines: usize,
    /// The first of them.
    first: FirstLine,
}

/// The length of the leading run, at most `most`, of bytes that need no look: no CR, LF or control character.
fn ordinary_bytes(input: &[u8], most: usize) -> usize {
    let input = &input[..most.min(input.len())];
    input.iter().position(|byte| !matches!(byte, 0x20..=0x7e | 0x80..)).unwrap_or(input.len())
}

impl Head {
    /// Looks at the bytes that have come since; true when the head is complete, and ends at `self.at`.
    ///
    /// Stricter than parsers must be (RFC 9112 §2.2, §5.2), because an intermediary between client and server may
    /// read leniently in another way: lines end with CRLF, and none is folded. One CRLF may come before a request line,
    /// for clients that end the body of an earlier request with it (RFC 9112 §2.2).
    fn find_end(&mut self, input: &[u8], config: &Config, side: Side) -> Result<bool, HandshakeError> {
        use HandshakeError::{HeadTooLarge, Malformed};
        while let Some(&byte) = input.get(self.at) {
            if self.at >= config.max_head_size {
                return Err(HeadTooLarge(HeadLimit::Size(config.max_head_size)));
            }
            let len = self.at - self.line;
            let after_cr = len > 0 && input[self.at - 1] == b'\r';
            if len > 0 && !after_cr {
                // Most of a line, at once. The byte that makes a line too long is looked at on its own.
                let room = config.max_header_line.saturating_sub(len).min(config.max_head_size - self.at);
                let ordinary = ordinary_bytes(&input[self.at..], room);
                if ordinary > 0 {
                    self.judge_first(input, ordinary, side)?;
                    self.at += ordinary;
                    continue;
                }
            }
            self.judge_first(input, 1, side)?;
            self.at += 1;
            match byte {
                b'\n' if after_cr && len == 1 && self.lines > 0 => return Ok(true),
                b'\n' if after_cr && len == 1 => self.line = self.at, // `FirstLine` has allowed it
                b'\n' if after_cr => {
                    (self.line, self.lines) = (self.at, self.lines + 1);
                    if self.lines - 1 > config.max_header_fields {
                        return Err(HeadTooLarge(HeadLimit::Fields(config.max_header_fields)));
                    }
                }
                b'\n' => return Err(Malformed("a line that ends with LF alone")),
                _ if after_cr => return Err(Malformed("CR without LF")),
                b'\r' => {}
                b' ' | b'\t' if len == 0 => return Err(Malformed("a line that begins with a space")),
                0..0x20 | 0x7f if byte != b'\t' => return Err(Malformed("a control character")),
                _ if len >= config.max_header_line => {
                    return Err(HeadTooLarge(HeadLimit::Line(config.max_header_line)));
                }
                _ => {}
            }
        }
        Ok(false)
    }

    /// The next `len` bytes, if they are of the first line, must be such as HTTP/1 begins with.
    fn judge_first(&mut self, input: &[u8], len: usize, side: Side) -> Result<(), HandshakeError> {
        let next = &input[self.at..][..len];
        if self.lines > 0 || self.first.accepts(next, side) { Ok(()) } else { Err(not_http(input)) }
    }

    /// Cuts the head off the input once it is complete, and counts its fields.
    fn take(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
        side: Side,
    ) -> Result<Option<Taken>, HandshakeError> {
        if !self.find_end(input, config, side)? {
            return Ok(None);
        }
        let Self { at, lines, .. } = std::mem::take(self);
        Ok(Some(Taken { head: input.split_to(at), fields: lines - 1 }))
    }

    /// A request's head, once it is complete. What comes after it stays in the input.
    pub(super) fn take_request(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
    ) -> Result<Option<Request<()>>, HandshakeError> {
        let Some(Taken { head, fields }) = self.take(input, config, Side::Request)? else {
            return Ok(None);
        };
        let mut fields = vec![httparse::EMPTY_HEADER; fields];
        let mut parsed = httparse::Request::new(&mut fields);
        parsed.parse(&head).map_err(malformed)?;
        let mut request = Request::new(());
        let method = parsed.method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
        *request.method_mut() = method.ok_or(HandshakeError::Malformed("an invalid method"))?;
        *request.uri_mut() = target(parsed.path.unwrap_or_default())?;
        *request.version_mut() = version(parsed.version);
        *request.headers_mut() = headers(parsed.headers)?;
        Ok(Some(request))
    }

    /// A response's head, once it is complete. What comes after it stays in the input.
    pub(super) fn take_response(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
    ) -> Result<Option<Response<()>>, HandshakeError> {
        let Some(Taken { head, fields }) = self.take(input, config, Side::Response)? else {
            return Ok(None);
        };
        let mut fields = vec![httparse::EMPTY_HEADER; fields];
        let mut parsed = httparse::Response::new(&mut fields);
        parsed.parse(&head).map_err(malformed)?;
        let mut response = Response::new(());
        let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
        *response.status_mut() = status.ok_or(HandshakeError::Malformed("an invalid status code"))?;
        *response.version_mut() = version(parsed.version);
        *response.headers_mut() = headers(parsed.headers)?;
        Ok(Some(response))
    }
}

/// A head, and how many fields there may be in it.
struct Taken {
    head: BytesMut,
    fields: usize,
}

/// A request target: path, query, or a whole URL. Without the characters that every browser percent-encodes in each of
/// them (`Uri` would drop a fragment, and keep what is not ASCII).
fn target(text: &str) -> Result<Uri, HandshakeError> {
    let wrong = text.chars().find(|c| !c.is_ascii() || matches!(c, '"' | '#' | '<' | '>'));
    match (wrong, Uri::try_from(text)) {
        (None, Ok(uri)) => Ok(uri),
        // In a query a backtick is allowed.
        (None, Err(_)) if text.split('?').next().is_some_and(|path| path.contains('`')) => {
            Err(HandshakeError::TargetCharacter('`'))
        }
        (None, Err(_)) => Err(HandshakeError::Malformed("an invalid request target")),
        (Some(wrong), _) => Err(HandshakeError::TargetCharacter(wrong)),
    }
}

fn version(minor: Option<u8>) -> Version {
    if minor == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 }
}

fn headers(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, HandshakeError> {
    let mut headers = HeaderMap::with_capacity(fields.len().min(256));
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value); // without the spaces around it
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(HandshakeError::Malformed("an invalid header field"));
        };
        headers.try_append(name, value).map_err(|_| HandshakeError::Malformed("too many header fields"))?;
    }
    Ok(headers)
}

fn malformed(error: httparse::Error) -> HandshakeError {
    use httparse::Error;
    HandshakeError::Malformed(match error {
        Error::HeaderName => "an invalid header field name",
        Error::HeaderValue => "an invalid header field value",
        Error::Status => "an invalid status line",
        Error::Version => "not HTTP/1.1 in the first line",
        _ => "an invalid first line",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_trickles_in_is_looked_at_once() {
        let config = Config::server();
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(100));
        let (mut scan, mut input) = (Head::default(), Vec::new());
        for (at, byte) in head.bytes().enumerate() {
            // Overwrite the bytes looked at with a control character, which is refused: a second look would fail. The
            // last byte stays, so that a CR before LF is known.
            if at > 1 {
                input[at - 2] = 0;
            }
            input.push(byte);
            assert_eq!(scan.find_end(&input, &config, Side::Request).unwrap(), at + 1 == head.len());
            assert_eq!(scan.at, at + 1);
        }
    }
}
