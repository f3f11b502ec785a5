//! The receiving direction: bytes in, events out, and the deadlines.
use super::{
    closed::{Closed, Deadline},
    event::{Control, ControlSink, Event, Sending},
    input::Lent,
    read_buf::ReadBuf,
    reader::{Found, Reader},
    state::{ReadyState, RecvState, Role, SendState},
    timer::{Timer, Timers},
};
use crate::{
    close::{CloseCode, CloseFrame},
    config::{Config, Delivery},
    error::{ProtocolError, Violation},
    frame::{Opcode, decode_close},
    message::Kind,
};
use bytes::Bytes;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

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
    /// How many bytes had come when the keepalive last looked.
    heard: u64,
    /// The silence that is waited for is that after a ping.
    pinged: bool,
    /// The transport ended, or was given up; what it brought is still to be read.
    eof: bool,
    /// `Event::Closed` has been told.
    told: bool,
    timers: Timers,
    /// How many bytes the peer had taken when the write timer last looked.
    taken: u32,
    ending: Option<Box<Ending>>,
}

/// What will be told of the end: nothing, as long as all is well.
#[derive(Debug, Default)]
struct Ending {
    received: Option<Option<CloseFrame>>,
    by_peer: bool,
    error: Option<ProtocolError>,
    timed_out: Option<Deadline>,
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
    pub(super) fn new(role: Role, config: Arc<Config>) -> Self {
        Self {
            config,
            reader: Reader::new(role),
            role,
            state: RecvState::Open,
            heard: 0,
            pinged: false,
            eof: false,
            told: false,
            timers: Timers::default(),
            taken: 0,
            ending: None,
        }
    }

    /// Takes bytes from the transport, copying them.
    #[inline]
    pub fn receive(&mut self, bytes: &[u8]) {
        self.reader.fill().extend_from_slice(bytes);
    }

