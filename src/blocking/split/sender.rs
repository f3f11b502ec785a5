//! [`Sender`]: a sending end of a split connection, one for each thread that sends.
use super::{
    ReadSide,
    shared::{End, Shared},
};
use crate::{
    adapter::{Error, outcome},
    blocking::{timing::LEAST_WAIT, transport::Split},
    close::IntoCloseFrame,
    error::SendError,
    message::Outgoing,
    proto::{Deadline, Outbound, SendState},
};
use std::sync::Arc;

/// A sending end of a split [`WebSocket`](crate::blocking::WebSocket): clone it for each thread that sends. Messages of
/// different threads are never mixed, and a thread waits for another only while that one writes.
///
/// Senders hear nothing of the peer: have a thread [receive](super::Receiver) beside them, or
/// [`discard`](super::Receiver::discard) what comes. A sender that waits to write keeps the deadline for writing.
#[derive(Debug)]
pub struct Sender<S: Split> {
    pub(super) shared: Arc<Shared<S::Half>>,
}

impl<S: Split> Clone for Sender<S> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<S: Split> Sender<S> {
    /// Sends a message, and all that was queued before it, whatever others queue meanwhile: see
    /// [`WebSocket::send`](crate::blocking::WebSocket::send).
    ///
    /// # Errors
    /// As [`WebSocket::send`](crate::blocking::WebSocket::send).
    pub fn send<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        let mut inner = self.shared.lock();
        inner.outbound.send(message)?;
        let position = inner.outbound.position();
        self.shared.flush(inner, position)
    }

    /// Queues a message; writes only once more than [`high_water_mark`](crate::Config::high_water_mark) is queued: see
    /// [`WebSocket::feed`](crate::blocking::WebSocket::feed). What is queued leaves when the
    /// [`Receiver`](super::Receiver) is about to wait, too.
    ///
    /// # Errors
    /// As [`WebSocket::send`](crate::blocking::WebSocket::send).
    #[inline]
    pub fn feed<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        let mut inner = self.shared.lock();
        inner.outbound.send(message)?;
        if inner.outbound.buffered_amount() <= self.shared.high_water {
            return Ok(());
        }
        let position = inner.outbound.position();
        self.shared.flush(inner, position)
    }

    /// Queues a message as [`feed`](Self::feed) does, but neither waits nor writes.
    ///
    /// # Errors
    /// [`Error::Send`]: with [`SendError::Full`](crate::SendError::Full) while more than
    /// [`high_water_mark`](crate::Config::high_water_mark) is queued. Nothing is queued then.
    pub fn try_feed<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        Ok(self.shared.lock().outbound.try_send(message)?)
    }

    /// Writes all that is queued now: see [`WebSocket::flush`](crate::blocking::WebSocket::flush).
    ///
    /// # Errors
    /// As [`WebSocket::flush`](crate::blocking::WebSocket::flush).
    pub fn flush(&self) -> Result<(), Error> {
        let inner = self.shared.lock();
        if inner.outbound.unsent() > 0 {
            return Err(inner.why(SendError::Closing));
        }
        let position = inner.outbound.position();
        self.shared.flush(inner, position)
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 §5.5.2). It passes messages that have not been framed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn ping(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.control(|outbound| outbound.ping(payload))
    }

    /// Sends a pong with up to 125 bytes (RFC 6455 §5.5.3). It passes messages that have not been framed: see
    /// [`WebSocket::pong`](crate::blocking::WebSocket::pong).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn pong(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.control(|outbound| outbound.pong(payload))
    }

    fn control(&self, queue: impl FnOnce(&mut Outbound) -> Result<(), SendError>) -> Result<(), Error> {
        let mut inner = self.shared.lock();
        queue(&mut inner.outbound)?;
        let position = inner.outbound.control_position();
        self.shared.flush(inner, position)
    }

    /// Begins the closing handshake (RFC 6455 §7.1.2): sends what is queued and the Close frame. Until that has left,
    /// [`write_timeout`](crate::Config::write_timeout) governs.
    ///
    /// The [`Receiver`](super::Receiver) finishes the handshake, within twice the
    /// [`close_timeout`](crate::Config::close_timeout): it may take as long until it sees that closing has begun. If
    /// the receiver was dropped, this call finishes it, and drops what comes.
    ///
    /// # Errors
    /// As [`flush`](Self::flush). [`Error::Send`] if the connection has ended without our Close frame, and for a code
    /// that may not be sent or a reason of more than 123 bytes. Without a
    /// receiver, as [`WebSocket::recv`](crate::blocking::WebSocket::recv) if the connection ended before our Close
    /// frame had left.
    pub fn close(&self, frame: impl IntoCloseFrame) -> Result<(), Error> {
        let frame = frame.into_close_frame()?;
        let mut inner = self.shared.lock();
        inner.outbound.close(frame);
        if let Some(side) = inner.left.take() {
            drop(inner);
            return self.finish(side);
        }
        let position = inner.outbound.close_position();
        self.shared.flush(inner, position)
    }

    /// The closing handshake without a receiver: writes what is queued and the Close frame, and drops what comes.
    fn finish(&self, mut side: Box<ReadSide<S::Half>>) -> Result<(), Error> {
        let (driver, mut ends) = side.with(&self.shared);
        let closed = driver.discard(&mut ends, None);
        self.shared.lock().left = Some(side);
        let closed = closed?;
        match closed.timed_out {
            // The stream may have taken the Close frame, and kept it.
            Some(Deadline::Write) => Err(Error::TimedOut(Deadline::Write)),
            _ if closed.sent.is_some() => Ok(()),
            _ => outcome(&closed),
        }
    }

    /// Ends the transport at once, without a Close frame and without what is queued: the peer sees 1006 (RFC 6455
    /// §7.1.5). Senders that wait fail. The [`Receiver`](super::Receiver) ends once it looks, or the peer has ended its
    /// side.
    pub fn abort(&self) {
        let mut inner = self.shared.lock();
        self.shared.end(&mut inner, End::Aborted);
        let _ = self.shared.shut_down(inner, None, Some(LEAST_WAIT)); // the peer is told as well as it can be
    }

    /// Whether nothing more can be sent: a Close frame has been queued, sent or received, or the connection has ended.
    /// Nobody learns of the peer's end before somebody receives, or fails to write.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().outbound.state() != SendState::Open
    }

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken.
    pub fn buffered_amount(&self) -> usize {
        self.shared.lock().outbound.buffered_amount()
    }
}
