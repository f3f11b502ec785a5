//! Opening handshakes on Tokio: both ends, refusals, deadlines, and what is left when a future is dropped.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod accepting;
mod connecting;
mod deadlines;
mod refusing;
mod spawning;

use crate::support::{
    TEXT,
    http::{ACCEPT, REQUEST},
    masked,
};
use futures_util::future::poll_immediate;
use sansocket::{Config, handshake::ClientRequest};
use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf, duplex};

/// More than any of the tests writes before it reads.
const ROOM: usize = 1 << 16;

fn request(url: &str) -> ClientRequest {
    ClientRequest::try_from(url).unwrap()
}

/// All that comes until the stream ends, in whichever way.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    String::from_utf8(all).unwrap()
}

/// A stream that tells how often it was read, and when it is gone.
struct Watched {
    stream: DuplexStream,
    reads: Arc<AtomicUsize>,
}

fn watched() -> (DuplexStream, Watched, Arc<AtomicUsize>) {
    let (near, stream) = duplex(ROOM);
    let reads = Arc::new(AtomicUsize::new(0));
    (near, Watched { stream, reads: reads.clone() }, reads)
}

/// Whether the stream is gone: nobody else counts any more.
fn is_gone(reads: &Arc<AtomicUsize>) -> bool {
    Arc::strong_count(reads) == 1
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.reads.fetch_add(1, Relaxed);
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}
impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A peer that always has more to say, and takes all.
#[derive(Clone, Default)]
struct Endless {
    piece: usize,
    came: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<u8>>>,
    shut_down: Arc<AtomicBool>,
}
impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let piece = self.piece.min(buf.remaining());
        buf.put_slice(&b"X".repeat(piece));
        self.came.fetch_add(piece, Relaxed);
        Poll::Ready(Ok(()))
    }
}
impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.taken.lock().unwrap().extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.shut_down.store(true, Relaxed);
        Poll::Ready(Ok(()))
    }
}
