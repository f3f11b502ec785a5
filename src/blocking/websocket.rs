//! [`WebSocket`]: a connection and the stream that it runs over.
use super::{
    receive,
    transport::Transport,
    wire::{Link, Output, Timing, Wire},
};
use crate::{
    adapter::{Error, outcome},
    close::CloseFrame,
    config::Config,
    extension::ExtensionOffer,
    message::{Message, Outgoing},
    proto::{Closed, Connection, Deadline, Event, Inbound, Lent, Outbound, Ready, ReadyState, Subprotocol},
};
use bytes::Bytes;
use std::{
    io,
    time::{Duration, Instant},
};

/// A connection and the stream that it runs over.
///
/// Dropping it drops the stream, and sends nothing: call [`close`](Self::close) for a closing handshake.
///
/// Every method can be called again after an error that [is resumable](Error::is_resumable): it goes on where it
/// stopped.
#[derive(Debug)]
pub struct WebSocket<S> {
    pub(super) inbound: Inbound,
    pub(super) link: Link<S>,
    pub(super) subprotocol: Option<Subprotocol>,
    pub(super) high_water: usize,
}

impl<S: Transport> WebSocket<S> {
    /// Runs a connection, whose opening handshake happened elsewhere, over a stream.
    pub fn new(connection: Connection, stream: S, config: &Config) -> Self {
        Self::with_timing(connection, stream, config, Timing::default())
    }

    pub(super) fn with_timing(connection: Connection, stream: S, config: &Config, reads: Timing) -> Self {
        let Connection { inbound, outbound, subprotocol } = connection;
        let link = Link { output: Output::new(stream, config.write_timeout), outbound, reads };
        Self { inbound, link, subprotocol, high_water: config.high_water_mark }
    }

    /// The next message, owned; `None` once the peer has closed. Answers pings, writes what is queued and
    /// keeps the deadlines on the way.
    ///
    /// # Errors
    /// [`Error::Protocol`], [`Error::TimedOut`], [`Error::Lost`] or [`Error::Io`] when the connection ended in any
    /// other way: once, then `None`.
    pub fn recv(&mut self) -> Result<Option<Message>, Error> {
        Ok(self.recv_ref()?.map(|(message, _)| message.into_message()))
    }

    /// The next message where it lies, and the sending half to answer with: nothing is allocated for either.
    /// The answer leaves with the next call, when no whole message is left of what has come.
    ///
    /// ```no_run
    /// # fn echo(mut socket: sansocket::blocking::WebSocket<std::net::TcpStream>) -> Result<(), sansocket::Error> {
    /// while let Some((message, sender)) = socket.recv_ref()? {
    ///     sender.send(message)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    #[inline]
    pub fn recv_ref(&mut self) -> Result<Option<(Lent<'_>, &mut Outbound)>, Error> {
        loop {
            let Some(ready) = self.next(None)? else { return Ok(None) };
            if matches!(ready, Ready::Data { .. }) {
                return Ok(match self.inbound.lend(ready) {
                    Event::Message(message) | Event::Chunk { data: message, .. } => {
                        Some((message, &mut self.link.outbound))
                    }
                    _ => None,
                });
            }
        }
    }

    /// As [`recv`](Self::recv), but waits no longer than `timeout`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); and, when nothing came in time, [`Error::Io`] of the kind
    /// [`TimedOut`](io::ErrorKind::TimedOut): then nothing is lost, and the next call goes on.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Message>, Error> {
        let until = self.link.output.stream.now().checked_add(timeout);
        loop {
            let Some(ready) = self.next(until)? else { return Ok(None) };
            if let Event::Message(message) | Event::Chunk { data: message, .. } = self.inbound.lend(ready) {
                return Ok(Some(message.into_message()));
            }
            if until.is_some_and(|until| until <= self.link.output.stream.now()) {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
        }
    }

    /// The next event of any kind, pings, pongs and the peer's Close frame among them, and the sending half; `None`
    /// once the connection has ended, however it did: [`closed`](Self::closed) tells.
    ///
    /// # Errors
    /// [`Error::Io`]. What the peer did wrong is an [`Event::Error`] here.
    pub fn recv_event(&mut self) -> Result<Option<(Event<'_>, &mut Outbound)>, Error> {
        if self.inbound.is_over() {
            return Ok(None);
        }
        match receive::next(&mut self.inbound, &mut self.link, self.high_water, None)? {
            Ready::Closed(closed) => {
                self.end(&closed);
                Ok(None)
            }
            ready => Ok(Some((self.inbound.lend(ready), &mut self.link.outbound))),
        }
    }

