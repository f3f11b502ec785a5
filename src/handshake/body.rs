//! The body of a response that refuses the upgrade, as much of it as is kept (RFC 9112 §6.3).
use bytes::{Buf, Bytes, BytesMut};
use http::{Response, StatusCode, header};

/// A line that says how long a chunk is, is never longer than this; with one that is, the body ends.
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
    /// So many bytes are left.
    Length(u64),
    /// The transport ends.
    Eof,
    /// The length of a chunk comes next.
    ChunkSize,
    /// So many bytes of a chunk are left.
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

    /// Takes what has come. True at the end: of the body, of what is kept of it, or of its making sense.
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

    /// What has been kept.
    pub(super) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.got).freeze()
    }
}

fn ends_chunked(coding: &[u8]) -> bool {
    let last = coding.rsplit(|&byte| byte == b',').next().unwrap_or_default();
    last.trim_ascii().eq_ignore_ascii_case(b"chunked")
}
