//! What the types promise besides their methods: sizes, threads, and text that is always text.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use crate::support::*;
use sansocket::{
    bytes::Bytes,
    close::*,
    entropy::{Entropy, SystemEntropy},
    frame::{Header, MaskKey},
    proto::*,
    *,
};
use std::{fmt::Debug, sync::Arc};

#[test]
fn sizes_are_bounded() {
    let bounds = [
        ("SendError", size_of::<SendError>(), 16),
        ("Violation", size_of::<Violation>(), 16),
        ("ProtocolError", size_of::<ProtocolError>(), 32),
        ("Message", size_of::<Message>(), 40),
        ("Outgoing", size_of::<Outgoing<'_>>(), 48),
        ("Lent", size_of::<Lent<'_>>(), 16),
        ("Option<Event>", size_of::<Option<Event<'_>>>(), 48),
        ("Event", size_of::<Event<'_>>(), 48),
        ("Connection", size_of::<Connection>(), 400),
        ("Header", size_of::<Header>(), 32),
        ("Arc<Config>", size_of::<Arc<Config>>(), 8),
    ];
    for (name, size, bound) in bounds {
        println!("{name}: {size} of {bound} bytes");
        assert!(size <= bound, "{name} is {size} bytes, more than {bound}");
    }
}

#[test]
fn types_cross_threads() {
    const fn send<T: Send>() {}
    const fn send_and_sync<T: Send + Sync + 'static>() {}
    send::<Connection>();
    send::<Inbound>();
    send::<Outbound>();
    send::<Event<'_>>();
    send::<Lent<'_>>();
    send::<Outgoing<'_>>();
    send::<Transmit>();
    send_and_sync::<Message>();
    send_and_sync::<Config>();
    send_and_sync::<Utf8Bytes>();
    send_and_sync::<CloseFrame>();
    send_and_sync::<Closed>();
    send_and_sync::<ProtocolError>();
    send_and_sync::<SendError>();
    send_and_sync::<SystemEntropy>();
    send_and_sync::<Arc<dyn Entropy>>();
}

#[test]
fn errors_are_errors() {
    const fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<ProtocolError>();
    error::<Violation>();
    error::<SendError>();
    error::<InvalidCloseCode>();
    error::<InvalidCloseReason>();
    error::<InvalidCloseFrame>();
    error::<InvalidSubprotocol>();
    error::<Deadline>();
}

#[test]
fn everything_can_be_shown() {
    fn shown(value: impl Debug) -> bool {
        !format!("{value:?}").is_empty()
    }
    assert!(shown(Config::server()) && shown(Role::Client) && shown(MaskKey::new([0; 4])));
    assert!(shown(Connection::new(Established::bare(Role::Client), Config::client())));
    // A message in a log is a message, not its address.
    assert_eq!(format!("{:?}", Message::text("hi")), "Text(\"hi\")");
}

/// Known failure: text not UTF-8.
#[test]
fn no_public_way_makes_text_of_bytes_that_are_not() {
    for bad in [&b"\xFF"[..], b"a\xC3", b"\xED\xA0\x80", b"\xC0\x80", b"\xF4\x90\x80\x80"] {
        assert!(Utf8Bytes::try_from(Bytes::copy_from_slice(bad)).is_err());
        // Nothing else takes bytes: from text it is made of `&str`, `String` and itself only.
        for role in BOTH {
            let mut end = End::new(role);
            end.frame(TEXT, bad).fails(1007, Violation::Utf8);
            let mut end = End::with(role, |config| config.delivery = Delivery::Chunks);
            end.frame(1, bad).frame(FIN, "");
            for event in all_told(&mut end.conn) {
                assert!(
                    !matches!(&event, Told::Chunk(data, _) if std::str::from_utf8(data.as_bytes()).is_err())
                );
            }
            let mut end = End::new(role);
            end.frame(CLOSE, [&[3, 0xE8], bad].concat()).fails(1007, Violation::CloseReason(1000));
        }
    }
    let fine = Utf8Bytes::try_from(Bytes::from_static("fine é".as_bytes())).unwrap();
    assert_eq!((fine.as_str(), fine.clone().into_bytes().len()), ("fine é", 7));
}

/// Known failure: text not UTF-8.
#[test]
fn a_reason_is_cut_at_a_character_and_never_too_long() {
    for text in ["x".repeat(200), "é".repeat(200), "€".repeat(200), "𐍈".repeat(200)] {
        let reason = CloseReason::truncate(&text);
        assert!(reason.as_str().len() > CloseReason::MAX - 4 && reason.as_str().len() <= CloseReason::MAX);
        assert!(text.starts_with(reason.as_str()));
        assert_eq!(CloseReason::try_from(&*text), Err(InvalidCloseReason(text.len())));
    }
}
