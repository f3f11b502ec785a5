//! The body of a response that refuses the upgrade, as much of it as is kept (RFC 9112 §6.3).
use bytes::{Buf, Bytes, BytesMut};
use http::{Response, StatusCode, header};

/// The most bytes in a line that says how long a chunk is. A longer one ends the body.
const MAX_CHUNK_LINE: usize = 256;

/// A body that is still coming.
#[derive(Debug)]
pub(super) struct Body {
    framing: Framing,
    got: BytesMut,
    limit: usize,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// This many bytes are left.
    Length(u64),
    /// The transport ends.
    Eof,
    /// The length of a chunk comes next.
    ChunkSize,
    /// This many bytes of a chunk are left.
    Chunk(u64),
    /// The line end after a chunk comes next.
    ChunkEnd,
}

impl Body {
    pub(super) fn of(response: &Response<()>, limit: usize) -> Self {
        let headers = response.headers();
        let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
        let coding = headers.get_all(header::TRANSFER_ENCODING).iter().next_back();
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let framing = match (coding, length) {
            _ if bodiless => Framing::Length(0),
            (Some(coding), _) if ends_chunked(coding.as_bytes()) => Framing::ChunkSize,
            (None, Some(length)) => Framing::Length(length),
            _ => Framing::Eof,
        };
        Self { framing, got: BytesMut::new(), limit }
    }

    /// Takes what has come. True once the body has ended, as much as is kept has come, or its framing is broken.
    pub(super) fn read(&mut self, input: &mut BytesMut) -> bool {
        loop {
            let before = input.len();
            match &mut self.framing {
                _ if self.got.len() >= self.limit => return true,
                Framing::Length(0) => return true,
                Framing::Length(left) | Framing::Chunk(left) => {
                    let room = (self.limit - self.got.len()).min(before);
                    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(room);
                    self.got.extend_from_slice(&input[..n]);
                    input.advance(n);
                    *left -= n as u64;
                    if self.framing == Framing::Chunk(0) {
                        self.framing = Framing::ChunkEnd;
                    }
                }
                Framing::Eof => {
                    let n = (self.limit - self.got.len()).min(before);
                    self.got.extend_from_slice(&input[..n]);
                    input.advance(n);
                }
                Framing::ChunkSize => match httparse::parse_chunk_size(input) {
                    Ok(httparse::Status::Complete((line, len))) if len > 0 && line <= MAX_CHUNK_LINE => {
                        input.advance(line);
                        self.framing = Framing::Chunk(len);
                    }
                    Ok(httparse::Status::Partial) => return before > MAX_CHUNK_LINE,
                    _ => return true,
                },
                Framing::ChunkEnd => match &input[..] {
                    [b'\r', b'\n', ..] => {
                        input.advance(2);
                        self.framing = Framing::ChunkSize;
                    }
                    [] | [b'\r'] => return false,
                    _ => return true,
                },
            }
            if input.len() == before {
                return false;
            }
        }
    }

    /// The bytes that have been kept.
    pub(super) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.got).freeze()
    }
}

fn ends_chunked(coding: &[u8]) -> bool {
    let last = coding.rsplit(|&byte| byte == b',').next().unwrap_or_default();
    last.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a body that comes in pieces of `step` bytes. Gives how much of it had come when it ended, if it did, and
    /// what was kept.
    fn read(
        head: &[(&str, &str)],
        status: u16,
        body: &[u8],
        step: usize,
        limit: usize,
    ) -> (Option<usize>, Bytes) {
        let mut response = Response::builder().status(status);
        for (name, value) in head {
            response = response.header(*name, *value);
        }
        let mut reading = Body::of(&response.body(()).unwrap(), limit);
        let mut input = BytesMut::new();
        if reading.read(&mut input) {
            return (Some(0), reading.finish());
        }
        let mut come = 0;
        for piece in body.chunks(step) {
            input.extend_from_slice(piece);
            come += piece.len();
            if reading.read(&mut input) {
                return (Some(come), reading.finish());
            }
        }
        (None, reading.finish())
    }

    const LENGTH: &[(&str, &str)] = &[("content-length", "5")];
    const CHUNKED: &[(&str, &str)] = &[("transfer-encoding", "gzip, Chunked"), ("content-length", "1")];

    #[test]
    fn a_body_ends_where_it_says_and_not_before() {
        for step in [1, 2, 3, 99] {
            let (end, body) = read(LENGTH, 401, b"hello", step, 99);
            assert_eq!((end, &body[..]), (Some(5), &b"hello"[..]), "{step}");
            let (end, body) = read(LENGTH, 401, b"hell", step, 99);
            assert_eq!((end, &body[..]), (None, &b"hell"[..]), "{step}");
            let (end, body) = read(&[], 401, b"until the end", step, 99);
            assert_eq!((end, &body[..]), (None, &b"until the end"[..]), "{step}");
        }
        assert_eq!(read(&[("content-length", "0")], 401, b"more", 1, 99).0, Some(0));
        for status in [204, 304] {
            assert_eq!(read(LENGTH, status, b"more", 1, 99), (Some(0), Bytes::new()));
        }
    }

    #[test]
    fn no_more_is_kept_than_the_limit_and_then_it_ends() {
        for (head, body) in [(LENGTH, &b"hello"[..]), (&[], b"hello"), (CHUNKED, b"3\r\nhel\r\n2\r\nlo\r\n")]
        {
            for step in [1, 2, 99] {
                let (end, kept) = read(head, 401, body, step, 4);
                assert_eq!((end.is_some(), &kept[..]), (true, &b"hell"[..]), "{body:?} by {step}");
            }
        }
        assert_eq!(read(LENGTH, 401, b"hello", 1, 0).0, Some(0));
    }

    #[test]
    fn chunks_are_joined_until_the_last() {
        let body = b"5\r\nhello\r\n3;x=y\r\n wo\r\n0\r\n\r\n";
        for step in [1, 2, 3, 5, 99] {
            let (end, kept) = read(CHUNKED, 401, body, step, 99);
            assert_eq!(&kept[..], b"hello wo", "{step}");
            assert!(end.is_some(), "{step}");
        }
        for cut in [b"5\r\nhello".as_slice(), b"5\r\nhello\r", b"5\r\nhello\r\n", b"5\r\nhello\r\n3"] {
            assert_eq!(read(CHUNKED, 401, cut, 1, 99), (None, Bytes::from("hello")), "{cut:?}");
        }
    }

    #[test]
    fn chunks_that_make_no_sense_end_the_body_however_they_are_cut() {
        let longest = format!("1;{}\r\na\r\n", "x".repeat(MAX_CHUNK_LINE - 4));
        let longer = format!("1;{}\r\na\r\n", "x".repeat(MAX_CHUNK_LINE - 3));
        for step in [1, 7, 999] {
            assert_eq!(read(CHUNKED, 401, longest.as_bytes(), step, 99), (None, Bytes::from("a")));
            assert_eq!(read(CHUNKED, 401, longer.as_bytes(), step, 99).1, "");
            assert!(read(CHUNKED, 401, longer.as_bytes(), step, 99).0.is_some());
            assert!(read(CHUNKED, 401, b"2\r\nabXX", step, 99).0.is_some());
            assert!(read(CHUNKED, 401, b"z\r\n", step, 99).0.is_some());
        }
    }
}
