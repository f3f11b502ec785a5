//! [`WebSocket`]: a connection and the stream that it runs over.
use super::{
    Runtime,
    link::{Link, Wire},
    receive,
};
use crate::{
    adapter::{Error, Reply, check_whole},
    close::IntoCloseFrame,
    error::SendError,
    extension::ExtensionOffer,
    message::{Message, Outgoing},
    proto::{
        Closed, Connection, Deadline, Event, Inbound, Outbound, Ready, ReadyState, RecvState, Subprotocol,
    },
};
use bytes::Bytes;
use std::{
    future::poll_fn,
    task::{Context, Poll, Waker, ready},
};

/// A connection and the stream that it runs over, on a runtime. Made by an opening handshake
/// ([`accept`](super::accept), [`connect_over`](super::connect_over)), or with [`new`](Self::new) after one done
/// elsewhere.
///
/// Dropping it drops the stream, and sends nothing: call [`close`](Self::close) for a closing handshake.
///
/// There is no task behind it: pings are answered, the closing handshake is done and the deadlines of
/// [`Config`](crate::Config) pass while a method receives, or [closes](Self::close). So keep one receiving. A method
/// that [sends](Self::send) reads nothing: it answers no ping, hears no Close frame, and keeps the deadline for writing
/// only. A program that only sends calls [`discard`](Self::discard) beside it. [`split`](Self::split) lets one task
/// receive while others send.
///
/// It is a `Stream` of messages and a `Sink` of them too. The methods here take more than those of `StreamExt` and
/// `SinkExt` of the same names, and go before them.
#[derive(Debug)]
pub struct WebSocket<S, R> {
    pub(super) inbound: Inbound,
    pub(super) link: Link<S, R>,
    pub(super) subprotocol: Option<Subprotocol>,
    pub(super) alarm: Option<R>,
}

impl<S, R: Runtime<S>> WebSocket<S, R> {
    /// Runs a connection, whose opening handshake happened elsewhere, over a stream. What the connection has to send
    /// already, such as the 101 of [`Upgrade::accept`](crate::handshake::Upgrade::accept), leaves with the first
    /// call.
    pub fn new(connection: Connection, stream: S) -> Self {
        Self::with_alarm(connection, stream, None)
    }

    pub(super) fn with_alarm(connection: Connection, stream: S, alarm: Option<R>) -> Self {
        let subprotocol = connection.subprotocol().cloned();
        let (inbound, outbound) = connection.split();
        Self { inbound, link: Link::new(stream, outbound), subprotocol, alarm }
    }

