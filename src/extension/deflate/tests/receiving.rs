//! RFC 7692 §7.2.2 and §7.2.3: every stream that a peer may send, and every one that it may not.
use super::{cut, deflate, deflater, inflate, inflate_pieces, inflater, noise, prose};
use crate::extension::Output;
use crate::{error::Violation, extension::Decoder, frame::Rsv};
use bytes::BytesMut;
use flate2::{Compress, Compression, FlushCompress};
use proptest::{collection::vec, prelude::*};

const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

/// A DEFLATE stream that ends with a final block.
fn finished(text: &[u8], dictionary: &[u8]) -> Vec<u8> {
    let mut state = Compress::new(Compression::new(6), false);
    if !dictionary.is_empty() {
        state.set_dictionary(dictionary).unwrap();
    }
    let mut out = vec![0; text.len() + text.len() / 8 + 64];
    state.compress(text, &mut out, FlushCompress::Finish).unwrap();
    out.truncate(state.total_out() as usize);
    out
}

/// Rule of RFC 7692 §7.2.2: tail put back.
/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_1_and_2_hello_without_and_with_a_context() {
    let mut kept = inflater(15, true);
    assert_eq!(inflate(&mut kept, &HELLO).unwrap(), b"Hello");
    assert_eq!(inflate(&mut kept, &[0xF2, 0x00, 0x11, 0x00, 0x00]).unwrap(), b"Hello");
    assert_eq!(inflate(&mut kept, &HELLO).unwrap(), b"Hello");
}

/// Rule of RFC 7692 §7.1.1: context kept, or not.
#[test]
fn section_7_1_1_a_context_is_not_kept_unless_that_is_agreed() {
    let mut fresh = inflater(15, false);
    assert_eq!(inflate(&mut fresh, &HELLO).unwrap(), b"Hello");
    assert_eq!(inflate(&mut fresh, &[0xF2, 0x00, 0x11, 0x00, 0x00]), Err(Violation::MissingContext));
    assert_eq!(inflate(&mut fresh, &HELLO[..4]), Err(Violation::Encoding), "it ends too soon");
    assert_eq!(inflate(&mut inflater(15, false), &[0xFF; 8]), Err(Violation::Encoding), "the first message");
}

#[test]
fn section_7_1_2_a_reference_behind_the_window_names_what_was_agreed() {
    let (text, mut sender) = (noise(20_000, 5), deflater(6, 15, true));
    let messages = [deflate(&mut sender, &text), deflate(&mut sender, &text[..4000])];
    for (bits, expected) in [(15, Ok(text[..4000].to_vec())), (12, Err(Violation::MissingContext))] {
        let mut receiver = inflater(bits, true);
        assert!(inflate(&mut receiver, &messages[0]).unwrap() == text);
        assert!(inflate(&mut receiver, &messages[1]) == expected, "{bits}");
    }
}

/// What one connection has received is not to be had by another: their states come from the same pool.
#[test]
fn no_message_refers_to_another_connection() {
    for takeover in [false, true] {
        assert_eq!(inflate(&mut inflater(15, takeover), &HELLO).unwrap(), b"Hello");
        assert_eq!(
            inflate(&mut inflater(15, takeover), &[0xF2, 0x00, 0x11, 0x00, 0x00]),
            Err(Violation::Encoding)
        );
    }
}

/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_3_a_block_without_compression() {
    let stored = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00];
    assert_eq!(inflate(&mut inflater(15, false), &stored).unwrap(), b"Hello");
}

/// Rule of RFC 7692 §7.2.1: any block types.
/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_4_a_final_block_and_an_empty_one() {
    let message = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00];
    assert_eq!(inflate(&mut inflater(15, false), &message).unwrap(), b"Hello");
    // Without the block that should be there: nothing is missing.
    assert_eq!(inflate(&mut inflater(15, false), &message[..7]).unwrap(), b"Hello");
}

/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_5_two_blocks() {
    let message = [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00];
    assert_eq!(inflate(&mut inflater(15, false), &message).unwrap(), b"Hello");
}

/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_6_an_empty_message() {
    for message in [&[0x00][..], &[], &[0x03, 0x00], &[0x03, 0x00, 0x00], &[0x02, 0x00]] {
        assert_eq!(inflate(&mut inflater(15, false), message).unwrap(), b"", "{message:02x?}");
    }
    assert_eq!(inflate(&mut inflater(15, false), &[0x02]), Err(Violation::Encoding));
}

/// Rule of RFC 7692 §6.1: fragments cut anywhere.
#[test]
fn section_6_1_fragments_end_anywhere_and_may_be_empty() {
    for at in 0..=HELLO.len() {
        let (front, back) = HELLO.split_at(at);
        for pieces in [&[front, back][..], &[front, back, &[]], &[&[], front, &[], back, &[], &[]]] {
            assert_eq!(inflate_pieces(&mut inflater(15, false), pieces, 99).unwrap(), b"Hello");
        }
    }
}

