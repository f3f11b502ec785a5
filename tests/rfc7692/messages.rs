//! §6, §7.2: which messages are compressed, in which frames, and what is kept from one to the next.
use crate::{common::*, support::*};
use sansocket::{
    Delivery, Message, Outgoing, Prepared, Violation,
    proto::{Event, Step},
};

/// "Hello", as §7.2.3.1 has it; and what it becomes after itself, §7.2.3.2.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

/// Rule of RFC 7692 §6: bit on first.
/// Rule of RFC 7692 §7.2.1: tail taken off.
/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_the_examples_as_they_are_sent() {
    for role in BOTH {
        let mut end = end(role, true, |_| ());
        end.conn.send("Hello").unwrap();
        end.writes(TEXT | RSV1, HELLO);
        end.conn.send("Hello").unwrap();
        end.writes(TEXT | RSV1, AGAIN);
        end.conn.send("").unwrap();
        end.writes(TEXT | RSV1, [0]);
        let mut end = self::end(role, false, |config| config.fragment_size = 3);
        for _ in 0..2 {
            end.conn.send("Hello").unwrap();
            // The bit is that of the first frame only.
            end.writes_all(&[(1 | RSV1, &HELLO[..3]), (0, &HELLO[3..6]), (FIN, &HELLO[6..])]);
        }
    }
}

/// Rule of RFC 7692 §7.2.2: tail put back.
/// Rule of RFC 7692 §7.2.1: any block types.
/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_the_examples_as_they_are_received() {
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let bfinal = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two_blocks = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    for role in BOTH {
        for payload in [&HELLO[..], &stored, &bfinal, &two_blocks] {
            for takeover in [true, false] {
                let mut end = end(role, takeover, |_| ());
                end.frame(TEXT | RSV1, payload).text("Hello").frame(TEXT | RSV1, payload).text("Hello");
                end.frame(TEXT | RSV1, [0]).text("").quiet();
                if takeover {
                    end.frame(TEXT | RSV1, AGAIN).text("Hello");
                }
            }
        }
    }
}

/// Rule of RFC 7692 §6.2: bit elsewhere fails.
#[test]
fn section_6_2_the_bit_on_a_continuation_or_a_control_frame_fails() {
    for role in BOTH {
        for begun in [2, 2 | RSV1] {
            let mut end = end(role, true, |_| ());
            end.frame(begun, &HELLO[..3]).frame(FIN | RSV1, &HELLO[3..]).fails(1002, Violation::ReservedBits);
        }
        for first in [PING, PONG, CLOSE] {
            end(role, true, |_| ()).frame(first | RSV1, "").fails(1002, Violation::ReservedBits);
        }
        for rsv in [0x20, 0x10, 0x70] {
            end(role, true, |_| ()).frame(TEXT | rsv, HELLO).fails(1002, Violation::ReservedBits);
        }
    }
}

/// Rule of RFC 7692 §6: bit without agreement.
#[test]
fn section_6_the_bit_fails_when_nothing_was_negotiated() {
    for role in BOTH {
        End::new(role).frame(TEXT | RSV1, HELLO).fails(1002, Violation::ReservedBits);
    }
}

/// Rule of RFC 7692 §6: uncompressed any time.
#[test]
fn section_6_messages_may_come_as_they_are_at_any_time() {
    for role in BOTH {
        let mut end = end(role, true, |_| ());
        end.frame(TEXT, "plain").text("plain").frame(TEXT | RSV1, HELLO).text("Hello");
        end.frame(1, "in ").frame(FIN, "two").text("in two").frame(TEXT | RSV1, AGAIN).text("Hello");
        end.frame(TEXT, "").text("").frame(TEXT | RSV1, AGAIN).text("Hello").quiet();
    }
}

