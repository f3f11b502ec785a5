//! WebSockets over Tokio's streams: [`aio`], with Tokio's clock.
//!
//! Name it by its path, as here, or `use sansocket::tokio as ws`: imported as it is, it hides the crate `tokio`.
//!
//! An echo server:
//!
//! ```no_run
//! use tokio::net::{TcpListener, TcpStream};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:9001").await?;
//!     loop {
//!         let (stream, peer) = listener.accept().await?;
//!         tokio::spawn(async move {
//!             if let Err(error) = echo(stream).await {
//!                 eprintln!("{peer}: {error}");
//!             }
//!         });
//!     }
//! }
//!
//! async fn echo(stream: TcpStream) -> Result<(), sansocket::Error> {
//!     stream.set_nodelay(true)?;
//!     let mut socket = sansocket::tokio::accept(stream).await?;
//!     while let Some((message, mut reply)) = socket.recv_ref().await? {
//!         reply.feed(message)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A client, which stops after a time:
//!
//! ```no_run
//! # use std::time::Duration;
//! # async fn run() -> Result<(), sansocket::Error> {
//! let mut socket = sansocket::tokio::connect("ws://127.0.0.1:9001").await?;
//! socket.send("hello").await?;
//! while let Ok(received) = tokio::time::timeout(Duration::from_secs(5), socket.recv()).await {
//!     let Some(message) = received? else { break };
//!     println!("{message:?}");
//! }
//! let ended = socket.close(sansocket::CloseCode::NORMAL).await?;
//! println!("{ended}");
//! # Ok(())
//! # }
//! ```
//!
//! # Keep receiving
//! There is no task behind a socket. Pings are answered, the closing handshake is done and deadlines pass while a
//! method receives or closes. A method that sends reads nothing, and keeps the deadline for writing only. A task that
//! has other things to do as well receives in a `select!`: every method is cancel-safe, so a branch that loses, loses
//! nothing. A task that only sends calls [`discard`](WebSocket::discard) there: else it never hears that the peer has
//! closed.
//!
//! ```no_run
//! # use sansocket::{CloseCode, Error, tokio::WebSocket};
//! # use tokio::{net::TcpStream, sync::mpsc};
//! # async fn run(mut socket: WebSocket<TcpStream>, mut news: mpsc::Receiver<String>) -> Result<(), Error> {
//! loop {
//!     tokio::select! {
//!         received = socket.recv_ref() => match received? {
//!             Some((message, mut reply)) => reply.feed(message)?,
//!             None => break,
//!         },
//!         item = news.recv() => match item {
//!             Some(item) => socket.feed(item).await?,
//!             None => {
//!                 socket.close((CloseCode::GOING_AWAY, "the server is stopping")).await?;
//!                 break;
//!             }
//!         },
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Only a method is cancel-safe, not a block around several: deal with a message behind the `=>`.
//!
//! # Queue in a loop that receives
//! [`send`](WebSocket::send) waits until its message is written, which costs a system call for each message. [`feed`](WebSocket::feed), and
//! the reply that [`recv_ref`](WebSocket::recv_ref) lends, only queue. What is queued leaves when no whole message
//! is left of what has come. So answers to messages that came together leave together, and no answer waits longer.
//!
//! # Two tasks and more
//! [`split`](WebSocket::split) gives a [`Receiver`], and a [`Sender`] to be cloned for each task that sends. Keep the
//! receiver receiving, or [discarding](Receiver::discard) what comes: it answers pings and hears the peer's Close
//! frame. Once the receiver is dropped, nothing is read until a sender closes.
//!
//! ```no_run
//! # use sansocket::{Error, tokio::WebSocket};
//! # use tokio::{net::TcpStream, sync::broadcast};
//! # async fn run(socket: WebSocket<TcpStream>, mut room: broadcast::Receiver<String>) -> Result<(), Error> {
//! let (sender, mut receiver) = socket.split();
//! let listening = sender.clone();
//! tokio::spawn(async move {
//!     while let Ok(said) = room.recv().await {
//!         listening.send(said).await?;
//!     }
//!     listening.close(None).await
//! });
//! while let Some(message) = receiver.recv_ref().await? {
//!     sender.feed(message).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Back-pressure
//! While more than [`high_water_mark`](crate::Config::high_water_mark) bytes are queued, `send` and `feed` wait. A
//! whole socket then receives nothing either, so a peer that does not take its answers is asked for nothing more; a
//! [`Receiver`] goes on. A peer that takes no byte for [`write_timeout`](crate::Config::write_timeout) is given up.
//!
//! # Memory
//! A connection that waits holds no buffers: the [`WebSocket`] itself (less than half a KiB with a `TcpStream`) and
//! an alarm, which is allocated when the connection first waits. A message takes memory as it comes, up to
//! [`max_message_size`](crate::Config::max_message_size), or constant memory with
//! [`message_reader`](WebSocket::message_reader). A task is as large as the largest future that it ever waits for:
//! with many idle connections, box the futures that are rarely awaited, as in `Box::pin(socket.close(None)).await`.
//!
//! # The runtime
//! It needs its time driver (`enable_time`, or `enable_all`): deadlines are on by default, and [`connect`] and
//! [`connect_with`] need it in any case. Without it they panic, as all of Tokio's timers do. The clock is Tokio's, so
//! tests can pause it.
//!
//! # TLS
//! This crate has none. Connect or accept a TLS stream, such as that of `tokio-rustls`, and pass it to [`connect_over`] or
//! [`accept`].
#![allow(clippy::disallowed_types, reason = "an adapter does I/O")]
mod chunks;
mod dial;
mod opening;

