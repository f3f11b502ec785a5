//! [`RecvRef`]: what [`WebSocket::recv_ref`] returns.
use super::{Runtime, receive, websocket::WebSocket};
use crate::{
    adapter::{Error, Reply},
    proto::Lent,
};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

impl<S, R: Runtime<S>> WebSocket<S, R> {
    /// The next message where it lies, and a [`Reply`] to answer it with: nothing is allocated for either.
    ///
    /// [`Reply::feed`] queues the answer, and never waits, however much is queued. The answer leaves with the next
    /// call, when no whole message is left of what has come: so answers to messages that came together leave together.
    ///
    /// With [`Delivery::Chunks`](crate::Delivery::Chunks) it lends chunks: [`Lent::fin`] tells the last of a message.
    ///
    /// ```
    /// # use sansocket::aio::{Runtime, WebSocket};
    /// # async fn echo<S, R: Runtime<S>>(mut socket: WebSocket<S, R>) -> Result<(), sansocket::Error> {
    /// while let Some((message, mut reply)) = socket.recv_ref().await? {
    ///     reply.feed(message)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv). A message that has been lent is used up when it is dropped.
    #[inline]
    pub fn recv_ref(&mut self) -> impl Future<Output = Result<Option<(Lent<'_>, Reply<'_>)>, Error>> {
        RecvRef::new(self)
    }
}

/// See [`WebSocket::recv_ref`]. A future written by hand, so that taking a message that is there already is inlined
/// into the application's loop.
pub(super) struct RecvRef<'a, S, R>(Option<&'a mut WebSocket<S, R>>);

impl<'a, S, R> RecvRef<'a, S, R> {
    #[inline]
    pub(super) fn new(socket: &'a mut WebSocket<S, R>) -> Self {
        Self(Some(socket))
    }
}

impl<'a, S, R: Runtime<S>> Future for RecvRef<'a, S, R> {
    type Output = Result<Option<(Lent<'a>, Reply<'a>)>, Error>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(socket) = self.0.take() else { return Poll::Ready(Ok(None)) };
        if !socket.inbound.advance_message(&socket.link) {
            match socket.poll_next_data(cx) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(Ok(None)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.0 = Some(socket);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(Some((socket.inbound.lend_data(), Reply::new(&mut socket.link.outbound)))))
    }
}

impl<S, R: Runtime<S>> WebSocket<S, R> {
    /// Waits for a message: the fast way. `false`: the connection has ended.
    #[inline(never)]
    fn poll_next_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let Self { inbound, link, alarm, .. } = self;
        match receive::poll_message(cx, inbound, link, alarm) {
            Some(Poll::Ready(Ok(()))) => Poll::Ready(Ok(true)),
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(Err(error))) => {
                self.give_up(cx);
                Poll::Ready(Err(error))
            }
            None => self.poll_slow(cx),
        }
    }

    /// Waits for a message: the general way.
    #[cold]
    #[inline(never)]
    fn poll_slow(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.poll_data(cx).map_ok(|data| data.is_some())
    }
}
