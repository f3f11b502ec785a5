//! [`WebSocket`]: a connection and the stream that it runs over.
use super::{driver::Driver, link::Link, output::Output, timing::Timing, transport::Transport};
use crate::{
    adapter::{Error, Reply, check_whole},
    close::IntoCloseFrame,
    error::SendError,
    extension::ExtensionOffer,
    message::{Message, Outgoing},
    proto::{Closed, Connection, Event, Lent, ReadyState, Subprotocol},
};
use bytes::Bytes;
use std::time::Duration;

/// A connection and the stream that it runs over.
///
/// Keep it receiving: pings are answered, the peer's Close frame is heard and deadlines pass only while a call
/// receives. A call that sends keeps the deadline for writing, and hears nothing of the peer until a write fails. Where
/// a program only sends, [`split`](Self::split) the socket, and let a thread [`discard`](super::Receiver::discard) what
/// comes.
///
/// Dropping it drops the stream, and sends nothing: call [`close`](Self::close) for a closing handshake.
///
/// Every method can be called again after an error that [is resumable](Error::is_resumable): it goes on where it
/// stopped. Any other error but [`Error::Send`] has ended the connection, and [`closed`](Self::closed) says how.
#[derive(Debug)]
pub struct WebSocket<S> {
    pub(super) driver: Driver,
    pub(super) link: Link<S>,
    pub(super) subprotocol: Option<Subprotocol>,
}

impl<S: Transport> WebSocket<S> {
    /// Runs a connection, whose opening handshake happened elsewhere, over a stream. What the connection has to send
    /// already, such as the 101 of [`Upgrade::accept`](crate::handshake::Upgrade::accept), leaves with the first call.
    ///
    /// The stream's options are left as they are: [`Transport::prepare`] is not called.
    pub fn new(connection: Connection, stream: S) -> Self {
        Self::opened(connection, Output::new(stream, Timing::default()), Timing::default())
    }

    pub(super) fn opened(connection: Connection, output: Output<S>, reads: Timing) -> Self {
        let subprotocol = connection.subprotocol().cloned();
        let (inbound, outbound) = connection.split();
        Self { driver: Driver::new(inbound, reads), link: Link { output, outbound }, subprotocol }
    }

    /// The next message (RFC 6455 §6.2), owned; `None` once the connection has ended [as it should](Closed::is_normal):
    /// the peer closed it with 1000, 1001 or without a code, or answered our Close frame. Answers pings, writes what is
    /// queued and keeps the deadlines on the way.
    ///
    /// It gives whole messages: with [`Delivery::Chunks`](crate::Delivery::Chunks) use [`recv_ref`](Self::recv_ref),
    /// [`message_reader`](Self::message_reader) or [`recv_event`](Self::recv_event).
    ///
    /// # Errors
    /// [`Error::Protocol`], [`Error::TimedOut`], [`Error::Closed`], [`Error::Lost`] or [`Error::Io`] when the
    /// connection ended in any other way: once, then `None`. [`Error::Chunks`] with
    /// [`Delivery::Chunks`](crate::Delivery::Chunks). [`Error::Io`] also when the stream does not wait, and is
    /// [resumable](Error::is_resumable) then.
    pub fn recv(&mut self) -> Result<Option<Message>, Error> {
        check_whole(self.driver.inbound.config())?;
        Ok(self.recv_ref()?.map(|(message, _)| message.into_message()))
    }

    /// The next message where it lies, and a [`Reply`] to answer it with: nothing is allocated for either.
    /// [`Reply::feed`] queues the answer, and never waits. The answer leaves with the next call, when no whole message is left of what has come.
    ///
    /// With [`Delivery::Chunks`](crate::Delivery::Chunks) it lends chunks: [`Lent::fin`] tells the last of a message.
    ///
    /// ```no_run
    /// # fn echo(mut socket: sansocket::blocking::WebSocket<std::net::TcpStream>) -> Result<(), sansocket::Error> {
    /// while let Some((message, mut reply)) = socket.recv_ref()? {
    ///     reply.feed(message)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    #[inline]
    pub fn recv_ref(&mut self) -> Result<Option<(Lent<'_>, Reply<'_>)>, Error> {
        let data = self.driver.data(&mut self.link, None)?;
        Ok(data.map(|_| (self.driver.inbound.lend_data(), Reply::new(&mut self.link.outbound))))
    }