    /// Where the transport may put bytes itself.
    #[inline]
    pub fn read_buf(&mut self) -> ReadBuf<'_> {
        ReadBuf::new(self.reader.fill())
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
        let ready = self.advance(out)?;
        Some(self.lend(ready))
    }

    /// Makes the next event ready.
    #[inline]
    pub(crate) fn advance(&mut self, out: &mut impl ControlSink) -> Option<Ready> {
        if self.state == RecvState::Open {
            if !self.reader.input.is_drained() {
                if self.reader.read_whole(&self.config) {
                    return Some(Ready::Data { fin: true });
                }
            } else if !self.eof && self.reader.rest() {
                return None;
            }
        }
        self.advance_any(out)
    }

    #[inline(never)]
    fn advance_any(&mut self, out: &mut impl ControlSink) -> Option<Ready> {
        if self.state == RecvState::Open {
            match self.reader.read(&self.config) {
                Ok(Some(Found::Data { fin })) => return Some(Ready::Data { fin }),
                Ok(Some(Found::Control(opcode, len))) => return Some(self.control_frame(opcode, len, out)),
                Ok(None) => self.reader.release_if_drained(),
                Err(violation) => return Some(self.fail(violation, out)),
            }
        } else {
            self.reader.input.release(); // whatever still comes is discarded
        }
        if self.eof && !self.told { Some(self.end(out)) } else { None }
    }

    /// Hands out what has just been made ready.
    #[inline]
    pub(crate) fn lend(&mut self, ready: Ready) -> Event<'_> {
        match ready {
            Ready::Data { fin } => {
                let data = Lent { kind: self.reader.kind(), input: &mut self.reader.input };
                match self.config.delivery {
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
                    let by_peer = !out.sending().close_begun;
                    let ending = self.ending.get_or_insert_default();
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
        self.ending.get_or_insert_default().error = Some(error.clone());
        out.control(Control::Fail(violation.close_frame()));
        Ready::Error(Box::new(error))
    }

    #[cold]
    fn end(&mut self, out: &mut impl ControlSink) -> Ready {
        self.told = true;
        self.state = RecvState::Ended;
        self.reader.input.release();
        self.timers.stop_all();
        let sent = out.close_sent();
        out.control(Control::End);
        let Ending { received, by_peer, error, timed_out } =
            self.ending.take().map_or_else(Ending::default, |b| *b);
        Ready::Closed(Box::new(Closed { received, sent, by_peer, error, timed_out }))
    }

    /// Tells it the time: the only way that time comes in. Fires what is due, and starts what should now run.
    ///
    /// Calling it too often costs little; calling it late delays what is due, and never never fires it.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut impl ControlSink) {
        let sending = out.sending();
        if self.eof {
            return self.timers.stop_all();
        }
        if self.state != RecvState::Open || sending.state != SendState::Open {
            if self.timers.take_due(Timer::Close, now) {
                return self.give_up(Deadline::Close);
            }
            let running = self.timers.is_running(Timer::Close);
            if !running {
                self.timers.stop_all();
                self.timers.start(Timer::Close, now, self.config.close_timeout);
            }
            return;
        }
        self.keep_alive(now, out, &sending);
        if self.eof {
            return;
        }
        if !self.reader.is_unfinished() {
            self.timers.stop(Timer::Message);
        } else if std::mem::take(&mut self.reader.progressed) || !self.timers.is_running(Timer::Message) {
            self.timers.start(Timer::Message, now, self.config.message_timeout);
        } else if self.timers.take_due(Timer::Message, now) {
            return self.stalled(now, out);
        }
        if !sending.waiting {
            self.timers.stop(Timer::Write);
        } else if sending.taken != self.taken || !self.timers.is_running(Timer::Write) {
            self.taken = sending.taken;
            self.timers.start(Timer::Write, now, self.config.write_timeout);
        } else if self.timers.take_due(Timer::Write, now) {
            self.give_up(Deadline::Write);
        }
    }

    /// Any byte is life; silence brings a ping, and silence after it the end.
    fn keep_alive(&mut self, now: Instant, out: &mut impl ControlSink, sending: &Sending) {
        let Some(keepalive) = self.config.keepalive else { return };
        let received = self.reader.input.received();
        // So is that it takes what it is sent, as long as there is anything to take.
        let alive = received != self.heard || sending.waiting && sending.taken != self.taken;
        if alive || !self.timers.is_running(Timer::Keepalive) {
            (self.heard, self.pinged) = (received, false);
            self.timers.start(Timer::Keepalive, now, Some(keepalive.interval));
        } else if self.timers.take_due(Timer::Keepalive, now) {
            if self.pinged {
                return self.give_up(Deadline::Keepalive);
            }
            out.control(Control::Ping);
            self.pinged = true;
            self.timers.start(Timer::Keepalive, now, Some(keepalive.timeout));
        }
    }

    /// An unfinished message has brought no byte: the peer is there, but does not do its part.
    fn stalled(&mut self, now: Instant, out: &mut impl ControlSink) {
        self.ending.get_or_insert_default().timed_out = Some(Deadline::Message);
        self.state = RecvState::Discarding;
        out.control(Control::Fail(CloseFrame::new(
            CloseCode::POLICY_VIOLATION,
            &Deadline::Message.to_string(),
        )));
        self.timers.stop_all();
        self.timers.start(Timer::Close, now, self.config.close_timeout);
    }

    /// The transport is not waited for any more.
    fn give_up(&mut self, deadline: Deadline) {
        self.ending.get_or_insert_default().timed_out.get_or_insert(deadline);
        self.eof = true;
        self.timers.stop_all();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) again, at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether bytes have come that [`handle_timeout`](Self::handle_timeout) has not been told the time of.
    pub(crate) fn has_heard(&self) -> bool {
        self.reader.input.received() != self.heard
    }

    /// What has come and has not been used.
    pub(crate) fn take_unread(&mut self) -> Bytes {
        self.reader.fill().split().freeze()
    }

    /// See [`Config::close_timeout`].
    pub(crate) fn close_timeout(&self) -> Option<Duration> {
        self.config.close_timeout
    }

    /// See [`Keepalive::interval`](crate::Keepalive::interval).
    pub(crate) fn keepalive_interval(&self) -> Option<Duration> {
        self.config.keepalive.map(|keepalive| keepalive.interval)
    }

    /// Text or binary: the message that was handed out.
    pub(crate) fn kind(&self) -> Kind {
        self.reader.kind()
    }

    /// The next deadline that bytes alone do not put off.
    pub(crate) fn strict_deadline(&self) -> Option<Instant> {
        self.timers.strict()
    }

    /// Whether there is a deadline that bytes alone do not put off (a message is unfinished, output waits, the
    /// connection is closing), or one that has not been started.
    ///
    /// A driver that calls [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) has
    /// passed, and before it waits if this says so, need not read the clock each time it wakes.
    pub fn wants_time(&self, out: &impl ControlSink) -> bool {
        let sending = out.sending();
        let untimed = self.config.keepalive.is_some() && !self.timers.is_running(Timer::Keepalive);
        let closing = self.state != RecvState::Open || sending.state != SendState::Open;
        !self.eof && (closing || untimed || self.reader.is_unfinished() || sending.waiting)
    }

    /// Whether the transport should now be shut down for writing: see [`Connection::wants_shutdown`](super::Connection::wants_shutdown).
    pub fn wants_shutdown(&self, out: &impl ControlSink) -> bool {
        let sending = out.sending();
        !sending.waiting && self.role.wants_shutdown(self.state, sending.state)
    }

    /// Whether the transport has ended or was given up, and that has not been told.
    #[inline]
    pub(crate) fn is_given_up(&self) -> bool {
        self.eof && !self.told
    }

    /// The transport has not taken a byte for as long as a write may take.
    pub(crate) fn write_timed_out(&mut self) {
        self.give_up(Deadline::Write);
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
