//! The sending direction: messages in, bytes out.
mod backlog;
mod control;
mod encoding;
mod position;

pub(super) use encoding::Encoding;
pub use position::Position;

use self::{
    backlog::{Backlog, Waiting},
    control::Controls,
};
use super::{
    state::{Role, SendState},
    transmit::Transmit,
};
use crate::{
    config::Config,
    error::SendError,
    frame::{Header, MAX_HEADER_LEN, MaskKey, Opcode, Rsv, encode_close},
    message::{Kind, Outgoing, Payload},
};
use bytes::{Buf, Bytes};
use std::sync::Arc;

/// The sending half of a [`Connection`](super::Connection).
///
/// A short message is framed at once, next to the one before it. A long one waits as it is, and becomes
/// frames of at most [`fragment_size`](Config::fragment_size) when the transport is about to take them: so
/// pongs, pings and the Close frame pass between those, and what can be sent from where it lies is never copied.
#[derive(Debug)]
pub struct Outbound {
    config: Arc<Config>,
    transmit: Transmit,
    backlog: Backlog,
    role: Role,
    state: SendState,
    /// A message sent in pieces has begun.
    pieces: Option<Pieces>,
    /// The extension that messages go through.
    encoding: Option<Box<Encoding>>,
    /// None, most of the time.
    controls: Option<Box<Controls>>,
    /// How many bytes have been [taken away](Self::take_transmit) and not been written yet.
    away: usize,
    /// Short payloads leave as they are: this is a server, without an extension, and its fragments are not shorter.
    corks_short: bool,
    /// The transport has taken bytes that it may not have let go of: its flush is pending.
    holding: bool,
    /// How many messages, or chunks of them, have waited and been framed, ever.
    framed: u64,
    /// How many bytes the transport had let go of when it was last known to hold none.
    released: u64,
    /// Control frames lie together in front of this place in the stream, modulo 2^32, and take this many bytes.
    tail_end: u32,
    tail: u32,
}

/// A message that is sent in pieces.
#[derive(Clone, Copy, Debug)]
struct Pieces {
    kind: Kind,
    /// Whether a piece of it has gone out or waits.
    begun: bool,
    /// Whether it goes through the extension.
    encoded: bool,
}

impl Pieces {
    /// Of the next frame of it.
    fn opcode(self) -> Opcode {
        if self.begun { Opcode::Continuation } else { self.kind.into() }
    }
}

/// A payload that fits a header of two bytes (RFC 6455 §5.2).
const SHORT: usize = 125;

/// A shorter payload is copied next to its header: cheaper than sending it from where it lies.
const LONG_FROM: usize = 4 * 1024;

/// How many bytes are framed ahead of the transport, where framing copies them.
const AHEAD: usize = 64 * 1024;

/// And where it does not: as much as a transport may well take at once, since each call costs the kernel as much as many
/// thousand bytes do.
const AHEAD_SHARED: usize = 256 * 1024;

impl Outbound {
    pub(super) fn new(role: Role, config: Arc<Config>, encoding: Option<Box<Encoding>>) -> Self {
        Self {
            corks_short: role == Role::Server && encoding.is_none() && config.fragment_size >= SHORT,
            config,
            transmit: Transmit::default(),
            backlog: Backlog::default(),
            role,
            state: SendState::Open,
            pieces: None,
            encoding,
            controls: None,
            away: 0,
            holding: false,
            framed: 0,
            released: 0,
            tail_end: 0,
            tail: 0,
        }
    }

