//! §5.5: Close, Ping and Pong: short, whole, answered once, and never late for a long message.
use crate::support::*;
use sansocket::{
    CloseCode, CloseFrame, Message, ReadyState, SendError, Violation,
    bytes::Buf,
    proto::{RecvState, Role, SendState},
};

/// Rule of RFC 6455 §5.5: control payload 125.
#[test]
fn a_control_payload_of_125_bytes_is_received_and_a_longer_one_fails() {
    for role in BOTH {
        let longest = [b'x'; 125];
        let mut end = End::new(role);
        end.frame(PING, longest).ping(longest).writes(PONG, longest).frame(PONG, longest).pong(longest);
        for first in [CLOSE, PING, PONG] {
            for len in [126, 127, 65_536] {
                End::new(role).frame(first, vec![b'x'; len]).fails(1002, Violation::LongControl);
            }
            let mask = if role == Role::Server { 0x80 } else { 0 };
            End::new(role).raw([first, mask | 126]).fails(1002, Violation::LongControl);
        }
    }
}

/// Rule of RFC 6455 §5.5: control payload 125.
#[test]
fn a_control_payload_of_more_than_125_bytes_is_never_sent() {
    for role in BOTH {
        let mut end = End::new(role);
        assert_eq!(end.conn.ping([0; 126]), Err(SendError::LongControl(126)));
        assert_eq!(end.conn.halves().1.pong([0; 4000]), Err(SendError::LongControl(4000)));
        end.writes_nothing();
        end.conn.close(CloseFrame::truncate(CloseCode::NORMAL, &"é".repeat(100)));
        end.writes(CLOSE, body(1000, &"é".repeat(61)));
    }
}

/// Rule of RFC 6455 §5.5.1: Close body length.
#[test]
fn a_close_body_of_one_byte_fails() {
    for role in BOTH {
        for byte in [0, 3, 0xFF] {
            End::new(role).frame(CLOSE, [byte]).fails(1002, Violation::ShortClose);
        }
    }
}

/// Rule of RFC 6455 §5.5.1: Close body length.
/// Known failure: Close body uninitialised.
#[test]
fn a_close_body_is_empty_or_has_a_code_and_perhaps_a_reason() {
    for role in BOTH {
        for (sent, frame) in [
            (vec![], None),
            (body(1000, ""), Some(CloseCode::NORMAL.into())),
            (body(4999, "r"), Some(CloseFrame::truncate(CloseCode::new(4999).unwrap(), "r"))),
            (
                body(1001, &"r".repeat(123)),
                Some(CloseFrame::truncate(CloseCode::GOING_AWAY, &"r".repeat(123))),
            ),
        ] {
            let mut end = End::new(role);
            end.frame(CLOSE, &sent).tells(Told::CloseReceived(frame.clone())).quiet();
            let mut end = End::new(role);
            end.conn.close(frame);
            end.writes(CLOSE, &sent).writes_nothing();
        }
    }
}

/// Rule of RFC 6455 §5.5.1: reason is UTF-8.
#[test]
fn a_close_reason_that_is_not_utf8_fails() {
    for role in BOTH {
        for bad in [&b"\xFF"[..], b"ok\xC3", b"\xED\xA0\x80", b"\xC0\x80", b"\xF4\x90\x80\x80", b"\x80"] {
            End::new(role).frame(CLOSE, [&[3, 0xE8], bad].concat()).fails(1007, Violation::CloseReason(1000));
        }
    }
}

/// Rule of RFC 6455 §5.5.1: nothing after Close.
#[test]
fn nothing_is_sent_after_a_close_frame() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.send("before").unwrap();
        end.conn.close(CloseCode::NORMAL);
        assert_eq!(end.conn.send("after"), Err(SendError::Closing));
        assert_eq!(end.conn.send_chunk("after", true), Err(SendError::Closing));
        assert_eq!(end.conn.ping(""), Err(SendError::Closing));
        assert_eq!(end.conn.halves().1.pong(""), Err(SendError::Closing));
        end.writes_all(&[(TEXT, b"before"), (CLOSE, &body(1000, ""))]);
        end.conn.close(CloseCode::GOING_AWAY);
        // What the peer still sends is delivered; its pings have no answer any more.
        end.frame(PING, "?").frame(TEXT, "last words").ping("?").text("last words");
        end.frame(CLOSE, body(1000, "")).tells(Told::CloseReceived(Some(CloseCode::NORMAL.into())));
        end.writes_nothing();
    }
}

