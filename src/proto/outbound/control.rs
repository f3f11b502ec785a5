//! Control frames on their way out, with one slot for each kind; and what the sending half does when the receiving half
//! asks.
use super::Outbound;
use crate::{
    close::{CloseFrame, CloseSeen},
    error::SendError,
    frame::{Opcode, Rsv},
    proto::{
        event::{Control, ControlSink, Sending, Sent},
        state::SendState,
    },
};
use bytes::Buf;

/// While fewer bytes than this are framed and not taken, each ping is answered. Above that, only the latest is.
const PROMPT: usize = 4 * 1024;

/// Control frames that have not been framed, one of each kind: a later one takes the place of the one before it.
#[derive(Debug, Default)]
pub(super) struct Controls {
    pub(super) ping: Option<Box<[u8]>>,
    pub(super) pong: Option<Box<[u8]>>,
    pub(super) close: Option<Close>,
    /// A ping or a pong was forgotten before it was framed.
    pub(super) dropped: bool,
    /// The transport failed, or was given up, before it had taken all output.
    pub(super) cut_off: bool,
    /// Where in the stream the last pong ends that had to wait for room; 0 if none had to.
    pub(super) late_pong: u64,
    /// Bytes of messages that were dropped.
    pub(super) unsent: usize,
}

impl Controls {
    pub(super) fn is_framed(&self) -> bool {
        self.ping.is_none() && self.pong.is_none() && self.close.as_ref().is_none_or(|close| close.framed)
    }
}

#[derive(Debug)]
pub(super) struct Close {
    pub(super) frame: Option<CloseFrame>,
    pub(super) framed: bool,
}

impl Outbound {
    /// Queues a ping with up to 125 bytes (RFC 6455 §5.5.2); it replaces one that has not been framed.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing) after a Close frame, [`LongControl`](SendError::LongControl).
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        let payload = payload.as_ref();
        self.check_control(payload)?;
        self.controls().ping = Some(payload.into());
        Ok(())
    }

    /// Queues a pong with up to 125 bytes (RFC 6455 §5.5.3); when much waits already, it replaces the one before it.
    ///
    /// Pings are answered without this, unless [`auto_pong`](crate::Config::auto_pong) is off.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing) after a Close frame, [`LongControl`](SendError::LongControl).
    pub fn pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        let payload = payload.as_ref();
        self.check_control(payload)?;
        self.answer(payload);
        Ok(())
    }

    pub(super) fn controls(&mut self) -> &mut Controls {
        self.controls.get_or_insert_default()
    }

    /// Frames a pong at once. When much waits already, the pong goes to its slot instead, where the latest replaces the
    /// one before it (RFC 6455 §5.5.3). So a burst of pings is answered whole, and a flood costs next to nothing.
    pub(super) fn answer(&mut self, payload: &[u8]) {
        if self.transmit.remaining() < PROMPT
            && !self.backlog.is_within_frame()
            && self.controls.as_ref().is_none_or(|controls| controls.pong.is_none())
        {
            self.cork_control(Opcode::Pong, payload);
        } else {
            self.controls().pong = Some(payload.into());
        }
    }

    /// Frames a pong that had to wait for room, and remembers where it ends.
    pub(super) fn cork_late_pong(&mut self, payload: &[u8]) {
        self.cork_control(Opcode::Pong, payload);
        self.controls().late_pong = self.framed_to();
    }

    /// Frames a control frame, and remembers where the control frames at the end of the output begin.
    pub(super) fn cork_control(&mut self, opcode: Opcode, payload: &[u8]) {
        let begin = self.framed_to() as u32;
        self.cork(opcode, Rsv::NONE, true, payload);
        let end = self.framed_to() as u32;
        let tail = if begin == self.tail_end { self.tail } else { 0 };
        // Saturating: a peer that sends nothing but pings makes it grow for ever. Output that waits is never that long.
        (self.tail, self.tail_end) = (tail.saturating_add(end.wrapping_sub(begin)), end);
    }

    pub(super) fn close_frame(&self) -> Option<&Close> {
        self.controls.as_ref()?.close.as_ref()
    }

    /// Whether the transport failed, or was given up, before it had taken all.
    pub(super) fn is_cut_off(&self) -> bool {
        self.controls.as_ref().is_some_and(|controls| controls.cut_off)
    }

    fn check_control(&self, payload: &[u8]) -> Result<(), SendError> {
        match payload.len() {
            _ if self.state != SendState::Open => Err(SendError::Closing),
            0..=125 => Ok(()),
            len => Err(SendError::LongControl(len)),
        }
    }

    /// Begins the closing handshake (RFC 6455 §7.1.2): the Close frame leaves after the messages that are queued.
    /// `None` sends an empty one. Does nothing if closing has begun already, or the transport has ended.
    pub fn close(&mut self, frame: impl Into<Option<CloseFrame>>) {
        if self.state.on_close() {
            self.controls().close = Some(Close { frame: frame.into(), framed: false });
        }
    }

    /// Whether a pong waits for the transport, so that the next pong would take its place; or has waited and not left
    /// yet, and the transport is still behind.
    pub(super) fn owes_pong(&self) -> bool {
        self.controls.as_ref().is_some_and(|controls| {
            let late = controls.late_pong > self.transmit.taken();
            controls.pong.is_some() || late && self.transmit.remaining() >= PROMPT
        })
    }

    /// The Close frame: none if the transport has not taken it whole.
    pub(super) fn close_sent(&self) -> CloseSeen {
        let sent = self.close_frame().filter(|close| close.framed && !self.is_cut_off() && self.is_written());
        sent.map_or(CloseSeen::None, |close| close.frame.clone().into())
    }
}

impl ControlSink for Outbound {
    fn control(&mut self, control: Control<'_>) {
        // Pongs may be sent until the Close frame has been framed.
        let may_precede_close = match self.close_frame() {
            Some(close) => !close.framed,
            None => self.state == SendState::Open,
        };
        match control {
            Control::Ping if self.state == SendState::Open => {
                self.controls().ping.get_or_insert_default();
            }
            Control::Pong(payload) if may_precede_close => self.answer(payload),
            Control::Ping | Control::Pong(_) => {}
            Control::Close(frame) => self.close(frame),
            Control::Fail(frame) => {
                self.drop_unframed();
                match self.controls.as_mut().and_then(|controls| controls.close.as_mut()) {
                    Some(close) if !close.framed => close.frame = Some(frame),
                    _ => self.close(frame),
                }
            }
            Control::Finish => {
                self.state.on_close();
            }
        }
    }

    #[inline]
    fn sending(&self) -> Sending {
        Sending {
            state: self.state,
            waiting: !self.is_flushed(),
            owes_pong: self.owes_pong(),
            released: self.released() as u32,
            close_begun: self.close_frame().is_some(),
        }
    }

    #[inline]
    fn buffered_amount(&self) -> usize {
        Self::buffered_amount(self)
    }
    fn is_idle(&self) -> bool {
        self.state == SendState::Open && self.is_flushed()
    }

    fn end(&mut self) -> Sent {
        let close = self.close_sent();
        self.write_failed();
        Sent { close, unsent: self.unsent() }
    }
}
