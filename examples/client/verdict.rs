//! What to say of how it went, and the exit status that says it to scripts.
use sansocket::{Closed, Error, handshake::HandshakeError};

pub struct Verdict {
    pub status: u8,
    pub message: Option<String>,
}

impl Verdict {
    pub fn other(message: &str) -> Self {
        Self { status: 1, message: Some(message.into()) }
    }
    pub fn usage(message: String) -> Self {
        Self { status: 1, message: Some(message) }
    }
    pub fn of_end(closed: &Closed) -> Self {
        let status = match closed {
            closed if closed.was_clean() => 0,
            Closed { error: Some(_), .. } => 3,
            Closed { timed_out: Some(_), .. } => 4,
            _ => 1,
        };
        let quiet = closed.was_clean() && closed.code() == 1000;
        Self { status, message: (!quiet).then(|| closed.to_string()) }
    }
}

impl From<Error> for Verdict {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Handshake(HandshakeError::Declined(_)) => 2,
            Error::Handshake(HandshakeError::TimedOut) | Error::TimedOut(_) => 4,
            Error::Handshake(
                HandshakeError::NotHttp { .. }
                | HandshakeError::Malformed(_)
                | HandshakeError::HeadTooLarge(_)
                | HandshakeError::Response(_),
            )
            | Error::Protocol(_) => 3,
            _ => 1,
        };
        Self { status, message: Some(error.to_string()) }
    }
}
