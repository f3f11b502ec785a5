//! §5, §7.1: what is offered, answered and refused, in the heads of real handshakes.
use crate::{
    common::*,
    support::{http::request_with, *},
};
use sansocket::{
    bytes::Buf,
    handshake::{
        Acceptance, ClientHandshake, ClientRequest, HandshakeError, InvalidResponse, ServerHandshake,
    },
};

/// The server's answer to these offers.
fn answer(config: Config, offers: &str, acceptance: Acceptance) -> (Option<String>, Connection) {
    let mut server = ServerHandshake::new(config);
    server.receive(request_with(&format!("Sec-WebSocket-Extensions: {offers}")).as_bytes());
    let mut connection =
        server.poll().unwrap().unwrap().accept(acceptance).map_err(|r| r.into_error()).unwrap();
    let head = String::from_utf8(written(&mut connection)).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "));
    let field = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    assert_eq!(connection.extension().map(ToString::to_string).as_deref(), field);
    (field.map(ToOwned::to_owned), connection)
}

/// What a client makes of a server's answer.
fn confirmed(deflate: Deflate, answer: &str) -> Result<Connection, HandshakeError> {
    let request = ClientRequest::try_from("ws://a/").unwrap();
    let mut client = ClientHandshake::new(request, with(Role::Client, deflate));
    let head = client.transmit();
    let head = String::from_utf8(head.copy_to_bytes(head.remaining()).to_vec()).unwrap();
    // A server of ours, for the key; it declines, and the answer is put in.
    let mut server = ServerHandshake::new(Config::server());
    server.receive(head.as_bytes());
    let mut served =
        server.poll().unwrap().unwrap().accept(Acceptance::new()).map_err(|r| r.into_error()).unwrap();
    let response = String::from_utf8(written(&mut served)).unwrap();
    let response = response.replacen("\r\n\r\n", &format!("\r\n{answer}\r\n\r\n"), 1);
    client.receive(response.as_bytes());
    client.poll().map(|upgraded| upgraded.unwrap().connection)
}
fn confirms(answer: &str) -> Result<Connection, HandshakeError> {
    confirmed(eager(true), &format!("Sec-WebSocket-Extensions: {answer}"))
}

/// Rule of RFC 7692 §5.1: offers by preference.
/// Rule of RFC 7692 §7.1: invalid offer declined.
#[test]
fn section_5_the_first_offer_that_can_be_served_is_taken_and_the_others_declined() {
    for (offers, expected) in [
        ("permessage-deflate", Some("permessage-deflate")),
        ("x-other, permessage-deflate; unknown, permessage-deflate", Some("permessage-deflate")),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=10",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover, \
             permessage-deflate; server_no_context_takeover",
            Some("permessage-deflate; server_no_context_takeover"),
        ),
        ("permessage-deflate; x", None),
        ("x-webkit-deflate-frame", None),
    ] {
        let (answered, _) = answer(with(Role::Server, eager(true)), offers, Acceptance::new());
        assert_eq!(answered.as_deref(), expected, "{offers}");
        let (declined, _) = answer(Config::server(), offers, Acceptance::new());
        assert_eq!(declined, None, "a server compresses when it is told to");
        let plain = Acceptance::new().without_extensions();
        let (declined, _) = answer(with(Role::Server, eager(true)), offers, plain);
        assert_eq!(declined, None, "and not with this client");
    }
}

/// Chrome's offer and Safari's, to a server with the default settings.
#[test]
fn a_server_asks_of_a_client_only_what_it_offers() {
    for (offers, answered) in [
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=12",
        ),
        ("permessage-deflate", "permessage-deflate; server_no_context_takeover"),
    ] {
        let (answer, mut connection) =
            answer(with(Role::Server, Deflate::default()), offers, Acceptance::new());
        assert_eq!(answer.as_deref(), Some(answered));
        let mut client = Deflating::new();
        for _ in 0..2 {
            connection.receive(&wire(TEXT | RSV1, client.message(b"Hello, Hello"), Some(PEER_KEY)));
            assert_eq!(told(&mut connection), Some(Told::Message("Hello, Hello".into())));
        }
    }
}

/// Rule of RFC 7692 §7.1: invalid answer fails.
/// Rule of RFC 7692 §7.1.1.1: server_no_context_takeover.
/// Rule of RFC 7692 §7.1.1.2: client_no_context_takeover.
/// Rule of RFC 7692 §7.1.2.1: server_max_window_bits.
/// Rule of RFC 7692 §7.1.2.2: client_max_window_bits.
#[test]
fn section_7_1_a_client_takes_any_answer_that_is_one_to_its_offers_and_fails_on_others() {
    for answer in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; client_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=\"15\"; client_max_window_bits=15",
    ] {
        let connection = confirms(answer).unwrap();
        assert_eq!(connection.extension().unwrap().name(), "permessage-deflate");
    }
    for answer in [
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
    ] {
        let error = confirms(answer).unwrap_err();
        assert!(
            matches!(error, HandshakeError::Response(InvalidResponse::InvalidExtensionAnswer)),
            "{answer}: {error}"
        );
    }
}

