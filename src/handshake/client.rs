//! The client's side of the opening handshake: a request out, a 101 in.
use super::{
    body::Body,
    error::{HandshakeError, InvalidResponse},
    field::{self, InvalidField, InvalidHeader},
    http1::Head,
    incoming::Incoming,
    key::Key,
    url::{InvalidUrl, Url},
};
use crate::{
    config::Config,
    extension::{self, Agreement, ExtensionOffer},
    proto::{Connection, Established, ReadBuf, Role, Subprotocol, Transmit},
};
use bytes::Buf;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version, header};
use std::{sync::Arc, time::Instant};

/// So many informational responses (RFC 9110 §15.2) may come before the final one.
const MAX_INFORMATIONAL: u8 = 8;

/// What a client asks for.
///
/// ```
/// use sansocket::handshake::ClientRequest;
///
/// let request = ClientRequest::try_from("wss://example.com/chat")?
///     .header("Origin", "https://example.com")?
///     .subprotocol("chat.v2".try_into()?);
/// # let _ = request;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientRequest {
    url: Url,
    headers: HeaderMap,
    subprotocols: Vec<Subprotocol>,
    requires_subprotocol: bool,
}

impl ClientRequest {
    /// A request for `url`, with nothing else.
    pub fn new(url: Url) -> Self {
        Self { url, headers: HeaderMap::new(), subprotocols: Vec::new(), requires_subprotocol: false }
    }

    /// Adds a header field: `Origin`, `Cookie`, `Authorization` (which replaces the credentials of the URL).
    ///
    /// # Errors
    /// [`InvalidHeader`]: a name or a value that cannot be sent, or a field that the handshake writes itself:
    /// `Host`, `Upgrade`, `Connection`, `Sec-WebSocket-*`, and those that announce a body.
    pub fn header<N, V>(mut self, name: N, value: V) -> Result<Self, InvalidHeader>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        field::add(&mut self.headers, name, value)?;
        Ok(self)
    }

    /// Offers a subprotocol, less preferred than those before it. One that is offered already is not offered again
    /// (RFC 6455 §4.1).
    pub fn subprotocol(mut self, subprotocol: Subprotocol) -> Self {
        if !self.subprotocols.contains(&subprotocol) {
            self.subprotocols.push(subprotocol);
        }
        self
    }

    /// Fails the handshake if subprotocols are offered and the server chooses none, as browsers do (WHATWG). RFC 6455
    /// lets such a connection open, [without one](Connection::subprotocol).
    pub fn require_subprotocol(mut self) -> Self {
        self.requires_subprotocol = true;
        self
    }

    /// Where to.
    pub fn url(&self) -> &Url {
        &self.url
    }

    fn put(&self, out: &mut Vec<u8>, key: &Key, extensions: &[ExtensionOffer]) {
        for part in ["GET ", self.url.target(), " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        field::put(out, "Host", self.url.authority().as_bytes());
        field::put(out, "Upgrade", b"websocket");
        field::put(out, "Connection", b"Upgrade");
        field::put(out, "Sec-WebSocket-Key", key.as_bytes());
        field::put(out, "Sec-WebSocket-Version", b"13");
        if !self.subprotocols.is_empty() {
            let names: Vec<_> = self.subprotocols.iter().map(Subprotocol::as_str).collect();
            field::put(out, "Sec-WebSocket-Protocol", names.join(", ").as_bytes());
        }
        if !extensions.is_empty() {
            let offers: Vec<_> = extensions.iter().map(ToString::to_string).collect();
            field::put(out, "Sec-WebSocket-Extensions", offers.join(", ").as_bytes());
        }
        match self.url.authorization() {
            Some(credentials) if !self.headers.contains_key(header::AUTHORIZATION) => {
                field::put(out, "Authorization", credentials.as_bytes());
            }
            _ => {}
        }
        field::put_all(out, &self.headers);
        out.extend_from_slice(b"\r\n");
    }
}

impl From<Url> for ClientRequest {
    fn from(url: Url) -> Self {
        Self::new(url)
    }
}
impl TryFrom<&str> for ClientRequest {
    type Error = InvalidUrl;
    fn try_from(url: &str) -> Result<Self, InvalidUrl> {
        Url::try_from(url).map(Self::new)
    }
}

/// The outcome of a client's handshake: an open connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Upgraded {
    /// The connection, with whatever came after the response already in it.
    pub connection: Connection,
    /// The server's response: cookies, and whatever else it says.
    pub response: Response<()>,
}

/// CONNECTING, on the client. It is driven as a [`Connection`] is, and becomes one: see [`poll`](Self::poll).
#[derive(Debug)]
pub struct ClientHandshake {
    config: Arc<Config>,
    key: Key,
    offered: Vec<Subprotocol>,
    extensions: Vec<ExtensionOffer>,
    requires_subprotocol: bool,
    transmit: Transmit,
    incoming: Incoming,
    head: Head,
    informational: u8,
    refusal: Option<Box<(Response<()>, Body)>>,
    spent: bool,
}

impl ClientHandshake {
    /// Queues the request, with a key of its own.
    pub fn new(request: ClientRequest, config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let key = Key::generate(&*config.entropy);
        let extensions = extension::offers(&config.extensions);
        let mut transmit = Transmit::default();
        request.put(transmit.cork(512), &key, &extensions);
        Self {
            config,
            key,
            offered: request.subprotocols,
            extensions,
            requires_subprotocol: request.requires_subprotocol,
            transmit,
            incoming: Incoming::default(),
            head: Head::default(),
            informational: 0,
            refusal: None,
            spent: false,
        }
    }

