//! A session that has no connection and will have none: what is still told, written, waited for and thrown away.
use super::{SessionError, SessionEvent};
use crate::handshake::LINGER_BYTES;
use crate::proto::{Closed, ReadBuf, ReadyState, Step, Transmit};
use bytes::{Buf, BytesMut};
use std::time::{Duration, Instant};

/// There is no connection, and there will be none.
#[derive(Debug)]
pub(super) struct Failed {
    /// What is still to be told.
    error: Option<SessionError>,
    /// A server's answer that says why, for as long as `patience` lasts. A client's is empty.
    transmit: Transmit,
    patience: Patience,
    /// Whether the end waits for the answer to leave and then for the end of the transport. A TCP stream that is closed
    /// with bytes unread is reset, and the peer may lose the answer.
    lingers: bool,
    /// How many bytes may still come before that.
    left: usize,
    /// Whether the transport has ended.
    eof: bool,
    /// Whether the transport has been shut down.
    shut_down: bool,
    /// Whether `Close` has been told.
    told: bool,
    /// Where bytes that still come are thrown away.
    input: BytesMut,
    /// See [`ReadBuf::room`].
    room: usize,
}

/// How long an answer may take to leave, and the peer to end the transport.
#[derive(Debug)]
enum Patience {
    /// The time has not been told yet.
    Unset(Option<Duration>),
    Until(Option<Instant>),
}

impl Failed {
    /// There is nothing to write. Tells `error`, then the end.
    pub(super) fn at_once(error: Option<SessionError>) -> Self {
        Self { error, ..Self::refused(Transmit::default(), None, false) }
    }
    /// The answer is to leave and the peer to end the transport, within `close_timeout`; then comes the end. `eof`: the
    /// transport has ended already. Without an answer, nothing is waited for.
    pub(super) fn refused(answer: Transmit, close_timeout: Option<Duration>, eof: bool) -> Self {
        Self {
            error: None,
            lingers: answer.has_remaining(),
            transmit: answer,
            patience: Patience::Unset(close_timeout),
            left: LINGER_BYTES,
            eof,
            shut_down: false,
            told: false,
            input: BytesMut::new(),
            room: 0,
        }
    }

    /// Whether nothing is waited for.
    fn is_over(&self) -> bool {
        !self.lingers || !self.transmit.has_remaining() && (self.eof || self.left == 0)
    }
    /// Nothing more is waited for, and what has not left is dropped.
    pub(super) fn give_up(&mut self) {
        self.transmit = Transmit::default();
        self.lingers = false;
    }
    /// Throws away the bytes that have come.
    fn discard(&mut self) {
        let came = self.input.len() - self.room;
        self.left = self.left.saturating_sub(came);
        self.room = self.input.len();
    }

    pub(super) fn read_buf(&mut self) -> ReadBuf<'_> {
        self.discard();
        ReadBuf::new(&mut self.input, &mut self.room)
    }
    pub(super) fn receive_eof(&mut self) {
        self.eof = true;
    }
    pub(super) fn transmit(&mut self) -> &mut Transmit {
        &mut self.transmit
    }

    pub(super) fn poll_event(&mut self) -> Option<SessionEvent> {
        if let Some(error) = self.error.take() {
            return Some(SessionEvent::Error(error));
        }
        self.discard();
        if self.told || !self.is_over() {
            return None;
        }
        self.told = true;
        Some(SessionEvent::Close(Closed::unopened()))
    }

    pub(super) fn next_step(&self) -> Step {
        if self.wants_shutdown() {
            Step::ShutDown
        } else if self.is_over() {
            Step::Advance
        } else if self.wants_read() {
            Step::Read { timed: self.wants_time() }
        } else {
            Step::Wait
        }
    }
    /// A peer that sends before it reads would not take its answer otherwise.
    pub(super) fn wants_read(&self) -> bool {
        !self.eof && self.left > 0 && !self.is_over()
    }
    pub(super) fn wants_shutdown(&self) -> bool {
        !self.shut_down && !self.transmit.has_remaining()
    }
    pub(super) fn shut_down(&mut self) {
        self.shut_down = true;
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self.patience {
            Patience::Unset(timeout) => {
                self.patience = Patience::Until(timeout.and_then(|timeout| now.checked_add(timeout)));
            }
            // The peer does not take its answer, or does not end the transport.
            Patience::Until(Some(until)) if until <= now => self.give_up(),
            Patience::Until(_) => {}
        }
    }
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.patience {
            Patience::Until(until) => until.filter(|_| !self.is_over()),
            Patience::Unset(_) => None,
        }
    }
    pub(super) fn wants_time(&self) -> bool {
        matches!(self.patience, Patience::Unset(_)) && !self.is_over()
    }

    pub(super) fn state(&self) -> ReadyState {
        if self.told { ReadyState::Closed } else { ReadyState::Closing }
    }
}
