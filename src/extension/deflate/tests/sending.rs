//! RFC 7692 §7.2.1: what is sent, and that any inflater reads it.
use super::{context, cut, deflate, deflate_pieces, deflater, inflate, inflater, noise, prose};
use crate::{
    extension::{Deflate, Encoder, Extension, deflate::deflater::Deflater},
    frame::Rsv,
};
use bytes::BytesMut;
use flate2::{Decompress, FlushDecompress, Status};
use proptest::{collection::vec, prelude::*};

/// By `flate2` alone, in one call; and that all of it was needed.
fn one_shot(state: &mut Decompress, message: &[u8], len: usize) -> Vec<u8> {
    let mut out = vec![0; len + 1];
    let (read, made) = (state.total_in(), state.total_out());
    let input = [message, &[0, 0, 0xFF, 0xFF]].concat();
    assert_eq!(state.decompress(&input, &mut out, FlushDecompress::Sync).unwrap(), Status::Ok);
    assert_eq!(state.total_in() - read, input.len() as u64);
    out.truncate((state.total_out() - made) as usize);
    out
}

/// Rule of RFC 7692 §7.2.1: tail taken off.
/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_1_and_2_hello_without_and_with_a_context() {
    let hello = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    for level in 1..=9 {
        let mut fresh = deflater(level, 15, false);
        assert_eq!(deflate(&mut fresh, b"Hello"), hello);
        assert_eq!(deflate(&mut fresh, b"Hello"), hello, "the context is not kept");
    }
    let mut kept = deflater(6, 15, true);
    assert_eq!(deflate(&mut kept, b"Hello"), hello);
    assert_eq!(deflate(&mut kept, b"Hello"), [0xF2, 0x00, 0x11, 0x00, 0x00]);
}

/// Rule of RFC 7692 §7.2.1: tail taken off.
/// Rule of RFC 7692 §7.2.3: the RFC's examples.
#[test]
fn section_7_2_3_6_an_empty_message_is_one_byte() {
    for takeover in [false, true] {
        let mut encoder = deflater(3, 12, takeover);
        for _ in 0..2 {
            assert_eq!(deflate(&mut encoder, b""), [0]);
            assert_eq!(deflate_pieces(&mut encoder, &[b"", b"", b""]), [0]);
        }
    }
}

/// Rule of RFC 7692 §7.2.1: tail taken off.
/// Rule of RFC 7692 §6.1: fragments cut anywhere.
/// A piece ends with a flush, so that it can be decoded; the last without what every flush ends with.
#[test]
fn section_7_2_1_pieces_end_with_a_flush_and_the_message_without() {
    let (mut encoder, mut out) = (deflater(6, 15, false), BytesMut::new());
    for end in [&b"o"[..], b""] {
        out.clear();
        encoder.begin(None);
        encoder.encode(b"Hell", false, &mut out);
        assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
        let mut text = [0; 10];
        let mut state = Decompress::new(false);
        state.decompress(&out, &mut text, FlushDecompress::Sync).unwrap();
        assert_eq!(state.total_out(), 4);
        let flushed = out.len();
        encoder.encode(end, true, &mut out);
        assert!(!out.ends_with(&[0xFF, 0xFF]) && out.ends_with(&[0]));
        assert_eq!(out.len() == flushed + 1, end.is_empty());
        assert_eq!(inflate(&mut inflater(15, false), &out).unwrap(), [b"Hell", end].concat());
    }
}

/// Rule of RFC 7692 §7.1.2: window as agreed.
/// What is further back than the window is sent again, in a message and in the next.
#[test]
fn section_7_1_2_the_window_is_no_larger_than_agreed() {
    for bits in 9..=14 {
        let window = 1 << bits;
        let (block, between) = (noise(window, 1), noise(64, 2));
        // The least distance of something to be found again: a window and more.
        let text = [&block[..], &between, &block].concat();
        let mut encoder = deflater(9, bits, true);
        assert!(deflate(&mut encoder, &text).len() > 2 * window, "{bits} bits");
        assert!(deflate(&mut encoder, &text).len() > 2 * window, "{bits} bits");
        assert!(
            deflate(&mut deflater(9, 15, false), &text).len() < window * 5 / 4,
            "there is something to find"
        );
    }
}

/// Rule of RFC 7692 §7.1.2: window as agreed.
#[test]
fn section_7_1_2_1_with_a_window_of_8_bits_nothing_is_compressed() {
    for takeover in [false, true] {
        let mut encoder = deflater(6, 8, takeover);
        assert_eq!(encoder.begin(None), Rsv::NONE);
        assert_eq!(encoder.begin(Some(1 << 20)), Rsv::NONE);
        assert!(encoder.profile().is_some());
    }
}

