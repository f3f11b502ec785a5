//! Connecting over a stream: [`connect_over`].
use super::{Runtime, WebSocket, opening::Opening};
use crate::{
    adapter::Error,
    config::Config,
    handshake::{ClientHandshake, ClientRequest, HandshakeError, Upgraded},
};
use http::Response;
use std::{future::Future, sync::Arc};

/// Connects over a stream that leads to the server already (RFC 6455 §4.1): through TLS, a proxy, a Unix socket.
/// Gives the server's response as well. Takes no longer than [`handshake_timeout`](Config::handshake_timeout), from
/// the first poll.
///
/// The scheme of the URL is ignored: whether there is TLS is up to the stream.
///
/// # Errors
/// [`Error::Handshake`] when the server does not upgrade: a response that does not is in
/// [`HandshakeError::Declined`](crate::handshake::HandshakeError::Declined), body and all. [`Error::Io`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn connect_over<S, R: Runtime<S>>(
    stream: S,
    request: impl TryInto<ClientRequest, Error: Into<HandshakeError>>,
    config: impl Into<Arc<Config>>,
) -> impl Future<Output = Result<(WebSocket<S, R>, Response<()>), Error>> {
    let handshake = request.try_into().map(|request| ClientHandshake::new(request, config));
    let opening = handshake.map(|handshake| go_on(stream, handshake)).map_err(Into::into);
    async move { opening?.await }
}

/// Connects over a stream, with a handshake whose deadline may have begun.
pub(crate) fn go_on<S, R: Runtime<S>>(
    stream: S,
    handshake: ClientHandshake,
) -> impl Future<Output = Result<(WebSocket<S, R>, Response<()>), Error>> {
    let mut opening = Opening::<S, R, _>::new(stream, handshake);
    async move {
        let Upgraded { connection, response } = opening.run(ClientHandshake::poll).await?;
        Ok((WebSocket::with_alarm(connection, opening.stream, opening.alarm), response))
    }
}