    /// The next thing ready, until the end; an end that was not the peer's wish is an error, once.
    #[inline]
    pub(super) fn next(&mut self, until: Option<Instant>) -> Result<Option<Ready>, Error> {
        if self.inbound.is_over() {
            return Ok(None);
        }
        match receive::next(&mut self.inbound, &mut self.link, self.high_water, until) {
            Ok(Ready::Closed(closed)) => {
                let outcome = outcome(&closed);
                self.end(&closed);
                outcome.map(|()| None)
            }
            Ok(ready) => Ok(Some(ready)),
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    /// An error that is not resumable has ended the connection: how, is told by it and kept for `closed`.
    #[cold]
    fn note(&mut self, error: &Error) {
        if error.is_resumable() {
            return;
        }
        if let Some(Ready::Closed(closed)) = self.inbound.advance(&mut self.link) {
            self.end(&closed);
        }
    }

    #[cold]
    fn end(&mut self, closed: &Closed) {
        // The peer is told as well as it can be; nothing depends on whether it hears.
        if closed.timed_out.is_none() {
            let _ = self.link.shut_down();
        }
    }

    /// Sends a message, and all that was queued before it: returns when the transport has taken every byte.
    ///
    /// # Errors
    /// [`Error::Send`], and then nothing is sent; [`Error::TimedOut`], [`Error::Io`]. After an error that is
    /// resumable the message is queued: go on with [`flush`](Self::flush).
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.link.outbound.send(message)?;
        self.flush()
    }

    /// Queues a message; writes only once more than [`high_water_mark`](Config::high_water_mark) is queued. What is
    /// queued leaves with the next [`flush`](Self::flush), [`send`](Self::send) or receiving call.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.link.outbound.send(message)?;
        if self.buffered_amount() > self.high_water { self.flush() } else { Ok(()) }
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when the peer takes nothing for [`write_timeout`](Config::write_timeout), [`Error::Io`].
    #[inline]
    pub fn flush(&mut self) -> Result<(), Error> {
        self.link.flush(None).map_err(|error| self.write_failed(error))
    }

    #[cold]
    fn write_failed(&mut self, error: io::Error) -> Error {
        if error.kind() != io::ErrorKind::TimedOut {
            return error.into();
        }
        self.inbound.write_timed_out();
        Error::TimedOut(Deadline::Write)
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 §5.5.2), and all that was queued.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.link.outbound.ping(payload)?;
        self.flush()
    }

    /// The closing handshake, all of it: sends what is queued and the Close frame, waits for the peer's and for the
    /// end of the transport, and says how it ended. Messages that still come are dropped. Takes no longer than
    /// [`close_timeout`](Config::close_timeout). When the connection has ended already, says how that was.
    ///
    /// # Errors
    /// Only what is [resumable](Error::is_resumable). All else is told by [`Closed`].
    pub fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> Result<Closed, Error> {
        self.link.outbound.close(frame);
        loop {
            if let Some(closed) = self.inbound.closed() {
                return Ok(closed.clone());
            }
            match receive::next(&mut self.inbound, &mut self.link, usize::MAX, None) {
                Ok(Ready::Closed(closed)) => self.end(&closed),
                Err(error) if error.is_resumable() => return Err(error),
                // What failed has ended the transport: `Closed` is next.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Ends the transport at once, without a Close frame: the peer sees 1006.
    pub fn abort(&mut self) {
        self.link.outbound.abandon();
        self.inbound.receive_eof();
        while !self.inbound.is_over() {
            if let Some(Ready::Closed(closed)) = self.inbound.advance(&mut self.link) {
                self.end(&closed);
            }
        }
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.link.output.stream
    }

    /// The stream, and the bytes that came after all that has been dealt with. What is queued is dropped:
    /// [`flush`](Self::flush) first. So is what has come of a message that has not ended: whoever goes on with the stream
    /// is then within it.
    pub fn into_inner(mut self) -> (S, Bytes) {
        let unread = self.inbound.take_unread();
        (self.link.output.stream, unread)
    }

    /// What a browser calls `WebSocket.readyState`.
    pub fn state(&self) -> ReadyState {
        self.inbound.ready_state(&self.link)
    }

    /// How the connection ended, once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.inbound.closed()
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
