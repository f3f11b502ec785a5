//! [`Sender`]: the sending end of a split connection, one for each task that sends.
use super::shared::Shared;
use crate::{
    adapter::Error,
    aio::Runtime,
    close::IntoCloseFrame,
    error::SendError,
    message::Outgoing,
    proto::{Outbound, Position, SendState},
};
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

/// A sending end of a split [`WebSocket`](crate::aio::WebSocket): clone it for each task that sends, or share it.
/// Messages are never mixed, those of one task stay in order, and no task waits for messages that others queue later.
///
/// It reads nothing: keep the [`Receiver`](super::Receiver) receiving, or [discarding](super::Receiver::discard). When
/// that has been dropped, a sender still sends and [closes](Self::close), but until one closes, pings are not answered,
/// keepalive does not run, and nobody hears the peer's Close frame. A sender that waits keeps the deadline for writing.
///
/// It is a `Sink` of messages too. Its methods take `&self`: where `SinkExt` is in scope and what you have is a
/// `&mut Sender`, call them as `(&*sender).send(…)`, or `SinkExt`'s are found first.
#[derive(Debug)]
pub struct Sender<S, R> {
    pub(in crate::aio) shared: Arc<Shared<S, R>>,
    /// The slot in which the `Sink` waits between polls, and the position that its flush waits for.
    pub(in crate::aio) slot: Option<usize>,
    pub(in crate::aio) flushing: Option<Position>,
}

/// A wait that ends when it is dropped.
struct Waiting<'a, S, R> {
    shared: &'a Shared<S, R>,
    slot: Option<usize>,
}

impl<S, R> Drop for Waiting<'_, S, R> {
    fn drop(&mut self) {
        self.shared.leave(&mut self.slot);
    }
}

impl<S, R: Runtime<S>> Sender<S, R> {
    /// Sends a message (RFC 6455 §6.1), and all that was queued before it: ready when the transport has taken every
    /// byte of those, whatever others queue meanwhile. While more than
    /// [`high_water_mark`](crate::Config::high_water_mark) is queued it waits before it queues.
    ///
    /// # Errors
    /// [`Error::Send`]: the connection is closing, or ended before all was sent. [`Error::TimedOut`] when nothing
    /// leaves for [`write_timeout`](crate::Config::write_timeout): all who wait get it. [`Error::Io`] when a write
    /// fails: one of those who wait gets it, the others get [`Error::Send`].
    ///
    /// # Cancel safety
    /// When the future is dropped, the message has been queued whole or not at all. A queued one leaves with the next
    /// end that sends, flushes or receives.
    #[inline]
    pub async fn send<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        let mut message = Some(message.into());
        let queue = |outbound: &mut Outbound, may_queue| match message.take_if(|_| may_queue) {
            Some(message) => outbound.send(message).map(|()| Some(outbound.position())),
            None => Ok(None),
        };
        self.leaves(queue).await
    }

    /// Queues a message; waits only while more than [`high_water_mark`](crate::Config::high_water_mark) is queued. The
    /// message leaves with the next end that sends, flushes or receives: at once when the receiver is waiting.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// When the future is dropped, the message has not been queued.
    #[inline]
    pub async fn feed<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        let mut message = Some(message.into());
        let mut queue = |outbound: &mut Outbound, may_queue| match message.take_if(|_| may_queue) {
            Some(message) => outbound.send(message).map(|()| true),
            None => Ok(false),
        };
        self.wait(|slot, cx| self.shared.poll_written(slot, cx, &mut queue)).await
    }

    /// Writes all that is queued now. After the end that is done already, if no message was left behind.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Error::Send`] also when queued messages were dropped earlier, because the connection
    /// ended or was failed.
    ///
    /// # Cancel safety
    /// When the future is dropped, the next end that sends or receives goes on.
    pub async fn flush(&self) -> Result<(), Error> {
        self.leaves(|outbound, _| end_of_queue(outbound).map(Some)).await
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 §5.5.2). It passes messages that have not been framed, and takes the
    /// place of a ping that has not.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`flush`](Self::flush); the ping is queued once the future has been polled.
    pub async fn ping(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        let payload = payload.as_ref();
        self.leaves(|outbound, _| outbound.ping(payload).map(|()| Some(outbound.control_position()))).await
    }

    /// Sends a pong with up to 125 bytes (RFC 6455 §5.5.3). Only needed where [`auto_pong`](crate::Config::auto_pong)
    /// is off.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`flush`](Self::flush); the pong is queued once the future has been polled.
    pub async fn pong(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        let payload = payload.as_ref();
        self.leaves(|outbound, _| outbound.pong(payload).map(|()| Some(outbound.control_position()))).await
    }

    /// Begins the closing handshake (RFC 6455 §7.1.2): sends what is queued and the Close frame. Until that has left,
    /// [`write_timeout`](crate::Config::write_timeout) governs.
    ///
    /// The [`Receiver`](super::Receiver) finishes the handshake while it is receiving, within
    /// [`close_timeout`](crate::Config::close_timeout) from then on. If the receiver was dropped, this call finishes
    /// it, and drops what comes.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Io`]; [`Error::Send`] when the connection ended before the Close frame had left,
    /// and for a code that may not be sent or a reason of more than 123 bytes.
    /// Without a receiver, as [`WebSocket::recv`](crate::aio::WebSocket::recv) when the connection did not end as it
    /// should.
    ///
    /// # Cancel safety
    /// When the future is dropped after it has been polled, the handshake has begun: receive, or call it again, to
    /// complete it.
    pub async fn close(&self, frame: impl IntoCloseFrame) -> Result<(), Error> {
        let mut frame = frame.into_close_frame()?;
        self.wait(|slot, cx| self.shared.poll_close(slot, cx, &mut frame)).await
    }

    /// Ends the transport at once, without a Close frame and without what is queued: the peer sees 1006 (RFC 6455
    /// §7.1.5). Senders that wait fail, and the [`Receiver`](super::Receiver) ends.
    pub fn abort(&self) {
        self.shared.abort();
    }

    /// Queues something as soon as `queue` can, and waits until the stream has let go of it.
    #[inline]
    async fn leaves(
        &self,
        mut queue: impl FnMut(&mut Outbound, bool) -> Result<Option<Position>, SendError>,
    ) -> Result<(), Error> {
        let mut queued = None;
        self.wait(|slot, cx| {
            self.shared.poll_written(slot, cx, |outbound, may_queue| {
                if queued.is_none() {
                    queued = queue(outbound, may_queue)?;
                }
                queued.as_mut().map_or(Ok(false), |position| outbound.has_sent(position))
            })
        })
        .await
    }

    #[inline]
    async fn wait(
        &self,
        mut poll: impl FnMut(&mut Option<usize>, &mut Context<'_>) -> Poll<Result<(), Error>>,
    ) -> Result<(), Error> {
        let mut waiting = Waiting { shared: &*self.shared, slot: None };
        poll_fn(|cx| poll(&mut waiting.slot, cx)).await
    }
}

