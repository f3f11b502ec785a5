//! The receiving direction: bytes in, events out, and the deadlines.
mod deadlines;

use super::{
    closed::Closed,
    decoding::Decoding,
    event::{Control, ControlSink, Event, Ready},
    input::Lent,
    read_buf::ReadBuf,
    reader::{Found, Reader},
    state::{InputState, RecvState, Role, SendState},
    timer::Timers,
};
use crate::{
    close::CloseReason,
    config::{Config, Delivery},
    error::{Evidence, ProtocolError, Violation},
    frame::{Opcode, decode_close},
    message::Kind,
    per_thread::Buffer,
    sniff::LooksLike,
};
use bytes::Bytes;
use std::sync::Arc;

/// The receiving half of a [`Connection`](super::Connection), and its deadlines.
///
/// ```text
/// input ─▶ header ─▶ order, limits ─▶ unmask ─▶ UTF-8 ─▶ Event::Message, Event::Chunk
///             └─ control frames ─▶ Event::{Ping, Pong, CloseReceived}, and Control to the other half
/// ```
#[derive(Debug)]
pub struct Inbound {
    pub(super) config: Arc<Config>,
    pub(super) reader: Reader,
    pub(super) state: RecvState,
    /// The reading side of the transport.
    pub(super) input: InputState,
    /// How many bytes had come when the keepalive was last checked, modulo 2^32.
    heard: u32,
    /// Whether the keepalive timer runs for the silence after a ping, not before one.
    pinged: bool,
    /// Whether the rest of the message in progress is read and not handed out.
    skipping: bool,
    /// Whether reads are limited to [`LITTLE`]: more has come than one turn deals with, or output waits.
    pub(super) reads_little: bool,
    /// Whether output above the high-water mark keeps messages back.
    pub(super) pausing: Pausing,
    /// See [`set_reading`](Self::set_reading).
    pub(super) reading: bool,
    /// Whether the driver has been reading ever since the time was last told. If not, silence says nothing about the
    /// peer.
    listened: bool,
    timers: Timers,
    /// How many bytes the transport had let go of when the write timer was last checked, modulo 2^32.
    released: u32,
    /// What is known of the end. `None` as long as all is well.
    ending: Option<Box<Closed>>,
}

/// Whether output above the high-water mark keeps messages back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pausing {
    Off,
    On,
    /// On, and the next message was kept back when an event was last asked for.
    Held,
}

/// How much is read at a time from a peer that brings more than can be dealt with, or takes no answers.
const LITTLE: usize = 8 * 1024;

impl Inbound {
    pub(super) fn new(role: Role, config: Arc<Config>, decoding: Option<Box<Decoding>>) -> Self {
        Self {
            reader: Reader::new(role, &config, decoding),
            config,
            state: RecvState::Open,
            input: InputState::Open,
            heard: 0,
            pinged: false,
            skipping: false,
            reads_little: false,
            pausing: Pausing::On,
            reading: true,
            listened: true,
            timers: Timers::default(),
            released: 0,
            ending: None,
        }
    }

    /// Takes bytes from the transport, copying them.
    #[inline]
    pub fn receive(&mut self, bytes: &[u8]) {
        self.reader.fill();
        self.reader.input.append(bytes);
    }

