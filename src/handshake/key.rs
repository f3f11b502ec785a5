//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept`, which prove that both ends mean WebSocket (RFC 6455 §1.3). SHA-1 is
//! used nowhere else.
use crate::entropy::Entropy;
use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use sha1::{Digest, Sha1};

/// The constant that every answer is hashed with (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Lenient about trailing bits: some clients write 22 random letters and `==`, and every peer takes that.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The value of `Sec-WebSocket-Key`: 16 bytes in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key([u8; 24]);

impl Key {
    /// A fresh key, as each connection needs (RFC 6455 §4.1).
    pub(super) fn generate(entropy: &dyn Entropy) -> Self {
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce);
        let mut key = [0; 24];
        let _ = BASE64_STANDARD.encode_slice(nonce, &mut key); // 16 bytes are always 24 characters
        Self(key)
    }

    /// Reads a key that was received. `None` unless it decodes to 16 bytes (RFC 6455 §4.2.1).
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let key = value.try_into().ok()?;
        let mut nonce = [0; 18];
        matches!(LENIENT.decode_slice(value, &mut nonce), Ok(16)).then_some(Self(key))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value of `Sec-WebSocket-Accept` that answers it (RFC 6455 §4.2.2).
    pub(super) fn accept(&self) -> [u8; 28] {
        let hash = Sha1::new().chain_update(self.0).chain_update(GUID).finalize();
        let mut accept = [0; 28];
        let _ = BASE64_STANDARD.encode_slice(hash, &mut accept); // 20 bytes are always 28 characters
        accept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn section_1_3_the_example() {
        let key = Key::parse(b"dGhlIHNhbXBsZSBub25jZQ==").unwrap();
        assert_eq!(&key.accept(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn section_4_1_a_key_is_fresh_and_parses() {
        let keys = [Key::generate(&SystemEntropy), Key::generate(&SystemEntropy)];
        assert_ne!(keys[0], keys[1]);
        assert_eq!(Key::parse(keys[0].as_bytes()), Some(keys[0]));
    }

    #[test]
    fn section_4_2_1_only_sixteen_bytes_are_a_key() {
        for wrong in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",     // no padding
            "dGhlIHNhbXBsZSBub25jZQ=",    // half of it
            "AAAAAAAAAAAAAAAAAAAA",       // 15 bytes
            "AAAAAAAAAAAAAAAAAAAAAAA=",   // 17 bytes
            "AAAAAAAAAAAAAAAAAAAAAAAA",   // 18 bytes
            "dGhlIHNhbXBsZSBub25jZ!==",   // not base64
            "dGhlIHNhbXBsZSBub25j_Q==",   // base64 of another alphabet
            "dGhlIHNhbXBsZSBub25jZQ== ",  // not trimmed
            "dGhlIHNhbXBsZSBub25jZQ==AA", // more after the padding
        ] {
            assert_eq!(Key::parse(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert!(Key::parse(b"dGhlIHNhbXBsZSBub25jZR==").is_some(), "bits that decode to nothing");
    }
}
