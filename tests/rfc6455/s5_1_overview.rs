//! §5.1: a client masks every frame, a server none; either fails a peer that does otherwise.
use crate::support::*;
use sansocket::{CloseCode, Config, Violation, proto::Role};

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

/// For clients that never mask: what they send is read as it is, and those that mask are still read.
#[test]
fn a_server_that_is_told_to_accepts_unmasked_frames_of_any_kind() {
    assert!(!Config::server().accept_unmasked, "only then");
    let mut end = End::with(Role::Server, |config| config.accept_unmasked = true);
    let long = "é".repeat(40_000);
    for (first, text) in [(TEXT, "hello"), (TEXT, ""), (TEXT, "né"), (TEXT, &long[..400]), (TEXT, &long)] {
        end.raw(wire(first, text, None)).text(text);
        end.frame(first, text).text(text);
    }
    end.raw(wire(1, "in two ", None)).raw(wire(PING, "?", None)).ping("?").writes(PONG, "?");
    end.frame(FIN, "frames").text("in two frames");
    end.raw(wire(BINARY, [0xFF; 70_000], None)).binary(&[0xFF; 70_000]);
    end.raw(wire(TEXT, [0xFF], None)).fails(1007, Violation::Utf8);
    let mut client = End::with(Role::Client, |config| config.accept_unmasked = true);
    client.frame(TEXT, "a server never masks").text("a server never masks");
    client.raw(wire(TEXT, "", Some(PEER_KEY))).fails(1002, Violation::Masked);
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
