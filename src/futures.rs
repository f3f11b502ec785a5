//! WebSockets over the streams of `futures` (smol, async-std): [`aio`], under any executor.
//!
//! All works as in the `tokio` module, whose documentation says more. There is no task behind a socket, so keep
//! receiving. In a loop that receives, answer with `feed` or in `recv_ref`. For several tasks, `split`.
//!
//! The clock is that of `async-io`, which keeps a thread for it. There is no dialling: connect a stream with the
//! runtime of your choice, and pass it to [`connect_over`]. TLS streams go the same way.
//!
//! Drop the socket once it is closed: closing an `Async<TcpStream>` does not end its writing side, so the peer learns
//! of the end only then.
//!
//! A server:
//!
//! ```no_run
//! # use async_io::Async;
//! # async fn serve(listener: Async<std::net::TcpListener>) -> Result<(), sansocket::Error> {
//! let (stream, _) = listener.accept().await?;
//! stream.get_ref().set_nodelay(true)?;
//! let mut socket = sansocket::futures::accept(stream).await?;
//! while let Some((message, mut reply)) = socket.recv_ref().await? {
//!     reply.feed(message)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A client:
//!
//! ```no_run
//! # use sansocket::Config;
//! # async fn run() -> Result<(), sansocket::Error> {
//! let stream = async_io::Async::<std::net::TcpStream>::connect(([127, 0, 0, 1], 9001)).await?;
//! stream.get_ref().set_nodelay(true)?;
//! let (mut socket, _) = sansocket::futures::connect_over(stream, "ws://127.0.0.1:9001/chat", Config::client()).await?;
//! socket.send("hello").await?;
//! println!("{:?}", socket.recv().await?);
//! socket.close(None).await?;
//! # Ok(())
//! # }
//! ```
#![allow(clippy::disallowed_types, reason = "an adapter does I/O")]
mod chunks;

use crate::{
    adapter::Error,
    aio::{self, Alarm},
    config::Config,
    handshake::{Acceptance, ClientRequest, HandshakeError, Rejection, Upgrade},
    proto::ReadBuf,
};
use async_io::Timer;
use futures_io::{AsyncRead, AsyncWrite};
use http::Response;
use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

/// A WebSocket over a stream of `futures`.
pub type WebSocket<S> = aio::WebSocket<S, AsyncIo>;
/// A received message as a stream of bytes, while it comes: an `AsyncRead` and `AsyncBufRead`.
pub type MessageReader<'a, S> = aio::MessageReader<'a, S, AsyncIo>;
/// A message being sent in chunks: an `AsyncWrite`.
pub type MessageWriter<'a, S> = aio::MessageWriter<'a, S, AsyncIo>;
/// A request that has come over a stream of `futures`, and has no answer yet.
pub type PendingUpgrade<S> = aio::PendingUpgrade<S, AsyncIo>;
/// A sending end of a split WebSocket over a stream of `futures`.
pub type Sender<S> = aio::Sender<S, AsyncIo>;
/// The receiving end of a split WebSocket over a stream of `futures`.
pub type Receiver<S> = aio::Receiver<S, AsyncIo>;

/// `async-io`'s clock, as [`aio`] sees it: an alarm.
#[derive(Debug)]
pub struct AsyncIo {
    timer: Timer,
    /// `None` once it has gone off.
    at: Option<Instant>,
}

impl Alarm for AsyncIo {
    #[allow(clippy::disallowed_methods, reason = "an adapter reads the clock, so that the core need not")]
    fn now() -> Instant {
        Instant::now()
    }

    fn new(at: Instant) -> Self {
        Self { timer: Timer::at(at), at: Some(at) }
    }

    fn set(&mut self, at: Instant) {
        if self.at.is_none_or(|before| at < before) {
            self.timer.set_at(at);
            self.at = Some(at);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.at.is_some() {
            ready!(Pin::new(&mut self.timer).poll(cx));
            self.at = None;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> aio::Runtime<S> for AsyncIo {
    #[inline]
    fn poll_read(stream: &mut S, cx: &mut Context<'_>, mut buf: ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(stream).poll_read(cx, buf.room()))?;
        buf.filled(n);
        Poll::Ready(Ok(n))
    }
    #[inline]
    fn poll_write(stream: &mut S, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_write(cx, bytes)
    }
    #[inline]
    fn poll_write_vectored(
        stream: &mut S,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_write_vectored(cx, bytes)
    }
    #[inline]
    fn poll_flush(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_flush(cx)
    }
    #[inline]
    fn poll_shutdown(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_close(cx)
    }
}

/// Accepts a WebSocket on a stream that a listener gave (RFC 6455 §4.2), with the defaults of [`Config::server`].
///
/// A request that is not a correct upgrade, or not from the same origin, is answered with the right refusal.
///
/// Nothing is set on the stream. A TCP stream wants `TCP_NODELAY`: else a short message may wait for the peer to
/// acknowledge the one before it.
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
/// subprotocol of its choice, or rejects it with any response. It may take its time: see [`aio::accept_with`].
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

/// Connects over a stream that leads to the server already (RFC 6455 §4.1). Gives the server's response as well.
/// Nothing is set on the stream: see [`accept`].
///
/// # Errors
/// [`Error::Handshake`] when the server does not upgrade: a response that does not is in
/// [`HandshakeError::Declined`], body and all. [`Error::Io`].
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
