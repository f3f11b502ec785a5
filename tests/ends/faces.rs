//! Two faces of a [`Stream`]: Tokio's, and that of `futures`.
use crate::stream::{State, Stream};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

impl Stream {
    fn poll<T>(
        &self,
        cx: &Context<'_>,
        reads: bool,
        ask: impl FnOnce(&mut State) -> Option<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let state = &mut *self.state();
        if let Some(done) = ask(state) {
            return Poll::Ready(done);
        }
        let waits = if reads { &mut state.reader } else { &mut state.writer };
        *waits = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl tokio::io::AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll(cx, true, |state| state.read(buf.initialize_unfilled()));
        read.map_ok(|n| buf.advance(n))
    }
}
impl tokio::io::AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, false, |state| state.write(&[IoSlice::new(bytes)]))
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, false, |state| state.write(bytes))
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, false, State::flush)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, false, State::shut_down)
    }
}

impl futures_util::io::AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, true, |state| state.read(buf))
    }
}
impl futures_util::io::AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, false, |state| state.write(&[IoSlice::new(bytes)]))
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, false, |state| state.write(bytes))
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, false, State::flush)
    }
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, false, State::shut_down)
    }
}
