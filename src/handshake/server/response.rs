//! What a server answers: an [`Acceptance`] or a [`Rejection`], and the bytes of anything but 101, [`Refused`].
use super::{
    super::{
        error::HandshakeError,
        field::{self, InvalidHeader},
    },
    answer::{put_response, status_page},
    check::InvalidRequest,
};
use crate::proto::{Subprotocol, Transmit};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// The most bytes that are read and dropped from a peer that has been refused. A TCP stream that is closed with unread
/// bytes resets the connection, and the peer might lose the refusal.
pub(crate) const LINGER_BYTES: usize = 1 << 20;

/// How a request is accepted.
#[derive(Clone, Debug, Default)]
pub struct Acceptance {
    pub(super) subprotocol: Option<Subprotocol>,
    pub(super) headers: HeaderMap,
    pub(super) without_extensions: bool,
}

impl Acceptance {
    /// An acceptance without a subprotocol, and with only the header fields that the handshake needs.
    pub fn new() -> Self {
        Self::default()
    }
    /// Chooses one of [`Upgrade::subprotocols`](super::Upgrade::subprotocols). Any other makes
    /// [`Upgrade::accept`](super::Upgrade::accept) fail.
    pub fn subprotocol(self, subprotocol: Subprotocol) -> Self {
        Self { subprotocol: Some(subprotocol), ..self }
    }
    /// Declines all extensions, for a client that is known to fail with them.
    ///
    /// ```
    /// # use sansocket::{handshake::{Acceptance, Refused, Upgrade}, proto::Connection};
    /// fn accept(upgrade: Upgrade) -> Result<Connection, Refused> {
    ///     let agent = upgrade.request().headers().get("User-Agent").and_then(|agent| agent.to_str().ok());
    ///     let acceptance = match agent {
    ///         Some(agent) if agent.contains("Version/15") => Acceptance::new().without_extensions(),
    ///         _ => Acceptance::new(),
    ///     };
    ///     upgrade.accept(acceptance)
    /// }
    /// ```
    pub fn without_extensions(self) -> Self {
        Self { without_extensions: true, ..self }
    }
    /// Adds a header field to the answer, such as `Set-Cookie`.
    ///
    /// # Errors
    /// [`InvalidHeader`], as [`ClientRequest::header`](crate::handshake::ClientRequest::header).
    pub fn header<N, V>(mut self, name: N, value: V) -> Result<Self, InvalidHeader>
    where
        N: AsRef<str>,
        V: TryInto<HeaderValue>,
    {
        field::add(&mut self.headers, name, value)?;
        Ok(self)
    }
}

/// How an application turns a request down: a response that is not 101. Made from an [`http::Response`] or a
/// [`StatusCode`].
///
/// ```
/// use sansocket::{handshake::{Acceptance, Rejection, Upgrade}, http::{Response, StatusCode}};
///
/// fn decide(upgrade: &Upgrade) -> Result<Acceptance, Rejection> {
///     let request = upgrade.request();
///     if !request.headers().contains_key("Authorization") {
///         return Err(StatusCode::UNAUTHORIZED.into());
///     }
///     match request.uri().path() {
///         "/chat" => Ok(Acceptance::new().header("Set-Cookie", "seen=1")?),
///         _ => Err(Response::builder().status(404).body("no such room\n").unwrap_or_default().into()),
///     }
/// }
/// # let _ = decide;
/// ```
#[derive(Clone, Debug)]
pub struct Rejection(Box<Response<Bytes>>);

impl Rejection {
    /// The response to send.
    pub fn response(&self) -> &Response<Bytes> {
        &self.0
    }
    pub(super) fn into_response(self) -> Response<Bytes> {
        *self.0
    }
}

/// The status alone, and a line of text that names it.
impl From<StatusCode> for Rejection {
    fn from(status: StatusCode) -> Self {
        Self(Box::new(status_page(status)))
    }
}
/// This response: `Content-Length` and `Connection: close` are written for the application. A 1xx status is no answer,
/// and becomes 500.
impl<B: Into<Bytes>> From<Response<B>> for Rejection {
    fn from(response: Response<B>) -> Self {
        Self(Box::new(response.map(Into::into)))
    }
}
/// The [response](InvalidRequest::response) that says what is wrong with the request.
impl From<InvalidRequest> for Rejection {
    fn from(invalid: InvalidRequest) -> Self {
        invalid.response().into()
    }
}
/// 500: the application chose a header field that [cannot be sent](Acceptance::header).
impl From<InvalidHeader> for Rejection {
    fn from(_: InvalidHeader) -> Self {
        StatusCode::INTERNAL_SERVER_ERROR.into()
    }
}

/// A request that does not become a WebSocket: what to write before the transport is closed, and why.
///
/// Behind the answer, shut the transport down for writing. Read and drop what still comes, for a while, before it is closed:
/// a TCP stream that is closed with bytes unread is reset, and the client may lose the answer. The adapters of this crate and
/// [`Session`](crate::session::Session) read until the client has ended the transport, for at most 1 MiB and
/// [`close_timeout`](crate::Config::close_timeout).
#[derive(Debug)]
#[must_use = "the answer wants to be written"]
pub struct Refused {
    answer: Box<(Transmit, Response<Bytes>)>,
    error: HandshakeError,
}

impl Refused {
    /// `to_head`: the request was HEAD, so no body is written.
    pub(super) fn new(response: Response<Bytes>, to_head: bool, error: HandshakeError) -> Self {
        let mut transmit = Transmit::default();
        put_response(&mut transmit, &response, to_head);
        Self { answer: Box::new((transmit, response)), error }
    }

    /// The bytes to write: see [`Connection::transmit`](crate::proto::Connection::transmit).
    pub fn transmit(&mut self) -> &mut Transmit {
        &mut self.answer.0
    }
    /// Why there is no connection: [`Request`](HandshakeError::Request), [`Origin`](HandshakeError::Origin),
    /// [`Rejected`](HandshakeError::Rejected) or [`NotOffered`](HandshakeError::NotOffered).
    pub fn error(&self) -> &HandshakeError {
        &self.error
    }
    /// Why there is no connection. Write the answer first: it is dropped.
    pub fn into_error(self) -> HandshakeError {
        self.error
    }
    /// The bytes to write, and why there is no connection.
    pub fn into_parts(self) -> (Transmit, HandshakeError) {
        (self.answer.0, self.error)
    }
    /// The answer, for an HTTP server to write.
    pub fn into_response(self) -> Response<Bytes> {
        self.answer.1
    }
}
