//! Checks a client's request (RFC 6455 §4.2.1): [`InvalidRequest`] says why one cannot become a WebSocket.
use super::{
    super::{
        field::{self, InvalidField},
        key::Key,
        origin,
    },
    answer::plain,
};
use crate::{authority::host_port, sentence::debug_as_display};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};

/// Why a request cannot become a WebSocket (RFC 6455 §4.2.1), and what to answer.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// Not GET. 405, with `Allow: GET`.
    #[error("the method is not GET")]
    Method,
    /// HTTP/1.0 has no upgrades. 400; 505 would say that the server speaks no HTTP/1 at all.
    #[error("the version is not HTTP/1.1")]
    HttpVersion,
    /// Neither a path nor a `ws`, `wss`, `http` or `https` URL. 400.
    #[error("the request target is neither a path nor a URL of ws, wss, http or https")]
    Target,
    /// `Host` is missing, repeated or malformed. 400.
    #[error("the Host header field {0}")]
    Host(InvalidField),
    /// The target is a whole URL whose host is not that of `Host`. 400.
    #[error("the Host header field names another host than the request target")]
    OtherHost,
    /// No `Upgrade: websocket`: a request for something else. 426, with `Upgrade` and the version.
    #[error("there is no header field \"Upgrade: websocket\"")]
    NoUpgrade,
    /// No `Connection: Upgrade`; proxies drop it unless they are told not to. 426, with `Upgrade` and the version.
    #[error("there is no header field \"Connection: Upgrade\"")]
    NoConnection,
    /// The request has a body. A proxy would read it as HTTP, and this end as frames. 400.
    #[error("an upgrade request has no body, and this one announces one")]
    Body,
    /// A `Sec-WebSocket-Version` that is not 13, or none. 426, with the version (RFC 6455 §4.4).
    #[error("Sec-WebSocket-Version is not 13")]
    Version,
    /// More than one `Sec-WebSocket-Version` (RFC 6455 §11.3.5). 400.
    #[error("the Sec-WebSocket-Version header field is there more than once")]
    RepeatedVersion,
    /// `Sec-WebSocket-Key` is missing, repeated, or not 16 bytes in base64. 400.
    #[error("the Sec-WebSocket-Key header field {0}")]
    Key(InvalidField),
    /// `Sec-WebSocket-Protocol` is not a list of names, each once. 400.
    #[error("the Sec-WebSocket-Protocol header field is not a list of different tokens")]
    Subprotocols,
    /// `Sec-WebSocket-Extensions` is malformed (RFC 6455 §9.1). 400.
    #[error("the Sec-WebSocket-Extensions header field is malformed")]
    Extensions,
    /// A page that [`Config::origins`](crate::Config::origins) does not let in (RFC 6455 §10.2); the error is
    /// [`HandshakeError::Origin`](crate::handshake::HandshakeError::Origin), which says more. 403.
    #[error("the server refuses pages of this origin")]
    Origin,
}
debug_as_display!(InvalidRequest);

impl InvalidRequest {
    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoUpgrade | Self::NoConnection | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Origin => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The answer: what was wrong, in plain text.
    pub fn response(self) -> Response<Bytes> {
        let mut response = plain(self.status(), &self.to_string());
        let headers = response.headers_mut();
        match self.status() {
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
            }
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            _ => {}
        }
        response
    }
}

/// Checks a request (RFC 6455 §4.2.1) except for what it offers, and gives its key.
pub(super) fn check(request: &Request<()>) -> Result<Key, InvalidRequest> {
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

/// Checks that there is one `Host`, and that it is the target's if the target is a whole URL (RFC 9112 §3.2.2).
fn check_host(request: &Request<()>) -> Result<(), InvalidRequest> {
    let host = field::single(request.headers(), &header::HOST).map_err(InvalidRequest::Host)?;
    let host = host.to_str().ok().filter(|host| host_port(host).is_some());
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
