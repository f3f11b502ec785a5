//! The short ways through the reader never tell what the long one would not.
use super::*;
use crate::{
    config::Delivery,
    extension::{Decoder, Output},
    frame::Rsv,
};
use proptest::{collection::vec, prelude::*, sample::select};

const LONG: usize = 70_000;

/// What a reader tells.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Data {
        kind: Kind,
        bytes: Vec<u8>,
        fin: bool,
    },
    Control(Opcode, Vec<u8>),
    Wrong {
        violation: Violation,
        offset: u64,
    },
    /// It needs more bytes: whether a message is unfinished, and how many bytes have come.
    Nothing {
        unfinished: bool,
        received: u64,
    },
}

/// Gives every byte twice, and only a few at a time.
#[derive(Debug)]
struct Twice {
    /// The byte before has been given once.
    once: bool,
}

impl Decoder for Twice {
    fn begin(&mut self, _: Rsv) -> Result<(), Violation> {
        self.once = false;
        Ok(())
    }
    fn decode(&mut self, input: &[u8], _: bool, out: &mut Output<'_>) -> Result<usize, Violation> {
        let mut taken = 0;
        for byte in input {
            while out.add(&[*byte]) == 1 {
                self.once = !self.once;
                if !self.once {
                    taken += 1;
                    break;
                }
            }
            if out.room() == 0 {
                break;
            }
        }
        Ok(taken)
    }
}

/// All that a reader tells of a stream that comes in parts of these lengths, over and over, and then as a whole.
fn told(role: Role, bytes: &[u8], parts: &[usize], config: &Config, encoded: bool, short: bool) -> Vec<Told> {
    let decoding = encoded.then(|| Box::new(Decoding::new(Box::new(Twice { once: false }), Rsv::RSV1)));
    let mut reader = Reader::new(role, config, decoding);
    reader.no_short_ways = !short;
    let (mut told, mut rest) = (vec![], bytes);
    let mut parts = parts.iter().copied().chain([usize::MAX]);
    while !rest.is_empty() {
        let (part, behind) = rest.split_at(parts.next().unwrap_or(usize::MAX).min(rest.len()));
        rest = behind;
        reader.fill();
        reader.input.append(part);
        loop {
            let found = if reader.read_whole(config) {
                Ok(Some(Found::Data { fin: true }))
            } else {
                reader.read(config)
            };
            match found {
                Ok(Some(Found::Data { fin })) => {
                    let bytes = reader.input.message().to_vec();
                    told.push(Told::Data { kind: reader.kind(), bytes, fin });
                }
                Ok(Some(Found::Control(opcode, len))) => {
                    told.push(Told::Control(opcode, reader.input.just_read(len).to_vec()));
                }
                Ok(None) => {
                    let (unfinished, received) = (reader.is_unfinished(), reader.received());
                    told.push(Told::Nothing { unfinished, received });
                    reader.rest();
                    break;
                }
                Err(violation) => {
                    told.push(Told::Wrong { violation, offset: reader.frame_offset() });
                    return told;
                }
            }
        }
    }
    told
}

/// A frame: more often than not as it should be, and next to the limits.
fn frame(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        20 => select(vec![0x81, 0x82, 0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x80, 0xC1, 0xC2, 0x41, 0x89, 0x8A]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        6 => "[a-z]{0,140}".prop_map(String::into_bytes),
        3 => vec(any::<char>(), 0..40).prop_map(|text| text.into_iter().collect::<String>().into_bytes()),
        2 => vec(any::<u8>(), 0..30),
        1 => (LONG - 2..LONG + 2).prop_map(|len| vec![b'x'; len]),
    ];
    let masked = proptest::bool::weighted(if role == Role::Server { 0.98 } else { 0.02 });
    (first, payload, masked, any::<[u8; 4]>(), proptest::bool::weighted(0.02)).prop_map(
        |(first, mut payload, masked, key, overlong)| {
            let mask = if masked { 0x80 } else { 0 };
            let mut out = vec![first];
            match payload.len() {
                len @ 0..=125 if !overlong => out.push(mask | len as u8),
                len @ 0..=0xFFFF => {
                    out.push(mask | 126);
                    out.extend((len as u16).to_be_bytes());
                }
                len => {
                    out.push(mask | 127);
                    out.extend((len as u64).to_be_bytes());
                }
            }
            if masked {
                out.extend(key);
                MaskKey::new(key).apply(&mut payload);
            }
            out.extend(payload);
            out
        },
    )
}

#[derive(Clone, Debug)]
struct Case {
    role: Role,
    bytes: Vec<u8>,
    parts: Vec<usize>,
    config: Config,
    encoded: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let limits = select(vec![(usize::MAX, u32::MAX, u32::MAX), (120, 3, 1), (130, 2, 0), (0, 0, 0)]);
    let parts = prop_oneof![vec(1..9_usize, 0..400), vec(1..400_usize, 0..40), Just(vec![])];
    let delivery = select(vec![Delivery::Messages, Delivery::Chunks]);
    select(vec![Role::Server, Role::Client]).prop_flat_map(move |role| {
        (
            vec(frame(role), 0..12),
            parts.clone(),
            limits.clone(),
            delivery.clone(),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(move |(frames, parts, limits, delivery, encoded, cut)| {
                let mut bytes = frames.concat();
                if cut {
                    bytes.pop();
                }
                let mut config = Config::server();
                (config.max_message_size, config.max_fragments, config.max_empty_fragments) = limits;
                config.delivery = delivery;
                Case { role, bytes, parts, config, encoded }
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn short_ways_and_the_long_way_tell_the_same(case in case()) {
        let Case { role, bytes, parts, config, encoded } = case;
        let long = told(role, &bytes, &parts, &config, encoded, false);
        prop_assert_eq!(told(role, &bytes, &parts, &config, encoded, true), long);
    }

    #[test]
    fn a_message_that_comes_byte_by_byte_is_the_same_as_one_that_comes_at_once(case in case()) {
        let Case { role, bytes, config, encoded, .. } = case;
        let config = Config { delivery: Delivery::Messages, ..config };
        let bytes = &bytes[..bytes.len().min(3000)];
        let something = |told: Vec<Told>| -> Vec<Told> {
            told.into_iter().filter(|told| !matches!(told, Told::Nothing { .. })).collect()
        };
        let one_by_one = told(role, bytes, &vec![1; bytes.len()], &config, encoded, true);
        prop_assert_eq!(something(told(role, bytes, &[], &config, encoded, true)), something(one_by_one));
    }
}

#[test]
fn the_short_ways_are_taken() {
    let stream =
        [&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58][..], &[0x82, 0x80, 1, 2, 3, 4]]
            .concat();
    let mut reader = Reader::new(Role::Server, &Config::server(), None);
    reader.fill();
    reader.input.append(&stream);
    assert!(reader.read_whole(&Config::server()));
    assert_eq!((reader.kind(), reader.input.message()), (Kind::Text, &b"Hello"[..]));
    assert!(reader.read_whole(&Config::server()));
    assert_eq!((reader.kind(), reader.input.message()), (Kind::Binary, &b""[..]));
    assert!(!reader.read_whole(&Config::server()) && reader.is_between());
}
