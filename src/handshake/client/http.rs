//! A client's opening handshake without bytes: an HTTP client writes the request and reads the response.
use super::{
    super::{error::HandshakeError, field},
    check::Asked,
    handshake::ClientHandshake,
    request::ClientRequest,
};
use crate::{config::Config, proto::Connection};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use std::sync::Arc;

impl ClientHandshake {
    /// A handshake whose bytes an HTTP client moves, such as hyper's. Send the request, and
    /// [finish](HttpHandshake::finish) with the response to it.
    ///
    /// ```
    /// use sansocket::{Config, handshake::{ClientHandshake, HandshakeError}, http::{Request, Response}, proto::Connection};
    ///
    /// /// `send` is what an HTTP client does.
    /// fn connect(send: impl FnOnce(Request<()>) -> Response<()>) -> Result<Connection, HandshakeError> {
    ///     let (request, handshake) = ClientHandshake::over_http("ws://example.com/chat".try_into()?, Config::client());
    ///     assert_eq!(request.headers()["host"], "example.com");
    ///     let response = send(request);
    ///     handshake.finish(&response) // and then `WebSocket::new(connection, stream)`
    /// }
    /// # let not_found = |_| { let mut response = Response::new(()); *response.status_mut() = 404.try_into().unwrap(); response };
    /// # assert!(matches!(connect(not_found), Err(HandshakeError::Declined(response)) if response.status() == 404));
    /// ```
    pub fn over_http(request: ClientRequest, config: impl Into<Arc<Config>>) -> (Request<()>, HttpHandshake) {
        let config = config.into();
        let asked = request.asked(&config);
        let mut headers = HeaderMap::new();
        request.each_field(&asked, |name, value| field::append(&mut headers, name, value));
        let mut head = Request::new(());
        // The target of a `Url` has only characters that a URL may have, and no more of them than a `Uri` holds.
        *head.uri_mut() = request.url().target().parse().unwrap_or_default();
        *head.headers_mut() = headers;
        (head, HttpHandshake { asked, config })
    }
}

/// A client's opening handshake whose request an HTTP client sends: see [`ClientHandshake::over_http`].
#[derive(Debug)]
pub struct HttpHandshake {
    asked: Asked,
    config: Arc<Config>,
}

impl HttpHandshake {
    /// Checks the response. The connection is open: bytes that the HTTP client has read behind the response go to
    /// [`Connection::receive`] first.
    ///
    /// # Errors
    /// [`HandshakeError::Declined`], without the body, when the status is not 101; [`HandshakeError::Response`] when the
    /// 101 breaks a rule.
    pub fn finish<B>(self, response: &Response<B>) -> Result<Connection, HandshakeError> {
        let mut head = Response::new(());
        *head.status_mut() = response.status();
        *head.version_mut() = response.version();
        head.headers_mut().clone_from(response.headers());
        if head.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(HandshakeError::Declined(Box::new(head.map(|()| Bytes::new()))));
        }
        Ok(Connection::new(self.asked.check(&head, &self.config)?, self.config))
    }
}
