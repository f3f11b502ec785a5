//! §5.2: reserved bits, reserved opcodes, and lengths in the fewest bytes; and the examples of §5.7.
use crate::support::*;
use sansocket::{Config, LooksLike, Message, Violation, proto::Role};

fn unlimited(config: &mut Config) {
    config.max_message_size = usize::MAX;
}

/// Rule of RFC 6455 §5.2: reserved bits fail.
#[test]
fn reserved_bits_without_an_extension_fail() {
    for role in BOTH {
        for bits in 1..=7 {
            for first in [TEXT, BINARY, 1, CLOSE, PING, PONG] {
                End::new(role).frame(first | bits << 4, "").fails(1002, Violation::ReservedBits);
            }
            let mut end = End::new(role);
            end.frame(1, "a").frame(FIN | bits << 4, "b").fails(1002, Violation::ReservedBits);
            let mut end = End::new(role);
            end.frame(TEXT, "before")
                .frame(TEXT | bits << 4, "x")
                .text("before")
                .fails(1002, Violation::ReservedBits);
        }
    }
}

/// The rule that is broken says little of a peer that speaks another protocol: the error names that, too. Payload is
/// never looked at.
#[test]
fn what_is_no_frame_is_named() {
    use {LooksLike::*, Violation::*};
    for (bytes, expected, violation) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], Some(Http1), ReservedBits),
        (b"GET / HTTP/1.1\r\n", Some(Http1), ReservedBits),
        (b"\r\n", Some(LineEnd), ReservedOpcode(13)),
        (b"\x15\x03\x03\x00\x02\x01\x00", Some(TlsAlert), ReservedBits),
        (b"\x83\x00", None, ReservedOpcode(3)),
        (b"\x81\x06\xffGET /", None, Utf8),
    ] {
        let mut end = End::new(Role::Client);
        let closed = end
            .frame(TEXT, "before")
            .raw(bytes)
            .text("before")
            .fails(violation.close_code().get(), violation);
        assert_eq!(closed.error.unwrap().looks_like(), expected, "{}", bytes.escape_ascii());
    }
}

/// Rule of RFC 6455 §5.2: reserved opcodes fail.
#[test]
fn reserved_opcodes_fail() {
    for role in BOTH {
        for opcode in (3..=7).chain(11..=15) {
            for fin in [0, FIN] {
                End::new(role).frame(fin | opcode, "x").fails(1002, Violation::ReservedOpcode(opcode));
                let mut end = End::new(role);
                end.frame(1, "within").frame(fin | opcode, "").fails(1002, Violation::ReservedOpcode(opcode));
            }
        }
    }
}

/// Rule of RFC 6455 §5.2: length below 2^63.
#[test]
fn a_length_with_its_top_bit_set_fails() {
    for role in BOTH {
        let mask = if role == Role::Server { 0x80 } else { 0 };
        for top in [0x80, 0xFF] {
            let bytes = [BINARY, mask | 127, top, 0, 0, 0, 0, 0, 0, 0];
            End::with(role, unlimited).raw(bytes).fails(1002, Violation::LengthOverflow);
        }
        let largest = [BINARY, mask | 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];
        End::with(role, unlimited).raw(largest).quiet().writes_nothing();
    }
}

/// Rule of RFC 6455 §5.2: shortest length encoding.
#[test]
fn a_length_in_more_bytes_than_needed_fails() {
    for role in BOTH {
        let mask = if role == Role::Server { 0x80 } else { 0 };
        for len in [0, 1, 125_u16] {
            let bytes = [&[BINARY, mask | 126][..], &len.to_be_bytes()].concat();
            End::new(role).raw(bytes).fails(1002, Violation::OverlongLength);
        }
        for len in [0, 125, 126, 0xFFFF_u64] {
            let bytes = [&[BINARY, mask | 127][..], &len.to_be_bytes()].concat();
            End::new(role).raw(bytes).fails(1002, Violation::OverlongLength);
        }
    }
}

/// Rule of RFC 6455 §5.2: shortest length encoding.
#[test]
fn a_length_at_each_edge_is_sent_in_the_fewest_bytes_and_received() {
    for role in BOTH {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 65_537] {
            let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let mut end = End::with(role, |config| config.fragment_size = usize::MAX);
            end.conn.send(&payload[..]).unwrap();
            end.writes(BINARY, &payload); // `writes` expects the shortest header
            end.conn.send(payload.clone()).unwrap();
            end.writes(BINARY, &payload);
            end.frame(BINARY, &payload).binary(&payload).quiet();
        }
    }
}

/// Rule of RFC 6455 §11.8: opcodes of registry.
#[test]
fn the_examples_of_section_5_7_are_read_and_written() {
    let mut client = End::new(Role::Client);
    client.raw([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]).text("Hello");
    client.raw([0x01, 0x03, 0x48, 0x65, 0x6c]).raw([0x80, 0x02, 0x6c, 0x6f]).text("Hello");
    client.raw([0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]).ping("Hello");
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(written(&mut client.conn), pong, "the first key drawn is that of the example");
    for (len, header) in
        [(256, &[0x82, 0x7E, 0x01, 0x00][..]), (65_536, &[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])]
    {
        client.raw([header, &vec![3; len]].concat()).tells(Told::Message(Message::binary(vec![3; len])));
    }
    let mut server = End::new(Role::Server);
    server.raw([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]).text("Hello");
    server.raw(pong).pong("Hello");
    server.conn.send("Hello").unwrap();
    assert_eq!(written(&mut server.conn), [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
}
