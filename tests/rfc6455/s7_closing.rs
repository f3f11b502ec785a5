//! §7.1–§7.2: how a connection ends, cleanly or not, and what is told of it.
use crate::support::*;
use sansocket::{
    CloseCode, CloseFrame, ReadyState, Violation,
    bytes::Buf,
    proto::{Role, SendState},
};

/// Rule of RFC 6455 §7.1.1: clean transport end.
#[test]
fn the_transport_is_ended_for_writing_after_the_last_byte_and_trailing_bytes_are_dropped() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(CLOSE, body(1000, "")).frame(TEXT, "trailing").more([0xFF; 5000]);
        end.tells(Told::CloseReceived(Some(CloseCode::NORMAL.into()))).quiet();
        assert!(!end.conn.wants_shutdown(), "the Close frame is still to be written");
        end.writes(CLOSE, body(1000, "")).more([0xFF; 5000]).quiet();
        if role == Role::Client {
            end.eof().ends();
        }
        assert!(end.conn.wants_shutdown());
        end.conn.shut_down();
        assert!(!end.conn.wants_shutdown());
        if role == Role::Server {
            // Its side is ended and the client has said all it may: the client's end of the transport is not waited for.
            assert!(end.more("more").ends().was_clean());
        }
    }
}

/// Rule of RFC 6455 §7.1.1: server ends first.
#[test]
fn the_server_ends_the_transport_first() {
    for closes_first in BOTH {
        let mut pair = Pair::new(|_| ());
        pair.end(closes_first).close(None);
        for _ in 0..2 {
            let bytes = written(&mut pair.client);
            pair.server.receive(&bytes);
            all_told(&mut pair.server);
            let bytes = written(&mut pair.server);
            pair.client.receive(&bytes);
            all_told(&mut pair.client);
        }
        assert!(pair.server.wants_shutdown() && !pair.client.wants_shutdown());
        let (client, server) = pair.drive();
        assert!(closed(&client).was_clean() && closed(&server).was_clean());
    }
}

/// Rule of RFC 6455 §7.1.3: Close means CLOSING.
#[test]
fn a_close_frame_queued_or_received_starts_the_closing_handshake() {
    for role in BOTH {
        let mut end = End::new(role);
        end.is(ReadyState::Open).conn.close(None);
        end.is(ReadyState::Closing).writes(CLOSE, "").is(ReadyState::Closing);
        let mut end = End::new(role);
        end.frame(CLOSE, "").is(ReadyState::Open).tells(Told::CloseReceived(None)).is(ReadyState::Closing);
    }
}

/// Rule of RFC 6455 §7.1.4: clean means both.
#[test]
fn closed_is_clean_only_if_both_close_frames_were_exchanged() {
    for role in BOTH {
        let mut both = End::new(role);
        both.conn.close(None);
        both.flush().frame(CLOSE, "").tells(Told::CloseReceived(None));
        let closed = both.eof().ends();
        assert!(closed.was_clean() && !closed.by_peer);

        let mut only_ours = End::new(role);
        only_ours.conn.close(None);
        assert!(!only_ours.flush().eof().ends().was_clean());

        let mut only_theirs = End::new(role);
        only_theirs.frame(CLOSE, "").tells(Told::CloseReceived(None));
        let closed = only_theirs.cut().ends();
        assert!(!closed.was_clean() && closed.by_peer && closed.sent.is_none());

        assert!(!End::new(role).eof().ends().was_clean());
    }
}

/// Rule of RFC 6455 §7.1.4: clean means both.
#[test]
fn a_close_frame_counts_as_sent_once_its_last_byte_has_left() {
    for role in BOTH {
        for left in [0, 1] {
            let mut end = End::new(role);
            end.frame(CLOSE, body(1000, "")).tells(Told::CloseReceived(Some(CloseCode::NORMAL.into())));
            let len = end.conn.transmit().remaining();
            end.conn.transmit().advance(len - left);
            let closed = end.cut().ends();
            assert_eq!(
                (closed.was_clean(), closed.sent.is_some(), closed.code()),
                (left == 0, left == 0, 1000)
            );
        }
    }
}

/// Rule of RFC 6455 §7.1.5: 1005 and 1006.
#[test]
fn no_status_is_1005_and_no_close_frame_is_1006() {
    for role in BOTH {
        let mut end = End::new(role);
        let closed = end.frame(CLOSE, "").tells(Told::CloseReceived(None)).flush().eof().ends();
        assert_eq!((closed.code(), closed.was_clean()), (1005, true));
        let closed = End::new(role).eof().ends();
        assert_eq!((closed.code(), closed.was_clean(), closed.by_peer), (1006, false, false));
        let mut end = End::new(role);
        end.frame(CLOSE, body(4321, "")).flush();
        assert!(told(&mut end.conn).is_some());
        assert_eq!(end.cut().ends().code(), 4321);
    }
}

