//! Masking (RFC 6455 §5.3), in plain safe words of 8 bytes, which compilers turn into vectors.

/// A masking key, turned to the next byte that it applies to.
///
/// Applying it advances it, so a payload may be masked or unmasked in pieces of any length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaskKey([u8; 4]);

impl MaskKey {
    /// The key as it is on the wire.
    pub const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }
    /// The key as it is on the wire, if it has not been applied yet.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// Masks or unmasks `data` in place, and advances the key past it.
    ///
    /// Says whether all that came out is ASCII: it is known at no cost, and text that is ASCII needs
    /// no other check.
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
        self.0 = u32::from_be_bytes(self.0).rotate_left(8 * rest.len() as u32).to_be_bytes();
        seen & 0x8080_8080_8080_8080 == 0
    }
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
