//! The header of a frame (RFC 6455 §5.2): opcode, FIN, reserved bits, length and masking key.
use super::MaskKey;
use crate::{error::Violation, message::Kind};
use bytes::BufMut;

/// The longest header there is: 2 bytes, a 64-bit length and a masking key.
pub const MAX_HEADER_LEN: usize = 14;

/// The kind of a frame (RFC 6455 §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// 0: continues the message that an earlier frame began.
    Continuation = 0x0,
    /// 1: the first frame of a text message.
    Text = 0x1,
    /// 2: the first frame of a binary message.
    Binary = 0x2,
    /// 8: the last frame that an endpoint sends.
    Close = 0x8,
    /// 9: asks for a pong.
    Ping = 0x9,
    /// 10: answers a ping, or says unasked that the sender is alive.
    Pong = 0xA,
}
impl Opcode {
    /// Control frames are short and whole, and may come between the frames of a message (RFC 6455 §5.5).
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}
impl From<Kind> for Opcode {
    #[inline]
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }
}
/// Fails on the opcodes reserved by RFC 6455: 3–7 and 11–15 (and numbers that do not fit 4 bits).
impl TryFrom<u8> for Opcode {
    type Error = Violation;
    fn try_from(number: u8) -> Result<Self, Violation> {
        Ok(match number {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            other => return Err(Violation::ReservedOpcode(other)),
        })
    }
}

/// The three reserved bits, to which extensions may give a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rsv(u8);
impl Rsv {
    /// No reserved bit.
    pub const NONE: Self = Self(0);
    /// The first reserved bit. In permessage-deflate: this message is compressed.
    pub const RSV1: Self = Self(0x40);
    /// The second reserved bit.
    pub const RSV2: Self = Self(0x20);
    /// The third reserved bit.
    pub const RSV3: Self = Self(0x10);

    /// These bits and those of `other`.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether all bits of `other` are set here.
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }
    /// The reserved bits in the first byte of a frame.
    pub(crate) const fn of(first: u8) -> Self {
        Self(first & 0x70)
    }
}

/// All of a frame but its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether the message ends with this frame.
    pub fin: bool,
    /// The reserved bits.
    pub rsv: Rsv,
    /// The kind of frame.
    pub opcode: Opcode,
    /// The masking key: clients must send one, servers must not.
    pub mask: Option<MaskKey>,
    /// How many bytes of payload follow; less than 2^63.
    pub len: u64,
}

/// What [`Header::decode`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A header, and how many bytes it took.
    Complete(Header, usize),
    /// At least this many bytes are needed in all.
    Partial(usize),
}

impl Header {
    /// Reads one header from the front of `bytes`. An error is returned as soon as it can be known, before the header is
    /// complete. Of several errors, it is always the same one.
    ///
    /// # Errors
    /// Every rule of RFC 6455 §5.2 and §5.5 that one header alone can break. Reserved bits, the mask
    /// and the order of frames are for the caller to judge.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Decoded, Violation> {
        let &[first, second, ..] = bytes else { return Ok(Decoded::Partial(2)) };
        let opcode = Opcode::try_from(first & 0x0F)?;
        let (fin, masked, short) = (first & 0x80 != 0, second & 0x80 != 0, second & 0x7F);
        if opcode.is_control() {
            if !fin {
                return Err(Violation::FragmentedControl);
            }
            if short > 125 {
                return Err(Violation::LongControl);
            }
        }
        let (len, at) = match short {
            126 => match *bytes {
                [_, _, a, b, ..] => (u16::from_be_bytes([a, b]).into(), 4),
                _ => return Ok(Decoded::Partial(4)),
            },
            127 => match *bytes {
                [_, _, a, b, c, d, e, f, g, h, ..] => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 10),
                _ => return Ok(Decoded::Partial(10)),
            },
            short => (short.into(), 2),
        };
        match at {
            4 if len < 126 => return Err(Violation::OverlongLength),
            10 if len <= 0xFFFF => return Err(Violation::OverlongLength),
            10 if len >> 63 != 0 => return Err(Violation::LengthOverflow),
            _ => {}
        }
        let rsv = Rsv::of(first);
        if !masked {
            return Ok(Decoded::Complete(Self { fin, rsv, opcode, mask: None, len }, at));
        }
        let Some(&[a, b, c, d]) = bytes.get(at..at + 4) else { return Ok(Decoded::Partial(at + 4)) };
        let mask = Some(MaskKey::new([a, b, c, d]));
        Ok(Decoded::Complete(Self { fin, rsv, opcode, mask, len }, at + 4))
    }

    /// Appends the header to `out`, in the fewest bytes possible.
    #[inline(always)]
    pub fn encode(&self, out: &mut impl BufMut) {
        let first = if self.fin { 0x80 } else { 0 } | self.rsv.0 | self.opcode as u8;
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        match self.len {
            len @ 0..=125 => out.put_slice(&[first, masked | len as u8]),
            len @ 126..=0xFFFF => {
                out.put_slice(&[first, masked | 126]);
                out.put_u16(len as u16);
            }
            len => {
                out.put_slice(&[first, masked | 127]);
                out.put_u64(len);
            }
        }
        if let Some(key) = self.mask {
            out.put_slice(&key.to_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_5_2_lengths_take_the_fewest_bytes_and_come_back() {
        for (len, size) in
            [(0, 2), (1, 2), (125, 2), (126, 4), (0xFFFF, 4), (0x1_0000, 10), ((1 << 63) - 1, 10)]
        {
            for (mask, key) in [(None, 0), (Some(MaskKey::new([9, 8, 7, 6])), 4)] {
                let header = Header { fin: true, rsv: Rsv::RSV1, opcode: Opcode::Binary, mask, len };
                let mut out = Vec::new();
                header.encode(&mut out);
                assert_eq!(out.len(), size + key, "length {len}");
                assert_eq!(Header::decode(&out), Ok(Decoded::Complete(header, size + key)));
            }
        }
    }

    #[test]
    fn a_header_cut_short_asks_for_more() {
        let header = Header {
            fin: true,
            rsv: Rsv::NONE,
            opcode: Opcode::Text,
            mask: Some(MaskKey::new([1; 4])),
            len: 70_000,
        };
        let mut out = Vec::new();
        header.encode(&mut out);
        for cut in 0..out.len() {
            let Ok(Decoded::Partial(wanted)) = Header::decode(&out[..cut]) else { panic!("cut at {cut}") };
            assert!(cut < wanted && wanted <= out.len());
        }
    }

    #[test]
    fn section_5_2_a_length_in_more_bytes_than_needed_is_refused() {
        for bytes in [&[0x82, 126, 0, 125][..], &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]] {
            assert_eq!(Header::decode(bytes), Err(Violation::OverlongLength));
        }
        assert_eq!(Header::decode(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(Violation::LengthOverflow));
    }

    #[test]
    fn section_5_2_reserved_opcodes_are_refused_at_two_bytes() {
        for opcode in (3..=7).chain(11..=15) {
            assert_eq!(Header::decode(&[0x80 | opcode, 0xFF]), Err(Violation::ReservedOpcode(opcode)));
        }
    }

    #[test]
    fn section_5_5_control_frames_are_short_and_whole() {
        for opcode in 8..=10 {
            assert_eq!(Header::decode(&[opcode, 0]), Err(Violation::FragmentedControl));
            assert_eq!(Header::decode(&[0x80 | opcode, 126]), Err(Violation::LongControl));
            assert!(matches!(Header::decode(&[0x80 | opcode, 125]), Ok(Decoded::Complete(..))));
        }
    }
}
