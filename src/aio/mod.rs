//! WebSockets on any asynchronous runtime: all but the runtime's own I/O and clock.
//!
//! Most programs name `tokio::WebSocket<S>` or `futures::WebSocket<S>`, which are the [`WebSocket`] here with the
//! runtime filled in, and open one with the functions there. Code for any runtime is generic:
//!
//! ```
//! use sansocket::{Error, aio::{Runtime, WebSocket}};
//!
//! async fn echo<S, R: Runtime<S>>(mut socket: WebSocket<S, R>) -> Result<(), Error> {
//!     while let Some((message, mut reply)) = socket.recv_ref().await? {
//!         reply.feed(message)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # A runtime of your own
//! Runtimes differ in how a stream is polled and in the clock: two traits, [`Runtime`] and [`Alarm`]. `tokio` and
//! `futures` implement them. A program that brings its own runtime turns on either feature; `futures` has fewer
//! dependencies. This one polls sockets that do not block, each millisecond:
//!
//! ```
//! use sansocket::{aio::{self, Alarm, Runtime}, proto::ReadBuf};
//! use std::{
//!     io::{self, ErrorKind::WouldBlock, IoSlice, Read, Write},
//!     net::{Shutdown, TcpStream},
//!     task::{Context, Poll},
//!     thread,
//!     time::{Duration, Instant},
//! };
//!
//! #[derive(Debug)]
//! struct Polling(Instant);
//! type WebSocket = aio::WebSocket<TcpStream, Polling>;
//!
//! /// Pending, and the task is woken a little later, if the socket would block.
//! fn polled<T>(cx: &Context<'_>, result: io::Result<T>) -> Poll<io::Result<T>> {
//!     match result {
//!         Err(error) if error.kind() == WouldBlock => later(cx),
//!         result => Poll::Ready(result),
//!     }
//! }
//! fn later<T>(cx: &Context<'_>) -> Poll<T> {
//!     let waker = cx.waker().clone();
//!     thread::spawn(move || {
//!         thread::sleep(Duration::from_millis(1));
//!         waker.wake();
//!     });
//!     Poll::Pending
//! }
//!
//! impl Alarm for Polling {
//!     fn now() -> Instant {
//!         Instant::now()
//!     }
//!     fn new(at: Instant) -> Self {
//!         Self(at)
//!     }
//!     fn set(&mut self, at: Instant) {
//!         self.0 = at;
//!     }
//!     fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
//!         if Instant::now() >= self.0 { Poll::Ready(()) } else { later(cx) }
//!     }
//! }
//!
//! impl Runtime<TcpStream> for Polling {
//!     fn poll_read(stream: &mut TcpStream, cx: &mut Context<'_>, mut buf: ReadBuf<'_>) -> Poll<io::Result<usize>> {
//!         let read = stream.read(buf.room());
//!         if let Ok(n) = read {
//!             buf.filled(n);
//!         }
//!         polled(cx, read)
//!     }
//!     fn poll_write(stream: &mut TcpStream, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
//!         polled(cx, stream.write(bytes))
//!     }
//!     fn poll_write_vectored(
//!         stream: &mut TcpStream,
//!         cx: &mut Context<'_>,
//!         bytes: &[IoSlice<'_>],
//!     ) -> Poll<io::Result<usize>> {
//!         polled(cx, stream.write_vectored(bytes))
//!     }
//!     fn poll_flush(stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         polled(cx, stream.flush())
//!     }
//!     fn poll_shutdown(stream: &mut TcpStream, _: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         Poll::Ready(stream.shutdown(Shutdown::Write))
//!     }
//! }
//!
//! async fn echo(stream: TcpStream) -> Result<(), sansocket::Error> {
//!     stream.set_nonblocking(true)?;
//!     let mut socket: WebSocket = aio::accept(stream).await?;
//!     while let Some((message, mut reply)) = socket.recv_ref().await? {
//!         reply.feed(message)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Cancel safety
//! Every method is cancel-safe: what has happened is in the [`WebSocket`], never in a future. Dropping a future loses
//! nothing that came and repeats nothing that was sent. Only an opening handshake has no [`WebSocket`] yet: dropping
//! its future drops the stream. A message that was handed out is the caller's: a future that receives one and then
//! waits for something else loses that message when it is dropped.
#![allow(clippy::disallowed_types, reason = "an adapter does I/O")]
mod chunks;
mod client;
mod link;
mod opening;
mod receive;
mod recv_ref;
mod runtime;
mod server;
mod sink;
mod split;
mod websocket;

pub use chunks::{MessageReader, MessageWriter};
pub use client::connect_over;
#[cfg(feature = "tokio")]
pub(crate) use client::go_on;
pub use runtime::{Alarm, Runtime};
pub use server::{PendingUpgrade, accept, accept_with, accept_with_config, read_request};
pub use split::{Receiver, ReuniteError, Sender};
pub use websocket::WebSocket;