pub use opening::{
    accept, accept_with, accept_with_config, connect, connect_over, connect_with, read_request,
};

use crate::{
    aio::{self, Alarm},
    proto::ReadBuf,
};
use ::tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    task::unconstrained,
    time::{Instant, Sleep},
};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

/// A WebSocket over a Tokio stream.
pub type WebSocket<S> = aio::WebSocket<S, Tokio>;
/// A request that has come over a Tokio stream, and has no answer yet.
pub type PendingUpgrade<S> = aio::PendingUpgrade<S, Tokio>;
/// A received message as a stream of bytes, while it comes: an `AsyncRead` and `AsyncBufRead`.
pub type MessageReader<'a, S> = aio::MessageReader<'a, S, Tokio>;
/// A message being sent in chunks: an `AsyncWrite`.
pub type MessageWriter<'a, S> = aio::MessageWriter<'a, S, Tokio>;
/// A sending end of a split WebSocket over a Tokio stream.
pub type Sender<S> = aio::Sender<S, Tokio>;
/// The receiving end of a split WebSocket over a Tokio stream.
pub type Receiver<S> = aio::Receiver<S, Tokio>;

/// Tokio, as [`aio`] sees it: an alarm. It is allocated when a connection first waits.
#[derive(Debug)]
pub struct Tokio(Pin<Box<Armed>>);

pin_project! {
    #[derive(Debug)]
    struct Armed {
        #[pin]
        sleep: Sleep,
        // The task that `sleep` wakes. While the same task polls, `sleep` need not be polled for it again.
        waker: Waker,
    }
}

impl Alarm for Tokio {
    fn now() -> std::time::Instant {
        Instant::now().into_std()
    }

    fn new(at: std::time::Instant) -> Self {
        let sleep = ::tokio::time::sleep_until(at.into());
        Self(Box::pin(Armed { sleep, waker: Waker::noop().clone() }))
    }

    fn set(&mut self, at: std::time::Instant) {
        let armed = self.0.as_mut().project();
        let at = Instant::from_std(at);
        let (elapsed, set) = (armed.sleep.is_elapsed(), armed.sleep.deadline());
        if at < set || elapsed && at != set {
            armed.sleep.reset(at);
            *armed.waker = Waker::noop().clone();
        }
    }

    #[inline(always)]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.waker.will_wake(cx.waker()) && !self.0.sleep.is_elapsed() {
            return Poll::Pending;
        }
        self.poll_anew(cx)
    }
}

impl Tokio {
    #[cold]
    fn poll_anew(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let armed = self.0.as_mut().project();
        if armed.sleep.is_elapsed() {
            // Polled under Tokio's coop budget on purpose. When that is spent, streams are pending though data is
            // there, so the alarm must be, too: no deadline passes before what has come is read.
            return armed.sleep.poll(cx);
        }
        armed.waker.clone_from(cx.waker());
        // Not under the budget: `sleep` has to learn which task to wake, even if that should give way now.
        pin!(unconstrained(armed.sleep)).poll(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> aio::Runtime<S> for Tokio {
    #[inline(always)]
    fn poll_read(stream: &mut S, cx: &mut Context<'_>, buf: ReadBuf<'_>) -> Poll<io::Result<usize>> {
        pin!(stream.read_buf(&mut buf.append())).poll(cx)
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
        Pin::new(stream).poll_shutdown(cx)
    }
}
