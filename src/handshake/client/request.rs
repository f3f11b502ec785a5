//! [`ClientRequest`]: what a client asks for, and the bytes that say so.
use super::{
    super::{
        field::{self, InvalidHeader},
        key::Key,
        url::{InvalidUrl, Url},
    },
    check::Asked,
};
use crate::{config::Config, extension, proto::Subprotocol};
use http::{HeaderMap, HeaderValue, header};

/// A client's request: where to connect, what to offer, and which header fields to send.
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
    /// A request for `url`, with only the header fields that the handshake needs.
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
        N: AsRef<str>,
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
    /// lets such a connection open, [without one](crate::proto::Connection::subprotocol).
    pub fn require_subprotocol(mut self) -> Self {
        self.requires_subprotocol = true;
        self
    }

    /// The address to connect to.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Writes the request's head.
    pub(super) fn put(&self, out: &mut Vec<u8>, asked: &Asked) {
        for part in ["GET ", self.url.target(), " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        self.each_field(asked, |name, value| field::put(out, name, value));
        out.extend_from_slice(b"\r\n");
    }

    /// The header fields of the request, in order.
    pub(super) fn each_field(&self, asked: &Asked, mut put: impl FnMut(&str, &[u8])) {
        put("Host", self.url.authority().as_bytes());
        put("Upgrade", b"websocket");
        put("Connection", b"Upgrade");
        put("Sec-WebSocket-Key", asked.key.as_bytes());
        put("Sec-WebSocket-Version", b"13");
        if !self.subprotocols.is_empty() {
            let names: Vec<_> = self.subprotocols.iter().map(Subprotocol::as_str).collect();
            put("Sec-WebSocket-Protocol", names.join(", ").as_bytes());
        }
        if !asked.extensions.is_empty() {
            let offers: Vec<_> = asked.extensions.iter().map(ToString::to_string).collect();
            put("Sec-WebSocket-Extensions", offers.join(", ").as_bytes());
        }
        match self.url.authorization() {
            Some(credentials) if !self.headers.contains_key(header::AUTHORIZATION) => {
                put("Authorization", credentials.as_bytes());
            }
            _ => {}
        }
        self.headers.iter().for_each(|(name, value)| put(name.as_str(), value.as_bytes()));
    }

    /// What a response has to answer, with a fresh key.
    pub(super) fn asked(&self, config: &Config) -> Asked {
        Asked {
            key: Key::generate(&*config.entropy),
            subprotocols: self.subprotocols.clone(),
            extensions: extension::offers(&config.extensions),
            requires_subprotocol: self.requires_subprotocol,
        }
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
impl TryFrom<&String> for ClientRequest {
    type Error = InvalidUrl;
    fn try_from(url: &String) -> Result<Self, InvalidUrl> {
        Self::try_from(url.as_str())
    }
}
impl TryFrom<String> for ClientRequest {
    type Error = InvalidUrl;
    fn try_from(url: String) -> Result<Self, InvalidUrl> {
        Self::try_from(url.as_str())
    }
}
