//! A [`WebSocket`], and the ends of a split one, as `Stream` and `Sink` of messages.
use super::{
    Runtime,
    split::{Receiver, Sender, end_of_queue},
    websocket::WebSocket,
};
use crate::{
    adapter::{Error, check_whole, outcome},
    close::CloseCode,
    message::Message,
};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Items are what [`recv`](WebSocket::recv) gives; an error is the last. With [`Delivery::Chunks`](crate::Delivery::Chunks)
/// each item is [`Error::Chunks`], until the connection has ended: stop at the first.
impl<S: Unpin, R: Runtime<S>> Stream for WebSocket<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let socket = self.get_mut();
        if socket.closed().is_none() {
            check_whole(socket.inbound.config())?;
        }
        let data = ready!(socket.poll_data(cx)?);
        Poll::Ready(data.map(|_| Ok(socket.inbound.lend_data().into_message())))
    }
}

impl<S: Unpin, R: Runtime<S>> FusedStream for WebSocket<S, R> {
    fn is_terminated(&self) -> bool {
        self.closed().is_some()
    }
}

/// Sends as [`feed`](WebSocket::feed), and flushes as [`flush`](WebSocket::flush). If an extension was agreed on,
/// messages leave compressed. For a message that should not, call `feed`, which takes
/// [`Outgoing::uncompressed`](crate::Outgoing::uncompressed) too, and a [`Prepared`](crate::Prepared) message for many
/// connections.
///
/// Closing is the whole [closing handshake](WebSocket::close), with 1000. It fails as [`recv`](WebSocket::recv) does
/// when the connection did not end as it should.
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

/// Items are what [`recv`](Receiver::recv) gives; an error is the last. With [`Delivery::Chunks`](crate::Delivery::Chunks)
/// each item is [`Error::Chunks`], until the connection has ended: stop at the first.
impl<S, R: Runtime<S>> Stream for Receiver<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let receiver = self.get_mut();
        if receiver.closed().is_none() {
            receiver.check_whole()?;
        }
        let data = ready!(receiver.poll_data(cx)?);
        Poll::Ready(data.and_then(|_| Some(Ok(receiver.inbound.as_mut()?.lend_data().into_message()))))
    }
}

impl<S, R: Runtime<S>> FusedStream for Receiver<S, R> {
    fn is_terminated(&self) -> bool {
        self.closed().is_some()
    }
}

/// Sends as [`feed`](Sender::feed), flushes as [`flush`](Sender::flush), and closes as [`close`](Sender::close), with
/// 1000.
///
/// If an extension was agreed on, messages leave compressed. For a message that should not, or that is
/// [prepared](crate::Prepared), call [`feed`](Sender::feed).
impl<S, R: Runtime<S>> Sink<Message> for Sender<S, R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, slot, .. } = self.get_mut();
        shared.poll_written(slot, cx, |_, may_queue| Ok(may_queue))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let sender = self.get_mut();
        sender.flushing = None;
        sender.queue(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, slot, flushing } = self.get_mut();
        let flushed = shared.poll_written(slot, cx, |outbound, _| {
            let end = flushing.take().map_or_else(|| end_of_queue(outbound), Ok)?;
            outbound.has_sent(flushing.insert(end))
        });
        flushing.take_if(|_| flushed.is_ready());
        flushed
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, slot, .. } = self.get_mut();
        shared.poll_close(slot, cx, &mut Some(CloseCode::NORMAL.into()))
    }
}
