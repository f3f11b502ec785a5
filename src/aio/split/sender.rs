//! [`Sender`]: the sending end of a split connection, one for each task that sends.
use super::{
    shared::Shared,
    wait::{Until, Wait, Waiting},
};
use crate::{
    adapter::Error,
    aio::Runtime,
    close::{CloseCode, CloseFrame},
    error::SendError,
    message::{Message, Outgoing},
    proto::{Mark, Outbound, SendState},
};
use futures_sink::Sink;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// A sending end of a split [`WebSocket`](crate::aio::WebSocket): clone it for each task that sends, or share it.
/// Messages are never mixed, those of one task stay in order, and no task waits for another's messages.
///
/// It reads nothing, as long as there is a [`Receiver`](super::Receiver): keep that receiving. When it has been dropped,
/// a sender does its work while it sends or waits, and only then: it answers pings, keeps the deadlines, and discards
/// what comes. One that only [feeds](Self::feed), and finds room, does none of it.
///
/// It is a `Sink` of messages too. Its methods take `&self`: where `SinkExt` is in scope and what you have is a
/// `&mut Sender`, call them as `(&*sender).send(…)`, or `SinkExt`'s are found first.
#[derive(Debug)]
pub struct Sender<S, R> {
    pub(super) shared: Arc<Shared<S, R>>,
    /// What the `Sink` waits for between polls.
    sink: (Option<Until>, Wait<R>),
}

