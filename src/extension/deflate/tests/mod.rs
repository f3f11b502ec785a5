//! What the tests have in common: codecs without a negotiation, and messages through them.
mod negotiation;
mod receiving;
mod sending;

use super::{
    Context,
    deflater::Deflater,
    inflater::Inflater,
    memory::{Memory, Reservation},
};
use crate::{
    error::Violation,
    extension::{Decoder, Encoder, Output},
    frame::Rsv,
};
use bytes::BytesMut;

fn context(window_bits: u8, takeover: bool) -> Context {
    Context { window_bits, takeover }
}
/// The tests of a thread share states, as connections do.
fn nothing() -> Reservation {
    thread_local!(static MEMORY: Memory = Memory::new(1 << 30));
    MEMORY.with(|memory| memory.reserve_regardless(0))
}
fn inflater(window_bits: u8, takeover: bool) -> Inflater {
    Inflater::new(context(window_bits, takeover), nothing())
}
fn deflater(level: u8, window_bits: u8, takeover: bool) -> Deflater {
    Deflater::new(level, 0, context(window_bits, takeover), nothing())
}

/// One message, by the contract of [`Decoder`]: `room` bytes at a time, in these pieces.
fn inflate_pieces(decoder: &mut dyn Decoder, pieces: &[&[u8]], room: usize) -> Result<Vec<u8>, Violation> {
    let mut out = BytesMut::from(&b"before"[..]);
    decoder.begin(Rsv::RSV1)?;
    for (at, piece) in pieces.iter().enumerate() {
        let (mut rest, fin) = (*piece, at + 1 == pieces.len());
        loop {
            let before = out.len();
            let taken = decoder.decode(rest, fin, &mut Output::new(&mut out, room))?;
            rest = &rest[taken..];
            let made = out.len() - before;
            assert!(made <= room, "{made} bytes, room for {room}");
            if rest.is_empty() && made < room {
                break;
            }
            assert!(taken + made > 0, "no progress");
        }
    }
    assert!(out.starts_with(b"before"));
    Ok(out[6..].to_vec())
}
fn inflate(decoder: &mut dyn Decoder, message: &[u8]) -> Result<Vec<u8>, Violation> {
    inflate_pieces(decoder, &[message], 1 << 30)
}

/// One message, in these pieces.
fn deflate_pieces(encoder: &mut dyn Encoder, pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(encoder.begin(None), Rsv::RSV1);
    for (at, piece) in pieces.iter().enumerate() {
        encoder.encode(piece, at + 1 == pieces.len(), &mut out);
    }
    assert!(out.starts_with(b"before"));
    out[6..].to_vec()
}
fn deflate(encoder: &mut dyn Encoder, message: &[u8]) -> Vec<u8> {
    deflate_pieces(encoder, &[message])
}

/// The same bytes each time, which do not compress.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Compresses to about a third.
fn prose(len: usize, seed: u64) -> Vec<u8> {
    let words = ["window ", "the ", "of a ", "message", "compress", "ed ", "frame, ", "\"id\":", "42", "\n"];
    let picks = noise(len, seed);
    picks.iter().flat_map(|&pick| words[usize::from(pick) % words.len()].bytes()).take(len).collect()
}

/// Pieces of these lengths, and the rest.
fn cut<'a>(bytes: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = vec![];
    for &len in lens {
        let (piece, after) = rest.split_at(len.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}
