//! The sending direction: messages in, bytes out.
mod backlog;
mod control;
mod encoding;
mod position;
mod progress;

pub(super) use encoding::Encoding;
pub use position::Position;

use self::{
    backlog::{Backlog, Piece, Waiting},
    control::Controls,
    progress::Hold,
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
/// A short message is framed at once, next to the one before it. A long message waits unframed, and becomes frames of at
/// most [`fragment_size`](Config::fragment_size) when the transport is about to take them. So pongs, pings and the
/// Close frame of a violation can pass between those frames, and a payload that can be sent from where it lies is not
/// copied.
#[derive(Debug)]
pub struct Outbound {
    config: Arc<Config>,
    transmit: Transmit,
    backlog: Backlog,
    role: Role,
    state: SendState,
    /// A message sent in chunks has begun and not ended.
    chunked: Option<Chunked>,
    /// The extension that messages go through.
    encoding: Option<Box<Encoding>>,
    /// Control frames. None, most of the time.
    controls: Option<Box<Controls>>,
    /// How many bytes have been [taken away](Self::take_transmit) and not been written yet.
    away: usize,
    /// Payloads shorter than this fit one frame, and are framed at once and as they are. 0 with an extension, which
    /// sees each payload first.
    cork_below: u16,
    /// The bytes that the transport may hold back.
    hold: Hold,
    /// How many bytes the transport had taken when it was last seen to be full, modulo 2^32.
    full_at: u32,
    /// How many messages, or chunks of them, have gone through the backlog and been framed, ever, modulo 2^32.
    framed: u32,
    /// How many bytes the transport is known to have let go of.
    released: u64,
    /// Where the last run of control frames ends in the stream, modulo 2^32, and how many bytes it takes. If it is at the
    /// end of the output, it does not count as unsent.
    tail_end: u32,
    tail: u32,
}

/// A message that is sent in chunks.
#[derive(Clone, Copy, Debug)]
struct Chunked {
    kind: Kind,
    /// Whether a frame of it has gone out or waits.
    begun: bool,
    /// Whether it goes through the extension.
    encoded: bool,
}

impl Chunked {
    /// The opcode of its next frame.
    fn opcode(self) -> Opcode {
        if self.begun { Opcode::Continuation } else { self.kind.into() }
    }
}

/// A payload shorter than this is copied next to its header, which is cheaper than sending it from where it lies.
const LONG_FROM: usize = 4 * 1024;

/// A payload that has to be copied in any case is framed at once while fewer bytes than this are framed and not taken.
/// A client masks a long frame in parts of this many bytes.
const COPIED: usize = 64 * 1024;

/// How many bytes a client frames ahead of the transport. Framing masks them, which takes half the time while they fit
/// the nearest cache, and a transport hardly gains by more.
const AHEAD: usize = 16 * 1024;

/// How many bytes a server frames ahead of the transport, where framing only refers to the payload: as many as a
/// transport may well take at once, since a call costs the kernel as much as many thousand bytes do.
const AHEAD_SHARED: usize = 256 * 1024;

impl Outbound {
    pub(super) fn new(role: Role, config: Arc<Config>, encoding: Option<Box<Encoding>>) -> Self {
        Self {
            cork_below: match encoding {
                None => config.fragment_size.saturating_add(1).min(LONG_FROM) as u16,
                Some(_) => 0,
            },
            config,
            transmit: Transmit::default(),
            backlog: Backlog::default(),
            role,
            state: SendState::Open,
            chunked: None,
            encoding,
            controls: None,
            away: 0,
            hold: Hold::Nothing,
            full_at: 0,
            framed: 0,
            released: 0,
            tail_end: 0,
            tail: 0,
        }
    }

    /// Queues a message.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing) after a Close frame of either end or the end of the transport,
    /// [`Unfinished`](SendError::Unfinished) within a message sent in chunks. Nothing has been queued then.
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        if self.state != SendState::Open {
            return Err(SendError::Closing);
        }
        if self.chunked.is_some() {
            return Err(SendError::Unfinished);
        }
        let Outgoing { kind, payload, plain } = message.into();
        match payload {
            Payload::Borrowed(bytes) if self.may_cork_short(bytes.len()) => {
                self.cork_short(kind.into(), true, bytes)
            }
            payload => self.send_slow(kind, payload, plain),
        }
        Ok(())
    }

    /// Queues a message, unless more than [`high_water_mark`](Config::high_water_mark) is queued already.
    ///
    /// # Errors
    /// [`Full`](SendError::Full); else as [`send`](Self::send). Nothing has been queued then.
    pub fn try_send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        if self.state == SendState::Open && self.buffered_amount() > self.config.high_water_mark {
            return Err(SendError::Full);
        }
        self.send(message)
    }

    /// Queues a chunk of a message (RFC 6455 §5.4): `fin` ends the message. Control frames may pass between chunks,
    /// other messages may not. An empty chunk that does not end the message sends nothing.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing) as [`send`](Self::send), [`KindMismatch`](SendError::KindMismatch) if the
    /// message was begun with a chunk of the other kind. Nothing has been queued then.
    pub fn send_chunk<'m>(&mut self, chunk: impl Into<Outgoing<'m>>, fin: bool) -> Result<(), SendError> {
        if self.state != SendState::Open {
            return Err(SendError::Closing);
        }
        let Outgoing { kind, payload, plain } = chunk.into();
        let mut chunked = self.chunked.unwrap_or(Chunked { kind, begun: false, encoded: false });
        if chunked.kind != kind {
            return Err(SendError::KindMismatch);
        }
        if fin || !payload.as_bytes().is_empty() {
            if self.encoding.is_none() {
                self.queue(chunked.opcode(), fin, payload);
            } else {
                self.send_encoded_chunk(&mut chunked, fin, payload, plain);
            }
            chunked.begun = true;
        }
        self.chunked = (!fin).then_some(chunked);
        Ok(())
    }

    #[inline(never)]
    fn queue(&mut self, opcode: Opcode, fin: bool, payload: Payload<'_>) {
        let len = payload.as_bytes().len();
        let framed = self.transmit.remaining();
        let copied = match payload {
            Payload::Borrowed(_) => framed < COPIED,
            _ => self.role == Role::Client && len <= COPIED && framed < AHEAD,
        };
        if (copied || len < LONG_FROM) && self.queue_copied(opcode, Rsv::NONE, fin, payload.as_bytes()) {
            return;
        }
        let bytes = payload.into_bytes();
        if self.role == Role::Server && self.may_send(len) && framed < AHEAD_SHARED {
            return self
                .send_shared(Header { fin, rsv: Rsv::NONE, opcode, mask: None, len: len as u64 }, bytes);
        }
        self.wait(opcode, Rsv::NONE, fin, bytes);
    }

    /// Frames a payload and copies it to the output, or behind the short messages that wait. `false`: the payload must wait
    /// unframed, because it takes more than one frame, or is long and there is no room for it, or is so long that it is
    /// framed in parts.
    fn queue_copied(&mut self, opcode: Opcode, rsv: Rsv, fin: bool, payload: &[u8]) -> bool {
        let short = payload.len() < LONG_FROM;
        let room = short || payload.len() <= COPIED && self.transmit.remaining() < COPIED;
        if room && self.may_send(payload.len()) {
            self.cork(opcode, rsv, fin, payload);
            return true;
        }
        let behind = short && payload.len() <= self.config.fragment_size;
        if behind {
            let header = Header { fin, rsv, opcode, mask: self.mask(), len: payload.len() as u64 };
            self.backlog.push_short(header, payload);
        }
        behind
    }

    /// Whether a payload fits in one frame, and nothing has to leave before it.
    fn may_send(&self, len: usize) -> bool {
        len <= self.config.fragment_size && self.backlog.is_empty()
    }

    #[inline(never)]
    fn wait(&mut self, opcode: Opcode, rsv: Rsv, fin: bool, payload: Bytes) {
        let waiting = Waiting::new(opcode, rsv, fin, payload);
        self.backlog.push(waiting, self.role == Role::Client, self.config.fragment_size);
        while self.transmit.remaining() < self.ahead() && self.frame_piece() {}
    }

    /// Whether a payload is short, as most are, and nothing has to leave before it.
    #[inline]
    fn may_cork_short(&self, len: usize) -> bool {
        len < usize::from(self.cork_below) && self.backlog.is_empty()
    }

    /// Frames a short payload, as most are: one frame, with a header of 2 or 4 bytes and the key of a client.
    #[inline(never)]
    fn cork_short(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) {
        let first = if fin { 0x80 } else { 0 } | opcode as u8;
        if self.role == Role::Client {
            return self.cork_short_masked(first, payload);
        }
        let len = payload.len();
        if len > 125 {
            return self.cork_medium(first, payload);
        }
        let cork = self.transmit.cork(2 + len);
        cork.extend_from_slice(&[first, len as u8]);
        cork.extend_from_slice(payload);
    }

    /// One frame of a server with a header of 4 bytes. A function of its own, so that the shorter way asks for room
    /// once.
    #[inline(never)]
    fn cork_medium(&mut self, first: u8, payload: &[u8]) {
        let len = payload.len();
        let cork = self.transmit.cork(4 + len);
        cork.extend_from_slice(&[first, 126, (len >> 8) as u8, len as u8]);
        cork.extend_from_slice(payload);
    }

    #[inline(never)]
    fn cork_short_masked(&mut self, first: u8, payload: &[u8]) {
        let key = fresh_key(&self.config);
        let [a, b, c, d] = key.to_bytes();
        let cork = self.transmit.cork(8 + payload.len());
        match payload.len() {
            len @ ..=125 => cork.extend_from_slice(&[first, 0x80 | len as u8, a, b, c, d]),
            len => cork.extend_from_slice(&[first, 0x80 | 126, (len >> 8) as u8, len as u8, a, b, c, d]),
        }
        key.append(payload, cork);
    }

    /// Frames a payload next to what was framed before, masked if this is the client.
    #[inline(never)]
    fn cork(&mut self, opcode: Opcode, rsv: Rsv, fin: bool, payload: &[u8]) {
        let header = Header { fin, rsv, opcode, mask: self.mask(), len: payload.len() as u64 };
        put_frame(self.transmit.cork(MAX_HEADER_LEN + payload.len()), header, payload);
    }

    /// Frames a payload where it lies.
    fn send_shared(&mut self, header: Header, payload: Bytes) {
        header.encode(self.transmit.cork(MAX_HEADER_LEN));
        self.transmit.push_long(payload);
    }

    #[inline]
    fn mask(&self) -> Option<MaskKey> {
        mask(self.role, &self.config)
    }

    /// Frames the next piece of the backlog. `false`: nothing waits.
    fn frame_piece(&mut self) -> bool {
        let room = match self.role {
            Role::Client => COPIED.saturating_sub(self.transmit.remaining()).max(1),
            Role::Server => usize::MAX,
        };
        let at_most = room.min(self.config.fragment_size);
        if let Some((opcode, rsv, fin, payload)) = self.backlog.take_whole(at_most, self.role == Role::Client)
        {
            self.framed = self.framed.wrapping_add(1);
            if self.role == Role::Client || payload.len() < LONG_FROM {
                self.cork(opcode, rsv, fin, &payload);
            } else {
                self.send_shared(Header { fin, rsv, opcode, mask: None, len: payload.len() as u64 }, payload);
            }
        } else if let Some(run) = self.backlog.take_run() {
            self.framed = self.framed.wrapping_add(run.messages);
            self.transmit.push(run.frames.into(), LONG_FROM);
        } else {
            return self.frame_part(room);
        }
        true
    }

    /// Frames a part of a message that takes several frames, or is masked in parts.
    fn frame_part(&mut self, room: usize) -> bool {
        if !self.backlog.is_within_frame() {
            let (role, config) = (self.role, &self.config);
            let header = self.backlog.begin_frame(config.fragment_size, || mask(role, config));
            let Some(header) = header else { return false };
            header.encode(self.transmit.cork(MAX_HEADER_LEN));
        }
        let transmit = &mut self.transmit;
        let last = self.backlog.take(room, |piece| match piece {
            Piece::Masked(bytes, key) => key.append(bytes, transmit.cork(bytes.len())),
            Piece::Plain(bytes) => transmit.push(bytes, LONG_FROM),
        });
        self.framed = self.framed.wrapping_add(u32::from(last));
        true
    }

    /// Whether a message sent in chunks has begun and not ended.
    pub fn is_unfinished(&self) -> bool {
        self.chunked.is_some()
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
            if self.transmit.remaining() >= COPIED && self.backlog.is_empty() {
                return; // control frames are copied
            }
            if self.backlog.is_within_frame() {
                self.frame_piece();
            } else if let Some(pong) = self.controls.as_mut().and_then(|controls| controls.pong.take()) {
                self.cork_late_pong(&pong);
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

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken, those of headers
    /// included. [`send`](Self::send) never refuses for it; [`try_send`](Self::try_send) does, above the high-water
    /// mark.
    #[inline]
    pub fn buffered_amount(&self) -> usize {
        self.backlog.bytes() + self.transmit.remaining() + self.away
    }

    /// Says that the transport has been shut down for writing (RFC 6455 §7.1.1).
    pub fn shut_down(&mut self) {
        self.state.on_shut_down();
    }

    /// This direction's state.
    pub fn state(&self) -> SendState {
        self.state
    }
}

/// A fresh key for each frame of a client; none for a server (RFC 6455 §5.1, §5.3).
#[inline]
fn mask(role: Role, config: &Config) -> Option<MaskKey> {
    match role {
        Role::Client => Some(fresh_key(config)),
        Role::Server => None,
    }
}

#[inline]
fn fresh_key(config: &Config) -> MaskKey {
    let mut key = [0; 4];
    config.entropy.fill(&mut key);
    MaskKey::new(key)
}

/// Appends a frame, masked if its header has a key.
#[inline]
fn put_frame(out: &mut Vec<u8>, header: Header, payload: &[u8]) {
    header.encode(out);
    match header.mask {
        Some(key) => key.append(payload, out),
        None => out.extend_from_slice(payload),
    }
}

#[cfg(test)]
mod tests;
