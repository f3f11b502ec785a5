//! What comes out of the receiving half ([`Event`]), and what it asks of the sending half ([`Control`]).
use super::{closed::Closed, input::Lent, state::SendState};
use crate::{
    close::{CloseFrame, CloseSeen},
    error::ProtocolError,
};

/// Something happened. Bytes that an event lends stay where they are until the event is dropped.
///
/// There is no `Result` on the receiving side: a peer's mistake is an event like any other, so that no
/// driver can `?` its way past the Close frame that must still be sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A whole message ([`Delivery::Messages`](crate::Delivery::Messages)).
    Message(Lent<'a>),
    /// A chunk of a message ([`Delivery::Chunks`](crate::Delivery::Chunks)), in order. It says nothing about frames,
    /// which the RFC leaves without meaning (RFC 6455 §5.4). A chunk of text ends where a character does.
    Chunk {
        /// The chunk.
        data: Lent<'a>,
        /// Whether the message ends with it.
        fin: bool,
    },
    /// A ping (RFC 6455 §5.5.2). Unless [`auto_pong`](crate::Config::auto_pong) is off, its pong is queued already.
    Ping(&'a [u8]),
    /// A pong (RFC 6455 §5.5.3), asked for or not.
    Pong(&'a [u8]),
    /// The peer's Close frame (RFC 6455 §5.5.1). The answer is queued already, and bytes that follow are discarded.
    CloseReceived(Option<CloseFrame>),
    /// The peer broke the protocol. The Close frame that says so is queued already. At most one, then only `Closed`.
    Error(ProtocolError),
    /// The end: exactly one, always last.
    Closed(Box<Closed>),
}

/// What [`Inbound::advance`](super::Inbound::advance) made ready and [`Inbound::lend`](super::Inbound::lend) hands out
/// as an [`Event`]. It borrows nothing, so that a driver can move bytes between the two.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ready {
    /// A whole message, or a chunk of one.
    Data {
        /// Whether the message ends with it.
        fin: bool,
    },
    /// A ping whose payload has this many bytes.
    Ping(usize),
    /// A pong whose payload has this many bytes.
    Pong(usize),
    /// The peer's Close frame.
    CloseReceived(Option<Box<CloseFrame>>),
    /// The peer broke the protocol.
    Error(Box<ProtocolError>),
    /// The end.
    Closed(Box<Closed>),
}

/// What the receiving half and the timers ask of the sending half.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control<'a> {
    /// Keepalive: send an empty ping.
    Ping,
    /// Answer a ping. When much waits already, only the latest is answered (RFC 6455 §5.5.3).
    Pong(&'a [u8]),
    /// Begin the closing handshake or answer it, after the messages already queued (RFC 6455 §5.5.1).
    Close(Option<CloseFrame>),
    /// Fail the connection: Close at once, without the messages that have not been framed (RFC 6455 §7.1.7).
    Fail(CloseFrame),
    /// The peer has ended the transport: no message may follow, and those that are queued still leave.
    Finish,
}

/// Where [`Inbound`](super::Inbound) finds the sending half: the [`Outbound`](super::Outbound) beside it, or one behind
/// a lock. Implement it for a driver in two threads; a lock need be held only for as long as a call lasts. Each method
/// passes on to the same one of [`Outbound`](super::Outbound).
pub trait ControlSink {
    /// Does what the receiving half asks for.
    fn control(&mut self, control: Control<'_>);
    /// How the sending half stands.
    fn sending(&self) -> Sending;
    /// Bytes queued that the transport has not taken: see
    /// [`Outbound::buffered_amount`](super::Outbound::buffered_amount).
    fn buffered_amount(&self) -> usize;
    /// Whether messages can be sent and nothing waits to leave. It is asked before each read, so a sink behind a lock
    /// may say what it saw when it last wrote, without the lock.
    #[inline]
    fn is_idle(&self) -> bool {
        let sending = self.sending();
        sending.state == SendState::Open && !sending.waiting
    }
    /// The connection has ended: forgets what has not left, and says what became of it.
    fn end(&mut self) -> Sent;
}

/// A reference will do, so that [`Inbound`](super::Inbound) can be polled beside an [`Outbound`](super::Outbound) kept
/// elsewhere.
impl<C: ControlSink> ControlSink for &mut C {
    fn control(&mut self, control: Control<'_>) {
        (**self).control(control);
    }
    fn sending(&self) -> Sending {
        (**self).sending()
    }
    fn buffered_amount(&self) -> usize {
        (**self).buffered_amount()
    }
    fn is_idle(&self) -> bool {
        (**self).is_idle()
    }
    fn end(&mut self) -> Sent {
        (**self).end()
    }
}

/// How the sending half stands, for the receiving half and its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sending {
    /// The state of the sending half.
    pub state: SendState,
    /// Whether there are bytes that the transport has not let go of.
    pub waiting: bool,
    /// Whether a pong waits for the transport, so that the next pong would take its place.
    pub owes_pong: bool,
    /// How many bytes the transport has let go of, ever, modulo 2^32. A change means that output has left; the number
    /// itself means nothing.
    pub released: u32,
    /// Whether a Close frame has been queued or sent.
    pub close_begun: bool,
}

/// What became of the output of a connection that has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The Close frame: none if the transport has not taken it whole.
    pub close: CloseSeen,
    /// Bytes of messages that were queued and never left: see [`Closed::unsent`](super::Closed::unsent).
    pub unsent: usize,
}
