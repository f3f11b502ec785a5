//! §5.6 and §5.8: text is UTF-8 as a whole, binary is anything, and nothing is extended that was not negotiated.
use crate::support::*;
use sansocket::Violation;

/// Rule of RFC 6455 §5.6: text whole UTF-8.
#[test]
fn a_character_may_be_split_between_frames() {
    for role in BOTH {
        let text = "aé€𐍈";
        for i in 0..=text.len() {
            for j in i..=text.len() {
                let bytes = text.as_bytes();
                let mut end = End::new(role);
                end.frame(1, &bytes[..i]).quiet().frame(0, &bytes[i..j]).frame(PING, "").ping("").quiet();
                end.frame(FIN, &bytes[j..]).text(text);
            }
        }
    }
}

/// Rule of RFC 6455 §5.6: text whole UTF-8.
#[test]
fn text_must_be_utf8_as_a_whole() {
    for role in BOTH {
        End::new(role).frame(TEXT, b"ab\xFF").fails(1007, Violation::Utf8);
        let mut end = End::new(role);
        end.frame(1, "ok").frame(FIN, b"\xE2\x82").fails(1007, Violation::Utf8);
        let mut end = End::new(role);
        end.frame(1, b"\xE2\x82").frame(FIN, b"").fails(1007, Violation::Utf8);
        // A character does not go on in the next message.
        let mut end = End::new(role);
        end.frame(TEXT, "fine").text("fine").frame(TEXT, b"\xAC").fails(1007, Violation::Utf8);
    }
}

/// Rule of RFC 6455 §5.6: text whole UTF-8.
#[test]
fn binary_may_be_anything() {
    for role in BOTH {
        let all: Vec<u8> = (0..=255).collect();
        let mut end = End::new(role);
        end.frame(BINARY, &all)
            .binary(&all)
            .frame(2, b"\xE2\x82")
            .frame(FIN, b"\xFF")
            .binary(b"\xE2\x82\xFF");
        end.conn.send(&all[..]).unwrap();
        end.writes(BINARY, &all);
    }
}

/// Rule of RFC 6455 §5.8: extensions only negotiated.
#[test]
fn no_extension_is_used_that_was_not_negotiated() {
    for role in BOTH {
        // "Hello" as permessage-deflate would have it (RFC 7692 §7.2.3.1).
        let deflated = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
        End::new(role).frame(TEXT | 0x40, deflated).fails(1002, Violation::ReservedBits);
        let mut end = End::new(role);
        end.conn.send("Hello".repeat(1000)).unwrap();
        end.conn.ping("").unwrap();
        end.conn.close(None);
        assert!(frames(&written(&mut end.conn)).iter().all(|frame| frame.first & 0x70 == 0));
    }
}
