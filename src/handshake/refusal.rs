//! Answers other than 101: why a request gets one, and how it is written.
use super::{
    error::HandshakeError,
    field::{InvalidField, put, put_all},
};
use crate::proto::Transmit;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// Why a request cannot become a WebSocket (RFC 6455 §4.2.1), and what to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// Not GET. 405, with `Allow: GET`.
    #[error("the method is not GET")]
    Method,
    /// HTTP/1.0 knows no upgrades. 400. (505 would say that no HTTP/1 is spoken here.)
    #[error("the version is not HTTP/1.1")]
    HttpVersion,
    /// Neither a path nor a `ws`, `wss`, `http` or `https` URL. 400.
    #[error("the request target is neither a path nor a URL of ws, wss, http or https")]
    Target,
    /// Not one `Host` with a host in it. 400.
    #[error("the Host header field {0}")]
    Host(InvalidField),
    /// A target that is a whole URL, of another host than `Host`. 400.
    #[error("the Host header field names another host than the request target")]
    OtherHost,
    /// No `Upgrade: websocket`: a request for something else. 426, with `Upgrade` and the version.
    #[error("there is no header field \"Upgrade: websocket\"")]
    NoUpgrade,
    /// No `Connection: Upgrade`; proxies drop it unless they are told not to. 426, with `Upgrade` and the version.
    #[error("there is no header field \"Connection: Upgrade\"")]
    NoConnection,
    /// A request with a body: what follows the head would be read as frames by one, as HTTP by another. 400.
    #[error("an upgrade request has no body, and this one announces one")]
    Body,
    /// A `Sec-WebSocket-Version` that is not 13, or none. 426, with the version (RFC 6455 §4.4).
    #[error("Sec-WebSocket-Version is not 13")]
    Version,
    /// More than one `Sec-WebSocket-Version` (RFC 6455 §11.3.5). 400.
    #[error("the Sec-WebSocket-Version header field is there more than once")]
    RepeatedVersion,
    /// Not one `Sec-WebSocket-Key` of 16 bytes in base64. 400.
    #[error("the Sec-WebSocket-Key header field {0}")]
    Key(InvalidField),
    /// `Sec-WebSocket-Protocol` is not a list of names, each once. 400.
    #[error("the Sec-WebSocket-Protocol header field is not a list of different tokens")]
    Subprotocols,
    /// `Sec-WebSocket-Extensions` is malformed (RFC 6455 §9.1). 400.
    #[error("the Sec-WebSocket-Extensions header field is malformed")]
    Extensions,
    /// A page that [`Config::origins`](crate::Config::origins) does not allow to connect (RFC 6455 §10.2). 403.
    #[error("pages of this origin may not connect")]
    Origin,
}

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

/// A status, and in plain text why.
pub(super) fn plain(status: StatusCode, why: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{status}: {why}\n")));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// What a server answers when there is no request to speak of.
pub(super) fn answer(error: &HandshakeError) -> Option<Response<Bytes>> {
    match error {
        HandshakeError::Malformed(what) => Some(plain(StatusCode::BAD_REQUEST, what)),
        HandshakeError::HeadTooLarge(limit) => {
            Some(plain(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &limit.to_string()))
        }
        HandshakeError::TimedOut => Some(plain(StatusCode::REQUEST_TIMEOUT, "no request came in time")),
        _ => None,
    }
}

/// A body of no more is written together with its head: one segment, for clients that look no further than that.
const SHORT_BODY: usize = 1024;

/// Writes an answer, after which the connection ends. Whatever the application said of its length or of the
/// connection is replaced by what is so.
pub(super) fn put_response(out: &mut Transmit, response: &Response<Bytes>, to_head: bool) {
    const OURS: [HeaderName; 3] = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION];
    let (status, headers, body) = (response.status(), response.headers(), response.body());
    let head = out.cork(256);
    let line = format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default());
    head.extend_from_slice(line.as_bytes());
    // RFC 9110 §7.8: who sends Upgrade names it in Connection.
    let upgrade = headers.contains_key(header::UPGRADE);
    put(head, "Connection", if upgrade { b"close, Upgrade" } else { b"close" });
    // RFC 9110 §8.6, §15.4.5: neither of the two has a body.
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    if !bodiless {
        put(head, "Content-Length", body.len().to_string().as_bytes());
    }
    put_all(head, headers.iter().filter(|(name, _)| !OURS.contains(name)));
    head.extend_from_slice(b"\r\n");
    match body.len() {
        _ if bodiless || to_head => {}
        ..=SHORT_BODY => head.extend_from_slice(body),
        _ => out.push_long(body.clone()),
    }
}