impl<S, R> Clone for Sender<S, R> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<S, R: Runtime<S>> Sender<S, R> {
    /// Sends a message (RFC 6455 §6.1), and all that was queued before it: ready when the transport has taken every
    /// byte of those, whatever others queue meanwhile. While more than
    /// [`high_water_mark`](crate::Config::high_water_mark) is queued it waits before it queues.
    ///
    /// # Errors
    /// [`Error::Send`]: the connection is closing, or came to close before all was sent. [`Error::TimedOut`] when the
    /// peer takes nothing for [`write_timeout`](crate::Config::write_timeout): of those who wait, one is told so.
    /// [`Error::Io`].
    ///
    /// # Cancel safety
    /// When the future is dropped, the message has been queued whole or not at all; a queued one is sent by whoever
    /// sends or receives next.
    #[inline]
    pub async fn send<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        let mark = self.queue(message.into(), true).await?;
        self.wait(Until::Sent(mark)).await
    }

    /// Queues a message; waits only while more than [`high_water_mark`](crate::Config::high_water_mark) is queued. It
    /// leaves with whoever sends, flushes or receives next, and at once when the receiver is waiting.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// When the future is dropped, the message has not been queued.
    #[inline]
    pub async fn feed<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.queue(message.into(), false).await.map(drop)
    }

    async fn queue(&self, message: Outgoing<'_>, writes: bool) -> Result<Mark, Error> {
        let mut message = Some(message);
        loop {
            if let Some(mark) = self.shared.queue(&mut message, writes, self.shared.high_water)? {
                return Ok(mark);
            }
            self.wait(Until::Room).await?;
        }
    }

    async fn wait(&self, mut until: Until) -> Result<(), Error> {
        let mut waiting = Waiting::new(&*self.shared);
        poll_fn(|cx| waiting.poll(cx, &mut until)).await
    }

    /// Writes all that is queued now.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Error::Send`] also once the connection has ended: what had not left by then never will.
    ///
    /// # Cancel safety
    /// When the future is dropped, whoever sends or receives next goes on.
    pub async fn flush(&self) -> Result<(), Error> {
        let mark = self.shared.mark()?;
        self.wait(Until::Sent(mark)).await
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 §5.5.2); it goes before messages that have not been framed, and
    /// replaces a ping that has not.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`flush`](Self::flush); the ping is queued once the future has been polled.
    pub async fn ping(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.control(|outbound| outbound.ping(payload)).await
    }

    /// Sends a pong with up to 125 bytes (RFC 6455 §5.5.3), which only who has switched
    /// [`auto_pong`](crate::Config::auto_pong) off needs to.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`flush`](Self::flush); the pong is queued once the future has been polled.
    pub async fn pong(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.control(|outbound| outbound.pong(payload)).await
    }

    async fn control(&self, queue: impl FnOnce(&mut Outbound) -> Result<(), SendError>) -> Result<(), Error> {
        self.shared.change(|inner, _| queue(&mut inner.link.outbound))?;
        self.wait(Until::Controls).await
    }

    /// Begins the closing handshake (RFC 6455 §7.1.2): sends what is queued and the Close frame. The
    /// [`Receiver`](super::Receiver) finishes it, while it is receiving.
    ///
    /// When the receiver has been dropped, this does the closing handshake, all of it. Either takes no longer than
    /// [`close_timeout`](crate::Config::close_timeout).
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Io`]; [`Error::Send`] when the connection ended before the Close frame was sent;
    /// without a receiver, however the connection ended but by a closing handshake, as
    /// [`WebSocket::recv`](crate::aio::WebSocket::recv).
    ///
    /// # Cancel safety
    /// When the future is dropped after it has been polled, the handshake has begun: receive, or call it again, to
    /// complete it.
    pub async fn close(&self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        self.begin_close(frame.into());
        self.wait(Until::Closed).await
    }
}

impl<S, R> Sender<S, R> {
    pub(super) fn new(shared: Arc<Shared<S, R>>) -> Self {
        Self { shared, sink: (None, Wait::default()) }
    }

    /// The deadline for closing starts now, with the receiver.
    fn begin_close(&self, frame: Option<CloseFrame>) {
        self.shared.change(|inner, due| {
            inner.link.outbound.close(frame);
            due.receiver = true;
        });
    }

    /// Whether nothing more can be sent: a Close frame has been queued, sent or received, or the connection has ended. So
    /// who keeps many senders can drop those that are of no use any more.
    ///
    /// Nobody learns that a connection has ended before somebody receives, or waits to send without a receiver.
    pub fn is_closed(&self) -> bool {
        self.shared.look(|link| link.outbound.state() != SendState::Open)
    }

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken.
    pub fn buffered_amount(&self) -> usize {
        self.shared.buffered_amount()
    }
}

impl<S, R> Drop for Sender<S, R> {
    fn drop(&mut self) {
        self.sink.1.end(&self.shared);
    }
}

impl<S, R: Runtime<S>> Sender<S, R> {
    /// Goes on waiting for what is waited for.
    fn poll_sink(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(mut until) = self.sink.0.take() else { return Poll::Ready(Ok(())) };
        let done = self.sink.1.poll(&self.shared, cx, &mut until);
        if done.is_pending() {
            self.sink.0 = Some(until);
        }
        done
    }
}

/// As [`feed`](Sender::feed), [`flush`](Sender::flush) and [`close`](Sender::close), with 1000.
///
/// If an extension was agreed on, messages leave compressed; for one that should not, or that is
/// [prepared](crate::Prepared), call [`feed`](Sender::feed).
impl<S, R: Runtime<S>> Sink<Message> for Sender<S, R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let sender = self.get_mut();
        if sender.buffered_amount() <= sender.shared.high_water {
            sender.sink.0 = None;
            return Poll::Ready(Ok(()));
        }
        // Whatever was waited for before, it is something else now.
        sender.sink.0 = Some(Until::Room);
        sender.poll_sink(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let sender = self.get_mut();
        sender.sink.0 = None;
        sender.shared.queue(&mut Some(message.into()), false, usize::MAX)?;
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let sender = self.get_mut();
        sender.sink.0.take_if(|until| !matches!(until, Until::Sent(_)));
        if sender.sink.0.is_none() {
            sender.sink.0 = Some(Until::Sent(sender.shared.mark()?));
        }
        sender.poll_sink(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let sender = self.get_mut();
        sender.sink.0.take_if(|until| !matches!(until, Until::Closed));
        if sender.sink.0.is_none() {
            sender.begin_close(Some(CloseCode::NORMAL.into()));
            sender.sink.0 = Some(Until::Closed);
        }
        sender.poll_sink(cx)
    }
}
