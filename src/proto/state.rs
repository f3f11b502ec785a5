//! Every state and every transition, in one place.
//!
//! Two small machines, one for each direction, and functions that join them. A direction never looks
//! at the other's state; it tells the other what to do, through [`Control`](super::Control).
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
    /// A Close frame came; whatever follows is discarded (RFC 6455 §1.4).
    CloseReceived,
    /// The peer broke the protocol; whatever follows is discarded (RFC 6455 §7.1.7).
    Discarding,
    /// The transport ended, or this end gave up on it.
    Ended,
}

/// The sending direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendState {
    /// Anything may be sent.
    Open,
    /// No message may follow: a Close frame is queued or sent, or the peer is gone.
    Closing,
    /// The transport has been shut down for writing.
    Ended,
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
    /// Whether, with nothing left to write, this end should now end the transport's writing side.
    /// The server goes first, so that TIME_WAIT is the server's (RFC 6455 §7.1.1).
    pub(super) const fn wants_shutdown(self, recv: RecvState, send: SendState) -> bool {
        match (self, recv, send) {
            (_, _, SendState::Ended) => false,
            (_, RecvState::Ended, _) => true,
            (Self::Server, RecvState::CloseReceived, SendState::Closing) => true,
            // Failing the connection: nothing more is wanted from the peer (RFC 6455 §7.1.7).
            (_, RecvState::Discarding, SendState::Closing) => true,
            _ => false,
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
        assert!(Role::Server.wants_shutdown(both_closed.0, both_closed.1));
        assert!(!Role::Client.wants_shutdown(both_closed.0, both_closed.1));
        for role in [Role::Client, Role::Server] {
            assert!(!role.wants_shutdown(RecvState::Open, SendState::Closing), "the peer's Close is to come");
            assert!(role.wants_shutdown(RecvState::Ended, SendState::Closing));
            assert!(!role.wants_shutdown(RecvState::Ended, SendState::Ended), "only once");
        }
    }
}
