//! §5.4: messages in fragments, with control frames between them and nothing else.
use crate::support::*;
use sansocket::{
    Message, SendError, Violation,
    bytes::{Buf, Bytes},
    proto::Role,
};

/// Rule of RFC 6455 §5.4: continuation of nothing.
#[test]
fn a_continuation_of_nothing_fails() {
    for role in BOTH {
        for first in [0, FIN] {
            End::new(role).frame(first, "x").fails(1002, Violation::UnexpectedContinuation);
            let mut end = End::new(role);
            end.frame(TEXT, "whole")
                .text("whole")
                .frame(first, "")
                .fails(1002, Violation::UnexpectedContinuation);
            let mut end = End::new(role);
            end.frame(1, "in ").frame(FIN, "two").text("in two");
            end.frame(first, "x").fails(1002, Violation::UnexpectedContinuation);
        }
    }
}

/// Rule of RFC 6455 §5.4: message within message.
#[test]
fn a_message_begun_within_another_fails() {
    for role in BOTH {
        for (begin, again) in [(1, TEXT), (1, BINARY), (2, TEXT), (2, 2), (1, 1)] {
            let mut end = End::new(role);
            end.frame(begin, "a").frame(again, "b").fails(1002, Violation::ExpectedContinuation);
            let mut end = End::new(role);
            end.frame(begin, "").frame(0, "").frame(PONG, "").pong("");
            end.frame(again, "b").fails(1002, Violation::ExpectedContinuation);
        }
    }
}

/// Rule of RFC 6455 §5.4: control between fragments.
#[test]
fn control_frames_between_fragments_are_handled_at_once() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(1, "a").frame(PING, "1").ping("1").writes(PONG, "1");
        end.frame(0, "b").frame(PONG, "2").pong("2");
        end.frame(PING, "").ping("").writes(PONG, "").frame(0, "").quiet();
        end.frame(FIN, "c").text("abc").quiet();
        // All in one read too, and a Close frame in the middle of a message.
        end.frame(2, "d").frame(PING, "4").frame(0, "e").frame(CLOSE, body(1001, "bye")).ping("4");
        end.tells(Told::CloseReceived(Some(sansocket::CloseFrame::truncate(
            sansocket::CloseCode::GOING_AWAY,
            "bye",
        ))));
        end.quiet().writes_all(&[(PONG, b"4"), (CLOSE, &body(1001, "bye"))]);
    }
}

/// Rule of RFC 6455 §5.4: control never fragmented.
#[test]
fn a_control_frame_in_fragments_fails() {
    for role in BOTH {
        for opcode in [8, 9, 10] {
            End::new(role).frame(opcode, "").fails(1002, Violation::FragmentedControl);
            let mut end = End::new(role);
            end.frame(1, "a").frame(opcode, "b").fails(1002, Violation::FragmentedControl);
        }
    }
}

/// Rule of RFC 6455 §5.4: control never fragmented.
#[test]
fn control_frames_are_never_sent_in_fragments() {
    for role in BOTH {
        let mut end = End::with(role, |config| config.fragment_size = 1);
        let long = "x".repeat(125);
        end.conn.ping(&long).unwrap();
        end.writes(PING, &long).frame(PING, &long).ping(&long).writes(PONG, &long);
        end.conn.close(sansocket::CloseFrame::truncate(sansocket::CloseCode::NORMAL, &long));
        end.writes(CLOSE, body(1000, &long[..123]));
    }
}

/// Rule of RFC 6455 §5.4: fragments received, empty.
#[test]
fn messages_are_received_whole_and_in_fragments_some_empty() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(TEXT, "whole").text("whole").frame(BINARY, "").binary(b"");
        for (first, rest) in
            [(1, &["", "a", "", "", "b", ""][..]), (1, &[""]), (1, &["", ""]), (1, &["x", ""])]
        {
            end.frame(first, "");
            for piece in &rest[..rest.len() - 1] {
                end.frame(0, piece).quiet();
            }
            end.frame(FIN, rest[rest.len() - 1]).text(&rest.concat()).quiet();
        }
        end.frame(2, [1]).frame(FIN, [2]).binary(&[1, 2]);
        // And in one read.
        end.frame(2, [1])
            .frame(0, [])
            .frame(FIN, [2])
            .frame(TEXT, "next")
            .binary(&[1, 2])
            .text("next")
            .quiet();
    }
}

/// Rule of RFC 6455 §5.4: fragments never interleaved.
#[test]
fn no_other_message_may_be_sent_before_the_last_fragment() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.send_chunk("a", false).unwrap();
        assert_eq!(end.conn.send("other"), Err(SendError::Unfinished));
        assert_eq!(end.conn.send(&b"other"[..]), Err(SendError::Unfinished));
        assert_eq!(end.conn.send_chunk(&b"other"[..], true), Err(SendError::KindMismatch));
        end.conn.send_chunk("b", true).unwrap();
        end.conn.send("next").unwrap();
        end.writes_all(&[(1, b"a"), (FIN, b"b"), (TEXT, b"next")]);
    }
}

