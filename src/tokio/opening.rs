//! Accepting and connecting: [`aio`]'s, and the way to a server.
use super::{PendingUpgrade, Tokio, WebSocket, dial::dial};
use crate::{
    adapter::{Error, needs_tls},
    aio::{self, Alarm},
    config::Config,
    handshake::{Acceptance, ClientHandshake, ClientRequest, HandshakeError, Rejection, Scheme, Upgrade},
};
use ::tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout_at,
};
use http::Response;
use std::{future::Future, pin::Pin, sync::Arc};

/// Accepts a WebSocket on a stream that a listener gave (RFC 6455 §4.2), with the defaults of [`Config::server`].
///
/// A request that is not a correct upgrade, or not from the same origin, is answered with the right refusal.
///
/// Nothing is set on the stream. A TCP stream wants [`set_nodelay`](TcpStream::set_nodelay): else a short message may
/// wait for the peer to acknowledge the one before it.
///
/// ```no_run
/// # async fn serve(listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// loop {
///     let (stream, _) = listener.accept().await?;
///     tokio::spawn(async move {
///         stream.set_nodelay(true)?;
///         let mut socket = sansocket::tokio::accept(stream).await?;
///         while let Some((message, mut reply)) = socket.recv_ref().await? {
///             reply.feed(message)?;
///         }
///         Ok::<_, sansocket::Error>(())
///     });
/// }
/// # }
/// ```
///
/// # Errors
/// [`Error::Handshake`] when the request was refused (the answer has been sent) or did not come in time; [`Error::Io`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn accept<S>(stream: S) -> impl Future<Output = Result<WebSocket<S>, Error>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    aio::accept(stream)
}

/// Accepts a WebSocket on a stream, by this config: [`Config::origins`] says which pages may connect, and
/// [`Config::extensions`] what may be negotiated.
///
/// ```no_run
/// # use sansocket::Config;
/// # async fn serve(stream: tokio::net::TcpStream) -> Result<(), sansocket::Error> {
/// let config = Config::server().max_message_size(64 << 20);
/// let socket = sansocket::tokio::accept_with_config(stream, config).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`accept`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn accept_with_config<S>(
    stream: S,
    config: impl Into<Arc<Config>>,
) -> impl Future<Output = Result<WebSocket<S>, Error>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    aio::accept_with_config(stream, config)
}

/// Accepts a WebSocket, or not (RFC 6455 §4.2.2): `decide` sees the request, and accepts it with header fields and a
/// subprotocol of its choice, or rejects it with any response. It may take its time:
/// [`handshake_timeout`](Config::handshake_timeout) ends when the request is there.
///
/// It sees every well-formed HTTP request, so that a server can answer other requests on the same port; one that
/// [cannot become a WebSocket](Upgrade::refusal) is refused in any case.
///
/// ```no_run
/// # use sansocket::{Config, handshake::{Acceptance, Upgrade}, http::StatusCode};
/// # async fn exists(room: &str) -> bool { true }
/// # async fn serve(stream: tokio::net::TcpStream) -> Result<(), sansocket::Error> {
/// let decide = async |upgrade: &Upgrade| {
///     if exists(upgrade.request().uri().path()).await {
///         Ok(Acceptance::new())
///     } else {
///         Err(StatusCode::NOT_FOUND.into())
///     }
/// };
/// let socket = sansocket::tokio::accept_with(stream, Config::server(), decide).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Handshake`] when the request was refused or rejected (the answer has been sent); [`Error::Io`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn accept_with<S>(
    stream: S,
    config: impl Into<Arc<Config>>,
    decide: impl AsyncFnOnce(&Upgrade) -> Result<Acceptance, Rejection>,
) -> impl Future<Output = Result<WebSocket<S>, Error>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    aio::accept_with(stream, config, decide)
}

/// Waits for a request (RFC 6455 §4.2.1), which is then to be [accepted](aio::PendingUpgrade::accept) or
/// [rejected](aio::PendingUpgrade::reject): for whoever decides elsewhere than in a closure. Any request whose head is HTTP
/// is let through.
///
/// ```no_run
/// # use sansocket::{Config, handshake::Acceptance, http::Response};
/// # async fn serve(stream: tokio::net::TcpStream) -> Result<(), sansocket::Error> {
/// let incoming = sansocket::tokio::read_request(stream, Config::server()).await?;
/// if incoming.upgrade().refusal().is_some() {
///     return Err(incoming.reject(Response::new("Nothing but WebSockets here.\n")).await);
/// }
/// let socket = incoming.accept(Acceptance::new()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Handshake`] when no such request came in time (the answer has been sent); [`Error::Io`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn read_request<S>(
    stream: S,
    config: impl Into<Arc<Config>>,
) -> impl Future<Output = Result<PendingUpgrade<S>, Error>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    aio::read_request(stream, config)
}

