//! §10: what the application cannot steer, and what the peer cannot exhaust.
use crate::support::*;
use sansocket::{CloseFrame, Config, Delivery, Violation, proto::Role};

/// Rule of RFC 6455 §10.3: key not steered.
#[test]
fn the_application_cannot_steer_the_masking_key() {
    // Whatever is sent, the keys are those that the source of chance gives, in its order.
    let keys = |payloads: &[&[u8]]| {
        let mut end = End::new(Role::Client);
        payloads.iter().for_each(|payload| end.conn.send(*payload).unwrap());
        frames(&written(&mut end.conn)).iter().map(|frame| frame.key.unwrap()).collect::<Vec<_>>()
    };
    let expected: Vec<_> = (0..3).map(key).collect();
    assert_eq!(keys(&[b"a", b"b", b"c"]), expected);
    assert_eq!(keys(&[&[0; 5000], &key(1), b""]), expected);
    // A frame refused or dropped draws none, so no key is shown before it is used.
    let mut end = End::new(Role::Client);
    end.conn.ping([0; 126]).unwrap_err();
    end.conn.send("x").unwrap();
    end.writes(TEXT, "x");
}

/// Rule of RFC 6455 §10.4: limits protect memory.
#[test]
fn a_message_of_the_largest_size_passes_and_one_more_byte_fails_on_the_header() {
    for role in BOTH {
        for max in [0, 1, 125, 126, 1000, 70_000] {
            let limit = |config: &mut Config| config.max_message_size = max;
            let mut end = End::with(role, limit);
            end.frame(BINARY, vec![1; max]).binary(&vec![1; max]);
            end.frame(2, vec![1; max / 2]).frame(FIN, vec![1; max - max / 2]).binary(&vec![1; max]);
            let mut end = End::with(role, limit);
            let header = head(BINARY, max as u64 + 1, end.peer_key());
            end.raw(header).fails(1009, Violation::MessageTooBig { limit: max });
            let mut end = End::with(role, limit);
            let header = head(FIN, (max - max / 2) as u64 + 1, end.peer_key());
            end.frame(2, vec![1; max / 2]).raw(header).fails(1009, Violation::MessageTooBig { limit: max });
        }
    }
}

/// Rule of RFC 6455 §10.4: limits protect memory.
#[test]
fn the_default_limits_are_those_documented() {
    for (role, max) in [(Role::Server, 1 << 20), (Role::Client, 16 << 20)] {
        let mut end = End::new(role);
        let header = head(BINARY, max as u64, end.peer_key());
        end.raw(header).quiet();
        let mut end = End::new(role);
        let header = head(BINARY, max as u64 + 1, end.peer_key());
        end.raw(header).fails(1009, Violation::MessageTooBig { limit: max });
    }
}

/// Rule of RFC 6455 §10.4: limits protect memory.
/// Known failure: fragments without bound.
#[test]
fn a_message_of_the_most_fragments_passes_and_one_more_fails() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(2, "x");
        for _ in 2..65_536 {
            end.frame(0, "x");
        }
        end.quiet().frame(FIN, "x").tells(Told::Message(sansocket::Message::binary(vec![b'x'; 65_536])));
        end.frame(2, "x");
        for _ in 1..65_536 {
            end.frame(0, "x").quiet();
        }
        end.frame(FIN, "x").fails(1008, Violation::TooManyFragments { limit: 65_536 });
    }
}

/// Rule of RFC 6455 §10.4: limits protect memory.
/// Known failure: fragments without bound.
#[test]
fn empty_fragments_in_a_row_are_limited_however_messages_are_delivered() {
    for role in BOTH {
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            let mut end = End::with(role, |config| config.delivery = delivery);
            end.frame(2, "x");
            for _ in 0..3 {
                (0..64).for_each(|_| {
                    end.frame(0, "");
                });
                end.frame(0, "x");
            }
            (0..64).for_each(|_| {
                end.frame(0, "");
            });
            assert!(!all_told(&mut end.conn).iter().any(|event| matches!(event, Told::Error(_))));
            end.frame(0, "").fails(1008, Violation::TooManyEmptyFragments { limit: 64 });
        }
    }
}

/// Rule of RFC 6455 §10.4: limits protect memory.
/// Known failure: limit per frame.
#[test]
fn the_limit_is_on_the_message_however_many_fragments_it_comes_in() {
    for role in BOTH {
        for fragments in [2, 3, 10, 1000, 10_000] {
            let limit = 10_000;
            let size = limit / fragments;
            let with = |config: &mut Config| config.max_message_size = limit;
            let mut end = End::with(role, with);
            for n in 0..fragments {
                let first = if n == 0 { 2 } else { 0 };
                end.frame(first, vec![1; size]).quiet();
            }
            let room = limit - fragments * size;
            let header = head(0, room as u64 + 1, end.peer_key());
            end.raw(header).fails(1009, Violation::MessageTooBig { limit });
        }
        // A sum that would wrap around.
        let mut end = End::with(role, |config| config.max_message_size = usize::MAX);
        end.frame(2, "x");
        let header = head(FIN, (1 << 63) - 1, end.peer_key());
        end.raw(header).quiet();
    }
}

/// Rule of RFC 6455 §10.7: input never trusted.
#[test]
fn every_violation_is_answered_by_a_close_frame_before_the_end() {
    for role in BOTH {
        let key = End::new(role).peer_key();
        for bytes in [
            vec![0xFF, 0xFF],
            wire(0xC1, "", key),
            wire(CLOSE, "x", key),
            wire(TEXT, [0x80], key),
            wire(0, "", key),
        ] {
            let mut end = End::new(role);
            end.raw(bytes);
            let Some(Told::Error(error)) = told(&mut end.conn) else { panic!("no error") };
            let sent = frames(&written(&mut end.conn));
            assert_eq!((sent.len(), sent[0].first), (1, CLOSE));
            assert_eq!(sent[0].payload, body(error.close_code().get(), &error.violation.to_string()));
        }
    }
}

/// Rule of RFC 6455 §10.7: input never trusted.
#[test]
fn what_a_peer_writes_is_escaped_where_it_is_shown() {
    let frame = CloseFrame::truncate(sansocket::CloseCode::NORMAL, "a\x1b[31m\r\nb");
    assert!(!frame.to_string().contains(char::is_control), "{frame}");
}
