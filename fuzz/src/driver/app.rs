//! What the application does: it sends, closes, aborts, and asks whether what it sent has left.
use super::{
    Drive,
    setup::{content, outgoing},
};
use crate::model::Item;
use sansocket::{
    CloseCode, CloseFrame, ReadyState, SendError,
    proto::{Position, Role, SendState},
};

/// A place in what was queued, and what must have left by then.
#[derive(Debug)]
pub(super) struct Asked {
    position: Position,
    pub what: What,
    pub done: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// So many bytes of messages.
    Data(usize),
    /// So many pings.
    Controls(usize),
    Close,
}

impl Drive {
    /// So many bytes, or fewer: not too many in all.
    fn allowed(&self, len: usize) -> usize {
        let most = if self.settings.fragment_size < 100 { 2000 } else { 100_000 };
        len.min(most - self.accepted.min(most))
    }

    /// Whether it did what was asked. It must, unless the end has begun or there is a reason.
    fn allows(&self, done: Result<(), SendError>, reason: Option<SendError>) -> bool {
        let ending = self.close_queued || self.write_failed || self.by_peer.is_some() || self.has_ended();
        match done {
            Ok(()) => assert!(!ending && !self.dropped && reason.is_none(), "{reason:?} was to be refused"),
            Err(SendError::Closing) => assert!(ending || self.dropped || self.eof, "refused"),
            Err(error) => assert_eq!(Some(error), reason),
        }
        done.is_ok()
    }

    pub fn send(&mut self, text: bool, len: usize, owned: bool) {
        let bytes = content(self.sent.len(), self.allowed(len));
        let unfinished = self.begun.is_some().then_some(SendError::Unfinished);
        let done = self.connection.send(outgoing(text, bytes, owned));
        if self.allows(done, unfinished) {
            self.count(bytes.len());
            self.sent.push(Item::Data { text, bytes: bytes.to_vec(), fin: true });
        }
    }

    pub fn chunk(&mut self, fin: bool, len: usize, owned: bool) {
        let bytes = content(self.sent.len() + len, self.allowed(len));
        let text = self.begun.as_ref().is_none_or(|(text, _)| *text);
        let done = self.connection.send_chunk(outgoing(text, bytes, owned), fin);
        if self.allows(done, None) {
            if fin || !bytes.is_empty() {
                self.count(bytes.len());
            }
            let (_, begun) = self.begun.get_or_insert((text, vec![]));
            begun.extend_from_slice(bytes);
            if fin {
                let bytes = std::mem::take(begun);
                self.begun = None;
                self.sent.push(Item::Data { text, bytes, fin: true });
            }
        }
    }

    /// So many bytes of a message have been accepted.
    pub(super) fn count(&mut self, len: usize) {
        let (size, masked) = (self.settings.fragment_size, self.settings.role == Role::Client);
        self.accepted += len;
        let length = |len: usize| {
            if len < 126 {
                0
            } else if len <= 0xFFFF {
                2
            } else {
                8
            }
        };
        let header = |len: usize| 2 + length(len) + if masked { 4 } else { 0 };
        let (mut rest, mut framed) = (len, 0);
        while rest > size {
            framed += header(size) + size;
            rest -= size;
        }
        self.queued += framed + header(rest) + rest;
    }

    pub fn ping(&mut self) {
        let payload = self.pings.len().to_be_bytes();
        let done = self.connection.ping(payload);
        if self.allows(done, None) {
            self.pings.push(payload.to_vec());
        }
    }

    pub fn close(&mut self, code: u16, empty: bool) {
        self.close_queued |= self.connection.halves().1.state() == SendState::Open;
        let frame = CloseFrame::truncate(CloseCode::new(code).unwrap_or(CloseCode::NORMAL), "bye");
        self.connection.close((!empty).then_some(frame));
        assert_ne!(self.connection.state(), ReadyState::Open);
    }

    pub fn abort(&mut self) {
        self.aborted = true;
        self.connection.abort();
        assert!(self.is_ending() && !self.connection.wants_read());
    }

    /// Remembers a place in what is queued.
    pub fn mark(&mut self, what: u8) {
        let out = &*self.connection.halves().1;
        let (position, what) = match what % 4 {
            0 => (out.control_position(), What::Controls(self.pings.len())),
            1 => (out.close_position(), What::Close),
            // What has been dropped is queued no more.
            _ => (out.position(), What::Data(self.queued.saturating_sub(out.unsent()))),
        };
        if self.positions.len() < 16 {
            self.positions.push(Asked { position, what, done: false });
        }
    }

    /// Nobody asks for a place any more.
    pub fn forget_mark(&mut self, which: usize) {
        if !self.positions.is_empty() {
            self.positions.swap_remove(which % self.positions.len());
        }
    }

    pub fn set_pausing(&mut self, pausing: bool) {
        self.pausing = pausing;
        self.connection.halves().0.set_pausing(pausing);
    }

    pub fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
        self.connection.halves().0.set_reading(reading);
        if !reading {
            self.clock.stops_reading();
        }
    }

    /// Asks whether what was queued before each of the marks has left.
    pub fn ask(&mut self) {
        let waits = self.connection.wants_write();
        let (ended, failed) = (self.has_ended(), self.write_failed || self.dropped);
        let out = &*self.connection.halves().1;
        for Asked { position, what, done } in &mut self.positions {
            let said = out.has_sent(position);
            let left = match *what {
                What::Data(to) => self.wire.data_left() >= to,
                What::Controls(pings) => self.wire.pings_left() >= pings,
                What::Close => self.wire.close_left(),
            };
            match said {
                Ok(true) => assert!(left, "{what:?} has not left"),
                Ok(false) => assert!(waits && !ended, "{what:?} is waited for, and nothing waits"),
                Err(_) => {
                    assert!(ended || failed || matches!(what, What::Close) && !self.close_queued, "{what:?}");
                    assert!(!left || self.cut_off || matches!(what, What::Controls(_)), "{what:?} has left");
                }
            }
            assert!(!*done || said == Ok(true), "{what:?} had left");
            *done = said == Ok(true);
        }
    }
}