    /// Queues a message.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing) after a Close frame, [`Unfinished`](SendError::Unfinished) within a message
    /// sent in pieces. Nothing has been queued then.
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        if self.state != SendState::Open {
            return Err(SendError::Closing);
        }
        if self.pieces.is_some() {
            return Err(SendError::Unfinished);
        }
        let Outgoing { kind, payload, plain } = message.into();
        match payload {
            Payload::Borrowed(bytes) if self.may_cork_short(bytes.len()) => {
                self.cork_short(kind.into(), true, bytes);
            }
            payload => self.send_any(kind, payload, plain),
        }
        Ok(())
    }

    /// Queues a piece of a message (RFC 6455 §5.4): `fin` ends it. Control frames may pass between pieces, other
    /// messages not. An empty piece that does not end the message sends nothing.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing) after a Close frame, [`KindMismatch`](SendError::KindMismatch) if the message
    /// was begun with a piece of the other kind. Nothing has been queued then.
    pub fn send_chunk<'m>(&mut self, piece: impl Into<Outgoing<'m>>, fin: bool) -> Result<(), SendError> {
        if self.state != SendState::Open {
            return Err(SendError::Closing);
        }
        let Outgoing { kind, payload, plain } = piece.into();
        let mut pieces = self.pieces.unwrap_or(Pieces { kind, begun: false, encoded: false });
        if pieces.kind != kind {
            return Err(SendError::KindMismatch);
        }
        if fin || !payload.as_bytes().is_empty() {
            if self.encoding.is_none() {
                self.queue(pieces.opcode(), fin, payload);
            } else {
                self.send_encoded_piece(&mut pieces, fin, payload, plain);
            }
            pieces.begun = true;
        }
        self.pieces = (!fin).then_some(pieces);
        Ok(())
    }

    #[inline(never)]
    fn queue(&mut self, opcode: Opcode, fin: bool, payload: Payload<'_>) {
        let len = payload.as_bytes().len();
        // What would be copied in any case is copied straight to where it leaves from.
        let copied = self.role == Role::Client || matches!(payload, Payload::Borrowed(_));
        let at_once = len < LONG_FROM || copied && self.transmit.remaining() < AHEAD;
        if at_once && len <= self.config.fragment_size && self.backlog.is_empty() {
            return self.cork(opcode, Rsv::NONE, fin, payload.as_bytes());
        }
        self.wait(opcode, Rsv::NONE, fin, payload.into_bytes());
    }

    #[inline(never)]
    fn wait(&mut self, opcode: Opcode, rsv: Rsv, fin: bool, payload: Bytes) {
        self.backlog.push(Waiting { opcode, rsv, fin, payload });
        while self.transmit.remaining() < self.ahead() && self.frame_piece() {}
    }

    /// Whether a payload is one of those that most of a server's messages have, and as it will leave.
    #[inline]
    fn may_cork_short(&self, len: usize) -> bool {
        len <= SHORT && self.corks_short && self.backlog.is_empty()
    }

    /// Whether a payload that has to be copied in any case may be copied straight to where it leaves from.
    fn may_cork(&self, len: usize) -> bool {
        len <= self.config.fragment_size && self.backlog.is_empty() && self.transmit.remaining() < AHEAD
    }

    /// What most of a server's messages become: a frame with a header of two bytes.
    #[inline(never)]
    fn cork_short(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) {
        let first = if fin { 0x80 } else { 0 } | opcode as u8;
        let cork = self.transmit.cork(2 + payload.len());
        cork.extend_from_slice(&[first, payload.len() as u8]);
        cork.extend_from_slice(payload);
    }

    /// Frames a payload next to what was framed before, masked if this is the client.
    #[inline(never)]
    fn cork(&mut self, opcode: Opcode, rsv: Rsv, fin: bool, payload: &[u8]) {
        let mask = self.mask();
        let cork = self.transmit.cork(MAX_HEADER_LEN + payload.len());
        Header { fin, rsv, opcode, mask, len: payload.len() as u64 }.encode(cork);
        let from = cork.len();
        cork.extend_from_slice(payload);
        if let Some(mut key) = mask {
            key.apply(&mut cork[from..]);
        }
    }

    /// A fresh key for each frame of a client; none for a server (RFC 6455 §5.1, §5.3).
    #[inline]
    fn mask(&self) -> Option<MaskKey> {
        match self.role {
            Role::Client => {
                let mut key = [0; 4];
                self.config.entropy.fill(&mut key);
                Some(MaskKey::new(key))
            }
            Role::Server => None,
        }
    }

    /// Frames the next piece of what waits.
    fn frame_piece(&mut self) -> bool {
        let Some((piece, last)) = self.backlog.take(self.config.fragment_size) else { return false };
        let Waiting { opcode, rsv, fin, payload } = piece;
        self.framed += u64::from(last);
        if self.role == Role::Client || payload.len() < LONG_FROM {
            self.cork(opcode, rsv, fin, &payload);
        } else {
            let cork = self.transmit.cork(MAX_HEADER_LEN);
            Header { fin, rsv, opcode, mask: None, len: payload.len() as u64 }.encode(cork);
            self.transmit.push_long(payload);
        }
        true
    }

    /// Whether a message sent in chunks has begun and not ended.
    pub fn is_unfinished(&self) -> bool {
        self.pieces.is_some()
    }

    /// The bytes to write next. Write what the transport takes and [`advance`](Buf::advance) by that much.
    #[inline]
    pub fn transmit(&mut self) -> &mut Transmit {
        if !self.is_framed() {
            self.frame_ahead();
        }
        &mut self.transmit
    }

    /// Whether all there is to send has been framed.
    #[inline]
    fn is_framed(&self) -> bool {
        self.backlog.is_empty() && self.controls.as_ref().is_none_or(|controls| controls.is_framed())
    }

    /// How many bytes to frame ahead of the transport.
    fn ahead(&self) -> usize {
        if self.role == Role::Client { AHEAD } else { AHEAD_SHARED }
    }

    /// Frames what waits, up to a bound: pong, ping, messages, and the Close frame last of all.
    fn frame_ahead(&mut self) {
        while self.transmit.remaining() < self.ahead() {
            if self.transmit.remaining() >= AHEAD && self.backlog.is_empty() {
                return; // control frames are copied
            }
            if let Some(pong) = self.controls.as_mut().and_then(|controls| controls.pong.take()) {
                self.cork_control(Opcode::Pong, &pong);
            } else if let Some(ping) = self.controls.as_mut().and_then(|controls| controls.ping.take()) {
                self.cork_control(Opcode::Ping, &ping);
            } else if self.frame_piece() {
            } else if let Some(close) = self.controls.as_mut().and_then(|controls| controls.close.as_mut()) {
                if std::mem::replace(&mut close.framed, true) {
                    return;
                }
                let mut body = [0; 125];
                let len = encode_close(close.frame.as_ref(), &mut body);
                self.cork_control(Opcode::Close, &body[..len]);
            } else {
                if !self.owes_pong() {
                    self.controls = None;
                }
                return;
            }
        }
    }

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken, those of
    /// headers included once they are framed. The core never refuses; stop above your high-water mark.
    #[inline]
    pub fn buffered_amount(&self) -> usize {
        self.backlog.bytes() + self.transmit.remaining() + self.away
    }

    /// Whether the transport has taken all there is to send, and let go of it.
    #[inline]
    pub fn is_flushed(&self) -> bool {
        self.is_written() && !self.holding
    }

    /// Whether the transport has taken all there is to send.
    #[inline]
    pub fn is_written(&self) -> bool {
        !self.transmit.has_remaining() && self.is_framed() && self.away == 0
    }

    /// Whether there are bytes to write, or bytes that the transport has taken and not let go of: write
    /// [`transmit`](Self::transmit), then flush the transport.
    #[inline]
    pub fn wants_write(&self) -> bool {
        !self.is_flushed()
    }

    /// The transport has let go of all that it has taken: its flush is done. What has left is what counts as progress, so
    /// a transport that buffers says so after each flush. One that never holds bytes back, such as a socket, need not.
    #[inline]
    pub fn flushed(&mut self) {
        self.holding = false;
        self.released = self.transmit.taken();
    }

    /// The transport may hold bytes that it has taken: its flush is pending. They are no progress before
    /// [`flushed`](Self::flushed). Give it no more bytes until then.
    #[inline]
    pub fn flush_pending(&mut self) {
        self.holding = true;
    }

    /// Whether the transport holds bytes back: see [`flush_pending`](Self::flush_pending).
    #[inline]
    pub fn is_holding(&self) -> bool {
        self.holding
    }

    /// How many bytes the transport has let go of, ever.
    #[inline]
    fn released(&self) -> u64 {
        if self.holding { self.released } else { self.transmit.taken() }
    }

    /// Takes the bytes to write next away, so that a writer in another thread need not keep others from sending. They are
    /// [buffered](Self::buffered_amount) until [`written`](Self::written) says that the transport took them.
    pub fn take_transmit(&mut self) -> Transmit {
        let mut taken = Transmit::default();
        self.swap_transmit(&mut taken);
        taken
    }

    /// As [`take_transmit`](Self::take_transmit), into one that has run empty. One that has not is left as it is.
    #[inline]
    pub fn swap_transmit(&mut self, empty: &mut Transmit) {
        if !empty.has_remaining() {
            std::mem::swap(self.transmit(), empty);
            self.transmit.count_on_from(empty);
            self.away += empty.remaining();
        }
    }

    /// The transport took this many of the bytes that were [taken away](Self::take_transmit).
    pub fn written(&mut self, bytes: usize) {
        let bytes = bytes.min(self.away);
        self.away -= bytes;
        self.transmit.count_taken(bytes as u64);
    }

    /// The transport has been shut down for writing.
    pub fn shut_down(&mut self) {
        self.state.on_shut_down();
    }

    /// This direction's state.
    pub fn state(&self) -> SendState {
        self.state
    }

    /// The transport takes no more bytes: forgets all there is to send. Nothing can be sent any more.
    pub fn write_failed(&mut self) {
        let (unsent, released) = (self.unsent_framed(), self.released());
        self.drop_unframed();
        self.state.on_close();
        let cut_off = !self.is_flushed();
        (self.transmit, self.away, self.holding) = (Transmit::default(), 0, false);
        self.transmit.count_taken(released);
        if cut_off {
            let controls = self.controls();
            controls.cut_off = true;
            controls.unsent += unsent;
        }
        if let Some(close) = self.controls.as_mut().and_then(|controls| controls.close.as_mut()) {
            close.framed = true;
        }
    }

    fn drop_unframed(&mut self) {
        let unsent = self.backlog.bytes();
        (self.backlog, self.pieces) = (Backlog::default(), None);
        if unsent > 0 {
            self.controls().unsent += unsent;
        }
        if let Some(controls) = &mut self.controls {
            let (ping, pong) = (controls.ping.take(), controls.pong.take());
            controls.dropped |= ping.is_some() || pong.is_some();
        }
    }
}

#[cfg(test)]
mod tests;