    /// As [`recv`](Self::recv), but waits no longer than `timeout`, neither to read nor to write. A read is tried in
    /// any case. The stream has to have timeouts, or not to wait at all: see [`Transport`].
    ///
    /// # Errors
    /// As [`recv`](Self::recv); and, when nothing came in time, [`Error::Io`] of the kind
    /// [`TimedOut`](std::io::ErrorKind::TimedOut): then nothing is lost, and the next call goes on.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Message>, Error> {
        check_whole(self.driver.inbound.config())?;
        let until = self.get_ref().now().checked_add(timeout);
        let data = self.driver.data(&mut self.link, until)?;
        Ok(data.map(|_| self.driver.inbound.lend_data().into_message()))
    }

    /// The next event of any kind, pings, pongs and the peer's Close frame among them, and a [`Reply`]; `None`
    /// once the connection has ended, however it did: [`closed`](Self::closed) tells.
    ///
    /// # Errors
    /// [`Error::Io`]. What the peer did wrong is an [`Event::Error`] here.
    pub fn recv_event(&mut self) -> Result<Option<(Event<'_>, Reply<'_>)>, Error> {
        let ready = self.driver.event(&mut self.link)?;
        Ok(ready.map(|ready| (self.driver.inbound.lend(ready), Reply::new(&mut self.link.outbound))))
    }

    /// Receives and drops what comes until the connection ends, and says how it did. Pings are answered on the way.
    ///
    /// # Errors
    /// Only what is [resumable](Error::is_resumable). All else is told by [`Closed`].
    pub fn discard(&mut self) -> Result<Closed, Error> {
        self.driver.discard(&mut self.link, None)
    }

    /// Sends a message (RFC 6455 §6.1), and all that was queued before it: returns when the transport has taken every
    /// byte. It reads nothing.
    ///
    /// # Errors
    /// [`Error::Send`], and then nothing is sent; else as [`flush`](Self::flush). After an error that is resumable the
    /// message is queued: go on with [`flush`](Self::flush), and do not send it again.
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.link.outbound.send(message)?;
        self.flush()
    }

    /// Queues a message; writes only once more than [`high_water_mark`](crate::Config::high_water_mark) is queued. What
    /// is queued leaves with the next [`flush`](Self::flush), [`send`](Self::send) or receiving call.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.link.outbound.send(message)?;
        if self.is_above_mark() { self.flush() } else { Ok(()) }
    }

    /// Queues a message as [`feed`](Self::feed) does, but neither waits nor writes.
    ///
    /// # Errors
    /// [`Error::Send`]: with [`SendError::Full`](crate::SendError::Full) while more than
    /// [`high_water_mark`](crate::Config::high_water_mark) is queued. Nothing is queued then.
    pub fn try_feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        Ok(self.link.outbound.try_send(message)?)
    }

    #[inline]
    pub(super) fn is_above_mark(&self) -> bool {
        self.buffered_amount() > self.driver.inbound.config().high_water_mark
    }

    /// Writes all that is queued. After the end that is done already, if no message was left behind.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when nothing leaves for [`write_timeout`](crate::Config::write_timeout); [`Error::Io`]. Both
    /// have ended the connection, but for an `Io` that is [resumable](Error::is_resumable). When a write fails, a Close
    /// frame of the peer that has come already is heard, for [`closed`](Self::closed); messages that have come are
    /// lost. [`Error::Send`] when queued messages were dropped earlier, because the connection ended or was failed.
    #[inline]
    pub fn flush(&mut self) -> Result<(), Error> {
        self.driver.flush(&mut self.link)?;
        if self.link.outbound.unsent() == 0 { Ok(()) } else { Err(SendError::Closing.into()) }
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 §5.5.2), and all that was queued.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.link.outbound.ping(payload)?;
        self.flush()
    }

    /// Sends a pong with up to 125 bytes (RFC 6455 §5.5.3), and all that was queued. Pings are answered without it,
    /// unless [`auto_pong`](crate::Config::auto_pong) is off.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.link.outbound.pong(payload)?;
        self.flush()
    }

    /// The closing handshake (RFC 6455 §7.1.2), all of it: sends what is queued and the Close frame, waits for the
    /// peer's and for the end of the transport, and says how it ended. `None` sends an empty frame. Messages that still
    /// come are dropped. When the connection has ended already, says how that was.
    ///
    /// Until the Close frame has left, [`write_timeout`](crate::Config::write_timeout) governs: it may take long, as
    /// long as bytes leave. From then on [`close_timeout`](crate::Config::close_timeout) does.
    ///
    /// # Errors
    /// What is [resumable](Error::is_resumable), and [`Error::Send`] for a code that may not be sent or a reason of more
    /// than 123 bytes: nothing is sent then. All else is told by [`Closed`].
    pub fn close(&mut self, frame: impl IntoCloseFrame) -> Result<Closed, Error> {
        self.link.outbound.close(frame.into_close_frame()?);
        self.discard()
    }

    /// Ends the transport at once, without a Close frame and without what is queued: the peer sees 1006 (RFC 6455
    /// §7.1.5).
    pub fn abort(&mut self) {
        self.driver.end(&mut self.link);
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.link.output.stream
    }

    /// The stream, and the bytes that came after all that has been dealt with. What is queued is dropped:
    /// [`flush`](Self::flush) first. So is the part that has come of an unfinished message: the stream then goes on in
    /// the middle of that message.
    pub fn into_inner(mut self) -> (S, Bytes) {
        let unread = self.driver.inbound.take_unread();
        (self.link.output.stream, unread)
    }

    /// What a browser calls `WebSocket.readyState`.
    pub fn state(&self) -> ReadyState {
        self.driver.inbound.ready_state(&self.link)
    }

    /// How the connection ended, once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.driver.inbound.closed()
    }

    /// What a browser calls `WebSocket.protocol`.
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
