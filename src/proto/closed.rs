//! [`Closed`]: the account of how a connection ended.
use crate::{close::CloseFrame, error::ProtocolError};
use std::fmt;

/// How a connection ended. Facts are kept; the codes 1005 and 1006 are derived from them, never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The Close frame that the peer sent, if it sent one; the inner `None` is an empty one.
    pub received: Option<Option<CloseFrame>>,
    /// The Close frame that this end sent, if the transport took one whole; the inner `None` is an empty one.
    pub sent: Option<Option<CloseFrame>>,
    /// Whether the peer began: its Close frame came before this end had queued one.
    pub by_peer: bool,
    /// What the peer did wrong, when that is why.
    pub error: Option<ProtocolError>,
    /// Which deadline passed, when that is why.
    pub timed_out: Option<Deadline>,
}

/// A deadline of [`Config`](crate::Config) that can end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Deadline {
    /// No byte came after a ping within [`Keepalive::timeout`](crate::Keepalive::timeout).
    #[error("no answer to a ping within keepalive.timeout")]
    Keepalive,
    /// No byte of an unfinished message within [`message_timeout`](crate::Config::message_timeout).
    #[error("no byte of an unfinished message within message_timeout")]
    Message,
    /// The peer took no byte within [`write_timeout`](crate::Config::write_timeout).
    #[error("the peer took no byte within write_timeout")]
    Write,
    /// The closing handshake took longer than [`close_timeout`](crate::Config::close_timeout).
    #[error("the closing handshake did not end within close_timeout")]
    Close,
}

impl Closed {
    /// Of a connection that never opened.
    pub(crate) const fn unopened() -> Self {
        Self { received: None, sent: None, by_peer: false, error: None, timed_out: None }
    }
    /// Both ends sent a Close frame: `CloseEvent.wasClean` (RFC 6455 §7.1.4).
    pub const fn was_clean(&self) -> bool {
        self.received.is_some() && self.sent.is_some()
    }
    /// `CloseEvent.code`: the peer's, or 1005 (its Close frame was empty) or 1006 (it sent none) (RFC 6455 §7.1.5).
    pub fn code(&self) -> u16 {
        match &self.received {
            Some(Some(frame)) => frame.code.get(),
            Some(None) => 1005,
            None => 1006,
        }
    }
    /// `CloseEvent.reason`: the peer's, or empty (RFC 6455 §7.1.6).
    pub fn reason(&self) -> &str {
        match &self.received {
            Some(Some(frame)) => frame.reason.as_str(),
            _ => "",
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = &self.error {
            write!(f, "{error}")
        } else if let Some(deadline) = &self.timed_out {
            write!(f, "{deadline}")
        } else {
            match &self.received {
                Some(Some(frame)) => write!(f, "closed with {frame}"),
                Some(None) => f.write_str("closed without a code (1005)"),
                None => f.write_str("the connection ended without a Close frame (1006)"),
            }
        }
    }
}
