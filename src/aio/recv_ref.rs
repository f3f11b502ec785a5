//! [`RecvRef`]: what [`WebSocket::recv_ref`] returns.
use super::{Runtime, websocket::WebSocket};
use crate::{
    adapter::Error,
    proto::{Lent, Outbound},
};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// See [`WebSocket::recv_ref`]. By hand, so that a message that is there already costs its loop no more than a call.
pub(super) struct RecvRef<'a, S, R>(Option<&'a mut WebSocket<S, R>>);

impl<'a, S, R> RecvRef<'a, S, R> {
    #[inline]
    pub(super) fn new(socket: &'a mut WebSocket<S, R>) -> Self {
        Self(Some(socket))
    }
}

impl<'a, S, R: Runtime<S>> Future for RecvRef<'a, S, R> {
    type Output = Result<Option<(Lent<'a>, &'a mut Outbound)>, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(socket) = self.0.take() else { return Poll::Ready(Ok(None)) };
        match socket.poll_data(cx) {
            Poll::Ready(Ok(Some(_))) => {
                Poll::Ready(Ok(Some((socket.inbound.lend_data(), &mut socket.link.outbound))))
            }
            Poll::Ready(Ok(None)) => Poll::Ready(Ok(None)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.0 = Some(socket);
                Poll::Pending
            }
        }
    }
}