    /// Takes bytes from the transport, copying them. Those after the response are the connection's, and reach it.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.read_buf().extend_from_slice(bytes);
    }
    /// Where the transport may put bytes itself.
    pub fn read_buf(&mut self) -> ReadBuf<'_> {
        self.incoming.read_buf()
    }
    /// The transport ended.
    pub fn receive_eof(&mut self) {
        self.incoming.receive_eof();
    }
    /// The bytes to write next: see [`Connection::transmit`].
    pub fn transmit(&mut self) -> &mut Transmit {
        &mut self.transmit
    }
    /// Tells it the time; the first time starts [`handshake_timeout`](Config::handshake_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        self.incoming.handle_timeout(now, self.config.handshake_timeout);
    }
    /// When to call [`handle_timeout`](Self::handle_timeout) again, at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.incoming.poll_timeout()
    }
    /// Whether the time has not been told yet.
    pub(crate) fn wants_time(&self) -> bool {
        self.incoming.wants_time()
    }

    /// The outcome. `None`: there is none until more bytes come, or time passes. After it, this is spent.
    ///
    /// # Errors
    /// [`HandshakeError`], most often [`Declined`](HandshakeError::Declined). Close the transport then.
    pub fn poll(&mut self) -> Result<Option<Upgraded>, HandshakeError> {
        if self.spent {
            return Err(HandshakeError::Spent);
        }
        let response = self.response();
        if matches!(response, Ok(None)) {
            return Ok(None);
        }
        self.spent = true;
        let received = self.incoming.finish();
        let Some(response) = response? else { return Ok(None) };
        let established = self.check(&response)?;
        let unsent = self.transmit.copy_to_bytes(self.transmit.remaining());
        let connection = Connection::begin(established, self.config.clone(), &received, &unsent);
        Ok(Some(Upgraded { connection, response }))
    }

    /// The 101, once it is there.
    fn response(&mut self) -> Result<Option<Response<()>>, HandshakeError> {
        loop {
            if let Some(refusal) = &mut self.refusal {
                let (response, body) = &mut **refusal;
                if !body.read(self.incoming.input()) && self.incoming.wait().is_ok() {
                    return Ok(None);
                }
                let whole = std::mem::take(response).map(|()| body.finish());
                return Err(HandshakeError::Declined(Box::new(whole)));
            }
            let Some(response) = self.head.take_response(self.incoming.input(), &self.config)? else {
                return self.incoming.wait().map(|()| None);
            };
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Some(response));
            }
            if !response.status().is_informational() {
                let body = Body::of(&response, self.config.max_refusal_body);
                self.refusal = Some(Box::new((response, body)));
            } else if self.informational == MAX_INFORMATIONAL {
                return Err(HandshakeError::Malformed("too many informational responses"));
            } else {
                self.informational += 1;
            }
        }
    }

    /// The extension that the server chose (RFC 6455 §4.1, rule 5, and §9.1).
    fn agree(&self, value: &HeaderValue) -> Result<Agreement, InvalidResponse> {
        let answers = ExtensionOffer::parse_fields([value.as_bytes()]);
        let answers = answers.map_err(|_| InvalidResponse::MalformedExtensions)?;
        let offered =
            |answer: &ExtensionOffer| self.extensions.iter().any(|offer| offer.name() == answer.name());
        match &answers[..] {
            answers if !answers.iter().all(offered) => Err(InvalidResponse::ExtensionNotOffered),
            [answer] => extension::confirm(&self.config.extensions, &self.extensions, answer)
                .map_err(|_| InvalidResponse::InvalidExtensionAnswer),
            _ => Err(InvalidResponse::ManyExtensions),
        }
    }

    /// Checks a 101 (RFC 6455 §4.1, the six rules for the server's response; §4.2.2).
    fn check(&self, response: &Response<()>) -> Result<Established, InvalidResponse> {
        let headers = response.headers();
        if response.version() != Version::HTTP_11 {
            return Err(InvalidResponse::HttpVersion);
        }
        match field::single(headers, &header::UPGRADE) {
            Ok(value) if value.as_bytes().eq_ignore_ascii_case(b"websocket") => {}
            Err(InvalidField::Missing) => return Err(InvalidResponse::NoUpgrade),
            _ => return Err(InvalidResponse::OtherUpgrade),
        }
        if !field::has_token(headers, &header::CONNECTION, "upgrade") {
            return Err(InvalidResponse::NoConnection);
        }
        match field::single(headers, &header::SEC_WEBSOCKET_ACCEPT) {
            Ok(value) if value.as_bytes() == self.key.accept() => {}
            Ok(_) => return Err(InvalidResponse::WrongAccept),
            Err(InvalidField::Missing) => return Err(InvalidResponse::NoAccept),
            Err(_) => return Err(InvalidResponse::RepeatedAccept),
        }
        let mut established = Established::bare(Role::Client);
        match field::single(headers, &header::SEC_WEBSOCKET_EXTENSIONS) {
            Ok(value) => established = established.with_extension(self.agree(value)?),
            Err(InvalidField::Missing) => {}
            Err(_) => return Err(InvalidResponse::RepeatedExtensions),
        }
        match field::single(headers, &header::SEC_WEBSOCKET_PROTOCOL) {
            Ok(_) if self.offered.is_empty() => Err(InvalidResponse::UnaskedSubprotocol),
            Ok(value) => field::subprotocol(value.as_bytes())
                .filter(|chosen| self.offered.contains(chosen))
                .map(|chosen| established.with_subprotocol(chosen))
                .ok_or(InvalidResponse::SubprotocolNotOffered),
            Err(InvalidField::Missing) if self.requires_subprotocol && !self.offered.is_empty() => {
                Err(InvalidResponse::NoSubprotocol)
            }
            Err(InvalidField::Missing) => Ok(established),
            Err(_) => Err(InvalidResponse::RepeatedSubprotocol),
        }
    }
}
