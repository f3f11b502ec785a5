//! Masking (RFC 6455 §5.3), in plain safe words of 8 bytes, which compilers turn into vectors.

/// A masking key, rotated to the byte that applies next.
///
/// Applying it advances it, so a payload may be masked or unmasked in pieces of any length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaskKey([u8; 4]);

impl MaskKey {
    /// The key as it is on the wire.
    pub const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }
    /// The key as it is on the wire, provided that it has not been applied yet.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// Masks or unmasks `data` in place, and advances the key past it.
    ///
    /// Returns whether all resulting bytes are ASCII. This costs nothing to find out, and text that is ASCII needs no
    /// validation.
    #[inline]
    pub fn apply(&mut self, data: &mut [u8]) -> bool {
        let short = u32::from_ne_bytes(self.0);
        let word = u64::from(short) << 32 | u64::from(short);
        let mut seen = 0;
        let mut words = data.chunks_exact_mut(8);
        for eight in &mut words {
            let mut plain = [0; 8];
            plain.copy_from_slice(eight);
            let plain = u64::from_ne_bytes(plain) ^ word;
            seen |= plain;
            eight.copy_from_slice(&plain.to_ne_bytes());
        }
        let mut half = words.into_remainder().chunks_exact_mut(4);
        if let Some(four) = half.next() {
            let mut plain = [0; 4];
            plain.copy_from_slice(four);
            let plain = u32::from_ne_bytes(plain) ^ short;
            seen |= u64::from(plain);
            four.copy_from_slice(&plain.to_ne_bytes());
        }
        let rest = half.into_remainder();
        for (byte, key) in rest.iter_mut().zip(short.to_ne_bytes()) {
            *byte ^= key;
            seen |= u64::from(*byte);
        }
        self.turn(rest.len());
        seen & 0x8080_8080_8080_8080 == 0
    }

    /// Appends `plain` to `out`, masked. This takes one pass; copying first and masking afterwards takes two.
    #[inline]
    pub(crate) fn append(self, plain: &[u8], out: &mut Vec<u8>) {
        let short = u32::from_ne_bytes(self.0);
        match plain.len() {
            LONG.. => append_lines::<{ 2 * LINE }>(plain, short, out),
            LINE.. => append_lines::<LINE>(plain, short, out),
            16.. => append_parts(plain, short, out),
            _ => append_few(plain, short, out),
        }
    }

    /// Advances the key by this many bytes.
    #[inline]
    pub(crate) fn turn(&mut self, bytes: usize) {
        self.0 = turned(u32::from_ne_bytes(self.0), bytes).to_ne_bytes();
    }
}

/// The length of a line of the processor's cache, in bytes.
const LINE: usize = 64;

/// From this many bytes on, two lines in each turn of the loop save more than they cost at the end.
const LONG: usize = 4 * 1024;

/// The masking key as it applies `bytes` bytes further on. The key is given and returned in the order of memory.
#[inline(always)]
fn turned(short: u32, bytes: usize) -> u32 {
    let bits = 8 * (bytes % 4) as u32;
    if cfg!(target_endian = "little") { short.rotate_right(bits) } else { short.rotate_left(bits) }
}

/// Appends a payload of at least `N` bytes; `N` is a number of whole lines. A store that crosses the end of a line costs twice as much, so all
/// stores but the first and the last begin where a line does.
#[inline(never)]
fn append_lines<const N: usize>(plain: &[u8], short: u32, out: &mut Vec<u8>) {
    out.reserve(plain.len());
    let start = out.len();
    let to_line = out.as_ptr().wrapping_add(start).align_offset(LINE) % LINE;
    out.extend_from_slice(&masked::<LINE>(&plain[..LINE], short));
    out.truncate(start + to_line);
    let here = turned(short, to_line);
    // The length of this iterator is exact, so `extend` checks for room once, and the compiler vectorises the loop.
    out.extend(plain[to_line..].chunks_exact(N).flat_map(|lines| masked::<N>(lines, here)));
    append_last::<N>(plain, short, start, out);
}