/// Rule of RFC 7692 §7.1: twice in a response.
#[test]
fn section_9_1_of_6455_an_extension_twice_or_unasked_fails() {
    let fault = |result: Result<Connection, HandshakeError>| match result.unwrap_err() {
        HandshakeError::Response(fault) => fault,
        other => panic!("{other}"),
    };
    assert_eq!(fault(confirms("permessage-deflate, permessage-deflate")), InvalidResponse::ManyExtensions);
    assert_eq!(fault(confirms("permessage-deflate, x-other")), InvalidResponse::ExtensionNotOffered);
    assert_eq!(fault(confirms("x-other")), InvalidResponse::ExtensionNotOffered);
    assert_eq!(fault(confirms("permessage-deflate;")), InvalidResponse::MalformedExtensions);
    let twice =
        "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate";
    assert_eq!(fault(confirmed(eager(true), twice)), InvalidResponse::RepeatedExtensions);
    // One that offers nothing is answered nothing.
    let request = ClientRequest::try_from("ws://a/").unwrap();
    let mut config = Config::client();
    config.extensions.clear();
    let mut client = ClientHandshake::new(request, config);
    let wire = client.transmit();
    let head = wire.copy_to_bytes(wire.remaining());
    assert!(!String::from_utf8_lossy(&head).contains("Extensions"));
}

/// Known failure: odd window bits.
#[test]
fn every_window_size_there_could_be_is_accepted_or_refused_cleanly() {
    let valid = |text: &str| (8..=15).any(|bits: u8| bits.to_string() == text);
    let odd =
        ["", "08", "015", "+9", "9.0", "0x9", " ", "९", "1e1", "99999999999999999999"].map(String::from);
    for value in (0..=255).map(|bits: u8| bits.to_string()).chain(odd) {
        for name in ["server_max_window_bits", "client_max_window_bits"] {
            for quoted in [value.clone(), format!("\"{value}\"")] {
                let params = format!("permessage-deflate; {name}={quoted}");
                let Ok(offer) = params.parse::<ExtensionOffer>() else {
                    assert!(!valid(&value), "{params}");
                    assert!(confirms(&params).is_err());
                    continue;
                };
                // A window of 8 bits is none that zlib can send with.
                let served = valid(&value) && !(name.starts_with("server") && value == "8");
                assert_eq!(eager(true).accept(&offer).is_some(), served, "{params}");
                assert_eq!(confirms(&params).is_ok(), valid(&value), "{params}");
                let twice = format!("{params}; {name}={quoted}");
                assert!(eager(true).accept(&twice.parse().unwrap()).is_none(), "{twice}");
                assert!(confirms(&twice).is_err(), "{twice}");
            }
        }
    }
}

#[test]
fn two_ends_of_ours_agree_whatever_they_are_set_to() {
    let some = || {
        [9, 12, 15].into_iter().flat_map(|bits| {
            [false, true].map(|takeover| {
                let mut deflate = eager(takeover);
                deflate.send.window_bits = bits;
                deflate.receive.get_or_insert_default().window_bits = 24 - bits;
                deflate
            })
        })
    };
    for (ours, theirs) in some().flat_map(|ours| some().map(move |theirs| (ours.clone(), theirs))) {
        let request = ClientRequest::try_from("ws://a/").unwrap();
        let mut client = ClientHandshake::new(request, with(Role::Client, ours));
        let mut server = ServerHandshake::new(with(Role::Server, theirs));
        let wire = client.transmit();
        server.receive(&wire.copy_to_bytes(wire.remaining()));
        let upgrade = server.poll().unwrap().unwrap();
        let mut server = upgrade.accept(Acceptance::new()).map_err(|r| r.into_error()).unwrap();
        client.receive(&written(&mut server));
        let mut client = client.poll().unwrap().unwrap().connection;
        assert!(client.extension().is_some());
        for seed in 0..3 {
            for (from, to) in [(true, false), (false, true)] {
                let ends = [&mut client, &mut server];
                let [client, server] = ends;
                let (sender, receiver) = if from && !to { (client, server) } else { (server, client) };
                let text = json(seed, 40_000);
                sender.send(&text).unwrap();
                receiver.receive(&written(sender));
                assert_eq!(told(receiver), Some(Told::Message(text.into())));
            }
        }
    }
}