/// The end of what is queued now, if no message has been left behind.
pub(in crate::aio) fn end_of_queue(outbound: &Outbound) -> Result<Position, SendError> {
    if outbound.unsent() > 0 { Err(SendError::Closing) } else { Ok(outbound.position()) }
}

impl<S, R> Sender<S, R> {
    pub(super) fn new(shared: Arc<Shared<S, R>>) -> Self {
        Self { shared, slot: None, flushing: None }
    }

    /// Queues a message as [`feed`](Self::feed) does, but neither waits nor writes.
    ///
    /// # Errors
    /// [`Error::Send`]: with [`SendError::Full`](crate::SendError::Full) while more than
    /// [`high_water_mark`](crate::Config::high_water_mark) is queued. Nothing is queued then.
    pub fn try_feed<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.shared.enter(|inner, _, _| Ok(inner.link.outbound.try_send(message)?))
    }

    /// Whether nothing more can be sent: a Close frame has been queued, sent or received, or the connection has ended.
    /// So a program that keeps many senders can drop those that are of no use any more.
    ///
    /// Nobody learns of the peer's end before somebody receives, or fails to write.
    pub fn is_closed(&self) -> bool {
        self.shared.look(|inner| inner.link.outbound.state() != SendState::Open)
    }

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken.
    pub fn buffered_amount(&self) -> usize {
        self.shared.look(|inner| inner.link.outbound.buffered_amount())
    }

    /// Queues a message, however much is queued.
    pub(in crate::aio) fn queue<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        Ok(self.shared.enter(|inner, _, _| inner.link.outbound.send(message))?)
    }
}

impl<S, R> Clone for Sender<S, R> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<S, R> Drop for Sender<S, R> {
    fn drop(&mut self) {
        self.shared.leave(&mut self.slot);
    }
}
