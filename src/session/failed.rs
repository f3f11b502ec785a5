//! A session that has no connection and will have none: what is still told, written and thrown away.
use super::{SessionError, SessionEvent};
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

/// How long an answer may take to leave.
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
    /// The answer is to leave, within `close_timeout`; then comes the end. `eof`: the peer sends nothing more.
    pub(super) fn refused(answer: Transmit, close_timeout: Option<Duration>, eof: bool) -> Self {
        Self {
            error: None,
            transmit: answer,
            patience: Patience::Unset(close_timeout),
            eof,
            shut_down: false,
            told: false,
            input: BytesMut::new(),
            room: 0,
        }
    }

    /// Whether nothing is waited for.
    fn is_over(&self) -> bool {
        !self.transmit.has_remaining()
    }

    pub(super) fn read_buf(&mut self) -> ReadBuf<'_> {
        self.room = self.input.len();
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
        !self.eof && !self.is_over()
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
            // The peer does not take its answer.
            Patience::Until(Some(until)) if until <= now => self.transmit = Transmit::default(),
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
