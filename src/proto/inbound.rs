//! The receiving direction: bytes in, events out, and the deadlines.
mod deadlines;

use super::{
    closed::Closed,
    decoding::Decoding,
    event::{Control, ControlSink, Event},
    input::Lent,
    read_buf::ReadBuf,
    reader::{Found, Reader},
    spare,
    state::{ReadyState, RecvState, Role},
    timer::Timers,
};
use crate::{
    close::CloseFrame,
    config::{Config, Delivery},
    error::{ProtocolError, Violation},
    frame::{Opcode, decode_close},
    message::Kind,
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
    config: Arc<Config>,
    reader: Reader,
    role: Role,
    state: RecvState,
    /// How many bytes had come when the keepalive last looked, modulo 2^32.
    heard: u32,
    /// The silence that is waited for is that after a ping.
    pinged: bool,
    /// The transport ended, or was given up; what it brought is still to be read.
    eof: bool,
    /// `Event::Closed` has been told.
    told: bool,
    /// Whoever read the message in pieces has had enough of it: the rest is not to be handed out.
    skipping: bool,
    /// Its driver [begins turns](Self::begin_turn).
    takes_turns: bool,
    /// It has been read from since the time was last told.
    listening: bool,
    timers: Timers,
    /// How many bytes the peer had taken when the write timer last looked.
    taken: u32,
    /// What is known of the end: nothing, as long as all is well.
    ending: Option<Box<Closed>>,
}

/// What [`Inbound::advance`] made ready and [`Inbound::lend`] hands out. It borrows nothing, so that a loop
/// can fill the input between asking and lending.
#[derive(Debug)]
pub(crate) enum Ready {
    Data { fin: bool },
    Ping(usize),
    Pong(usize),
    CloseReceived(Option<Box<CloseFrame>>),
    Error(Box<ProtocolError>),
    Closed(Box<Closed>),
}

impl Inbound {
    pub(super) fn new(role: Role, config: Arc<Config>, decoding: Option<Box<Decoding>>) -> Self {
        Self {
            reader: Reader::new(role, &config, decoding),
            config,
            role,
            state: RecvState::Open,
            heard: 0,
            pinged: false,
            eof: false,
            told: false,
            skipping: false,
            takes_turns: false,
            listening: true,
            timers: Timers::default(),
            taken: 0,
            ending: None,
        }
    }

    /// Takes bytes from the transport, copying them.
    #[inline]
    pub fn receive(&mut self, bytes: &[u8]) {
        self.reader.fill();
        self.reader.input.append(bytes);
    }

