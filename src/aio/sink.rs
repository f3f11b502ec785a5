//! A [`WebSocket`] as a `Stream` and a `Sink` of messages.
use super::{Runtime, websocket::WebSocket};
use crate::{
    adapter::{Error, outcome},
    close::CloseCode,
    message::Message,
};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// As [`recv`](WebSocket::recv); an error ends it.
impl<S: Unpin, R: Runtime<S>> Stream for WebSocket<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let socket = self.get_mut();
        let data = ready!(socket.poll_data(cx)?);
        Poll::Ready(data.map(|_| Ok(socket.inbound.lend_data().into_message())))
    }
}

impl<S: Unpin, R: Runtime<S>> FusedStream for WebSocket<S, R> {
    fn is_terminated(&self) -> bool {
        self.closed().is_some()
    }
}

/// As [`feed`](WebSocket::feed) and [`flush`](WebSocket::flush): if an extension was agreed on, messages leave compressed.
/// For one that should not, call `feed`, which takes [`Outgoing::uncompressed`](crate::Outgoing::uncompressed) too, and a
/// [`Prepared`](crate::Prepared) message for many connections.
///
/// Closing is the whole closing handshake, with 1000, and fails as [`recv`](WebSocket::recv) does when the connection ended
/// in any other way.
impl<S: Unpin, R: Runtime<S>> Sink<Message> for WebSocket<S, R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let socket = self.get_mut();
        if socket.has_room() {
            return Poll::Ready(Ok(()));
        }
        socket.poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Ok(self.get_mut().link.outbound.send(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_written(cx, |_| false)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let socket = self.get_mut();
        socket.link.outbound.close(Some(CloseCode::NORMAL.into()));
        socket.poll_closed(cx).map(|closed| outcome(&closed))
    }
}