    /// The next message (RFC 6455 §6.2), owned; `None` once the connection has ended [as it should](Closed::is_normal):
    /// the peer closed it with 1000, 1001 or without a code, or answered our Close frame. Answers pings, writes what is
    /// queued and keeps the deadlines on the way.
    ///
    /// It gives whole messages: with [`Delivery::Chunks`](crate::Delivery::Chunks) use [`recv_ref`](Self::recv_ref),
    /// [`message_reader`](Self::message_reader) or [`recv_event`](Self::recv_event).
    ///
    /// While more than [`high_water_mark`](crate::Config::high_water_mark) is queued no message is handed out: a peer
    /// that does not take its answers is asked for nothing more.
    ///
    /// # Errors
    /// [`Error::Protocol`], [`Error::TimedOut`], [`Error::Closed`], [`Error::Lost`] or [`Error::Io`] when the
    /// connection ended in any other way: once, then `None`. [`Error::Chunks`] with
    /// [`Delivery::Chunks`](crate::Delivery::Chunks).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call goes on where it stopped.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        check_whole(self.inbound.config())?;
        Ok(self.recv_ref().await?.map(|(message, _)| message.into_message()))
    }

    /// The next event of any kind, pings, pongs and the peer's Close frame among them, and a [`Reply`]; `None`
    /// once the connection has ended, however it did: [`closed`](Self::closed) tells.
    ///
    /// # Errors
    /// [`Error::Io`]. What the peer did wrong is an [`Event::Error`] here, and a deadline that passed is told by
    /// `closed`.
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv).
    pub async fn recv_event(&mut self) -> Result<Option<(Event<'_>, Reply<'_>)>, Error> {
        let ready = poll_fn(|cx| match ready!(self.poll_ready(cx))? {
            Some(Ready::Closed(_)) => Poll::Ready(Ok::<_, Error>(None)),
            ready => Poll::Ready(Ok(ready)),
        });
        let Some(ready) = ready.await? else { return Ok(None) };
        Ok(Some((self.inbound.lend(ready), Reply::new(&mut self.link.outbound))))
    }

    /// Receives and drops what comes until the connection ends, and says how it did. For a program that only sends:
    /// beside its sending (in a `select!`, or on the [`Receiver`](super::Receiver) of a split connection) it answers
    /// pings, hears the peer's Close frame and keeps the deadlines.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing but messages that have come.
    pub async fn discard(&mut self) -> Closed {
        poll_fn(|cx| self.poll_closed(cx)).await
    }

    /// The next message, or chunk of one, is ready to be lent: whether it is the last chunk.
    #[inline]
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<bool>, Error>> {
        receive::poll_data(cx, &mut self.inbound, &mut self.link, &mut self.alarm)
    }

    /// The next thing ready; `None` after the end.
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Ready>, Error>> {
        receive::poll_ready(cx, &mut self.inbound, &mut self.link, &mut self.alarm)
    }

    /// Receives to the end, and drops what comes.
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        receive::poll_closed(cx, &mut self.inbound, &mut self.link, &mut self.alarm)
    }

    /// Ends the connection at once. How it ended is kept for `closed`.
    #[cold]
    pub(super) fn give_up(&mut self, cx: &mut Context<'_>) {
        receive::give_up(cx, &mut self.inbound, &mut self.link, &mut self.alarm);
    }

    /// Sends a message (RFC 6455 §6.1), and all that was queued before it: ready when the transport has taken every
    /// byte. While more than [`high_water_mark`](crate::Config::high_water_mark) is queued it waits before it queues.
    ///
    /// It reads nothing. In a loop that receives, [`feed`](Self::feed) or [`recv_ref`](Self::recv_ref) cost fewer
    /// writes.
    ///
    /// # Errors
    /// [`Error::Send`], and then nothing is sent; else as [`flush`](Self::flush).
    ///
    /// # Cancel safety
    /// When the future is dropped, the message has been queued whole or not at all. A queued one leaves with whatever
    /// is called next.
    #[inline]
    pub async fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        if !self.has_room() {
            self.room().await?;
        }
        self.link.outbound.send(message)?;
        self.flush().await
    }

    /// Queues a message; waits only while more than [`high_water_mark`](crate::Config::high_water_mark) is queued.
    /// What is queued leaves with the next [`flush`](Self::flush), [`send`](Self::send) or receiving call.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// When the future is dropped, the message has not been queued.
    #[inline]
    pub async fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        if !self.has_room() {
            self.room().await?;
        }
        Ok(self.link.outbound.send(message)?)
    }

    /// Queues a message as [`feed`](Self::feed) does, but neither waits nor writes.
    ///
    /// # Errors
    /// [`Error::Send`]: with [`SendError::Full`](crate::SendError::Full) while more than
    /// [`high_water_mark`](crate::Config::high_water_mark) is queued. Nothing is queued then.
    pub fn try_feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        Ok(self.link.outbound.try_send(message)?)
    }

    /// Whether no more than the high-water mark is queued.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.buffered_amount() <= self.inbound.config().high_water_mark
    }

    async fn room(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_room(cx)).await
    }

    /// Waits until no more than the high-water mark is queued.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let high_water = self.inbound.config().high_water_mark;
        self.poll_written(cx, |outbound| outbound.buffered_amount() <= high_water)
    }

    /// Writes all that is queued. After the end that is done already, if no message was left behind.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when nothing leaves for [`write_timeout`](crate::Config::write_timeout); [`Error::Io`]. Both
    /// have ended the connection. When a write fails, a Close frame of the peer that has come already is heard, for
    /// [`closed`](Self::closed); messages that have come are lost. [`Error::Send`] when queued messages were left behind,
    /// because the connection has ended or the peer broke the protocol.
    ///
    /// # Cancel safety
    /// When the future is dropped, whatever is called next goes on.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_written(cx, |_| false)).await
    }

    /// Writes until all is written, or `enough` says that it is enough. It reads nothing.
    #[inline]
    pub(super) fn poll_written(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&Outbound) -> bool,
    ) -> Poll<Result<(), Error>> {
        loop {
            if self.inbound.state() == RecvState::Ended {
                return Poll::Ready(self.nothing_left_behind());
            }
            match self.link.poll_flush(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(self.nothing_left_behind()),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.write_failed(cx, error.into()))),
                Poll::Pending if enough(&self.link.outbound) => return Poll::Ready(Ok(())),
                Poll::Pending => {}
            }
            let Self { inbound, link, alarm, .. } = self;
            ready!(receive::poll_time(cx, inbound, link, alarm, false));
            if inbound.is_ending(link) {
                self.give_up(cx);
                let timed_out = self.closed().and_then(|closed| closed.timed_out);
                return Poll::Ready(Err(Error::TimedOut(timed_out.unwrap_or(Deadline::Write))));
            }
        }
    }

    /// What is written is all there was to write, unless the end or a violation of the peer dropped messages.
    #[inline]
    fn nothing_left_behind(&self) -> Result<(), Error> {
        if self.link.outbound.unsent() > 0 { Err(SendError::Closing.into()) } else { Ok(()) }
    }

    /// The stream cannot be written any more. A Close frame of the peer that says why may have come: what has come by
    /// now is read to find it, then the connection is ended.
    #[cold]
    fn write_failed(&mut self, cx: &mut Context<'_>, error: Error) -> Error {
        for _ in 0..receive::TURNS {
            match self.poll_ready(cx) {
                Poll::Ready(Ok(Some(_))) => {}
                Poll::Ready(_) | Poll::Pending => break,
            }
        }
        if self.inbound.state() != RecvState::Ended {
            self.give_up(cx);
        }
        error
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 §5.5.2), and all that was queued. Its pong is an event:
    /// [`recv_event`](Self::recv_event). [`keepalive`](crate::Config::keepalive) pings without being asked.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`flush`](Self::flush); the ping is queued once the future has been polled.
    pub async fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.link.outbound.ping(payload)?;
        self.flush().await
    }

    /// Sends a pong with up to 125 bytes (RFC 6455 §5.5.3), and all that was queued. Only needed where
    /// [`auto_pong`](crate::Config::auto_pong) is off.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`flush`](Self::flush); the pong is queued once the future has been polled.
    pub async fn pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.link.outbound.pong(payload)?;
        self.flush().await
    }

    /// The closing handshake (RFC 6455 §7.1.2), all of it: sends what is queued and the Close frame, waits for the
    /// peer's, and says how it ended. A client waits for the server to end the transport as well (RFC 6455 §7.1.1).
    /// `None` sends an empty frame. Messages that still come are dropped. When the connection has ended already, says
    /// how that was.
    ///
    /// Until the Close frame has left, [`write_timeout`](crate::Config::write_timeout) governs: it may take long, as
    /// long as bytes leave. From then on [`close_timeout`](crate::Config::close_timeout) does.
    ///
    /// # Errors
    /// Only [`Error::Send`], for a code that may not be sent or a reason of more than 123 bytes: nothing is sent then. All
    /// else is told by [`Closed`].
    ///
    /// # Cancel safety
    /// When the future is dropped after it has been polled, the handshake has begun: receive, or call it again, to
    /// complete it.
    pub async fn close(&mut self, frame: impl IntoCloseFrame) -> Result<Closed, Error> {
        self.link.outbound.close(frame.into_close_frame()?);
        Ok(poll_fn(|cx| self.poll_closed(cx)).await)
    }

    /// Ends the transport at once, without a Close frame and without what is queued: the peer sees 1006 (RFC 6455
    /// §7.1.5).
    pub fn abort(&mut self) {
        if self.inbound.state() != RecvState::Ended {
            self.give_up(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl<S, R> WebSocket<S, R> {
    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.link.stream
    }

    /// The stream, and the bytes that came after all that has been dealt with. What is queued is dropped:
    /// [`flush`](Self::flush) first. So is the part that has come of an unfinished message: the stream then goes on in
    /// the middle of that message.
    pub fn into_inner(mut self) -> (S, Bytes) {
        let unread = self.inbound.take_unread();
        (self.link.stream, unread)
    }

    /// What a browser calls `WebSocket.readyState`.
    pub fn state(&self) -> ReadyState {
        self.inbound.ready_state(&self.link)
    }

    /// How the connection ended (RFC 6455 §7.1.4 to §7.1.6), once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.inbound.closed()
    }

    /// The subprotocol agreed on, if any (RFC 6455 §1.9): what a browser calls `WebSocket.protocol`.
    pub fn subprotocol(&self) -> Option<&Subprotocol> {
        self.subprotocol.as_ref()
    }

    /// The extension that the connection uses, with what was agreed on (RFC 6455 §9): what a browser calls
    /// `WebSocket.extensions`.
    pub fn extension(&self) -> Option<&ExtensionOffer> {
        self.link.outbound.extension()
    }

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken.
    pub fn buffered_amount(&self) -> usize {
        self.link.outbound.buffered_amount()
    }
}