    /// Where the transport may put bytes itself, with room for a read: 64 KiB if nothing waits.
    #[inline]
    pub fn read_buf(&mut self) -> ReadBuf<'_> {
        self.reader.read_buf()
    }

    /// Nothing more has come for now: gives back memory that what has come does not need.
    #[inline]
    pub(crate) fn rest(&mut self) {
        self.reader.rest();
    }

    /// The transport ended. What it brought is still delivered, then [`Event::Closed`].
    pub fn receive_eof(&mut self) {
        self.eof = true;
    }

    /// What has come is not wanted any more, and nothing is waited for.
    pub(super) fn abandon(&mut self) {
        if self.state == RecvState::Open {
            self.state = RecvState::Discarding;
        }
        self.eof = true;
    }

    /// The next thing that happened. `None`: there is nothing until more bytes come, or time passes.
    #[inline]
    pub fn poll_event(&mut self, out: &mut impl ControlSink) -> Option<Event<'_>> {
        match self.advance_within(out, false) {
            Some(ready) => Some(self.lend(ready)),
            None => {
                self.rest();
                None
            }
        }
    }

    /// Begins a turn, in which at most 1,024 frames are read, however many have come: then others can go first, with
    /// [`has_more`](Self::has_more) to say so. A driver that never begins one is not stopped, and
    /// [`poll_event`](Self::poll_event) never is.
    #[inline]
    pub fn begin_turn(&mut self) {
        self.takes_turns = true;
        self.reader.begin_turn();
    }

    /// Whether the turn is over, and something has come that has not been looked at: there may be events without a read.
    #[inline]
    pub fn has_more(&self) -> bool {
        self.reader.has_more()
    }

    /// A whole message in one frame, if that is next: what [`lend_data`](Self::lend_data) then hands out. The fast lane
    /// of [`advance`](Self::advance).
    #[inline]
    pub(crate) fn advance_whole(&mut self) -> bool {
        self.state == RecvState::Open && self.reader.read_whole(&self.config)
    }

    /// Whether all that has come has been dealt with, and more may come.
    #[inline]
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.state == RecvState::Open && self.reader.input.is_drained() && !self.eof && self.reader.ends()
    }

    /// Whether something has come that has not been looked at, as far as can be seen at once.
    #[inline]
    pub(crate) fn has_input(&self) -> bool {
        !self.reader.input.is_drained()
    }

    /// Hands out the message, or the piece of one, that has just been made ready.
    #[inline]
    pub(crate) fn lend_data(&mut self) -> Lent<'_> {
        Lent { kind: self.reader.kind(), input: &mut self.reader.input }
    }

    /// Makes the next event ready. When there is none, [`rest`](Self::rest) or read on; or begin another
    /// [turn](Self::begin_turn), if it [has more](Self::has_more).
    #[inline]
    pub(crate) fn advance(&mut self, out: &mut impl ControlSink) -> Option<Ready> {
        self.advance_within(out, self.takes_turns)
    }

    /// `turn`: it stops where the turn ends.
    #[inline(always)]
    fn advance_within(&mut self, out: &mut impl ControlSink, turn: bool) -> Option<Ready> {
        if self.state == RecvState::Open {
            if !self.reader.input.is_drained() {
                if self.reader.read_whole(&self.config) {
                    return Some(Ready::Data { fin: true });
                }
            } else if !self.eof && self.reader.ends() {
                return None;
            }
        }
        self.advance_any(out, turn)
    }

    #[inline(never)]
    fn advance_any(&mut self, out: &mut impl ControlSink, turn: bool) -> Option<Ready> {
        if self.state == RecvState::Open {
            loop {
                match self.reader.read(&self.config) {
                    Ok(Some(Found::Data { fin })) => return Some(Ready::Data { fin }),
                    Ok(Some(Found::Control(opcode, len))) => {
                        return Some(self.control_frame(opcode, len, out));
                    }
                    Ok(None) if !self.reader.has_more() => break,
                    Ok(None) if turn => return None,
                    Ok(None) => self.reader.begin_turn(),
                    Err(violation) => return Some(self.fail(violation, out)),
                }
            }
        } else {
            self.reader.end();
            self.reader.input.discard(); // whatever still comes
        }
        if self.eof && !self.told { Some(self.end(out)) } else { None }
    }

    /// The bytes of the message, or of the piece of one, that was made ready last.
    pub(crate) fn lent(&self) -> &[u8] {
        self.reader.input.message()
    }

    /// Hands out what has just been made ready.
    #[inline]
    pub(crate) fn lend(&mut self, ready: Ready) -> Event<'_> {
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
                    self.state = RecvState::CloseReceived;
                    self.reader.end();
                    let by_peer = !out.sending().close_begun;
                    let ending = self.ending();
                    (ending.received, ending.by_peer) = (Some(frame.clone()), by_peer);
                    out.control(Control::Close(frame.clone()));
                    Ready::CloseReceived(frame.map(Box::new))
                }
                Err(violation) => self.fail(violation, out),
            },
        }
    }

    /// The peer broke a rule: fail the connection (RFC 6455 §7.1.7).
    #[cold]
    fn fail(&mut self, violation: Violation, out: &mut impl ControlSink) -> Ready {
        let error = ProtocolError { violation, offset: self.reader.frame_offset() };
        self.state = RecvState::Discarding;
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
        self.told = true;
        self.state = RecvState::Ended;
        self.reader.end();
        self.reader.input.release(spare::Of::Input);
        self.timers.stop_all();
        let sent = out.close_sent();
        out.control(Control::End);
        let ending = self.ending();
        ending.sent = sent;
        Ready::Closed(Box::new(ending.clone()))
    }

    /// What has come and has not been looked at.
    pub(crate) fn take_unread(&mut self) -> Bytes {
        self.reader.take_unread()
    }

    /// See [`Config::high_water_mark`].
    #[inline]
    pub(crate) fn high_water_mark(&self) -> usize {
        self.config.high_water_mark
    }

    /// How the connection ended, once [`Event::Closed`] has told it.
    pub fn closed(&self) -> Option<&Closed> {
        self.ending.as_deref().filter(|_| self.told)
    }

    /// Whether [`Event::Closed`] has been told.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.told
    }

    /// Whether the rest of a message is [to be skipped](Self::skip_rest); the last piece of it ends that.
    #[inline]
    pub(crate) fn skips(&mut self, fin: bool) -> bool {
        let skips = self.skipping;
        self.skipping &= !fin;
        skips
    }

    /// What is still to come of the message in progress is not to be handed out.
    pub(crate) fn skip_rest(&mut self) {
        self.skipping = true;
    }

    /// Text or binary: the message that was handed out.
    pub(crate) fn kind(&self) -> Kind {
        self.reader.kind()
    }

    /// Whether the transport should now be shut down for writing: see [`Connection::wants_shutdown`](super::Connection::wants_shutdown).
    pub fn wants_shutdown(&self, out: &impl ControlSink) -> bool {
        let sending = out.sending();
        !sending.waiting && self.role.wants_shutdown(self.state, sending.state)
    }

    /// This direction's state.
    pub fn state(&self) -> RecvState {
        self.state
    }

    /// The state of both directions: see [`Connection::state`](super::Connection::state).
    pub fn ready_state(&self, out: &impl ControlSink) -> ReadyState {
        ReadyState::of(self.state, out.sending().state)
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        self.role
    }
}
