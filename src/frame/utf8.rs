//! UTF-8 that arrives in pieces: fails at the first byte that cannot be right (RFC 6455 §8.1).
use crate::error::Violation;

/// Validates text that comes in chunks. If a character is cut, its first bytes are kept until the next chunk.
///
/// ```
/// use sansocket::frame::Utf8Validator;
///
/// let mut validator = Utf8Validator::default();
/// validator.feed(b"caf\xC3")?;
/// assert_eq!(validator.pending(), 1);
/// validator.feed(b"\xA9")?;
/// validator.finish()?;
/// # Ok::<(), sansocket::Violation>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8Validator {
    partial: [u8; 3],
    len: u8,
}

impl Utf8Validator {
    /// Takes the next bytes, all of them ASCII.
    ///
    /// # Errors
    /// [`Violation::Utf8`] if the bytes before end within a character.
    #[inline]
    pub fn feed_ascii(&self, bytes: &[u8]) -> Result<(), Violation> {
        if self.len > 0 && !bytes.is_empty() { Err(Violation::Utf8) } else { Ok(()) }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Violation::Utf8`] at the first byte that cannot be part of valid text.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        while self.len > 0 {
            let Some((&next, rest)) = bytes.split_first() else { return Ok(()) };
            let mut character = [0; 4];
            let have = usize::from(self.len);
            character[..have].copy_from_slice(&self.partial[..have]);
            character[have] = next;
            match std::str::from_utf8(&character[..=have]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_some() => return Err(Violation::Utf8),
                Err(_) => self.keep(&character[..=have]),
            }
            bytes = rest;
        }
        match simdutf8::compat::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(Violation::Utf8),
            Err(error) => {
                self.keep(&bytes[error.valid_up_to()..]);
                Ok(())
            }
        }
    }

    /// At most three bytes: four are a whole character, or invalid.
    fn keep(&mut self, begun: &[u8]) {
        self.partial[..begun.len()].copy_from_slice(begun);
        self.len = begun.len() as u8;
    }

    /// How many of the bytes taken belong to an incomplete character.
    pub fn pending(&self) -> usize {
        self.len.into()
    }

    /// The text ends here.
    ///
    /// # Errors
    /// [`Violation::Utf8`] if it ends within a character.
    pub fn finish(&mut self) -> Result<(), Violation> {
        if std::mem::take(&mut self.len) == 0 { Ok(()) } else { Err(Violation::Utf8) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(pieces: &[&[u8]]) -> bool {
        let mut validator = Utf8Validator::default();
        pieces.iter().try_for_each(|piece| validator.feed(piece)).and_then(|()| validator.finish()).is_ok()
    }

    #[test]
    fn section_8_1_every_cut_agrees_with_std() {
        let samples: [&[u8]; 8] = [
            b"",
            "aé€𐍈z".as_bytes(),
            b"\xce\xba\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xc0\x80",
            b"\xe2\x82",
            b"\x80",
            b"a\xf0\x9f\x92",
        ];
        for text in samples {
            let expected = std::str::from_utf8(text).is_ok();
            for i in 0..=text.len() {
                for j in i..=text.len() {
                    let pieces = [&text[..i], &text[i..j], &text[j..]];
                    assert_eq!(accepts(&pieces), expected, "{text:x?} cut at {i} and {j}");
                }
            }
        }
    }

    #[test]
    fn section_8_1_the_first_wrong_byte_fails() {
        for (good, bad) in
            [(&b"ok\xf0\x9f"[..], 0x20), (b"\xed", 0xA0), (b"\xf4", 0x90), (b"\xe0", 0x80), (b"", 0xC1)]
        {
            let mut validator = Utf8Validator::default();
            assert_eq!(validator.feed(good), Ok(()));
            assert_eq!(validator.feed(&[bad]), Err(Violation::Utf8), "{good:x?} then {bad:#x}");
        }
    }

    #[test]
    fn ascii_does_not_complete_a_character() {
        let mut validator = Utf8Validator::default();
        validator.feed("é".as_bytes().split_at(1).0).unwrap();
        assert_eq!(validator.feed_ascii(b""), Ok(()));
        assert_eq!(validator.feed_ascii(b"a"), Err(Violation::Utf8));
    }
}
