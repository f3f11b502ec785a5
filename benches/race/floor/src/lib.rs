//! The least that an echo server can do: unmask, validate text, answer. No fragments, no limits, no closing
//! handshake but an echo of the close frame; it is what the libraries are held against, not one of them.
use std::ops::Range;

/// Payloads from here on are answered from where they were read, and not copied.
const DIRECT: usize = 4096;

/// What a call of [`echo`] leaves to do.
#[derive(Default)]
pub struct Turn {
    /// Bytes of the input that are used up.
    pub used: usize,
    /// Part of the input to be sent after the output: a whole frame. [`echo`] is to be called again then.
    pub direct: Range<usize>,
    /// The length of the incomplete frame that the input ends with, if it is known.
    pub want: usize,
    pub close: bool,
}

/// Answers the complete frames of `input` into `out`. A long one is left where it is: the server's header is
/// shorter than the client's, and fits before it.
#[inline]
pub fn echo(input: &mut [u8], out: &mut Vec<u8>) -> Turn {
    let mut turn = Turn::default();
    while !turn.close && turn.direct.is_empty() {
        let rest = &mut input[turn.used..];
        let Some((first, head, length, key)) = header(rest) else { break };
        let end = head + length;
        if rest.len() < end {
            turn.want = end;
            break;
        }
        let payload = &mut rest[head..end];
        let ascii = unmask(payload, key);
        if first & 0x0f == 1 && !ascii && simdutf8::basic::from_utf8(payload).is_err() {
            turn.close = true;
            break;
        }
        if length < DIRECT {
            put_header(out, first, length);
            out.extend_from_slice(payload);
        } else {
            let mut answer = Vec::with_capacity(10);
            put_header(&mut answer, first, length);
            let start = head - answer.len();
            rest[start..head].copy_from_slice(&answer);
            turn.direct = turn.used + start..turn.used + end;
        }
        turn.used += end;
        turn.close = first & 0x0f == 8;
    }
    turn
}

/// The header at the start: first byte, its own length, the payload's, the key.
#[inline]
fn header(bytes: &[u8]) -> Option<(u8, usize, usize, [u8; 4])> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (head, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize),
        length => (2, usize::from(length)),
    };
    Some((first, head + 4, length, *bytes.get(head..)?.first_chunk()?))
}

#[inline]
fn put_header(out: &mut Vec<u8>, first: u8, length: usize) {
    match length {
        0..126 => out.extend_from_slice(&[first, length as u8]),
        126..0x1_0000 => {
            out.extend_from_slice(&[first, 126]);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.extend_from_slice(&[first, 127]);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Tells whether all of it turned out to be ASCII.
#[inline]
fn unmask(data: &mut [u8], key: [u8; 4]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if data.len() >= 256 && is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what it needs.
        return unsafe { unmask_avx2(data, key) };
    }
    unmask_words(data, key)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn unmask_avx2(data: &mut [u8], key: [u8; 4]) -> bool {
    unmask_words(data, key)
}

#[inline(always)]
fn unmask_words(data: &mut [u8], key: [u8; 4]) -> bool {
    let key32 = u32::from_ne_bytes(key);
    let key64 = u64::from(key32) << 32 | u64::from(key32);
    let mut seen = 0;
    let (words, rest) = data.as_chunks_mut::<8>();
    for word in words {
        let plain = u64::from_ne_bytes(*word) ^ key64;
        seen |= plain;
        *word = plain.to_ne_bytes();
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for word in words {
        let plain = u32::from_ne_bytes(*word) ^ key32;
        seen |= u64::from(plain);
        *word = plain.to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
        seen |= u64::from(*byte);
    }
    seen & 0x8080_8080_8080_8080 == 0
}
