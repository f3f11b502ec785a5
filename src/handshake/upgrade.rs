//! A request that has come, until it is accepted or rejected.
use super::{
    error::HandshakeError,
    field::{self, InvalidField, InvalidHeader},
    key::Key,
    origin,
    refusal::{InvalidRequest, plain, put_response},
};
use crate::{
    config::Config,
    extension::{self, ExtensionOffer},
    proto::{Connection, Established, Role, Subprotocol, Transmit},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use std::sync::Arc;

/// A request, and no answer yet: [`accept`](Self::accept) it or [`reject`](Self::reject) it.
#[derive(Debug)]
#[must_use = "a request wants an answer: accept it or reject it"]
pub struct Upgrade {
    request: Request<()>,
    key: Result<Key, InvalidRequest>,
    subprotocols: Vec<Subprotocol>,
    extensions: Vec<ExtensionOffer>,
    received: BytesMut,
    config: Arc<Config>,
}

impl Upgrade {
    pub(super) fn new(request: Request<()>, received: BytesMut, config: Arc<Config>) -> Self {
        let headers = request.headers();
        let subprotocols = field::subprotocols(headers);
        let offers = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter();
        let extensions = match headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
            true => ExtensionOffer::parse_fields(offers.map(HeaderValue::as_bytes)).ok(),
            false => Some(Vec::new()),
        };
        let key = check(&request).and_then(|key| match () {
            () if subprotocols.is_none() => Err(InvalidRequest::Subprotocols),
            () if extensions.is_none() => Err(InvalidRequest::Extensions),
            () if !origin::is_allowed(&config.origins, headers) => Err(InvalidRequest::Origin),
            () => Ok(key),
        });
        let (subprotocols, extensions) = (subprotocols.unwrap_or_default(), extensions.unwrap_or_default());
        Self { request, key, subprotocols, extensions, received, config }
    }

    /// The request: path, cookies, authorization, origin.
    pub fn request(&self) -> &Request<()> {
        &self.request
    }
    /// Why it cannot become a WebSocket. Answer it with a page, or let [`accept`](Self::accept) refuse it.
    pub fn refusal(&self) -> Option<InvalidRequest> {
        self.key.err()
    }
    /// The subprotocols that the client offers, best first.
    pub fn subprotocols(&self) -> &[Subprotocol] {
        &self.subprotocols
    }
    /// The first of these, in the server's order of preference, that the client offers.
    ///
    /// ```
    /// # use sansocket::{Config, handshake::{Acceptance, HandshakeError, Rejection, ServerHandshake, Upgrade}};
    /// fn accept(upgrade: Upgrade) -> Result<sansocket::proto::Connection, Rejection> {
    ///     let acceptance = match upgrade.select(&["chat.v2", "chat.v1"]) {
    ///         Some(subprotocol) => Acceptance::new().subprotocol(subprotocol),
    ///         None => Acceptance::new(),
    ///     };
    ///     upgrade.accept(acceptance)
    /// }
    /// ```
    pub fn select(&self, preferences: &[&str]) -> Option<Subprotocol> {
        let offered = |name: &&str| self.subprotocols.iter().find(|offered| offered.as_str() == *name);
        preferences.iter().find_map(offered).cloned()
    }
    /// The extensions that the client offers, best first; [`accept`](Self::accept) takes up the first that one of
    /// [`Config::extensions`] can.
    pub fn extensions(&self) -> &[ExtensionOffer] {
        &self.extensions
    }

    /// Answers 101. The connection is open at once: the answer is the first thing that it transmits, and whatever
    /// came after the request is in it.
    ///
    /// # Errors
    /// A [`Rejection`] with the answer to give instead: the [`refusal`](Self::refusal) if there is one, and 500 if
    /// the application chose a subprotocol that was not offered, which would have made the client fail.
    pub fn accept(self, acceptance: Acceptance) -> Result<Connection, Rejection> {
        let Acceptance { subprotocol, headers, without_extensions } = acceptance;
        let key = match self.key {
            Ok(key) => key,
            Err(refusal) => return Err(self.rejection(&refusal.response(), refusal.into())),
        };
        let mut head = Vec::with_capacity(256);
        head.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
        field::put(&mut head, "Upgrade", b"websocket");
        field::put(&mut head, "Connection", b"Upgrade");
        field::put(&mut head, "Sec-WebSocket-Accept", &key.accept());
        let mut established = Established::bare(Role::Server);
        if let Some(subprotocol) = subprotocol {
            if !self.subprotocols.contains(&subprotocol) {
                let response = plain(StatusCode::INTERNAL_SERVER_ERROR, "no subprotocol that was offered");
                return Err(self.rejection(&response, HandshakeError::NotOffered(subprotocol)));
            }
            field::put(&mut head, "Sec-WebSocket-Protocol", subprotocol.as_str().as_bytes());
            established = established.with_subprotocol(subprotocol);
        }
        let extensions = if without_extensions { &[] } else { &self.config.extensions[..] };
        if let Some(agreement) = extension::accept(extensions, &self.extensions) {
            field::put(&mut head, "Sec-WebSocket-Extensions", agreement.answer().to_string().as_bytes());
            established = established.with_extension(agreement);
        }
        field::put_all(&mut head, &headers);
        head.extend_from_slice(b"\r\n");
        Ok(Connection::begin(established, self.config, &self.received, &head))
    }

    /// Answers anything else: a page, a redirect, 401, 403, 404.
    ///
    /// `Content-Length` and `Connection: close` are written for the application. A 1xx status is no answer, and
    /// becomes 500.
    pub fn reject(self, response: Response<Bytes>) -> Rejection {
        let status = response.status();
        if status.is_informational() {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let response = plain(status, "the application gave no answer");
            return self.rejection(&response, HandshakeError::Rejected(status));
        }
        self.rejection(&response, HandshakeError::Rejected(status))
    }

    fn rejection(&self, response: &Response<Bytes>, error: HandshakeError) -> Rejection {
        let mut transmit = Transmit::default();
        put_response(&mut transmit, response, self.request.method() == Method::HEAD);
        Rejection { transmit: Box::new(transmit), error }
    }
}

