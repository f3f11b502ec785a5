//! [`Receiver`]: the receiving end of a split connection.
use super::{ReadSide, ends::Ends, shared::Shared};
use crate::{
    adapter::{Error, check_whole},
    blocking::{
        driver::{Driver, Wire},
        transport::{Split, Transport},
    },
    extension::ExtensionOffer,
    message::Message,
    proto::{Closed, Event, Lent, ReadyState, Subprotocol},
};
use std::{sync::Arc, time::Duration};

/// The receiving end of a split [`WebSocket`](crate::blocking::WebSocket). While it is receiving, pings are answered,
/// the closing handshake is done and deadlines pass, whether or not anything is sent.
///
/// A sender cannot wake a thread that reads. So no read waits for longer than the shortest of
/// [`close_timeout`](crate::Config::close_timeout), [`write_timeout`](crate::Config::write_timeout) and the keepalive's
/// interval. What a sender decides ([`close`](super::Sender::close), [`abort`](super::Sender::abort), a deadline that
/// has passed) is seen within that time.
///
/// When the receiver is dropped, the senders still send, and [`Sender::close`](super::Sender::close) still ends the
/// connection. But nothing is read before that: pings are not answered, keepalive does not run, nobody hears the peer's
/// Close frame, and a peer whose messages nobody takes may stop taking ours. To go on without what comes,
/// [`discard`](Self::discard) it in a thread.
#[derive(Debug)]
pub struct Receiver<S: Split> {
    /// There until the receiver is dropped or taken apart.
    pub(super) side: Option<Box<ReadSide<S::Half>>>,
    pub(super) shared: Arc<Shared<S::Half>>,
}

impl<S: Split> Receiver<S> {
    #[inline]
    fn parts(&mut self) -> Option<(&mut Driver, Ends<'_, S::Half>)> {
        Some(self.side.as_mut()?.with(&self.shared))
    }

    fn check_whole(&self) -> Result<(), Error> {
        self.side.as_ref().map_or(Ok(()), |side| check_whole(side.driver.inbound.config()))
    }

    /// The next message, owned; `None` after the end: see [`WebSocket::recv`](crate::blocking::WebSocket::recv).
    ///
    /// # Errors
    /// As [`WebSocket::recv`](crate::blocking::WebSocket::recv).
    pub fn recv(&mut self) -> Result<Option<Message>, Error> {
        self.check_whole()?;
        Ok(self.recv_ref()?.map(Lent::into_message))
    }

    /// The next message where it lies: see [`WebSocket::recv_ref`](crate::blocking::WebSocket::recv_ref). Pass it to
    /// [`Sender::feed`](super::Sender::feed) to answer with it.
    ///
    /// # Errors
    /// As [`WebSocket::recv`](crate::blocking::WebSocket::recv).
    #[inline]
    pub fn recv_ref(&mut self) -> Result<Option<Lent<'_>>, Error> {
        let Some((driver, mut ends)) = self.parts() else { return Ok(None) };
        Ok(driver.data(&mut ends, None)?.map(|_| driver.inbound.lend_data()))
    }

    /// As [`recv`](Self::recv), but waits no longer than `timeout`: see
    /// [`WebSocket::recv_timeout`](crate::blocking::WebSocket::recv_timeout).
    ///
    /// # Errors
    /// As [`WebSocket::recv_timeout`](crate::blocking::WebSocket::recv_timeout).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Message>, Error> {
        self.check_whole()?;
        let Some((driver, mut ends)) = self.parts() else { return Ok(None) };
        let until = ends.stream().now().checked_add(timeout);
        Ok(driver.data(&mut ends, until)?.map(|_| driver.inbound.lend_data().into_message()))
    }

    /// The next event of any kind; `None` after the end: see
    /// [`WebSocket::recv_event`](crate::blocking::WebSocket::recv_event).
    ///
    /// # Errors
    /// As [`WebSocket::recv_event`](crate::blocking::WebSocket::recv_event).
    pub fn recv_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        let Some((driver, mut ends)) = self.parts() else { return Ok(None) };
        Ok(driver.event(&mut ends)?.map(|ready| driver.inbound.lend(ready)))
    }

    /// Receives and drops what comes until the connection ends, and says how it did: for a thread beside those that
    /// only send. Pings are answered on the way.
    ///
    /// # Errors
    /// Only what is [resumable](Error::is_resumable). All else is told by [`Closed`].
    pub fn discard(&mut self) -> Result<Closed, Error> {
        let Some((driver, mut ends)) = self.parts() else { return Ok(Closed::unopened()) };
        driver.discard(&mut ends, None)
    }

    /// Ends the transport at once, without a Close frame and without what is queued: see
    /// [`WebSocket::abort`](crate::blocking::WebSocket::abort). Senders that wait fail.
    pub fn abort(&mut self) {
        if let Some((driver, mut ends)) = self.parts() {
            driver.end(&mut ends);
        }
    }

    /// The end of the stream that reads.
    #[allow(clippy::unreachable, reason = "nobody has a receiver that has been taken apart")]
    pub fn get_ref(&self) -> &S::Half {
        match &self.side {
            Some(side) => &side.stream,
            None => unreachable!("only `drop` and `reunite` take it, and both have the whole receiver"),
        }
    }

    /// What a browser calls `WebSocket.readyState`.
    pub fn state(&self) -> ReadyState {
        let sink = &self.shared.lock().outbound;
        self.side.as_ref().map_or(ReadyState::Closed, |side| side.driver.inbound.ready_state(sink))
    }
    /// How the connection ended, once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.side.as_ref()?.driver.inbound.closed()
    }
    /// What a browser calls `WebSocket.protocol`.
    pub fn subprotocol(&self) -> Option<&Subprotocol> {
        self.side.as_ref()?.subprotocol.as_ref()
    }
    /// The extension that the connection uses, with what was agreed on (RFC 6455 §9): what a browser calls
    /// `WebSocket.extensions`. A copy: the sending half, which has it, is shared with the senders.
    pub fn extension(&self) -> Option<ExtensionOffer> {
        self.shared.lock().outbound.extension().cloned()
    }
    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken.
    pub fn buffered_amount(&self) -> usize {
        self.shared.lock().outbound.buffered_amount()
    }
}

impl<S: Split> Drop for Receiver<S> {
    fn drop(&mut self) {
        self.shared.lock().left = self.side.take();
    }
}