/// Appends a payload of 16 bytes to a line.
#[inline]
fn append_parts(plain: &[u8], short: u32, out: &mut Vec<u8>) {
    out.reserve(plain.len());
    let start = out.len();
    for part in plain.chunks_exact(16) {
        out.extend_from_slice(&masked::<16>(part, short));
    }
    append_last::<16>(plain, short, start, out);
}

/// Appends the last `N` bytes of the payload that begins at `start` in `out`. Some of them may have been appended already,
/// and are masked again: that is cheaper than a loop over the rest.
#[inline(always)]
fn append_last<const N: usize>(plain: &[u8], short: u32, start: usize, out: &mut Vec<u8>) {
    let at = plain.len() - N;
    out.truncate(start + at);
    out.extend_from_slice(&masked::<N>(&plain[at..], turned(short, at)));
}

#[inline]
fn append_few(plain: &[u8], short: u32, out: &mut Vec<u8>) {
    let mut words = plain.chunks_exact(4);
    for four in &mut words {
        let mut plain = [0; 4];
        plain.copy_from_slice(four);
        out.extend_from_slice(&(u32::from_ne_bytes(plain) ^ short).to_ne_bytes());
    }
    for (byte, key) in words.remainder().iter().zip(short.to_ne_bytes()) {
        out.push(byte ^ key);
    }
}

/// Masks `N` bytes, a multiple of 8.
#[inline(always)]
fn masked<const N: usize>(plain: &[u8], short: u32) -> [u8; N] {
    let word = u64::from(short) << 32 | u64::from(short);
    let mut out = [0; N];
    out.copy_from_slice(plain);
    for eight in out.chunks_exact_mut(8) {
        let mut plain = [0; 8];
        plain.copy_from_slice(eight);
        eight.copy_from_slice(&(u64::from_ne_bytes(plain) ^ word).to_ne_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §5.3, to the letter: `transformed[i] = original[i] XOR key[i MOD 4]`.
    fn by_the_letter(data: &[u8], key: [u8; 4]) -> Vec<u8> {
        data.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
    }

    #[test]
    fn section_5_3_pieces_of_any_length_equal_the_whole() {
        let plain: Vec<u8> = (0..=99).collect();
        let expected = by_the_letter(&plain, [1, 2, 3, 0xFE]);
        for start in 0..plain.len() {
            for end in start..plain.len() {
                let (mut key, mut data) = (MaskKey::new([1, 2, 3, 0xFE]), plain.clone());
                key.apply(&mut data[..start]);
                key.apply(&mut data[start..end]);
                key.apply(&mut data[end..]);
                assert_eq!(data, expected, "cut at {start} and {end}");
            }
        }
    }

    #[test]
    fn section_5_3_a_masked_copy_equals_what_is_masked_in_place() {
        let plain: Vec<u8> = (0..LONG + 3 * LINE).map(|i| (i * 31 % 251) as u8).collect();
        let expected = by_the_letter(&plain, [1, 2, 3, 0xFE]);
        for before in 0..LINE {
            for len in (0..5 * LINE).chain(LONG - 2..=plain.len()) {
                let (mut key, mut out) = (MaskKey::new([1, 2, 3, 0xFE]), vec![7; before]);
                out.reserve_exact(plain.len()); // so that `before` says where lines begin
                key.append(&plain[..len], &mut out);
                key.turn(len);
                key.append(&plain[len..], &mut out);
                assert!(out[..before].iter().all(|&byte| byte == 7));
                assert!(out[before..] == expected, "{len} bytes after {before}");
            }
        }
    }

    #[test]
    fn a_high_bit_anywhere_is_seen() {
        for len in 0..40 {
            let mut data = vec![b'a'; len];
            MaskKey::new([7; 4]).apply(&mut data);
            assert!(MaskKey::new([7; 4]).apply(&mut data.clone()));
            for at in 0..len {
                let mut data = data.clone();
                data[at] ^= 0x80;
                assert!(!MaskKey::new([7; 4]).apply(&mut data), "{at} of {len}");
            }
        }
    }
}