/// Rule of RFC 7692 §7.2.1: any block types.
#[test]
fn section_7_2_3_4_the_window_outlives_a_final_block() {
    let (first, second) = (noise(700, 1), noise(300, 2));
    let text = [&first[..], &first, &second, &first].concat();
    let streams = [
        finished(&first, &[]),
        finished(&first, &first),
        finished(&second, &[&first[..], &first].concat()),
        finished(&first, &[&first[..], &first, &second].concat()),
    ];
    assert!(streams[1].len() < 50 && streams[3].len() < 50, "they refer to what was before");
    let joined = streams.concat();
    // Within a message, in one call and in many.
    for takeover in [false, true] {
        let whole = inflate(&mut inflater(15, takeover), &joined).unwrap();
        assert!(whole == text);
        for (piece, room) in [(1, 1), (1, 1000), (7, 3), (700, 100), (701, 701), (100_000, 1)] {
            let pieces: Vec<_> = joined.chunks(piece).collect();
            let got = inflate_pieces(&mut inflater(15, takeover), &pieces, room).unwrap();
            assert!(got == text, "pieces of {piece}, room for {room}");
        }
    }
    // From one message to the next.
    let mut kept = inflater(15, true);
    let got: Vec<_> = streams.iter().flat_map(|stream| inflate(&mut kept, stream).unwrap()).collect();
    assert!(got == text);
    let mut forgot = inflater(15, false);
    assert!(inflate(&mut forgot, &streams[0]).is_ok());
    assert_eq!(inflate(&mut forgot, &streams[1]), Err(Violation::MissingContext));
}

/// Rule of RFC 7692 §7.2.1: any block types.
/// What is taken off may have been the end of a final block as well.
#[test]
fn section_7_2_1_the_empty_block_may_be_final() {
    let message = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0x01];
    assert_eq!(inflate(&mut inflater(15, false), &message).unwrap(), b"Hello");
}

/// Rule of RFC 7692 §7.2.2: tail put back.
/// A stored block that lacks just the four bytes that are appended would otherwise take them for its own.
#[test]
fn section_7_2_2_a_message_cut_short_is_never_a_message() {
    let text = prose(3000, 3);
    // With the lengths at which they are whole messages too: before a stored block's length, and after a final block.
    let streams = [
        (vec![0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00], Some((1, 0))),
        (deflate(&mut deflater(0, 15, false), &text), Some((1, 0))),
        (deflate(&mut deflater(1, 15, false), &text), None),
        (deflate(&mut deflater(1, 15, false), b"abc"), None),
        (deflate(&mut deflater(6, 9, false), &text), None),
        (deflate(&mut deflater(9, 15, false), &prose(40, 4)), None),
        ([finished(b"Hello", &[]), vec![0]].concat(), Some((7, 5))),
    ];
    for (stream, also) in streams {
        for len in 1..stream.len() {
            for room in [1 << 20, 1] {
                let got = inflate_pieces(&mut inflater(15, false), &[&stream[..len]], room);
                let expected = also.filter(|&(at, _)| at == len).map(|(_, text)| text);
                assert_eq!(got.map(|text| text.len()).ok(), expected, "{len} of {} bytes", stream.len());
            }
        }
    }
}

/// Known failure: inflated without limit.
/// A thousand bytes for one that comes in: the room is kept to, by the message and by the buffer.
#[test]
fn a_bomb_gets_the_room_that_there_is() {
    let bomb = deflate(&mut deflater(9, 15, false), &vec![0; 4 << 20]);
    assert!(bomb.len() * 900 < 4 << 20);
    for room in [1, 1000, 4096, 65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, (4 << 20) - 1, 4 << 20] {
        let mut decoder = inflater(15, false);
        let mut out = BytesMut::new();
        decoder.begin(Rsv::RSV1).unwrap();
        let taken = decoder.decode(&bomb, true, &mut Output::new(&mut out, room)).unwrap();
        assert_eq!(out.len(), room);
        assert!(out.capacity() <= room.max(8), "room for {room}, capacity of {}", out.capacity());
        assert!(taken < bomb.len() || room >= (4 << 20) - 300);
    }
    // All of it, and a byte of room more, is the end.
    let mut decoder = inflater(15, false);
    let mut out = BytesMut::new();
    decoder.begin(Rsv::RSV1).unwrap();
    assert_eq!(decoder.decode(&bomb, true, &mut Output::new(&mut out, (4 << 20) + 1)).unwrap(), bomb.len());
    assert_eq!(out.len(), 4 << 20);
}

/// Known failure: inflated without limit.
/// What is in the buffer already is no room, and no reason to take more.
#[test]
fn the_buffer_grows_by_the_room_only() {
    let bomb = deflate(&mut deflater(9, 15, false), &vec![0; 1 << 20]);
    for (before, room) in [(1000, 10), (100_000, 5000), (65_536, 100_000)] {
        let mut decoder = inflater(15, false);
        let mut out = BytesMut::from(&noise(before, 5)[..]);
        decoder.begin(Rsv::RSV1).unwrap();
        decoder.decode(&bomb, true, &mut Output::new(&mut out, room)).unwrap();
        assert_eq!(out.len(), before + room);
        assert!(out.capacity() <= before + room, "{} over", out.capacity() - before - room);
        assert!(out[..before] == noise(before, 5)[..] && out[before..].iter().all(|&byte| byte == 0));
    }
}

