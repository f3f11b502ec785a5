//! §5.1: a client masks every frame, a server none; either fails a peer that does otherwise.
use crate::support::*;
use sansocket::{CloseCode, Role, Violation};

/// One of everything that an end can send.
fn everything(role: Role) -> Vec<Frame> {
    let mut end = End::with(role, |config| config.fragment_size = 5000);
    end.conn.send("short").unwrap();
    end.conn.send("").unwrap();
    end.conn.send(vec![7; 20_000]).unwrap();
    end.conn.send_chunk("a", false).unwrap();
    end.conn.send_chunk("b", true).unwrap();
    end.conn.ping("?").unwrap();
    end.frame(PING, "!").ping("!");
    end.conn.close(CloseCode::NORMAL);
    let sent = frames(&written(&mut end.conn));
    let mut opcodes: Vec<u8> = sent.iter().map(|frame| frame.first & 0xF).collect();
    opcodes.sort_unstable();
    opcodes.dedup();
    assert_eq!(opcodes, [0, 1, 2, 8, 9, 10], "this test sends one of each");
    sent
}

/// Rule of RFC 6455 §5.1: client frames masked.
#[test]
fn a_client_masks_every_frame() {
    assert!(everything(Role::Client).iter().all(|frame| frame.key.is_some()));
}

/// Rule of RFC 6455 §5.1: server never masks.
#[test]
fn a_server_masks_no_frame() {
    assert!(everything(Role::Server).iter().all(|frame| frame.key.is_none()));
}

/// Rule of RFC 6455 §5.1: unmasked frame fails.
#[test]
fn a_server_fails_an_unmasked_frame_of_any_kind() {
    for first in [TEXT, BINARY, 1, 2, CLOSE, PING, PONG] {
        End::new(Role::Server).raw(wire(first, "", None)).fails(1002, Violation::Unmasked);
        End::new(Role::Server).raw([first, 5]).fails(1002, Violation::Unmasked);
    }
    let mut end = End::new(Role::Server);
    end.frame(1, "be").raw(wire(FIN, "gun", None)).fails(1002, Violation::Unmasked);
}

/// Rule of RFC 6455 §5.1: masked frame fails.
#[test]
fn a_client_fails_a_masked_frame_of_any_kind() {
    for first in [TEXT, BINARY, 1, 2, CLOSE, PING, PONG] {
        End::new(Role::Client).raw(wire(first, "", Some(PEER_KEY))).fails(1002, Violation::Masked);
        End::new(Role::Client).raw([first, 0x85]).fails(1002, Violation::Masked);
        // A key of zeros is a mask too.
        End::new(Role::Client).raw(wire(first, "", Some([0; 4]))).fails(1002, Violation::Masked);
    }
    let mut end = End::new(Role::Client);
    end.frame(1, "be").raw(wire(FIN, "gun", Some(PEER_KEY))).fails(1002, Violation::Masked);
}