/// Rule of RFC 6455 §7.1.6: reason or empty.
#[test]
fn the_reason_is_the_peers_or_empty() {
    for role in BOTH {
        for (sent, reason) in [(vec![], ""), (body(1000, ""), ""), (body(1000, "tschüß"), "tschüß")] {
            let mut end = End::new(role);
            end.conn.close(CloseFrame::truncate(CloseCode::NORMAL, "ours"));
            end.frame(CLOSE, sent);
            assert!(told(&mut end.conn).is_some());
            assert_eq!(end.cut().ends().reason(), reason);
        }
        assert_eq!(End::new(role).eof().ends().reason(), "");
    }
}

/// Rule of RFC 6455 §7.1.7: failing sends Close.
#[test]
fn failing_sends_a_close_frame_with_the_right_code_and_ends_the_transport() {
    for role in BOTH {
        End::new(role).frame(0, "").fails(1002, Violation::UnexpectedContinuation);
        End::new(role).frame(TEXT, [0xFF]).fails(1007, Violation::Utf8);
        let mut end = End::with(role, |config| config.max_fragments = 1);
        end.frame(1, "a").frame(0, "b").fails(1008, Violation::TooManyFragments { limit: 1 });
        let mut end = End::with(role, |config| config.max_message_size = 1);
        end.frame(BINARY, "ab").fails(1009, Violation::MessageTooBig { limit: 1 });
    }
}

/// Rule of RFC 6455 §7.1.7: failing sends Close.
#[test]
fn failing_while_a_close_frame_of_ours_waits_says_why_instead() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.send(vec![0; 1 << 20]).unwrap();
        end.conn.close(CloseCode::NORMAL);
        end.frame(0, "");
        assert!(matches!(told(&mut end.conn), Some(Told::Error(_))));
        let sent = frames(&written(&mut end.conn));
        let close = sent.last().unwrap();
        assert_eq!((close.first, &close.payload[..2]), (CLOSE, &1002_u16.to_be_bytes()[..]));
        // One that has left stays the only one.
        let mut end = End::new(role);
        end.conn.close(CloseCode::NORMAL);
        end.writes(CLOSE, body(1000, "")).frame(0, "");
        assert!(matches!(told(&mut end.conn), Some(Told::Error(_))));
        end.writes_nothing();
    }
}

/// Rule of RFC 6455 §7.1.7: nothing after failing.
#[test]
fn after_failing_nothing_more_of_the_peer_is_processed() {
    for role in BOTH {
        // In the same read as the violation, and in later ones (`fails` sees to those).
        let key = End::new(role).peer_key();
        let rest = [wire(TEXT, "no", key), wire(PING, "no", key), wire(CLOSE, body(1000, ""), key)].concat();
        End::new(role).raw([wire(0xF, "", key), rest].concat()).fails(1002, Violation::ReservedOpcode(15));
    }
}

/// Rule of RFC 6455 §7.1.7: nothing after failing.
#[test]
fn what_came_before_the_violation_is_delivered() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(TEXT, "good").frame(1, "half").frame(PING, "?").frame(PING | 0x10, "bad");
        end.text("good").ping("?");
        assert!(matches!(told(&mut end.conn), Some(Told::Error(_))));
        let sent: Vec<u8> = frames(&written(&mut end.conn)).iter().map(|frame| frame.first).collect();
        assert_eq!(sent, [PONG, CLOSE], "the ping came before the violation");
    }
}

/// Rule of RFC 6455 §7.1.5: transport lost: 1006.
#[test]
fn a_lost_transport_is_1006_wherever_it_breaks() {
    for role in BOTH {
        let key = End::new(role).peer_key();
        let stream = [wire(1, "abc", key), wire(FIN, "def", key), wire(CLOSE, body(1000, ""), key)].concat();
        for at in 0..stream.len() {
            let mut end = End::new(role);
            end.raw(&stream[..at]).eof();
            let events = all_told(&mut end.conn);
            let whole = usize::from(at >= 2 * wire(1, "abc", key).len());
            assert_eq!(messages(&events).len(), whole, "what it brought is still delivered");
            assert_eq!((closed(&events).code(), closed(&events).was_clean()), (1006, false));
            end.is(ReadyState::Closed);
            assert_eq!(end.conn.halves().1.state(), SendState::Closing);
        }
    }
}

/// Rule of RFC 6455 §7.3: close any time.
#[test]
fn either_end_may_close_at_any_time_with_a_code_for_its_need() {
    for role in BOTH {
        for code in [1001, 1011, 1012, 1013, 4000] {
            let mut end = End::new(role);
            end.frame(1, "unfinished").quiet();
            end.conn.send_chunk("unfinished too", false).unwrap();
            end.conn.close(CloseFrame::truncate(CloseCode::new(code).unwrap(), "why"));
            end.writes_all(&[(1, b"unfinished too"), (CLOSE, &body(code, "why"))]);
            end.frame(FIN, "").text("unfinished").frame(CLOSE, body(code, ""));
            end.tells(Told::CloseReceived(CloseCode::new(code).map(CloseFrame::from)));
            assert_eq!(end.eof().ends().code(), code);
        }
    }
}