/// Some peers cannot join fragments: a message that takes several is longer than they would take anyhow.
#[test]
fn by_default_a_message_of_up_to_1_mib_is_one_frame_and_control_frames_pass_in_a_longer_one() {
    for role in BOTH {
        for len in [100_000, 1 << 20] {
            let mut end = End::with(role, |_| ());
            end.conn.send(vec![7; len]).unwrap();
            end.conn.send(vec![8; len].as_slice()).unwrap();
            let all = frames(&written(&mut end.conn));
            let all: Vec<_> = all.iter().map(|frame| (frame.first, frame.payload.len())).collect();
            assert_eq!(all, [(BINARY, len), (BINARY, len)], "{role:?}");
        }
        let mut end = End::with(role, |config| config.high_water_mark = usize::MAX);
        end.conn.send(vec![7; (2 << 20) + 1]).unwrap();
        end.frame(PING, "?").ping("?");
        let all = frames(&written(&mut end.conn));
        let all: Vec<_> = all.iter().map(|frame| (frame.first, frame.payload.len())).collect();
        assert_eq!(all, [(2, 1 << 20), (PONG, 1), (0, 1 << 20), (FIN, 1)], "{role:?}");
    }
}

/// Rule of RFC 6455 §5.4: fragments never interleaved.
#[test]
fn fragments_of_long_messages_never_interleave() {
    for role in BOTH {
        let mut end = End::with(role, |config| config.fragment_size = 10_000);
        for n in 1..=4 {
            end.conn.send(vec![n; 25_000]).unwrap();
            end.conn.send([n].as_slice()).unwrap();
            end.conn.ping([n]).unwrap();
        }
        let mut seen = vec![];
        for frame in frames(&written(&mut end.conn)).iter().filter(|frame| frame.first & 8 == 0) {
            assert!(frame.payload.iter().all(|byte| *byte == frame.payload[0]));
            seen.push((frame.first, frame.payload[0], frame.payload.len()));
        }
        let expected: Vec<_> =
            (1..=4).flat_map(|n| [(2, n, 10_000), (0, n, 10_000), (FIN, n, 5_000), (BINARY, n, 1)]).collect();
        assert_eq!(seen, expected);
    }
}

/// Rule of RFC 6455 §5.4: fragments in order.
#[test]
fn fragments_are_joined_and_sent_in_order() {
    for role in BOTH {
        let payload: Vec<u8> = (0..60_000_u32).flat_map(|n| n.to_be_bytes()).collect();
        let mut end = End::with(role, |config| config.fragment_size = 7_001);
        end.conn.send(payload.clone()).unwrap();
        let sent: Vec<u8> =
            frames(&written(&mut end.conn)).into_iter().flat_map(|frame| frame.payload).collect();
        assert!(sent == payload);
        let last = payload.len() / 999;
        for (n, piece) in payload.chunks(999).enumerate() {
            let first = if n == 0 {
                2
            } else if n == last {
                FIN
            } else {
                0
            };
            end.frame(first, piece);
            if n % 3 == 0 && n != last {
                end.quiet();
            }
        }
        end.tells(Told::Message(Message::binary(payload)));
    }
}

/// A client masks long frames as the transport takes them. What has begun is ended, or the peer would take whatever follows
/// for the rest of it; and control frames go before the next.
#[test]
fn a_frame_that_has_begun_is_ended_before_any_other() {
    for taken in [1, 70_000, 200_000] {
        let set = |config: &mut sansocket::Config| {
            (config.fragment_size, config.high_water_mark) = (300_000, usize::MAX)
        };
        let mut end = End::with(Role::Client, set);
        end.conn.send(Bytes::from(vec![7; 500_000])).unwrap();
        end.conn.send("last").unwrap();
        let mut bytes = vec![];
        while bytes.len() < taken {
            let n = end.conn.transmit().remaining().min(taken - bytes.len());
            bytes.extend(end.conn.transmit().copy_to_bytes(n));
        }
        end.frame(PING, "?").ping("?");
        bytes.extend(written(&mut end.conn));
        let all: Vec<_> = frames(&bytes).iter().map(|frame| (frame.first, frame.payload.len())).collect();
        assert_eq!(all, [(2, 300_000), (PONG, 1), (FIN, 200_000), (TEXT, 4)], "{taken} bytes taken");
    }
}

#[test]
fn a_failure_ends_the_frame_that_has_begun_and_drops_the_rest() {
    for taken in [1, 70_000, 200_000, 310_000] {
        let set = |config: &mut sansocket::Config| {
            (config.fragment_size, config.high_water_mark) = (300_000, usize::MAX)
        };
        let mut end = End::with(Role::Client, set);
        end.conn.send(Bytes::from(vec![7; 500_000])).unwrap();
        end.conn.send("dropped").unwrap();
        let mut bytes = vec![];
        while bytes.len() < taken {
            let n = end.conn.transmit().remaining().min(taken - bytes.len());
            bytes.extend(end.conn.transmit().copy_to_bytes(n));
        }
        end.raw([0x83, 0]).errs();
        let left = end.conn.buffered_amount();
        let rest = written(&mut end.conn);
        bytes.extend(&rest);
        let all = frames(&bytes);
        let (close, data) = all.split_last().unwrap();
        assert_eq!(left, rest.len() - close.payload.len() - 6, "of the frames before it");
        assert!(close.first == CLOSE && close.payload[..2] == 1002_u16.to_be_bytes());
        let data: Vec<_> = data.iter().map(|frame| (frame.first, frame.payload.len())).collect();
        let second = [(2, 300_000), (FIN, 200_000)];
        assert_eq!(data, second[..if taken < 300_000 { 1 } else { 2 }], "{taken} bytes taken");
    }
}