/// Rule of RFC 7692 §7.1.2: window as agreed.
/// An agreed window of 8 bits is received like one of 9, which is what zlib sends with.
#[test]
fn section_7_1_2_no_more_is_kept_than_the_window() {
    for bits in 8..=15 {
        let window = 1 << u8::max(bits, 9);
        for (len, reaches) in [(window, true), (window + 1, false)] {
            let text = noise(len, u64::from(bits));
            let mut kept = inflater(bits, true);
            for part in text.chunks(300) {
                inflate(&mut kept, &deflate(&mut deflater(0, 15, false), part)).unwrap();
            }
            assert!(kept.window_len() <= window);
            assert_eq!(
                inflate(&mut kept, &distance(len)).ok(),
                reaches.then(|| text[..3].to_vec()),
                "{bits} bits, {len}"
            );
        }
    }
}

/// A message that is three bytes from so far back: a block of fixed codes (RFC 1951 §3.2.6) and an empty one.
fn distance(back: usize) -> Vec<u8> {
    let (mut bits, mut len) = (0u64, 0);
    let mut put = |value: u64, count: u32| {
        bits |= value << len;
        len += count;
    };
    put(0b010, 3); // not final, fixed codes
    put(0b100_0000, 7); // length 3 is code 257: 0000001, the highest bit first
    let (mut base, mut code, mut extra) = (1, 0u64, 0);
    while back >= base + (1 << extra) {
        base += 1 << extra;
        code += 1;
        extra = if code < 4 { 0 } else { (code / 2 - 1) as u32 };
    }
    put(u64::from((code as u8).reverse_bits() >> 3), 5);
    put((back - base) as u64, extra);
    put(0, 7); // the end of the block
    put(0, 3); // stored, not final
    bits.to_le_bytes()[..(len as usize).div_ceil(8)].to_vec()
}

/// Between messages there is no state, and without takeover nothing at all.
#[test]
fn an_idle_decoder_holds_the_window_at_most() {
    let message = deflate(&mut deflater(6, 15, false), &prose(100_000, 6));
    for (takeover, window) in [(false, 0), (true, 4096)] {
        let mut decoder = inflater(12, takeover);
        for pieces in [vec![&message[..]], message.chunks(100).collect()] {
            inflate_pieces(&mut decoder, &pieces, 1 << 20).unwrap();
            assert!(decoder.is_idle());
            assert_eq!(decoder.window_capacity(), window);
        }
    }
}

/// A message that is given up leaves nothing behind for the next.
#[test]
fn begin_forgets_a_message_that_did_not_end() {
    let mut decoder = inflater(15, false);
    let mut out = BytesMut::new();
    decoder.begin(Rsv::RSV1).unwrap();
    decoder.decode(&HELLO[..5], false, &mut Output::new(&mut out, 100)).unwrap();
    assert!(!out.is_empty());
    assert_eq!(inflate(&mut decoder, &HELLO).unwrap(), b"Hello");
    decoder.begin(Rsv::RSV1).unwrap();
    decoder.decode(&HELLO[..5], false, &mut Output::new(&mut out, 100)).unwrap();
    assert_eq!(inflate(&mut decoder, &[0xF2, 0x00, 0x11, 0x00, 0x00]), Err(Violation::MissingContext));
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    (0..20_000usize, any::<u64>(), any::<bool>())
        .prop_map(|(len, seed, random)| if random { noise(len, seed) } else { prose(len, seed) })
}

proptest! {
    /// Rule of RFC 7692 §6.1: fragments cut anywhere.
    /// How a message is cut, and how much room there is, changes nothing; nor what is kept of it.
    #[test]
    fn cuts_and_room_do_nothing(
        texts in vec(text(), 1..4),
        lens in vec(0..500usize, 0..30),
        room in prop_oneof![1..10usize, 500..520usize, 1..100_000usize],
        level in 0..=9u8,
        bits in 9..=15u8,
        takeover: bool,
    ) {
        let (mut encoder, mut decoder) = (deflater(level, bits, takeover), inflater(bits, takeover));
        for text in texts {
            let message = deflate(&mut encoder, &text);
            let got = inflate_pieces(&mut decoder, &cut(&message, &lens), room).unwrap();
            prop_assert!(got == text);
        }
    }

    /// Whatever comes is decoded or refused, within the room, whatever the pieces; and both ways the same.
    #[test]
    fn noise_never_panics(
        text in text(),
        flips in vec((any::<prop::sample::Index>(), 0..8u8), 0..4),
        lens in vec(0..500usize, 0..8),
        room in 1..5000usize,
        raw: bool,
    ) {
        let mut message = if raw { text } else { deflate(&mut deflater(6, 15, false), &text) };
        for (at, bit) in flips {
            if !message.is_empty() {
                let at = at.index(message.len());
                message[at] ^= 1 << bit;
            }
        }
        let whole = inflate(&mut inflater(15, true), &message);
        let pieces = inflate_pieces(&mut inflater(15, true), &cut(&message, &lens), room);
        prop_assert!(whole == pieces);
    }
}
