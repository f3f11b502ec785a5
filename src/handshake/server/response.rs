//! What a server answers: [`Acceptance`] with 101, [`Rejection`] with anything else.
use super::{
    super::{
        error::HandshakeError,
        field::{self, InvalidHeader},
    },
    answer::put_response,
};
use crate::proto::{Subprotocol, Transmit};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};

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
    /// # use sansocket::{handshake::{Acceptance, Rejection, Upgrade}, proto::Connection};
    /// fn accept(upgrade: Upgrade) -> Result<Connection, Rejection> {
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

/// A request that does not become a WebSocket: what to write before the transport is closed, and why.
#[derive(Debug)]
#[must_use = "the answer wants to be written"]
pub struct Rejection {
    transmit: Box<Transmit>,
    error: HandshakeError,
}

impl Rejection {
    /// `to_head`: the request was HEAD, so no body is written.
    pub(super) fn new(response: &Response<Bytes>, to_head: bool, error: HandshakeError) -> Self {
        let mut transmit = Transmit::default();
        put_response(&mut transmit, response, to_head);
        Self { transmit: Box::new(transmit), error }
    }

    /// The bytes to write: see [`Connection::transmit`](crate::proto::Connection::transmit).
    pub fn transmit(&mut self) -> &mut Transmit {
        &mut self.transmit
    }
    /// Why there is no connection: [`Request`](HandshakeError::Request), [`Rejected`](HandshakeError::Rejected) or
    /// [`NotOffered`](HandshakeError::NotOffered).
    pub fn error(&self) -> &HandshakeError {
        &self.error
    }
    /// Why there is no connection. Write the answer first: it is dropped.
    pub fn into_error(self) -> HandshakeError {
        self.error
    }
    /// The bytes to write, and why there is no connection.
    pub fn into_parts(self) -> (Transmit, HandshakeError) {
        (*self.transmit, self.error)
    }
}