/// Rule of RFC 7692 §6.1: fragments cut anywhere.
/// Rule of RFC 7692 §7.1.1: context kept, or not.
#[test]
fn section_7_2_fragments_cut_anywhere_and_control_frames_between_change_nothing() {
    for role in BOTH {
        let (first, second) = (json(1, 3000), json(2, 3000));
        let mut peer = Deflating::new();
        let sent = [peer.message(first.as_bytes()), peer.message(second.as_bytes())];
        assert!(sent[1].len() < deflated(&second).len(), "the context is of use");
        for size in [1, 2, 3, 50, 5000] {
            let mut end = end(role, true, |_| ());
            for (payload, text) in sent.iter().zip([&first, &second]) {
                let mut opcode = 1 | RSV1;
                for part in payload.chunks(size) {
                    end.frame(opcode, part).frame(PING, "?").ping("?").frame(PONG, "!").pong("!");
                    opcode = 0;
                }
                end.frame(FIN, "").text(text).frame(TEXT, "plain").text("plain");
            }
        }
    }
}

/// Rule of RFC 7692 §7.1.1: context kept, or not.
#[test]
fn section_7_2_2_the_context_is_kept_unless_it_was_agreed_not_to() {
    let text = json(1, 2000);
    for role in BOTH {
        for takeover in [true, false] {
            let (mut end, mut peer) = (end(role, takeover, |_| ()), Inflating::new());
            let mut sizes = vec![];
            for _ in 0..3 {
                end.conn.send(&text).unwrap();
                let frame = frames(&written(&mut end.conn)).remove(0);
                if !takeover {
                    peer = Inflating::new();
                }
                assert_eq!(peer.message(&frame.payload), text.as_bytes());
                sizes.push(frame.payload.len());
            }
            assert_eq!(sizes[1] * 4 < sizes[0], takeover, "{sizes:?}");
        }
    }
}

/// Rule of RFC 7692 §6.2: checked once inflated.
#[test]
fn section_8_1_of_6455_text_is_checked_when_it_has_been_inflated() {
    for role in BOTH {
        let bad = [&b"fine so far \xed\xa0\x80"[..], &[b'x'; 100_000]].concat();
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            let mut end = end(role, true, |config| config.delivery = delivery);
            // It fails at the first wrong byte, before the frame is there and whatever comes after it.
            let payload = deflated(&bad);
            let frame = wire(TEXT | RSV1, &payload, end.peer_key());
            end.raw(&frame[..frame.len() - 1]).fails(1007, Violation::Utf8);
            // Half a character at the end is none.
            let mut end = self::end(role, true, |_| ());
            end.frame(TEXT | RSV1, deflated(b"half \xf0\x9f")).fails(1007, Violation::Utf8);
            // As binary it is what it is.
            let mut end = self::end(role, true, |_| ());
            end.frame(BINARY | RSV1, deflated(&bad)).binary(&bad);
        }
    }
}

/// Rule of RFC 7692 §6.2: checked once inflated.
#[test]
fn chunks_of_text_end_where_a_character_does() {
    let text = "naïve €uro 𐍈 ".repeat(20_000);
    for role in BOTH {
        for mtu in [1, 7, 1000, usize::MAX] {
            let mut end = end(role, false, |config| config.delivery = Delivery::Chunks);
            let frame = wire(TEXT | RSV1, deflated(&text), end.peer_key());
            let (mut got, mut ended) = (String::new(), false);
            for part in frame.chunks(mtu.min(frame.len())) {
                for event in all_told(&mut end.more(part).conn) {
                    let Told::Chunk(Message::Text(chunk), fin) = event else { panic!("{event:?}") };
                    assert!(chunk.len() <= 64 << 10);
                    got += &chunk;
                    ended = fin;
                }
            }
            assert!(ended && got == text, "{mtu}");
        }
    }
}

/// Rule of RFC 7692 §8: secrets not compressed.
#[test]
fn section_8_a_secret_is_sent_as_it_is() {
    for role in BOTH {
        let mut end = end(role, true, |_| ());
        end.conn.send(Outgoing::from("Hello").uncompressed()).unwrap();
        end.writes(TEXT, "Hello");
        end.conn.send("Hello").unwrap();
        end.writes(TEXT | RSV1, HELLO); // which knows nothing of the secret
    }
}

#[test]
fn short_messages_are_sent_as_they_are() {
    for role in BOTH {
        let deflate = Deflate::default();
        let established = Established::bare(role).with_extension(agreement(
            role,
            &deflate,
            "; server_no_context_takeover; client_no_context_takeover",
        ));
        let mut end = End::of(role, Connection::new(established, config(role)));
        let text = "x".repeat(256);
        end.conn.send(&text[1..]).unwrap();
        end.writes(TEXT, &text[1..]);
        end.conn.send(&text).unwrap();
        assert_eq!(frames(&written(&mut end.conn))[0].first, TEXT | RSV1);
    }
}

