//! [`Error`]: what can go wrong once there is a transport. All adapters share it.
#![allow(clippy::disallowed_types, reason = "an adapter does I/O")]
mod opening;
mod reply;

pub(crate) use opening::needs_tls;
pub use reply::Reply;

use crate::{
    close::InvalidCloseFrame,
    config::{Config, Delivery},
    error::{ProtocolError, SendError, Violation},
    handshake::{HandshakeError, InvalidHeader, InvalidUrl},
    proto::{Closed, Deadline},
    sentence::debug_as_display,
};
use std::io;

/// What can go wrong once there is a transport, by blame.
///
/// As of every error type of this crate, its `Debug` is its `Display`, so that a `main` that returns it prints a sentence.
/// The text tells all: what [`source`](std::error::Error::source) gives adds to it, and repeats nothing.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The transport failed; or it has nothing now, and the call can be made again:
    /// [`is_resumable`](Self::is_resumable).
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The opening handshake failed (RFC 6455 §4): there has been no connection.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The peer broke the protocol. The Close frame that says so has been sent, if it could be (RFC 6455 §7.1.7).
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The caller asked for what the protocol does not allow now; nothing was sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A deadline of [`Config`](crate::Config) passed.
    #[error("{0}")]
    TimedOut(Deadline),
    /// The peer closed with a code other than 1000 and 1001 (RFC 6455 §7.4.1), or before it had taken all messages that
    /// were queued. Not [normal](Closed::is_normal), though the closing handshake may have been clean. Not for a close
    /// that this end began: any answer to it is normal.
    #[error("{0}")]
    Closed(Box<Closed>),
    /// [`Config::delivery`](crate::Config::delivery) is [`Delivery::Chunks`], and the call gives whole messages. Nothing
    /// has been received, and the connection goes on.
    #[error(
        "Config::delivery is Delivery::Chunks, and recv gives whole messages: use recv_ref, message_reader or recv_event"
    )]
    Chunks,
    /// The transport ended without a Close frame from the peer: 1006 (RFC 6455 §7.1.5).
    #[error("{0}")]
    Lost(Box<Closed>),
}

debug_as_display!(Error);

impl Error {
    /// Whether nothing has happened but waiting: the same call again goes on where this one stopped.
    ///
    /// It means something in the blocking adapter only, over streams that do not block and for
    /// [`recv_timeout`](crate::blocking::WebSocket::recv_timeout). Asynchronous streams wait by themselves. There an
    /// [`Io`](Self::Io) of the kind [`TimedOut`](io::ErrorKind::TimedOut) is the transport's own, such as TCP's for a
    /// peer that is out of reach, and the connection has ended.
    pub fn is_resumable(&self) -> bool {
        matches!(self, Self::Io(error) if would_wait(error))
    }

    /// Whether the same may succeed on a new connection, later. So it is if
    ///
    /// - the transport failed, a deadline passed or the connection was lost;
    /// - the peer closed it with 1000, 1001, 1011 to 1014 or no code, none of which says that this end was wrong;
    /// - the server refused the opening handshake with 408, 425, 429 or 5xx.
    ///
    /// Not if either end broke a rule, or the server refused with any other status: the next attempt would end like
    /// this one. Wait longer before each attempt (RFC 6455 §7.2.3).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Io(error) => {
                !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
            }
            Self::TimedOut(_) | Self::Lost(_) => true,
            Self::Closed(closed) => matches!(closed.code(), 1000 | 1001 | 1005 | 1011..=1014),
            Self::Handshake(HandshakeError::Declined(response)) => {
                let status = response.status();
                matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error()
            }
            Self::Handshake(error) => matches!(error, HandshakeError::Eof | HandshakeError::TimedOut),
            Self::Protocol(_) | Self::Send(_) | Self::Chunks => false,
        }
    }
}

impl From<InvalidCloseFrame> for Error {
    fn from(error: InvalidCloseFrame) -> Self {
        Self::Send(error.into())
    }
}
impl From<InvalidUrl> for Error {
    fn from(error: InvalidUrl) -> Self {
        Self::Handshake(error.into())
    }
}
impl From<InvalidHeader> for Error {
    fn from(error: InvalidHeader) -> Self {
        Self::Handshake(error.into())
    }
}

/// As `Read`, `Write` and their asynchronous counterparts tell it: of a fitting kind, with the error itself in it. An
/// [`Io`](Error::Io) error is what it was.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        into_io(error)
    }
}

/// Whether an I/O error only says that nothing is to be had yet.
pub(crate) fn would_wait(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

/// Whether a call may give owned messages: chunks would lose where their message ends.
#[inline]
pub(crate) fn check_whole(config: &Config) -> Result<(), Error> {
    if config.delivery == Delivery::Chunks { Err(Error::Chunks) } else { Ok(()) }
}

/// What the end of a connection means to a caller that waits for a message: no more messages, or an error.
pub(crate) fn outcome(closed: &Closed) -> Result<(), Error> {
    match closed {
        Closed { error: Some(error), .. } => Err(error.clone().into()),
        closed if closed.is_normal() => Ok(()),
        Closed { timed_out: Some(deadline), .. } if !closed.was_clean() => Err(Error::TimedOut(*deadline)),
        closed if closed.received.is_some() => Err(Error::Closed(Box::new(closed.clone()))),
        closed => Err(Error::Lost(Box::new(closed.clone()))),
    }
}

/// An error as `Read`, `Write` and their asynchronous counterparts tell it.
pub(crate) fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::TimedOut(_) => io::Error::new(io::ErrorKind::TimedOut, error),
        Error::Closed(_) => io::Error::new(io::ErrorKind::ConnectionAborted, error),
        Error::Lost(_) => io::Error::new(io::ErrorKind::UnexpectedEof, error),
        Error::Send(_) => io::Error::new(io::ErrorKind::NotConnected, error),
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

/// What was to be sent as text is not.
pub(crate) fn not_text(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}