/// Rule of RFC 6455 §5.5.1: nothing after Close.
#[test]
fn nothing_is_sent_after_the_answer_to_a_close_frame() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(CLOSE, "").tells(Told::CloseReceived(None));
        assert_eq!(end.conn.send("after"), Err(SendError::Closing));
        end.writes(CLOSE, "").writes_nothing();
    }
}

/// Rule of RFC 6455 §5.5.1: Close answered once.
#[test]
fn a_close_frame_is_answered_once_with_the_same_code() {
    for role in BOTH {
        for sent in [vec![], body(1000, ""), body(1011, "oops"), body(3999, "")] {
            let mut end = End::new(role);
            end.frame(CLOSE, &sent).frame(CLOSE, &sent).frame(CLOSE, body(1001, ""));
            assert!(matches!(told(&mut end.conn), Some(Told::CloseReceived(_))));
            end.quiet().writes(CLOSE, &sent).writes_nothing();
            end.conn.close(CloseCode::NORMAL);
            end.writes_nothing();
        }
        // The answer to ours is not answered.
        let mut end = End::new(role);
        end.conn.close(CloseCode::NORMAL);
        end.writes(CLOSE, body(1000, "")).frame(CLOSE, body(1000, ""));
        end.tells(Told::CloseReceived(Some(CloseCode::NORMAL.into()))).quiet().writes_nothing();
    }
}

/// Rule of RFC 6455 §5.5.1: Close answered once.
#[test]
fn messages_accepted_before_the_peers_close_frame_go_out_before_the_answer() {
    for role in BOTH {
        let mut end = End::with(role, |config| config.fragment_size = 100_000);
        end.conn.send("first").unwrap();
        end.conn.send(vec![5; 250_000]).unwrap();
        end.frame(CLOSE, body(1001, "")).tells(Told::CloseReceived(Some(CloseCode::GOING_AWAY.into())));
        let piece = [5; 100_000];
        end.writes_all(&[
            (TEXT, b"first"),
            (2, &piece),
            (0, &piece),
            (FIN, &piece[..50_000]),
            (CLOSE, &body(1001, "")),
        ]);
    }
}

/// Rule of RFC 6455 §5.5.1: server ends transport.
#[test]
fn a_server_ends_the_transport_once_both_close_frames_are_exchanged() {
    for server_first in [true, false] {
        let mut end = End::new(Role::Server);
        if server_first {
            end.conn.close(CloseCode::NORMAL);
            end.writes(CLOSE, body(1000, ""));
            assert!(!end.conn.wants_shutdown(), "the peer's is to come");
        }
        end.frame(CLOSE, body(1000, "")).tells(Told::CloseReceived(Some(CloseCode::NORMAL.into())));
        if !server_first {
            assert!(!end.conn.wants_shutdown(), "its own is to go");
            let left = end.conn.transmit().remaining();
            end.conn.transmit().advance(left - 1);
            assert!(!end.conn.wants_shutdown(), "all of it");
            end.conn.transmit().advance(1);
        }
        assert!(end.conn.wants_shutdown());
        end.conn.shut_down();
        assert!(!end.conn.wants_shutdown(), "once");
        assert!(end.eof().ends().was_clean());
    }
}

/// Rule of RFC 6455 §5.5.1: client waits, bounded.
#[test]
fn a_client_waits_for_the_servers_end_of_transport_but_not_for_ever() {
    for client_first in [true, false] {
        for server_ends in [true, false] {
            let mut end = End::new(Role::Client);
            if client_first {
                end.conn.close(None);
            }
            end.frame(CLOSE, "").tells(Told::CloseReceived(None)).writes(CLOSE, "");
            end.pass(seconds(0)).quiet();
            assert!(!end.conn.wants_shutdown());
            if server_ends {
                end.eof();
            } else {
                assert_eq!(end.pass_to_deadline(), seconds(10), "close_timeout");
            }
            assert!(end.ends().was_clean());
            assert!(end.conn.wants_shutdown());
        }
    }
}