/// Connects to a `ws://` URL (RFC 6455 §4.1) with the defaults of [`Config::client`].
///
/// # Errors
/// [`Error::Handshake`] when the URL is not one, the server does not upgrade or all of it takes too long;
/// [`Error::Io`] when it cannot be reached. A `wss://` URL is [`Unsupported`](std::io::ErrorKind::Unsupported): see
/// [`connect_over`].
///
/// # Cancel safety
/// Dropping the future drops the stream, or gives up dialling.
pub fn connect(
    url: impl TryInto<ClientRequest, Error: Into<HandshakeError>>,
) -> Pin<Box<dyn Future<Output = Result<WebSocket<TcpStream>, Error>> + Send>> {
    let request = url.try_into().map_err(Into::into);
    // In a box, the future does not borrow the URL, whatever that is: it can be spawned.
    Box::pin(async {
        let (socket, _) = connect_with(request?, Config::client()).await?;
        Ok(socket)
    })
}

/// Connects with a request of one's own, and gives the server's response as well. Resolving the name, dialling and
/// the handshake together take no longer than [`handshake_timeout`](Config::handshake_timeout). The stream has
/// `TCP_NODELAY` set.
///
/// A name with several addresses has them tried in turn, the next after 250 ms if the last has not answered (RFC 8305).
///
/// ```no_run
/// # use sansocket::{Config, handshake::ClientRequest};
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let request = ClientRequest::try_from("ws://127.0.0.1:9001/chat")?.header("Cookie", "id=7")?;
/// let (socket, response) = sansocket::tokio::connect_with(request, Config::client()).await?;
/// println!("{:?}", response.headers());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`connect`]. A response that does not upgrade is in [`HandshakeError::Declined`], body and all.
///
/// # Cancel safety
/// Dropping the future drops the stream, or gives up dialling.
pub fn connect_with(
    request: impl TryInto<ClientRequest, Error: Into<HandshakeError>>,
    config: impl Into<Arc<Config>>,
) -> impl Future<Output = Result<(WebSocket<TcpStream>, Response<()>), Error>> {
    let opening = request.try_into().map(|request| dial_for(request, config.into())).map_err(Into::into);
    async move { opening?.await }
}

/// Dials and connects. The handshake and its deadline are in a box: they are gone once the connection is open.
fn dial_for(
    request: ClientRequest,
    config: Arc<Config>,
) -> impl Future<Output = Result<(WebSocket<TcpStream>, Response<()>), Error>> {
    let url = request.url();
    let (secure, host, port) = (url.scheme() == Scheme::Wss, url.host().to_owned(), url.port());
    let mut handshake = Box::new(ClientHandshake::new(request, config));
    async move {
        if secure {
            return Err(needs_tls());
        }
        handshake.handle_timeout(Tokio::now());
        let dialled = Box::pin(dial(host, port));
        let dialled = match handshake.poll_timeout() {
            None => dialled.await,
            Some(deadline) => {
                Box::pin(timeout_at(deadline.into(), dialled)).await.map_err(|_| HandshakeError::TimedOut)?
            }
        };
        let stream = dialled?;
        stream.set_nodelay(true)?;
        aio::go_on(stream, *handshake).await
    }
}

/// Connects over a stream that leads to the server already (RFC 6455 §4.1): through TLS, a proxy, a Unix socket.
/// Gives the server's response as well. Nothing is set on the stream, and the URL's scheme is not looked at.
///
/// ```no_run
/// # use sansocket::{Config, handshake::ClientRequest};
/// # use tokio::io::{AsyncRead, AsyncWrite};
/// # async fn run(tls_stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), Box<dyn std::error::Error>> {
/// let request = ClientRequest::try_from("wss://example.com/chat")?;
/// let (socket, _) = sansocket::tokio::connect_over(tls_stream, request, Config::client()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`connect_with`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn connect_over<S>(
    stream: S,
    request: impl TryInto<ClientRequest, Error: Into<HandshakeError>>,
    config: impl Into<Arc<Config>>,
) -> impl Future<Output = Result<(WebSocket<S>, Response<()>), Error>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    aio::connect_over(stream, request, config)
}