/// Rule of RFC 7692 §6: uncompressed any time.
#[test]
fn short_messages_are_sent_as_they_are() {
    let mut encoder = Deflater::new(3, 256, context(12, false), super::nothing());
    assert_eq!(encoder.begin(Some(255)), Rsv::NONE);
    assert_eq!(encoder.begin(Some(256)), Rsv::RSV1);
    assert_eq!(encoder.begin(None), Rsv::RSV1);
}

#[test]
fn a_profile_tells_apart_whatever_makes_a_difference() {
    let profile = |level, min_size, bits, takeover| {
        Deflater::new(level, min_size, context(bits, takeover), super::nothing()).profile()
    };
    assert_eq!(profile(3, 256, 12, true), None);
    let all: Vec<_> =
        [(3, 256, 12), (4, 256, 12), (3, 257, 12), (3, 256, 13), (3, usize::MAX, 12), (3, 256, 8)]
            .map(|(level, min_size, bits)| profile(level, min_size, bits, false).unwrap())
            .into();
    for (at, one) in all.iter().enumerate() {
        assert!(!all[at + 1..].contains(one), "{one:?}");
        assert_eq!(one.extension, "permessage-deflate");
    }
    assert_eq!(profile(3, 256, 12, false), Some(all[0]));
}

/// A message given up in the middle, by the encoder's end or by the next, is in no later one.
#[test]
fn begin_forgets_a_message_that_did_not_end() {
    let mut out = BytesMut::new();
    let mut encoder = deflater(6, 15, false);
    let fresh = deflate(&mut encoder, b"Hello Hello");
    encoder.begin(None);
    encoder.encode(b"Hello", false, &mut out);
    assert_eq!(deflate(&mut encoder, b"Hello Hello"), fresh);
    encoder.begin(None);
    encoder.encode(b"Hello", false, &mut out);
    drop(encoder);
    assert_eq!(deflate(&mut deflater(6, 15, false), b"Hello Hello"), fresh);
}

#[test]
fn what_cannot_be_compressed_is_stored() {
    for len in [1, 0xFFFF, 0x1_0000, 200_000] {
        let (text, mut out) = (noise(len, 7), BytesMut::new());
        crate::extension::deflate::deflater::store(&text, &mut out);
        assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
        assert!(inflate(&mut inflater(15, false), &out[..out.len() - 4]).unwrap() == text);
    }
}

/// The level is the compressor's: 0 stores, and each further one of these looks for more. A state that a thread kept for
/// another level is not taken for it.
#[test]
fn the_level_reaches_the_compressor() {
    let text = prose(100_000, 3);
    let made = |level| deflate(&mut deflater(level, 15, false), &text).len();
    for _ in 0..2 {
        let (stored, fast, best) = (made(0), made(1), made(9));
        assert!((text.len()..text.len() + 100).contains(&stored), "{stored}");
        assert!(best < fast && fast < stored / 2, "{stored}, {fast}, {best}");
    }
}

/// Through what is public, too: more than 9 is as 9.
#[test]
fn the_level_of_the_settings_is_the_one_compressed_with() {
    let text = prose(100_000, 4);
    let made = |level| {
        let settings = Deflate { level, ..Deflate::default() };
        let offer = settings.offers().remove(0);
        let mut agreement = settings.accept(&offer).unwrap();
        deflate(&mut *agreement.encoder, &text)
    };
    assert!(made(0).len() > text.len() && made(9).len() < made(1).len());
    assert_eq!(made(10), made(9));
}

/// Long messages take several calls of zlib, of which only the last flushes.
#[test]
fn long_messages_are_one_stream() {
    for level in 0..=9 {
        for len in [32_767, 32_768, 32_769, 65_536, 300_000] {
            for text in [noise(len, 8), prose(len, 9), vec![7; len]] {
                let message = deflate(&mut deflater(level, 12, false), &text);
                let state = &mut Decompress::new(false);
                assert!(one_shot(state, &message, len) == text, "level {level}, {len} bytes");
            }
        }
    }
}

proptest! {
    /// Rule of RFC 7692 §7.2.1: tail taken off.
    /// Rule of RFC 7692 §7.1.1: context kept, or not. What is sent in any pieces is read back at once.
    #[test]
    fn pieces_are_read_back_as_one(
        texts in vec((0..20_000usize, any::<u64>(), any::<bool>(), vec(0..5000usize, 0..6)), 1..4),
        level in 0..=9u8,
        bits in 9..=15u8,
        takeover: bool,
    ) {
        let mut encoder = deflater(level, bits, takeover);
        let mut state = Decompress::new(false);
        for (len, seed, random, lens) in texts {
            let text = if random { noise(len, seed) } else { prose(len, seed) };
            let message = deflate_pieces(&mut encoder, &cut(&text, &lens));
            if !takeover {
                state.reset(false);
            }
            prop_assert!(one_shot(&mut state, &message, len) == text);
        }
    }
}
