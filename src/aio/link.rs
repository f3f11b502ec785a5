//! [`Wire`]: the stream and the sending half, whole or split, as the receiving loop sees them.
use super::Runtime;
use crate::proto::{Closed, Control, ControlSink, Inbound, Outbound, SendState, Sending, Sent, Transmit};
use bytes::Buf;
use std::{
    io::{self, IoSlice},
    marker::PhantomData,
    task::{Context, Poll, ready},
};

/// What the receiving loop needs besides the receiving half.
pub(super) trait Wire: ControlSink {
    /// Reads once, into `inbound`.
    fn poll_read(&mut self, cx: &mut Context<'_>, inbound: &mut Inbound) -> Poll<io::Result<usize>>;
    /// Writes all there is to write, and flushes. After an error nothing is left to be written.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Whether messages may be sent. Asked for each message, so it costs less than [`ControlSink::sending`].
    fn is_open(&self) -> bool {
        self.sending().state == SendState::Open
    }
    /// See [`Outbound::rest`].
    fn rest(&mut self);
    /// Ends the writing side, and tells the sending half once that is done.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// The connection has ended, like this. Called before the last [`poll_shutdown`](Self::poll_shutdown).
    fn ended(&mut self, _closed: Option<&Closed>) {}
}

/// The stream and the sending half of a whole [`WebSocket`](super::WebSocket).
#[derive(Debug)]
pub(super) struct Link<S, R> {
    pub(super) stream: S,
    pub(super) outbound: Outbound,
    runtime: PhantomData<fn() -> R>,
}

impl<S, R> Link<S, R> {
    pub(super) fn new(stream: S, outbound: Outbound) -> Self {
        Self { stream, outbound, runtime: PhantomData }
    }
}

impl<S, R> ControlSink for Link<S, R> {
    #[inline]
    fn control(&mut self, control: Control<'_>) {
        self.outbound.control(control);
    }
    #[inline]
    fn sending(&self) -> Sending {
        self.outbound.sending()
    }
    #[inline]
    fn buffered_amount(&self) -> usize {
        self.outbound.buffered_amount()
    }
    fn end(&mut self) -> Sent {
        self.outbound.end()
    }
}

impl<S, R: Runtime<S>> Link<S, R> {
    /// Writes all there is to write, and flushes the stream.
    #[inline(never)]
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = self.poll_write_all(cx);
        if let Poll::Ready(Err(_)) = written {
            self.outbound.flush_pending(); // what the stream took since its last flush may never have left
            self.outbound.write_failed();
        }
        written
    }

    #[inline(always)]
    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let out = self.outbound.transmit();
            if !out.has_remaining() {
                return self.poll_release(cx);
            }
            if poll_write_some::<S, R>(&mut self.stream, cx, out)?.is_pending() {
                self.outbound.write_pending();
                if !self.outbound.wants_flush() {
                    return Poll::Pending;
                }
                ready!(self.poll_release(cx))?; // then the stream may take more
            }
        }
    }

    /// Flushes the stream, so that it lets go of the bytes that it has taken.
    #[inline]
    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let released = R::poll_flush(&mut self.stream, cx);
        match released {
            Poll::Pending => self.outbound.flush_pending(),
            Poll::Ready(Ok(())) => self.outbound.flushed(),
            Poll::Ready(Err(_)) => {}
        }
        released
    }
}

/// Writes as much as the stream takes at once.
#[inline(always)]
fn poll_write_some<S, R: Runtime<S>>(
    stream: &mut S,
    cx: &mut Context<'_>,
    out: &mut Transmit,
) -> io::Result<Poll<()>> {
    let left = out.remaining();
    let chunk = out.chunk();
    let wrote = match chunk.len() == left {
        true => R::poll_write(stream, cx, chunk),
        false => poll_write_vectored::<S, R>(stream, cx, out),
    };
    match wrote {
        Poll::Pending => Ok(Poll::Pending),
        Poll::Ready(Ok(n)) if n > 0 && n <= left => {
            out.advance(n);
            Ok(Poll::Ready(()))
        }
        Poll::Ready(Ok(_)) => Err(io::ErrorKind::WriteZero.into()),
        Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(Poll::Ready(())),
        Poll::Ready(Err(error)) => Err(error),
    }
}

#[inline(never)]
fn poll_write_vectored<S, R: Runtime<S>>(
    stream: &mut S,
    cx: &mut Context<'_>,
    out: &Transmit,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); 64];
    let count = out.chunks_vectored(&mut slices);
    R::poll_write_vectored(stream, cx, &slices[..count])
}

impl<S, R: Runtime<S>> Wire for Link<S, R> {
    #[inline(always)]
    fn poll_read(&mut self, cx: &mut Context<'_>, inbound: &mut Inbound) -> Poll<io::Result<usize>> {
        R::poll_read(&mut self.stream, cx, inbound.read_buf())
    }

    #[inline]
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.outbound.is_flushed() {
            return self.poll_write(cx);
        }
        let released = self.poll_release(cx);
        if let Poll::Ready(Err(_)) = released {
            self.outbound.write_failed();
        }
        released
    }

    #[inline]
    fn is_open(&self) -> bool {
        self.outbound.state() == SendState::Open
    }

    fn rest(&mut self) {
        self.outbound.rest();
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outbound.state() == SendState::Ended {
            return Poll::Ready(Ok(()));
        }
        let shut = ready!(R::poll_shutdown(&mut self.stream, cx));
        self.outbound.shut_down();
        Poll::Ready(shut)
    }
}
