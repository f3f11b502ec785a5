//! Any bytes: one answer, however much of them is known; and what decodes is encoded as it was.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sansocket::{
    Violation,
    frame::{Decoded, Header, MAX_HEADER_LEN, MaskKey, Opcode, Rsv, decode_close, encode_close},
};

fuzz_target!(|bytes: &[u8]| {
    decodes(bytes);
    encodes(bytes);
    close_body(bytes);
});

fn decodes(bytes: &[u8]) {
    let known = Header::decode(bytes);
    for cut in 0..bytes.len().min(MAX_HEADER_LEN + 2) {
        match (Header::decode(&bytes[..cut]), known) {
            (Ok(Decoded::Partial(wanted)), Ok(Decoded::Complete(_, size))) => {
                assert!(cut < wanted && wanted <= size, "{wanted} wanted of {size}, {cut} there");
            }
            (Ok(Decoded::Partial(wanted)), Ok(Decoded::Partial(more))) => {
                assert!(cut < wanted && wanted <= more);
            }
            (Ok(Decoded::Partial(wanted)), Err(_)) => assert!(cut < wanted && wanted <= bytes.len()),
            (earlier, known) => assert_eq!(earlier, known, "after {cut} bytes, and later"),
        }
    }
    match known {
        Ok(Decoded::Complete(header, size)) => {
            let mut out = vec![];
            header.encode(&mut out);
            assert_eq!(out, bytes[..size], "encoded otherwise");
            assert!(header.len < 1 << 63);
            assert!(!header.opcode.is_control() || header.fin && header.len <= 125);
        }
        Ok(Decoded::Partial(wanted)) => assert!(bytes.len() < wanted && wanted <= MAX_HEADER_LEN),
        Err(violation) => {
            for more in [&[0; 16][..], &[0xFF; 16], &[0x81, 0x7F, 0x7E, 1], bytes] {
                assert_eq!(Header::decode(&[bytes, more].concat()), Err(violation));
            }
            use Violation::*;
            assert!(matches!(
                violation,
                ReservedOpcode(3..=7 | 11..=15)
                    | OverlongLength
                    | LengthOverflow
                    | FragmentedControl
                    | LongControl
            ));
        }
    }
}

/// A header made from the same bytes comes back.
fn encodes(bytes: &[u8]) {
    let [flags, opcode, shift, a, b, c, d, rest @ ..] = bytes else { return };
    let Ok(opcode) = Opcode::try_from(opcode % 16) else { return };
    let mut len = [0; 8];
    len.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let mut len = u64::from_le_bytes(len) >> (1 + shift % 63);
    if opcode.is_control() {
        len %= 126;
    }
    let rsv = [Rsv::NONE, Rsv::RSV1, Rsv::RSV2, Rsv::RSV3][usize::from(flags / 4 % 4)];
    let mask = (flags & 2 != 0).then(|| MaskKey::new([*a, *b, *c, *d]));
    let header = Header { fin: flags & 1 != 0 || opcode.is_control(), rsv, opcode, mask, len };
    let mut out = vec![];
    header.encode(&mut out);
    let shortest = match len {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    };
    let size = out.len();
    assert_eq!(size, shortest + if mask.is_some() { 4 } else { 0 });
    assert_eq!(Header::decode(&out), Ok(Decoded::Complete(header, size)));
    assert!(matches!(Header::decode(&out[..size - 1]), Ok(Decoded::Partial(_))));
}

fn close_body(bytes: &[u8]) {
    if let Ok(frame) = decode_close(bytes) {
        let mut out = [0; 125];
        let size = encode_close(frame.as_ref(), &mut out);
        assert_eq!(&out[..size], bytes, "encoded otherwise");
    }
}
