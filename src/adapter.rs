//! [`Error`]: what can go wrong once there is a transport. All adapters share it.
#![allow(clippy::disallowed_types, reason = "an adapter does I/O")]
use crate::{
    error::{ProtocolError, SendError},
    handshake::HandshakeError,
    proto::{Closed, Deadline},
};
use std::io;

/// What can go wrong once there is a transport, by blame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The transport failed, or has nothing now: [`is_resumable`](Self::is_resumable) says which.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The opening handshake failed: there has been no connection.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The peer broke the protocol; the Close frame that says so has been sent, if it could be.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The caller asked for what the protocol does not allow now; nothing was sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A deadline of [`Config`](crate::Config) passed.
    #[error("{0}")]
    TimedOut(Deadline),
    /// The transport ended without a Close frame from the peer (1006).
    #[error("{0}")]
    Lost(Box<Closed>),
}

impl Error {
    /// Whether nothing has happened but waiting: the same call again goes on where this one stopped.
    ///
    /// Streams that do not block give this, and [`recv_timeout`](crate::blocking::WebSocket::recv_timeout).
    pub fn is_resumable(&self) -> bool {
        matches!(self, Self::Io(error) if would_wait(error))
    }
}

/// Whether an I/O error only says that nothing is to be had yet.
pub(crate) fn would_wait(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

/// What a connection's end means to whoever waits for its next message.
pub(crate) fn outcome(closed: &Closed) -> Result<(), Error> {
    match closed {
        Closed { error: Some(error), .. } => Err(error.clone().into()),
        closed if closed.was_clean() => Ok(()),
        Closed { timed_out: Some(deadline), .. } => Err(Error::TimedOut(*deadline)),
        // The peer said goodbye, and did not wait for the answer.
        Closed { received: Some(_), .. } => Ok(()),
        closed => Err(Error::Lost(Box::new(closed.clone()))),
    }
}
