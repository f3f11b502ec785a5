//! §11.8: the numbers of the opcodes.
use crate::support::*;
use sansocket::{
    Kind, Violation,
    frame::{Decoded, Header, Opcode},
};

const REGISTRY: [(u8, Opcode, bool); 6] = [
    (0, Opcode::Continuation, false),
    (1, Opcode::Text, false),
    (2, Opcode::Binary, false),
    (8, Opcode::Close, true),
    (9, Opcode::Ping, true),
    (10, Opcode::Pong, true),
];

/// Rule of RFC 6455 §11.8: opcodes of registry.
#[test]
fn opcodes_have_the_numbers_of_the_registry() {
    for (number, opcode, control) in REGISTRY {
        assert_eq!(
            (opcode as u8, Opcode::try_from(number), opcode.is_control()),
            (number, Ok(opcode), control)
        );
        let Ok(Decoded::Complete(header, 2)) = Header::decode(&[FIN | number, 0]) else { panic!("{number}") };
        assert_eq!(header.opcode, opcode);
    }
    for number in (3..=7).chain(11..=255) {
        assert_eq!(Opcode::try_from(number), Err(Violation::ReservedOpcode(number)));
    }
}

/// Rule of RFC 6455 §11.8: opcodes of registry.
#[test]
fn a_kind_of_message_has_its_opcode() {
    assert_eq!((Opcode::from(Kind::Text), Opcode::from(Kind::Binary)), (Opcode::Text, Opcode::Binary));
}
