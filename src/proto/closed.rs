//! [`Closed`]: the account of how a connection ended.
use crate::{
    close::{CloseCode, CloseSeen},
    error::ProtocolError,
    sentence::debug_as_display,
};
use std::fmt;

/// How a connection ended. Facts are kept; the codes 1005 and 1006 are derived from them, never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The Close frame that the peer sent.
    pub received: CloseSeen,
    /// The Close frame that this end sent: none if the transport did not take it whole.
    pub sent: CloseSeen,
    /// Whether the peer began: its Close frame came before this end had queued one.
    pub by_peer: bool,
    /// The rule that the peer broke, if that is why the connection ended.
    pub error: Option<ProtocolError>,
    /// Which deadline passed. After a clean close it is [`Deadline::Close`]: the peer did not end the transport in
    /// time.
    pub timed_out: Option<Deadline>,
    /// Bytes of messages that were queued and never left this end: headers included, pongs and the Close frame not.
    /// The transport may have lost more: bytes that it took are not known to have arrived.
    pub unsent: usize,
}

/// A deadline of [`Config`](crate::Config) that can end a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Deadline {
    /// No byte came after a ping within [`Keepalive::timeout`](crate::Keepalive::timeout).
    #[error("no answer to a ping within the timeout of Config::keepalive")]
    Keepalive,
    /// No byte of an unfinished message within [`message_timeout`](crate::Config::message_timeout).
    #[error("no byte of an unfinished message within Config::message_timeout")]
    Message,
    /// Output waited, and none of it left within [`write_timeout`](crate::Config::write_timeout).
    #[error("the peer took no byte within Config::write_timeout")]
    Write,
    /// The transport did not end within [`close_timeout`](crate::Config::close_timeout), once all output had left; or,
    /// without a [`write_timeout`](crate::Config::write_timeout), no output left for so long while closing.
    #[error("the closing handshake did not end within Config::close_timeout")]
    Close,
}
debug_as_display!(Deadline);

impl Closed {
    /// The account of a connection that never opened: 1006, and nothing else is known.
    pub const fn unopened() -> Self {
        Self {
            received: CloseSeen::None,
            sent: CloseSeen::None,
            by_peer: false,
            error: None,
            timed_out: None,
            unsent: 0,
        }
    }
    /// Both ends sent a Close frame: `CloseEvent.wasClean` (RFC 6455 §7.1.4).
    pub const fn was_clean(&self) -> bool {
        self.received.is_some() && self.sent.is_some()
    }
    /// `CloseEvent.code`: the peer's, or 1005 (its Close frame was empty) or 1006 (it sent none) (RFC 6455 §7.1.5).
    pub fn code(&self) -> u16 {
        self.received.code()
    }
    /// `CloseEvent.reason`: the peer's, or empty (RFC 6455 §7.1.6).
    pub fn reason(&self) -> &str {
        self.received.reason()
    }

    /// Whether this is how connections are meant to end: the peer closed with 1000, 1001 or no code (RFC 6455 §7.4.1),
    /// or answered this end's Close frame, with any code. Not if the peer broke a rule, or a queued message never left
    /// ([`unsent`](Self::unsent)).
    pub fn is_normal(&self) -> bool {
        let normal = match &self.received {
            CloseSeen::Frame(frame) => matches!(frame.code, CloseCode::NORMAL | CloseCode::GOING_AWAY),
            CloseSeen::Empty => true,
            CloseSeen::None => false,
        };
        let answered = !self.by_peer && self.was_clean();
        (normal || answered) && self.error.is_none() && self.unsent == 0
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.error, &self.received, &self.timed_out) {
            (Some(error), _, _) => write!(f, "{error}")?,
            (None, CloseSeen::None, Some(deadline)) => write!(f, "{deadline}")?,
            (None, CloseSeen::Frame(frame), _) => write!(f, "closed with {frame}")?,
            (None, CloseSeen::Empty, _) => f.write_str("closed without a code (1005)")?,
            (None, CloseSeen::None, None) => {
                f.write_str("the connection ended without a Close frame (1006)")?
            }
        }
        if self.error.is_none() && self.received.is_some() {
            match self.timed_out {
                Some(Deadline::Close) if self.was_clean() => {
                    f.write_str("; the peer did not end the transport within Config::close_timeout")?;
                }
                Some(deadline) => write!(f, "; {deadline}")?,
                None => {}
            }
        }
        match self.unsent {
            0 => Ok(()),
            unsent => write!(f, "; {unsent} bytes of queued messages were not sent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{close::CloseFrame, error::Violation};

    const LOST: Closed = Closed {
        received: CloseSeen::None,
        sent: CloseSeen::None,
        by_peer: false,
        error: None,
        timed_out: None,
        unsent: 0,
    };

    #[test]
    fn section_7_1_5_codes_that_are_never_sent_are_derived() {
        assert_eq!((LOST.code(), LOST.reason(), LOST.was_clean()), (1006, "", false));
        let empty = Closed { received: CloseSeen::Empty, sent: CloseSeen::Empty, ..LOST };
        assert_eq!((empty.code(), empty.reason(), empty.was_clean()), (1005, "", true));
        let frame = CloseFrame::truncate(CloseCode::GOING_AWAY, "bye");
        let unanswered = Closed { received: CloseSeen::Frame(frame), ..LOST };
        assert_eq!((unanswered.code(), unanswered.reason(), unanswered.was_clean()), (1001, "bye", false));
    }

    #[test]
    fn it_says_how_it_ended_and_whose_fault_that_was() {
        let told = |closed: Closed| closed.to_string();
        assert_eq!(told(LOST), "the connection ended without a Close frame (1006)");
        assert_eq!(told(Closed { received: CloseSeen::Empty, ..LOST }), "closed without a code (1005)");
        let frame = CloseFrame::truncate(CloseCode::GOING_AWAY, "bye\u{7}");
        assert_eq!(
            told(Closed { received: CloseSeen::Frame(frame), ..LOST }),
            "closed with 1001 (bye\\u{7})"
        );
        let timed_out = Some(Deadline::Close);
        let stays = Closed {
            received: CloseSeen::Empty,
            sent: CloseSeen::Empty,
            timed_out: Some(Deadline::Close),
            ..LOST
        };
        assert_eq!(
            told(stays),
            "closed without a code (1005); the peer did not end the transport within Config::close_timeout"
        );
        let late = "the closing handshake did not end within Config::close_timeout";
        assert_eq!(told(Closed { timed_out, ..LOST }), late);
        let error = Some(ProtocolError { violation: Violation::Unmasked, offset: 0, evidence: None });
        let left = Closed { received: CloseSeen::Empty, unsent: 7, ..LOST };
        assert_eq!(told(left), "closed without a code (1005); 7 bytes of queued messages were not sent");
        let wrong = "the peer broke the protocol: unmasked frame from a client";
        assert_eq!(told(Closed { error, timed_out, ..LOST }), wrong);
    }
}