/// Rule of RFC 6455 §5.5.2: Ping brings Pong.
#[test]
fn a_ping_is_answered_by_a_pong_with_the_same_data() {
    for role in BOTH {
        let mut end = End::new(role);
        for data in [&b""[..], b"x", b"\x00\xFF\xC0", &[7; 125]] {
            end.frame(PING, data).ping(data).quiet().writes(PONG, data).writes_nothing();
        }
    }
}

/// Rule of RFC 6455 §5.5.2: Ping brings Pong.
#[test]
fn a_ping_after_a_close_frame_is_not_answered() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(CLOSE, "").frame(PING, "?").tells(Told::CloseReceived(None)).quiet();
        end.writes(CLOSE, "").frame(PING, "?").quiet().writes_nothing();
    }
}

/// Rule of RFC 6455 §5.5.2: Ping brings Pong.
#[test]
fn a_ping_is_answered_until_our_close_frame_has_left() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.close(None);
        end.frame(PING, "?").ping("?").writes_all(&[(PONG, b"?"), (CLOSE, b"")]);
        end.frame(PING, "?").ping("?").writes_nothing();
    }
}

/// Rule of RFC 6455 §5.5.2: Ping brings Pong.
#[test]
fn an_application_may_answer_pings_itself() {
    for role in BOTH {
        let mut end = End::with(role, |config| config.auto_pong = false);
        end.frame(PING, "?").ping("?").writes_nothing();
        end.conn.halves().1.pong("?").unwrap();
        end.writes(PONG, "?");
    }
}

/// Rule of RFC 6455 §5.5.2: Pong comes soon.
#[test]
fn a_pong_passes_between_the_fragments_of_a_long_message() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.send(vec![1; 10 << 20]).unwrap();
        let ahead = end.conn.transmit().remaining();
        assert!(ahead < (1 << 20) + 100, "no more than a frame of it is framed ahead: {ahead} bytes");
        end.frame(PING, "?").ping("?");
        let sent = frames(&written(&mut end.conn));
        let at = sent.iter().position(|frame| frame.first == PONG).unwrap();
        assert_eq!(at, 1, "it follows the frame that has begun");
        assert_eq!((sent[0].first, sent[at + 1].first, sent.last().unwrap().first), (2, 0, FIN));
        assert_eq!(
            sent.iter().filter(|frame| frame.first != PONG).map(|f| f.payload.len()).sum::<usize>(),
            10 << 20
        );
    }
}

/// Rule of RFC 6455 §5.5.3: newest Ping answered.
#[test]
fn of_several_pings_behind_much_output_the_newest_is_answered() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.send("much".repeat(1024)).unwrap();
        end.frame(PING, "1").frame(PING, "2").frame(PING, "3").ping("1").ping("2").ping("3").quiet();
        let sent = frames(&written(&mut end.conn));
        assert_eq!(sent.len(), 2);
        assert_eq!((sent[0].first, sent[1].first, &sent[1].payload[..]), (TEXT, PONG, &b"3"[..]));
    }
}

/// Rule of RFC 6455 §5.5.3: unsolicited Pong ignored.
#[test]
fn a_pong_that_nobody_asked_for_is_told_and_otherwise_ignored() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(PONG, "why").frame(1, "a").frame(PONG, "").frame(FIN, "b");
        end.pong("why").pong("").text("ab").quiet().writes_nothing().is(ReadyState::Open);
        assert_eq!(end.conn.halves().0.state(), RecvState::Open);
        assert_eq!(end.conn.halves().1.state(), SendState::Open);
    }
}

/// Rule of RFC 6455 §5.4: control between fragments.
#[test]
fn a_lent_control_payload_is_unmasked_and_leaves_the_message_around_it_alone() {
    let mut end = End::new(Role::Server);
    end.frame(1, "around ").frame(PING, [0, 1, 2, 3, 4]).ping([0, 1, 2, 3, 4]).frame(FIN, "it");
    end.tells(Told::Message(Message::text("around it")));
}
