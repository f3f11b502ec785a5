//! A server's opening handshake without bytes: an HTTP server reads the request and writes the response.
use super::{
    super::field,
    request::{Agreed, Upgrade},
    response::{Acceptance, Refused},
};
use crate::{config::Config, proto::Connection};
use bytes::BytesMut;
use http::{HeaderMap, Request, Response, StatusCode};
use std::sync::Arc;

impl Upgrade {
    /// A request that an HTTP server has read, whatever its body is: hyper's, axum's. Answer it by
    /// [`accept_over_http`](Self::accept_over_http), or [`reject`](Self::reject) it with a
    /// [response](Refused::into_response).
    ///
    /// ```
    /// use sansocket::{Config, handshake::{Acceptance, Upgrade}, http::{Request, Response}, proto::Connection};
    ///
    /// /// What a service of hyper does. `Incoming` stands for the body of its requests.
    /// fn serve<Incoming>(request: Request<Incoming>) -> Response<Vec<u8>> {
    ///     let upgrade = Upgrade::from_request(&request, Config::server());
    ///     match upgrade.accept_over_http(Acceptance::new()) {
    ///         Ok((response, connection)) => {
    ///             // In a task: `let stream = hyper::upgrade::on(request).await?`, and then
    ///             // `tokio::WebSocket::new(connection, stream)`, with the stream in a `TokioIo`.
    ///             let _: Connection = connection;
    ///             response.map(|()| Vec::new())
    ///         }
    ///         Err(refused) => refused.into_response().map(|body| body.to_vec()),
    ///     }
    /// }
    /// # let request = Request::get("/chat").body("").unwrap();
    /// # assert_eq!(serve(request).status(), 400, "no Host");
    /// ```
    pub fn from_request<B>(request: &Request<B>, config: impl Into<Arc<Config>>) -> Self {
        let mut head = Request::new(());
        head.method_mut().clone_from(request.method());
        head.uri_mut().clone_from(request.uri());
        *head.version_mut() = request.version();
        head.headers_mut().clone_from(request.headers());
        Self::new(head, BytesMut::new(), config.into())
    }

    /// Accepts as [`accept`](Self::accept) does, but leaves writing the 101 to an HTTP server. The connection is open once
    /// that is done and the server has given its stream away; bytes of the client that it has read too far go to
    /// [`Connection::receive`] first.
    ///
    /// # Errors
    /// As [`accept`](Self::accept): [`Refused::into_response`] is the answer.
    pub fn accept_over_http(self, acceptance: Acceptance) -> Result<(Response<()>, Connection), Refused> {
        let agreed = self.agree(acceptance)?;
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = fields(&agreed);
        Ok((response, self.connection(agreed, &[])))
    }
}

fn fields(agreed: &Agreed) -> HeaderMap {
    let mut headers = HeaderMap::new();
    agreed.each_field(|name, value| field::append(&mut headers, name, value));
    headers
}