/// Checks a request (RFC 6455 §4.2.1), all but what it offers, and gives its key.
fn check(request: &Request<()>) -> Result<Key, InvalidRequest> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(InvalidRequest::Method);
    }
    if request.version() != Version::HTTP_11 {
        return Err(InvalidRequest::HttpVersion);
    }
    check_host(request)?;
    if !field::has_token(headers, &header::UPGRADE, "websocket") {
        return Err(InvalidRequest::NoUpgrade);
    }
    if !field::has_token(headers, &header::CONNECTION, "upgrade") {
        return Err(InvalidRequest::NoConnection);
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    if headers.contains_key(header::TRANSFER_ENCODING) || lengths.any(|length| length != "0") {
        return Err(InvalidRequest::Body);
    }
    match field::single(headers, &header::SEC_WEBSOCKET_VERSION) {
        Ok(version) if version == "13" => {}
        Err(InvalidField::Repeated) => return Err(InvalidRequest::RepeatedVersion),
        _ => return Err(InvalidRequest::Version),
    }
    let key = field::single(headers, &header::SEC_WEBSOCKET_KEY).map_err(InvalidRequest::Key)?;
    Key::parse(key.as_bytes()).ok_or(InvalidRequest::Key(InvalidField::Malformed))
}

/// One `Host`, and that of the target if the target is a whole URL (RFC 9112 §3.2.2).
fn check_host(request: &Request<()>) -> Result<(), InvalidRequest> {
    let host = field::single(request.headers(), &header::HOST).map_err(InvalidRequest::Host)?;
    let host = host.to_str().ok().filter(|host| origin::host_port(host).is_some());
    let host = host.ok_or(InvalidRequest::Host(InvalidField::Malformed))?;
    let uri = request.uri();
    match (uri.scheme_str(), uri.authority()) {
        (None, None) if uri.path().starts_with('/') => Ok(()),
        (Some(scheme), Some(authority)) => match origin::same_host(scheme, authority.as_str(), host) {
            Some(true) => Ok(()),
            Some(false) => Err(InvalidRequest::OtherHost),
            None => Err(InvalidRequest::Target),
        },
        _ => Err(InvalidRequest::Target),
    }
}

/// How a request is accepted.
#[derive(Clone, Debug, Default)]
pub struct Acceptance {
    subprotocol: Option<Subprotocol>,
    headers: HeaderMap,
    without_extensions: bool,
}

impl Acceptance {
    /// Without a subprotocol, and with no header fields but those that there must be.
    pub fn new() -> Self {
        Self::default()
    }
    /// Chooses one of [`Upgrade::subprotocols`]; one that is not among them makes [`Upgrade::accept`] fail.
    pub fn subprotocol(self, subprotocol: Subprotocol) -> Self {
        Self { subprotocol: Some(subprotocol), ..self }
    }
    /// Declines all extensions: for a client that is known not to get on with them.
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
    /// Adds a header field: `Set-Cookie`.
    ///
    /// # Errors
    /// [`InvalidHeader`], as [`ClientRequest::header`](super::ClientRequest::header).
    pub fn header<N, V>(mut self, name: N, value: V) -> Result<Self, InvalidHeader>
    where
        N: TryInto<HeaderName>,
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
    /// The bytes to write: see [`Connection::transmit`].
    pub fn transmit(&mut self) -> &mut Transmit {
        &mut self.transmit
    }
    /// Why: [`Request`](HandshakeError::Request), [`Rejected`](HandshakeError::Rejected) or
    /// [`NotOffered`](HandshakeError::NotOffered).
    pub fn error(&self) -> &HandshakeError {
        &self.error
    }
    /// Why, once the answer has been written.
    pub fn into_error(self) -> HandshakeError {
        self.error
    }
    /// Both.
    pub fn into_parts(self) -> (Transmit, HandshakeError) {
        (*self.transmit, self.error)
    }
}
