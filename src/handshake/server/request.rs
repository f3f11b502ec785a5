//! [`Upgrade`]: a request that has come, until it is accepted or rejected.
use super::{
    super::{error::HandshakeError, field, key::Key, origin, origin::ForbiddenOrigin},
    answer::plain,
    check::{InvalidRequest, check},
    response::{Acceptance, Refused, Rejection},
};
use crate::{
    config::Config,
    extension::{self, ExtensionOffer},
    proto::{Connection, Established, Role, Subprotocol},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use std::sync::Arc;

/// A request that has not been answered yet: [`accept`](Self::accept) it or [`reject`](Self::reject) it.
#[derive(Debug)]
#[must_use = "a request wants an answer: accept it or reject it"]
pub struct Upgrade {
    request: Request<()>,
    key: Result<Key, InvalidRequest>,
    subprotocols: Vec<Subprotocol>,
    extensions: Vec<ExtensionOffer>,
    received: BytesMut,
    /// Whether the transport has ended.
    pub(super) eof: bool,
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
        Self { request, key, subprotocols, extensions, received, eof: false, config }
    }

    /// The request: path, cookies, authorization, origin.
    pub fn request(&self) -> &Request<()> {
        &self.request
    }
    /// Why the request cannot become a WebSocket; `None` if it can. Answer such a request with a page, or let
    /// [`accept`](Self::accept) refuse it.
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
    /// # use sansocket::{Config, handshake::{Acceptance, HandshakeError, Refused, ServerHandshake, Upgrade}};
    /// fn accept(upgrade: Upgrade) -> Result<sansocket::proto::Connection, Refused> {
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

    /// Answers 101. The connection is open at once. The answer is the first thing that it transmits, and it already holds
    /// the bytes that came after the request.
    ///
    /// # Errors
    /// A [`Refused`] with the answer to give instead: the [`refusal`](Self::refusal) if there is one, and 500 if
    /// the application chose a subprotocol that was not offered, which would have made the client fail.
    pub fn accept(self, acceptance: Acceptance) -> Result<Connection, Refused> {
        let agreed = self.agree(acceptance)?;
        let mut head = Vec::with_capacity(256);
        head.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
        agreed.each_field(|name, value| field::put(&mut head, name, value));
        head.extend_from_slice(b"\r\n");
        Ok(self.connection(agreed, &head))
    }

    /// What the 101 says.
    pub(super) fn agree(&self, acceptance: Acceptance) -> Result<Agreed, Refused> {
        let Acceptance { subprotocol, headers, without_extensions } = acceptance;
        let key = match self.key {
            Ok(key) => key,
            Err(refusal) => return Err(self.refused(refusal.response(), self.blame(refusal))),
        };
        let mut established = Established::bare(Role::Server);
        if let Some(subprotocol) = &subprotocol {
            if !self.subprotocols.contains(subprotocol) {
                let response = plain(StatusCode::INTERNAL_SERVER_ERROR, "no subprotocol that was offered");
                return Err(self.refused(response, HandshakeError::NotOffered(subprotocol.clone())));
            }
            established = established.with_subprotocol(subprotocol.clone());
        }
        let extensions = if without_extensions { &[] } else { &self.config.extensions[..] };
        let mut extension = None;
        if let Some(agreement) = extension::accept(extensions, &self.extensions) {
            extension = Some(agreement.answer().to_string());
            established = established.with_extension(agreement);
        }
        Ok(Agreed { accept: key.accept(), subprotocol, extension, headers, established })
    }

    /// The connection that was agreed on. It transmits `head` first.
    pub(super) fn connection(self, agreed: Agreed, head: &[u8]) -> Connection {
        let mut connection = Connection::begin(agreed.established, self.config, &self.received, head);
        if self.eof {
            connection.receive_eof();
        }
        connection
    }

    /// The error that says why, with all that it takes to see what to change.
    fn blame(&self, refusal: InvalidRequest) -> HandshakeError {
        match refusal {
            InvalidRequest::Origin => HandshakeError::Origin(Box::new(ForbiddenOrigin::new(
                &self.config.origins,
                self.request.headers(),
            ))),
            other => other.into(),
        }
    }

    /// Answers with any other response: a page, a redirect, 401, 403, 404.
    pub fn reject(self, rejection: impl Into<Rejection>) -> Refused {
        let rejection = rejection.into();
        let status = rejection.response().status();
        if status.is_informational() {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let response = plain(status, "the application gave no answer");
            return self.refused(response, HandshakeError::Rejected(status));
        }
        self.refused(rejection.into_response(), HandshakeError::Rejected(status))
    }

    fn refused(&self, response: Response<Bytes>, error: HandshakeError) -> Refused {
        Refused::new(response, self.request.method() == Method::HEAD, error)
    }
}

/// What a 101 says, and what its connection starts from.
pub(super) struct Agreed {
    accept: [u8; 28],
    subprotocol: Option<Subprotocol>,
    extension: Option<String>,
    headers: HeaderMap,
    established: Established,
}

impl Agreed {
    /// The header fields of the 101, in order.
    pub(super) fn each_field(&self, mut put: impl FnMut(&str, &[u8])) {
        put("Upgrade", b"websocket");
        put("Connection", b"Upgrade");
        put("Sec-WebSocket-Accept", &self.accept);
        if let Some(subprotocol) = &self.subprotocol {
            put("Sec-WebSocket-Protocol", subprotocol.as_str().as_bytes());
        }
        if let Some(extension) = &self.extension {
            put("Sec-WebSocket-Extensions", extension.as_bytes());
        }
        self.headers.iter().for_each(|(name, value)| put(name.as_str(), value.as_bytes()));
    }
}
