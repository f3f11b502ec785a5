//! §6: sending only while open, first opcode and last FIN, and receiving whatever way the bytes are cut.
use crate::support::*;
use sansocket::{CloseCode, Message, ReadyState, SendError, bytes::Buf};

/// Rule of RFC 6455 §6.1: send while open.
#[test]
fn sending_is_for_the_open_state_and_says_so_otherwise() {
    for role in BOTH {
        let refused = |end: &mut End| {
            assert_eq!(end.conn.send("x"), Err(SendError::Closing));
            assert_eq!(end.conn.send_chunk("x", true), Err(SendError::Closing));
            assert_eq!(end.conn.ping(""), Err(SendError::Closing));
            assert_eq!(SendError::Closing.to_string(), "the connection is closing or closed");
        };
        let mut end = End::new(role);
        end.is(ReadyState::Open).conn.send("x").unwrap();
        end.flush().conn.close(None);
        refused(end.is(ReadyState::Closing));
        let mut end = End::new(role);
        end.frame(CLOSE, "").tells(Told::CloseReceived(None));
        refused(end.is(ReadyState::Closing));
        let mut end = End::new(role);
        end.eof().ends();
        refused(end.is(ReadyState::Closed));
        end.writes_nothing();
        let mut end = End::new(role);
        end.conn.abort();
        end.ends();
        refused(end.is(ReadyState::Closed));
    }
}

/// Rule of RFC 6455 §6.1: send while open.
#[test]
fn a_message_under_way_is_cut_off_when_the_connection_fails() {
    for role in BOTH {
        let mut end = End::with(role, |config| config.fragment_size = 1000);
        end.conn.send(vec![0; 1 << 20]).unwrap();
        end.raw([0xFF, 0xFF]);
        assert!(matches!(told(&mut end.conn), Some(Told::Error(_))));
        let sent = frames(&written(&mut end.conn));
        assert!(sent.len() < 300, "no more than was framed ahead: {}", sent.len());
        assert_eq!(sent.last().unwrap().first, CLOSE);
        assert_eq!(end.conn.buffered_amount(), 0);
    }
}

/// Rule of RFC 6455 §6.1: first opcode, FIN.
#[test]
fn the_first_frame_has_the_opcode_and_the_last_has_fin() {
    for role in BOTH {
        let mut end = End::with(role, |config| config.fragment_size = 4);
        end.conn.send("abcdefghij").unwrap();
        end.writes_all(&[(1, b"abcd"), (0, b"efgh"), (FIN, b"ij")]);
        end.conn.send(&b"abcd"[..]).unwrap();
        end.writes(BINARY, b"abcd");
        end.conn.send("").unwrap();
        end.writes(TEXT, b"");
        for chunk in ["", "ab", "", "cdefgh", ""] {
            end.conn.send_chunk(chunk, false).unwrap();
        }
        end.conn.send_chunk("", true).unwrap();
        end.writes_all(&[(1, b"ab"), (0, b"cdef"), (0, b"gh"), (FIN, b"")]);
        end.conn.send_chunk(&b""[..], false).unwrap();
        end.conn.send_chunk(&b""[..], true).unwrap();
        end.writes(BINARY, b"");
    }
}

/// Rule of RFC 6455 §6.2: cuts do nothing.
#[test]
fn the_type_of_a_message_is_that_of_its_first_frame() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(1, "").frame(FIN, "text").tells(Told::Message(Message::text("text")));
        end.frame(2, "").frame(FIN, "bytes").tells(Told::Message(Message::binary(&b"bytes"[..])));
    }
}

/// Rule of RFC 6455 §6.2: cuts do nothing.
#[test]
fn a_stream_cut_anywhere_tells_the_same() {
    for role in BOTH {
        let key = End::new(role).peer_key();
        let long = "é".repeat(300);
        let stream = [
            wire(TEXT, "whole", key),
            wire(1, "in ", key),
            wire(PING, "between", key),
            wire(0, "", key),
            wire(FIN, "€", key),
            wire(BINARY, &long, key),
            wire(PONG, "", key),
            wire(TEXT, "", key),
            wire(CLOSE, body(4000, "reason"), key),
            b"ignored".to_vec(),
        ]
        .concat();
        let story = |cuts: &[usize]| {
            let mut end = End::new(role);
            let (mut events, mut from) = (vec![], 0);
            for to in cuts.iter().copied().chain([stream.len()]) {
                end.raw(&stream[from..to]);
                from = to;
                events.extend(all_told(&mut end.conn));
            }
            (events, written(&mut end.conn))
        };
        let whole = story(&[]);
        assert_eq!(whole.0.len(), 7);
        for i in 0..stream.len() {
            assert_eq!(story(&[i]), whole, "cut at {i}");
            assert_eq!(story(&[i, (i + 3).min(stream.len())]), whole, "cut at {i} and 3 after");
        }
        let everywhere: Vec<usize> = (1..stream.len()).collect();
        assert_eq!(story(&everywhere), whole);
    }
}

/// Rule of RFC 6455 §6.1: send while open.
#[test]
fn what_is_refused_is_not_queued() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.close(CloseCode::NORMAL);
        let before = end.conn.buffered_amount();
        end.conn.send(vec![0; 99_999]).unwrap_err();
        assert_eq!(end.conn.buffered_amount(), before);
        end.writes(CLOSE, body(1000, ""));
    }
}

/// Every byte that will be written counts, from when it is queued to when the transport has taken it.
#[test]
fn buffered_amount_is_what_will_be_written() {
    let lens = [300_000, 0, 20, 125, 126, 4095, 4096, 70_000, 0, 65_535, 65_536, 65_537, 131_072];
    for role in BOTH {
        for fragment_size in [0, 7, 1000, 4096, 65_536, 1 << 20] {
            let lens = lens.iter().filter(|&&len| fragment_size > 10 || len < 70_000);
            for owned in [false, true] {
                let mut end = End::with(role, |config| config.fragment_size = fragment_size);
                for &len in lens.clone() {
                    let message = vec![1; len];
                    if owned { end.conn.send(message) } else { end.conn.send(&message) }.unwrap();
                }
                let mut amount = end.conn.buffered_amount();
                for step in [1, 7, 3000, 20_000].into_iter().cycle() {
                    let n = step.min(end.conn.transmit().remaining());
                    if n == 0 {
                        break;
                    }
                    end.conn.transmit().advance(n);
                    amount -= n;
                    assert_eq!(end.conn.buffered_amount(), amount, "{role:?} {fragment_size}");
                }
                assert_eq!(amount, 0, "{role:?} {fragment_size}");
            }
        }
    }
}
