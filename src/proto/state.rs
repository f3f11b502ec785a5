//! Every state and every transition, in one place.
//!
//! Two small machines, one for each direction, and functions that join them. Nothing assigns a state outside this file.
//! A direction never looks at the other's state. It tells the other what to do, through [`Control`](super::Control).
//!
//! ```text
//! receive:  Open ──Close──▶ CloseReceived ──end──▶ Ended      send:  Open ──Close, end──▶ Closing ──shut down──▶ Ended
//!             └──violation──▶ Discarding ──end──────▲
//! ```

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Opened the connection; masks what it sends (RFC 6455 §5.1).
    Client,
    /// Accepted it; ends the transport first (RFC 6455 §7.1.1).
    Server,
}

/// The receiving direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvState {
    /// Frames are expected.
    Open,
    /// A Close frame came; the bytes that follow are discarded (RFC 6455 §1.4).
    CloseReceived,
    /// The connection has been failed; the bytes that follow are discarded (RFC 6455 §7.1.7).
    Discarding,
    /// The connection has ended, and [`Event::Closed`](super::Event::Closed) has told how.
    Ended,
}

/// The sending direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendState {
    /// Anything may be sent.
    Open,
    /// No message may follow: a Close frame is queued or sent, or the peer has ended the transport.
    Closing,
    /// The transport has been shut down for writing.
    Ended,
}

/// The reading side of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputState {
    /// Bytes may come.
    Open,
    /// The transport ended. The bytes that it brought are still to be read, and queued output still to leave.
    Ended,
    /// This end gave up: a deadline passed, the transport failed or the application aborted. Nothing is waited for.
    GivenUp,
}

impl RecvState {
    /// The peer's Close frame came (RFC 6455 §5.5.1, §7.1.5).
    pub(super) fn on_close(&mut self) {
        if *self == Self::Open {
            *self = Self::CloseReceived;
        }
    }
    /// The connection is failed (RFC 6455 §7.1.7).
    pub(super) fn on_fail(&mut self) {
        if *self == Self::Open {
            *self = Self::Discarding;
        }
    }
    /// The connection has ended (RFC 6455 §7.1.4).
    pub(super) fn on_end(&mut self) {
        *self = Self::Ended;
    }
}

impl SendState {
    /// A Close frame is queued (RFC 6455 §5.5.1), or the peer has ended the transport (RFC 6455 §7.1.1): no message may
    /// follow. Says whether messages could be sent until now.
    pub(super) fn on_close(&mut self) -> bool {
        let was_open = *self == Self::Open;
        if was_open {
            *self = Self::Closing;
        }
        was_open
    }
    /// The transport has been shut down for writing (RFC 6455 §7.1.1).
    pub(super) fn on_shut_down(&mut self) {
        *self = Self::Ended;
    }
}

impl InputState {
    /// The transport ended (RFC 6455 §7.1.4).
    pub(super) fn on_eof(&mut self) {
        if *self == Self::Open {
            *self = Self::Ended;
        }
    }
    /// Nothing more is waited for (RFC 6455 §7.1.7).
    pub(super) fn on_give_up(&mut self) {
        *self = Self::GivenUp;
    }
}

/// What a browser calls `WebSocket.readyState` (WHATWG; RFC 6455 §4.1, §7.1.3, §7.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// The opening handshake is under way.
    Connecting,
    /// Messages flow.
    Open,
    /// A Close frame has been queued, sent or received, or the connection has been failed.
    Closing,
    /// The transport has ended.
    Closed,
}

impl ReadyState {
    /// The joint state.
    pub(super) const fn of(recv: RecvState, send: SendState) -> Self {
        match (recv, send) {
            (RecvState::Ended, _) => Self::Closed,
            (RecvState::Open, SendState::Open) => Self::Open,
            _ => Self::Closing,
        }
    }
}

impl Role {
    /// Whether this end should end the transport's writing side once nothing is left to write.
    /// The server goes first, so that TIME_WAIT is the server's (RFC 6455 §7.1.1).
    pub(super) const fn wants_shutdown(self, recv: RecvState, send: SendState, input: InputState) -> bool {
        match (self, recv, send) {
            (_, _, SendState::Ended) => false,
            (_, RecvState::Ended, _) => true,
            (Self::Server, RecvState::CloseReceived, SendState::Closing) => true,
            // Failing the connection: nothing more is wanted from the peer (RFC 6455 §7.1.7).
            (_, RecvState::Discarding, SendState::Closing) => true,
            // The peer has ended the transport, so this end does as well.
            (_, _, SendState::Closing) => matches!(input, InputState::Ended),
            _ => false,
        }
    }

    /// Whether the connection has ended, once all input has been read. `waiting`: bytes are still to leave.
    pub(super) fn has_ended(
        self,
        recv: RecvState,
        send: SendState,
        input: InputState,
        waiting: bool,
    ) -> bool {
        match input {
            InputState::GivenUp => true,
            InputState::Ended => !waiting,
            // Both Close frames have gone and the server has ended its side, so nothing more can come (RFC 6455
            // §7.1.1).
            InputState::Open => {
                self == Self::Server
                    && recv == RecvState::CloseReceived
                    && send == SendState::Ended
                    && !waiting
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_7_1_3_either_close_is_closing() {
        for recv in [RecvState::Open, RecvState::CloseReceived, RecvState::Discarding] {
            for send in [SendState::Open, SendState::Closing, SendState::Ended] {
                let open = recv == RecvState::Open && send == SendState::Open;
                let expected = if open { ReadyState::Open } else { ReadyState::Closing };
                assert_eq!(ReadyState::of(recv, send), expected);
                assert_eq!(ReadyState::of(RecvState::Ended, send), ReadyState::Closed);
            }
        }
    }

    #[test]
    fn section_7_1_1_the_server_goes_first() {
        let both_closed = (RecvState::CloseReceived, SendState::Closing);
        let open = InputState::Open;
        assert!(Role::Server.wants_shutdown(both_closed.0, both_closed.1, open));
        assert!(!Role::Client.wants_shutdown(both_closed.0, both_closed.1, open));
        for role in [Role::Client, Role::Server] {
            let wants = |recv, send, input| role.wants_shutdown(recv, send, input);
            assert!(!wants(RecvState::Open, SendState::Closing, open), "the peer's Close is to come");
            assert!(wants(RecvState::Open, SendState::Closing, InputState::Ended), "and now it cannot");
            assert!(wants(RecvState::Ended, SendState::Closing, open));
            assert!(!wants(RecvState::Ended, SendState::Ended, InputState::Ended), "only once");
        }
    }
}
