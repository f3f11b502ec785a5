//! Tokio's names for reading and writing messages in chunks: `AsyncRead`, `AsyncBufRead`, `AsyncWrite`.
use super::{MessageReader, MessageWriter};
use crate::adapter::into_io;
use ::tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for MessageReader<'_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let reader = self.get_mut();
        if buf.remaining() > 0 {
            let come = ready!(reader.poll_fill_buf(cx))?;
            let n = come.len().min(buf.remaining());
            buf.put_slice(&come[..n]);
            reader.consume(n);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for MessageReader<'_, S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().poll_fill_buf(cx)
    }
    fn consume(self: Pin<&mut Self>, read: usize) {
        self.get_mut().consume(read);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for MessageWriter<'_, S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write(cx, bytes)
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flush(cx).map_err(into_io)
    }
    /// Ends the message, not the connection.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_finish(cx).map_err(into_io)
    }
}