#[test]
fn messages_sent_in_chunks_arrive_as_they_are_sent() {
    for role in BOTH {
        for takeover in [true, false] {
            let (mut end, mut all) = (end(role, takeover, |_| ()), Inflating::new());
            for message in 0..3 {
                if !takeover {
                    all = Inflating::new();
                }
                let mut opcode = 1 | RSV1;
                for i in 0..5 {
                    let chunk = json(message * 5 + i, 700);
                    end.conn.send_chunk(&chunk, false).unwrap();
                    let frame = frames(&written(&mut end.conn)).remove(0);
                    assert_eq!(frame.first, opcode);
                    opcode = 0;
                    // What has been sent can be inflated, before more of it is.
                    let mut out = Vec::with_capacity(10_000);
                    all.0.decompress_vec(&frame.payload, &mut out, FlushDecompress::Sync).unwrap();
                    assert_eq!(out, chunk.as_bytes());
                }
                end.conn.send_chunk("", true).unwrap();
                let frame = frames(&written(&mut end.conn)).remove(0);
                assert_eq!((frame.first, &frame.payload[..]), (FIN, &[0][..]));
                assert_eq!(all.message(&frame.payload), b"");
            }
        }
    }
}

#[test]
fn a_prepared_message_is_compressed_for_each_that_keeps_a_context() {
    let prepared = Prepared::from("Hello");
    for role in BOTH {
        let mut end = end(role, true, |_| ());
        end.conn.send(&prepared).unwrap();
        end.writes(TEXT | RSV1, HELLO);
        end.conn.send(&prepared).unwrap();
        end.writes(TEXT | RSV1, AGAIN);
        let mut end = self::end(role, false, |_| ());
        for _ in 0..2 {
            end.conn.send(&prepared).unwrap();
            end.writes(TEXT | RSV1, HELLO);
        }
        let mut end = End::new(role);
        end.conn.send(&prepared).unwrap();
        end.writes(TEXT, "Hello");
        end.conn.send(Outgoing::from(&prepared).uncompressed()).unwrap();
        end.writes(TEXT, "Hello");
    }
}

#[test]
fn what_a_fragment_means_is_delivered_before_the_next_one_comes() {
    // A chunk is full within a repetition whose bits have all come; where that is depends on what comes before.
    for before in 0..100_u8 {
        let message: Vec<u8> = (0..before).chain([7; 70_000]).collect();
        let payload = deflated(&message);
        for cut in payload.len() - 40..payload.len() {
            let mut all = Vec::with_capacity(100_000);
            Inflating::new().0.decompress_vec(&payload[..cut], &mut all, FlushDecompress::Sync).unwrap();
            let mut end = end(Role::Server, false, |config| config.delivery = Delivery::Chunks);
            end.frame(2 | RSV1, &payload[..cut]);
            let told = all_told(&mut end.conn);
            let got = told.iter().map(|event| match event {
                Told::Chunk(chunk, false) => chunk.len(),
                other => panic!("{other:?}"),
            });
            assert_eq!(got.sum::<usize>(), all.len(), "{before} bytes before, cut at {cut}");
        }
    }
}

#[test]
fn a_chunk_that_is_kept_back_when_all_its_bits_have_come_is_asked_for_again() {
    for len in 65_536..65_536 + 300 {
        let mut end = end(Role::Server, false, |config| {
            (config.delivery, config.high_water_mark) = (Delivery::Chunks, 0);
        });
        end.frame(2 | RSV1, deflated(vec![7; len]));
        let mut got = 0;
        while let Some(Event::Chunk { data, .. }) = end.conn.poll_event() {
            got += data.len();
            end.conn.send("an answer that is more than the mark").unwrap();
        }
        while got < len {
            written(&mut end.conn);
            let step = end.conn.next_step();
            let Some(Event::Chunk { data, .. }) = end.conn.poll_event() else { panic!("{got} of {len}") };
            got += data.len();
            assert_eq!(step, Step::Advance, "{got} of {len}");
        }
    }
}