    /// Where the transport may put bytes itself, with room for a read: 64 KiB if nothing waits. A peer that sends more
    /// than is dealt with in a turn, or does not take its answers, is read 8 KiB at a time, so that it takes little
    /// memory.
    #[inline]
    pub fn read_buf(&mut self) -> ReadBuf<'_> {
        self.reader.charge_read();
        let most = if self.reads_little { LITTLE } else { usize::MAX };
        self.reader.read_buf(most)
    }

    /// Gives back the memory that the bytes in hand do not need. Call it before waiting for input: then an idle
    /// connection holds no buffer.
    #[inline]
    pub fn rest(&mut self) {
        self.reads_little = false;
        self.reader.rest();
    }

    /// The transport ended. What it brought is still delivered, and what is queued still leaves, within
    /// [`write_timeout`](Config::write_timeout); then comes [`Event::Closed`].
    pub fn receive_eof(&mut self) {
        self.input.on_eof();
    }

    /// The transport failed, or is not wanted any more: nothing more is waited for, what has come and has not been read
    /// is dropped, and [`Event::Closed`] is next.
    pub fn abort(&mut self) {
        self.state.on_fail();
        self.input.on_give_up();
    }

    /// The next thing that happened. `None`: there is nothing until more bytes come or go, or time passes.
    #[inline(always)]
    pub fn poll_event(&mut self, out: &mut impl ControlSink) -> Option<Event<'_>> {
        if self.advance_message(out) {
            return Some(self.lend(Ready::Data { fin: true }));
        }
        self.poll_any_event(out)
    }

    /// As [`poll_event`](Self::poll_event), if the next event is not a whole message in one frame.
    #[inline(never)]
    fn poll_any_event(&mut self, out: &mut impl ControlSink) -> Option<Event<'_>> {
        loop {
            if let Some(ready) = self.advance(out) {
                return Some(self.lend(ready));
            }
            if !self.has_more() {
                self.rest();
                return None;
            }
            self.begin_turn();
        }
    }

    /// Begins a turn, in which [`advance`](Self::advance) reads at most 256 frames; each [read](Self::read_buf) counts as
    /// 64. When they are used up, [`has_more`](Self::has_more) says so, and the driver can let others go first. Begin a
    /// turn before each wait, too. [`poll_event`](Self::poll_event) begins turns by itself.
    #[inline]
    pub fn begin_turn(&mut self) {
        if self.has_more() {
            self.reads_little = true;
            self.reader.give_back(4 * LITTLE); // others go first, so this connection waits
        }
        self.reader.begin_turn();
    }

    /// Whether the turn is over although bytes are left to be read: there may be events without a read.
    #[inline]
    pub fn has_more(&self) -> bool {
        self.reader.has_more()
    }

    /// Makes the next event ready, for [`lend`](Self::lend) to hand out: together they are
    /// [`poll_event`](Self::poll_event). `None`: begin another [turn](Self::begin_turn) if [`has_more`](Self::has_more)
    /// says so, else move bytes, as [`next_step`](Self::next_step) says.
    #[inline]
    pub fn advance(&mut self, out: &mut impl ControlSink) -> Option<Ready> {
        if self.advance_message(out) {
            return Some(Ready::Data { fin: true });
        }
        if self.is_quiet() {
            self.reader.settle();
            return None;
        }
        self.advance_slow(out)
    }

    /// Makes a whole message in one frame ready, for [`lend_data`](Self::lend_data) to hand out, if that is next. A
    /// shortcut for a driver to try before [`advance`](Self::advance). `false` says nothing about what is next.
    #[inline(always)]
    pub fn advance_message(&mut self, out: &impl ControlSink) -> bool {
        self.state == RecvState::Open
            && !self.reader.input.is_drained()
            && !self.is_paused(out)
            && self.reader.read_whole(&self.config)
    }

    /// [`advance_message`](Self::advance_message) for a driver that has just written all there was to write. It does
    /// not ask for the high-water mark, since nothing is queued.
    #[inline(always)]
    pub fn advance_flushed(&mut self) -> bool {
        self.state == RecvState::Open && self.reader.read_whole(&self.config)
    }

    /// Whether everything that has come has been dealt with, no message is under way, and the transport has not ended.
    /// Then [`advance`](Self::advance) has nothing.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.state == RecvState::Open
            && self.reader.input.is_drained()
            && self.input == InputState::Open
            && self.reader.is_between()
    }

    #[inline(never)]
    fn advance_slow(&mut self, out: &mut impl ControlSink) -> Option<Ready> {
        if self.state == RecvState::Ended {
            return None;
        }
        if self.is_paused(out) {
            self.reader.settle();
            if !self.reader.control_is_next() {
                self.pausing = Pausing::Held;
                return None;
            }
        } else if self.pausing == Pausing::Held {
            self.pausing = Pausing::On;
        }
        while self.state == RecvState::Open {
            match self.reader.read(&self.config) {
                Ok(Some(Found::Data { fin })) if self.skipping => self.skipping = !fin,
                Ok(Some(Found::Data { fin })) => return Some(Ready::Data { fin }),
                Ok(Some(Found::Control(opcode, len))) => return Some(self.control_frame(opcode, len, out)),
                Ok(None) if self.reader.has_more() => return None,
                Ok(None) => return self.poll_end(out),
                Err(violation) => return Some(self.fail(violation, out)),
            }
        }
        self.reader.end();
        self.reader.input.discard(); // bytes that came after the end
        self.poll_end(out)
    }

    /// All input has been read. Ends the connection, unless something is still waited for.
    fn poll_end(&mut self, out: &mut impl ControlSink) -> Option<Ready> {
        let mut sending = out.sending();
        if self.input == InputState::Ended && sending.state == SendState::Open {
            out.control(Control::Finish);
            sending = out.sending();
        }
        let ended = self.role().has_ended(self.state, sending.state, self.input, sending.waiting);
        ended.then(|| self.end(out))
    }

    /// Hands out the message or the chunk that was made ready last: what [`lend`](Self::lend) does with
    /// [`Ready::Data`].
    #[inline]
    pub fn lend_data(&mut self) -> Lent<'_> {
        let (kind, fin) = (self.reader.kind(), !self.reader.is_unfinished());
        Lent { input: &mut self.reader.input, kind, fin }
    }

    /// The bytes of the message or the chunk that was made ready last. They are there until the next call that
    /// receives, or makes another event ready.
    pub fn lent(&self) -> &[u8] {
        self.reader.input.message()
    }

    /// Hands out what [`advance`](Self::advance) has just made ready.
    #[inline]
    pub fn lend(&mut self, ready: Ready) -> Event<'_> {
        match ready {
            Ready::Data { fin } => {
                let delivery = self.config.delivery;
                let data = self.lend_data();
                match delivery {
                    Delivery::Messages => Event::Message(data),
                    Delivery::Chunks => Event::Chunk { data, fin },
                }
            }
            Ready::Ping(len) => Event::Ping(self.reader.input.just_read(len)),
            Ready::Pong(len) => Event::Pong(self.reader.input.just_read(len)),
            Ready::CloseReceived(frame) => Event::CloseReceived(frame.map(|frame| *frame)),
            Ready::Error(error) => Event::Error(*error),
            Ready::Closed(closed) => Event::Closed(closed),
        }
    }

    #[cold]
    fn control_frame(&mut self, opcode: Opcode, len: usize, out: &mut impl ControlSink) -> Ready {
        let payload = self.reader.input.just_read(len);
        match opcode {
            Opcode::Ping => {
                if self.config.auto_pong {
                    out.control(Control::Pong(payload));
                }
                Ready::Ping(len)
            }
            Opcode::Pong => Ready::Pong(len),
            _ => match decode_close(payload) {
                Ok(frame) => {
                    self.state.on_close();
                    self.reader.end();
                    let by_peer = !out.sending().close_begun;
                    let ending = self.ending();
                    (ending.received, ending.by_peer) = (frame.clone().into(), by_peer);
                    out.control(Control::Close(frame.clone()));
                    Ready::CloseReceived(frame.map(Box::new))
                }
                Err(violation) => {
                    let reason = readable(payload.get(2..).unwrap_or_default());
                    self.fail_with(violation, reason, out)
                }
            },
        }
    }

    /// The peer broke a rule: fail the connection (RFC 6455 §7.1.7).
    #[cold]
    fn fail(&mut self, violation: Violation, out: &mut impl ControlSink) -> Ready {
        self.fail_with(violation, None, out)
    }

    fn fail_with(
        &mut self,
        violation: Violation,
        reason: Option<CloseReason>,
        out: &mut impl ControlSink,
    ) -> Ready {
        let looks_like = || self.reader.wrong_frame().and_then(LooksLike::not_a_frame);
        let evidence = reason.map(Evidence::Reason).or_else(|| looks_like().map(Evidence::LooksLike));
        let error =
            ProtocolError { violation, offset: self.reader.frame_offset(), evidence: evidence.map(Box::new) };
        self.state.on_fail();
        self.reader.end();
        self.ending().error = Some(error.clone());
        out.control(Control::Fail(violation.close_frame()));
        Ready::Error(Box::new(error))
    }

    fn ending(&mut self) -> &mut Closed {
        self.ending.get_or_insert_with(|| Box::new(Closed::unopened()))
    }

    #[cold]
    fn end(&mut self, out: &mut impl ControlSink) -> Ready {
        self.state.on_end();
        self.reader.end();
        self.reader.input.release(Buffer::Input);
        self.timers.stop_all();
        let sent = out.end();
        let ending = self.ending();
        (ending.sent, ending.unsent) = (sent.close, sent.unsent);
        Ready::Closed(Box::new(ending.clone()))
    }

    /// Takes away the bytes that have come and have not been read, for code that goes on with the transport.
    pub fn take_unread(&mut self) -> Bytes {
        self.reader.take_unread()
    }

    /// How the connection ended, once [`Event::Closed`] has told it.
    pub fn closed(&self) -> Option<&Closed> {
        self.ending.as_deref().filter(|_| self.state == RecvState::Ended)
    }

    /// Drops the rest of the message in progress: it is read, checked and not handed out. Only for
    /// [`Delivery::Chunks`], after a chunk that is not the last.
    pub fn skip_message(&mut self) {
        self.skipping = true;
    }

    /// Text or binary: the message that was made ready last.
    pub fn kind(&self) -> Kind {
        self.reader.kind()
    }

    /// The limits and deadlines.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// This direction's state.
    pub fn state(&self) -> RecvState {
        self.state
    }

    /// Which end this is.
    #[inline]
    pub fn role(&self) -> Role {
        self.reader.role()
    }
}

/// The front of a close reason, as far as it is valid UTF-8.
fn readable(reason: &[u8]) -> Option<CloseReason> {
    let text = reason.utf8_chunks().next()?.valid();
    (!text.is_empty()).then(|| CloseReason::truncate(text))
}
