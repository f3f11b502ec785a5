//! The receiving side of both handshakes: bytes that came, their end, and a deadline.
use super::error::HandshakeError;
use crate::proto::ReadBuf;
use bytes::BytesMut;
use std::time::{Duration, Instant};

/// The receiving side of a handshake.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    input: BytesMut,
    /// See [`ReadBuf::room`].
    room: usize,
    eof: bool,
    clock: Clock,
}

#[derive(Debug, Default)]
enum Clock {
    /// Whether the time has not been told yet.
    #[default]
    Unset,
    /// When the handshake has to be done. `None`: no deadline runs.
    Until(Option<Instant>),
    RanOut,
}

impl Incoming {
    /// Where bytes that come are put.
    pub(super) fn read_buf(&mut self) -> ReadBuf<'_> {
        ReadBuf::new(&mut self.input, &mut self.room)
    }

    /// The bytes that have come.
    pub(super) fn input(&mut self) -> &mut BytesMut {
        self.input.truncate(self.input.len() - std::mem::take(&mut self.room));
        &mut self.input
    }

    pub(super) fn receive_eof(&mut self) {
        self.eof = true;
    }

    /// Whether bytes may still come.
    pub(super) fn wants_read(&self) -> bool {
        !self.eof
    }

    /// Tells the time. The first call starts the deadline.
    pub(super) fn handle_timeout(&mut self, now: Instant, timeout: Option<Duration>) {
        match self.clock {
            Clock::Unset => self.clock = Clock::Until(timeout.and_then(|timeout| now.checked_add(timeout))),
            Clock::Until(Some(at)) if at <= now => self.clock = Clock::RanOut,
            _ => {}
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.clock {
            Clock::Until(at) => at,
            _ => None,
        }
    }

    /// Whether it waits to be told the time.
    pub(super) fn wants_time(&self) -> bool {
        matches!(self.clock, Clock::Unset)
    }

    /// Fails if nothing more can come.
    pub(super) fn wait(&self) -> Result<(), HandshakeError> {
        match self.clock {
            _ if self.eof => Err(HandshakeError::Eof),
            Clock::RanOut => Err(HandshakeError::TimedOut),
            _ => Ok(()),
        }
    }

    /// The handshake has an outcome: stops the deadline, and gives the bytes that have not been read.
    pub(super) fn finish(&mut self) -> BytesMut {
        self.clock = Clock::Until(None);
        std::mem::take(self.input())
    }
}
