//! How an opening handshake fails: by whose doing, by which rule, and which setting would change it.
use super::{
    client::InvalidResponse, declined, field::InvalidHeader, origin::ForbiddenOrigin, server::InvalidRequest,
    url::InvalidUrl,
};
use crate::{proto::Subprotocol, sentence::debug_as_display, sniff::LooksLike};
use bytes::Bytes;
use http::{Response, StatusCode};
use std::convert::Infallible;
use std::fmt;

/// The opening handshake failed: there is no connection, and there has been none.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// What the peer sent is not HTTP/1.1. A server answers 400.
    #[error("what the peer sent is not HTTP/1.1: {0}")]
    Malformed(&'static str),
    /// What the peer sent does not begin as HTTP/1 does; told at the first byte that shows it. A server answers 400.
    #[error("what the peer sent is not HTTP/1.1: it {}", Begins(.looks_like, .begins))]
    NotHttp {
        /// What it looks like instead.
        looks_like: Option<LooksLike>,
        /// Its first line, or at most 80 bytes of that: in quotes, with control characters escaped.
        begins: Box<str>,
    },
    /// Server: a character in the request target that cannot stand there: `"`, `#`, `<`, `>`, one that is not ASCII, or
    /// `` ` `` in the path. A server answers 400.
    #[error("{0:?} cannot stand in a request target: the client must percent-encode it, as in {encoded}", encoded = Encoded(*.0))]
    TargetCharacter(char),
    /// The peer's head is over a limit of [`Config`](crate::Config). A server answers 431.
    #[error("the head of the peer's HTTP message is too large: {0}")]
    HeadTooLarge(HeadLimit),
    /// The transport ended before the handshake did.
    #[error("the peer ended the transport before the opening handshake was complete")]
    Eof,
    /// The handshake took too long. A server answers 408.
    #[error("the opening handshake did not end within Config::handshake_timeout")]
    TimedOut,
    /// The handshake was polled again after its outcome.
    #[error("this handshake has had its outcome already")]
    Spent,
    /// Client: the server answered with something other than 101. Its response is here; of the body, no more than
    /// [`max_refusal_body`](crate::Config::max_refusal_body).
    #[error("{}", declined::Declined(.0))]
    Declined(Box<Response<Bytes>>),
    /// Client: the server's 101 breaks a rule.
    #[error("the server's 101 response is invalid: {0}")]
    Response(InvalidResponse),
    /// Server: the client's request cannot become a WebSocket. It has been answered.
    #[error("the client's request cannot become a WebSocket: {0}")]
    Request(InvalidRequest),
    /// Server: the client's request is that of a page which [`Config::origins`](crate::Config::origins) does not let in
    /// (RFC 6455 §10.2). It has been answered with 403.
    #[error("{0}")]
    Origin(Box<ForbiddenOrigin>),
    /// Server: the application refused, with this status.
    #[error("the application rejected the request with {0}")]
    Rejected(StatusCode),
    /// Server: the application accepted with a subprotocol that the client did not offer. Answered with 500.
    #[error(
        "the application accepted with subprotocol {0}, which the client did not offer; Upgrade::select finds one that it did"
    )]
    NotOffered(Subprotocol),
    /// Client: the URL is not the address of a WebSocket.
    #[error("invalid WebSocket URL: {0}")]
    Url(InvalidUrl),
    /// Client: a header field that an application may not add.
    #[error("invalid header field: {0}")]
    Header(Box<InvalidHeader>),
}
debug_as_display!(HandshakeError);

/// What a peer has begun with, or what that looks like.
struct Begins<'a>(&'a Option<LooksLike>, &'a str);

impl fmt::Display for Begins<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(looks_like), _) => write!(f, "looks like {looks_like}"),
            Self(None, begins) => write!(f, "begins with {begins}"),
        }
    }
}

/// A character, percent-encoded.
pub(super) struct Encoded(pub(super) char);

impl fmt::Display for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(f, "%{byte:02X}"))
    }
}

// The texts above hold those of their causes, so no cause is a `source`: else a report would say it twice.
impl From<InvalidResponse> for HandshakeError {
    fn from(invalid: InvalidResponse) -> Self {
        Self::Response(invalid)
    }
}
impl From<InvalidRequest> for HandshakeError {
    fn from(invalid: InvalidRequest) -> Self {
        Self::Request(invalid)
    }
}
/// For functions that take anything that becomes a [`ClientRequest`](super::ClientRequest): a request itself cannot fail.
impl From<Infallible> for HandshakeError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
impl From<InvalidUrl> for HandshakeError {
    fn from(error: InvalidUrl) -> Self {
        Self::Url(error)
    }
}
impl From<InvalidHeader> for HandshakeError {
    fn from(error: InvalidHeader) -> Self {
        Self::Header(error.into())
    }
}

/// Which limit of [`Config`](crate::Config) a head is over.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadLimit {
    /// [`Config::max_head_size`](crate::Config::max_head_size).
    #[error("more than {0} bytes (Config::max_head_size)")]
    Size(usize),
    /// [`Config::max_header_fields`](crate::Config::max_header_fields).
    #[error("more than {0} header fields (Config::max_header_fields)")]
    Fields(usize),
    /// [`Config::max_header_line`](crate::Config::max_header_line).
    #[error("a line longer than {0} bytes (Config::max_header_line)")]
    Line(usize),
}
debug_as_display!(HeadLimit);
