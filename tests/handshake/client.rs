//! RFC 6455 §4.1: what a client sends, and which answers it takes.
use crate::{ACCEPT, Head, TEN_SECONDS, client_config, drain};
use sansocket::{
    Config, Message,
    handshake::{ClientHandshake, ClientRequest, HandshakeError, InvalidHeader, InvalidResponse, Upgraded},
    http::{Response, header},
    proto::Event,
};
use std::{collections::HashSet, time::Instant};

fn request(url: &str) -> ClientRequest {
    ClientRequest::try_from(url).unwrap()
}
fn chat() -> ClientRequest {
    request("ws://example.com/chat")
}
fn sent(request: ClientRequest) -> String {
    drain(ClientHandshake::new(request, client_config()).transmit())
}
/// A client that offers no extension.
fn no_extensions() -> Config {
    let mut config = client_config();
    config.extensions.clear();
    config
}
fn respond_to(request: ClientRequest, bytes: &[u8]) -> Result<Upgraded, HandshakeError> {
    respond_with(client_config(), request, bytes)
}
fn respond_with(config: Config, request: ClientRequest, bytes: &[u8]) -> Result<Upgraded, HandshakeError> {
    let mut handshake = ClientHandshake::new(request, config);
    drain(handshake.transmit());
    handshake.receive(bytes);
    handshake.receive_eof();
    Ok(handshake.poll()?.unwrap())
}
fn respond(head: &Head) -> Result<Upgraded, HandshakeError> {
    respond_to(chat(), &head.bytes())
}
fn fault(request: ClientRequest, head: &Head) -> Option<InvalidResponse> {
    which_fault(respond_to(request, &head.bytes()))
}
fn which_fault(outcome: Result<Upgraded, HandshakeError>) -> Option<InvalidResponse> {
    match outcome {
        Ok(_) => None,
        Err(HandshakeError::Response(fault)) => Some(fault),
        Err(other) => panic!("{other}"),
    }
}
fn refused(bytes: &[u8], config: Config) -> Response<sansocket::bytes::Bytes> {
    let mut handshake = ClientHandshake::new(chat(), config);
    handshake.receive(bytes);
    handshake.receive_eof();
    match handshake.poll() {
        Err(HandshakeError::Declined(response)) => *response,
        other => panic!("{other:?}"),
    }
}

/// Rule of RFC 6455 §4.1: GET and HTTP/1.1; target is resource; Host with port; Upgrade and Connection.
/// Rule of RFC 6455 §4.1: version is 13; subprotocols are tokens; grammar of extensions.
#[test]
fn section_4_1_the_request_byte_for_byte() {
    let full = request("ws://me:p%40ss@example.com:8080/chat?x=1")
        .header("Origin", "http://example.com")
        .and_then(|request| request.header("Cookie", "a=b"))
        .unwrap()
        .subprotocol("chat.v2".try_into().unwrap())
        .subprotocol("chat.v1".try_into().unwrap());
    assert_eq!(
        drain(ClientHandshake::new(full, no_extensions()).transmit()),
        "GET /chat?x=1 HTTP/1.1\r\n\
         Host: example.com:8080\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: chat.v2, chat.v1\r\n\
         Authorization: Basic bWU6cEBzcw==\r\n\
         Origin: http://example.com\r\n\
         Cookie: a=b\r\n\
         \r\n"
    );
    let bare = drain(ClientHandshake::new(chat(), no_extensions()).transmit());
    assert!(!bare.contains("Sec-WebSocket-Protocol") && !bare.contains("Sec-WebSocket-Extensions"), "{bare}");
}

/// RFC 7692 §5: what browsers offer. Some servers answer 400 to parameters that these do not send.
#[cfg(feature = "deflate")]
#[test]
fn rfc_7692_section_5_the_offer_of_a_client_byte_for_byte() {
    let sent = sent(chat());
    let lines: Vec<_> = sent.split("\r\n").filter(|line| line.contains("Extensions")).collect();
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    assert_eq!(lines, [offer]);
}

/// Rule of RFC 6455 §4.1: Host with port.
#[test]
fn section_4_1_host_has_a_port_unless_it_is_the_default() {
    for (url, host) in [
        ("ws://example.com:80", "example.com"),
        ("ws://example.com:443", "example.com:443"),
        ("wss://example.com:443", "example.com"),
        ("wss://example.com:80", "example.com:80"),
        ("ws://[::1]/", "[::1]"),
        ("ws://[::1]:9001/", "[::1]:9001"),
    ] {
        assert!(sent(request(url)).contains(&format!("\r\nHost: {host}\r\n")), "{url}");
    }
}

/// Rule of RFC 6455 §4.1: fresh random key.
#[test]
fn section_4_1_the_key_is_fresh_for_every_connection() {
    let key = || {
        let sent = drain(ClientHandshake::new(chat(), Config::client()).transmit());
        let (_, rest) = sent.split_once("Sec-WebSocket-Key: ").unwrap();
        rest.split_once("\r\n").unwrap().0.to_owned()
    };
    let keys: HashSet<_> = (0..100).map(|_| key()).collect();
    assert_eq!(keys.len(), 100);
    assert!(keys.iter().all(|key| key.len() == 24 && key.ends_with("==")));
}

/// Rule of RFC 6455 §4.1: subprotocols are tokens.
#[test]
fn section_4_1_a_subprotocol_is_offered_once() {
    let twice = chat().subprotocol("a".try_into().unwrap()).subprotocol("a".try_into().unwrap());
    assert!(sent(twice).contains("\r\nSec-WebSocket-Protocol: a\r\n"));
}

/// Rule of RFC 6455 §4.1: nothing sent early.
#[test]
fn section_4_1_nothing_is_sent_before_the_response() {
    let mut handshake = ClientHandshake::new(chat(), client_config());
    assert!(drain(handshake.transmit()).ends_with("\r\n\r\n"));
    assert!(handshake.poll().unwrap().is_none());
    assert_eq!(drain(handshake.transmit()), "");
    assert_eq!(drain(respond(&Head::response()).unwrap().connection.transmit()), "");
}

/// Rule of RFC 6455 §4.1: other than 101.
#[test]
fn section_4_1_another_status_is_given_with_its_header_fields_and_body() {
    let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\n";
    let response = refused(format!("{head}helloXXX").as_bytes(), client_config());
    assert_eq!((response.status().as_u16(), &response.body()[..]), (401, &b"hello"[..]));
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Basic");
    let redirect = refused(b"HTTP/1.0 302\r\nLocation: /x\r\n\r\n", client_config());
    assert_eq!(redirect.headers()[header::LOCATION], "/x");
}

/// Rule of RFC 6455 §4.1: other than 101.
/// A body is kept up to its end, to the limit, to the end of the transport or to where it stops making sense.
#[test]
fn the_body_of_a_refusal_is_bounded() {
    let chunked = "HTTP/1.1 503 X\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 1\r\n\r\n";
    let eof = "HTTP/1.1 503 X\r\n\r\n";
    for (head, body, expected) in [
        (chunked, "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\nXXX", "hello wo"),
        (chunked, "3\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", "hello"),
        (chunked, "5\r\nhello\r\n0\r\n\r\nXXX", "hello"),
        (chunked, "5\r\nhel", "hel"),
        (chunked, "5\r\nhelloX", "hello"),
        (chunked, "5\r\nhello\r\nzz\r\nXXX", "hello"),
        (chunked, "ffffffffffffffff\r\nhello", "hello"),
        (chunked, "ffffffffffffffffff\r\nhello", ""),
        ("HTTP/1.1 503 X\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\n", "hello", "hello"),
        (eof, "hello", "hello"),
        (eof, "hello, world", "hello, w"),
        ("HTTP/1.1 503 X\r\nContent-Length: 9\r\n\r\n", "hello", "hello"),
        ("HTTP/1.1 503 X\r\nContent-Length: 99\r\n\r\n", "hello, world", "hello, w"),
        ("HTTP/1.1 503 X\r\nContent-Length: 18446744073709551616\r\n\r\n", "hello", "hello"),
        ("HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n", "hello", ""),
    ] {
        let mut config = client_config();
        config.max_refusal_body = 8;
        let response = refused(format!("{head}{body}").as_bytes(), config);
        assert_eq!(&response.body()[..], expected.as_bytes(), "{body}");
    }
    let mut handshake = ClientHandshake::new(chat(), client_config());
    handshake.receive(format!("{chunked}5;{}", "x".repeat(254)).as_bytes());
    assert!(handshake.poll().unwrap().is_none());
    handshake.receive(b"x");
    assert!(matches!(handshake.poll(), Err(HandshakeError::Declined(_))), "a chunk line that does not end");
}

/// Rule of RFC 6455 §4.1: other than 101.
#[test]
fn a_refusal_that_does_not_end_is_given_at_the_deadline() {
    let mut handshake = ClientHandshake::new(chat(), client_config());
    let start = Instant::now();
    handshake.handle_timeout(start);
    assert_eq!(handshake.poll_timeout(), Some(start + TEN_SECONDS));
    handshake.receive(b"HTTP/1.1 403 No\r\n\r\nwhy");
    assert!(handshake.poll().unwrap().is_none());
    handshake.handle_timeout(start + TEN_SECONDS);
    match handshake.poll() {
        Err(HandshakeError::Declined(response)) => assert_eq!(&response.body()[..], b"why"),
        other => panic!("{other:?}"),
    }
    assert_eq!(handshake.poll_timeout(), None);
    assert!(matches!(handshake.poll(), Err(HandshakeError::Spent)));
}

/// Rule of RFC 6455 §4.1: other than 101. RFC 9110 §15.2.
#[test]
fn informational_responses_are_passed_over_but_not_for_ever() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let last = String::from_utf8(Head::response().bytes()).unwrap();
    let after = |hints: usize| respond_to(chat(), format!("{}{last}", hint.repeat(hints)).as_bytes());
    assert!(after(0).is_ok() && after(1).is_ok() && after(8).is_ok());
    assert!(matches!(after(9), Err(HandshakeError::Malformed(_))));
}

/// Rule of RFC 6455 §4.1: response without Upgrade; response without Connection; wrong Accept fails.
/// Rule of RFC 6455 §4.1: response not conforming.
/// Rule of RFC 6455 §11.3.3: second Accept fails.
#[test]
fn section_4_1_a_101_that_breaks_a_rule_fails() {
    use InvalidResponse as F;
    let good = Head::response;
    for (head, expected) in [
        (good().first("HTTP/1.0 101 Switching Protocols"), F::HttpVersion),
        (good().without("Upgrade"), F::NoUpgrade),
        (good().but("Upgrade: h2c"), F::OtherUpgrade),
        (good().but("Upgrade: websocket, h2c"), F::OtherUpgrade),
        (good().with("Upgrade: websocket"), F::OtherUpgrade),
        (good().without("Connection"), F::NoConnection),
        (good().but("Connection: keep-alive"), F::NoConnection),
        (good().but("Connection: xUpgradex"), F::NoConnection),
        (good().without("Sec-WebSocket-Accept"), F::NoAccept),
        (good().but("Sec-WebSocket-Accept:"), F::WrongAccept),
        (good().but("Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ=="), F::WrongAccept),
        (good().but(&format!("Sec-WebSocket-Accept: {}", ACCEPT.to_lowercase())), F::WrongAccept),
        (good().but(&format!("Sec-WebSocket-Accept: {ACCEPT}x")), F::WrongAccept),
        (good().with(&format!("Sec-WebSocket-Accept: {ACCEPT}")), F::RepeatedAccept),
    ] {
        assert_eq!(fault(chat(), &head), Some(expected), "{:?}", head.0);
    }
}

/// Rule of RFC 6455 §4.1: response without Upgrade; response without Connection; wrong Accept fails.
#[test]
fn section_4_1_a_101_may_be_written_in_many_ways() {
    let good = Head::response;
    let many = (0..60).fold(good(), |head, n| head.with(&format!("X-{n}: y")));
    for head in [
        good(),
        good().but("Upgrade: WebSocket"),
        good().but("Connection: keep-alive, Upgrade"),
        good().but("Connection: keep-alive").with("Connection: uPGRADE"),
        good().but(&format!("Sec-WebSocket-Accept:  \t{ACCEPT} \t")),
        good().but(&format!("Sec-WebSocket-Accept:{ACCEPT}")),
        good().without("Upgrade").with("UPGRADE: websocket"),
        good().first("HTTP/1.1 101"),
        good().first("HTTP/1.1 101 "),
        good().with("Content-Length: 7"),
        many,
    ] {
        assert!(respond(&head).is_ok(), "{:?}", head.0);
    }
}

/// Rule of RFC 6455 §4.1: extension not offered.
/// Rule of RFC 6455 §11.3.2: Extensions may repeat.
/// Rule of RFC 6455 §9.1: extension grammar fails.
#[test]
fn section_4_1_an_extension_that_was_not_offered_fails() {
    use InvalidResponse as F;
    for (values, expected) in [
        (&["permessage-other"][..], F::ExtensionNotOffered),
        (&["permessage-other; a; a, x"], F::ExtensionNotOffered),
        (&[""], F::MalformedExtensions),
        (&["a;;b"], F::MalformedExtensions),
        (&["a", "b"], F::RepeatedExtensions),
    ] {
        let head = values
            .iter()
            .fold(Head::response(), |head, value| head.with(&format!("Sec-WebSocket-Extensions: {value}")));
        assert_eq!(fault(chat(), &head), Some(expected), "{values:?}");
        let outcome = respond_with(no_extensions(), chat(), &head.bytes());
        assert_eq!(which_fault(outcome), Some(expected), "{values:?}, with nothing offered");
    }
    let deflate = Head::response().with("Sec-WebSocket-Extensions: permessage-deflate");
    let outcome = respond_with(no_extensions(), chat(), &deflate.bytes());
    assert_eq!(which_fault(outcome), Some(F::ExtensionNotOffered), "known, and not offered");
}

/// Rule of RFC 6455 §4.1: subprotocol not offered.
/// Rule of RFC 6455 §11.3.4: Protocol may repeat.
#[test]
fn section_4_1_only_an_offered_subprotocol_may_be_chosen() {
    use InvalidResponse as F;
    let offering = || chat().subprotocol("a".try_into().unwrap()).subprotocol("b".try_into().unwrap());
    let chosen = |value: &str| Head::response().with(&format!("Sec-WebSocket-Protocol: {value}"));
    assert_eq!(fault(chat(), &chosen("a")), Some(F::UnaskedSubprotocol));
    assert_eq!(fault(chat(), &chosen("")), Some(F::EmptySubprotocol));
    assert_eq!(fault(offering(), &chosen(" ")), Some(F::EmptySubprotocol));
    for wrong in ["c", "A", "a, b", "a/b"] {
        assert_eq!(fault(offering(), &chosen(wrong)), Some(F::SubprotocolNotOffered), "{wrong}");
    }
    let twice = chosen("a").with("Sec-WebSocket-Protocol: a");
    assert_eq!(fault(offering(), &twice), Some(F::RepeatedSubprotocol));
    let upgraded = respond_to(offering(), &chosen("b").bytes()).unwrap();
    assert_eq!(upgraded.connection.subprotocol().map(|name| name.as_str()), Some("b"));
}

/// WHATWG: a subprotocol that was asked for must be confirmed; RFC 6455 lets it be.
#[test]
fn whatwg_a_subprotocol_can_be_required() {
    let offering = || chat().subprotocol("a".try_into().unwrap());
    assert_eq!(fault(offering(), &Head::response()), None);
    assert_eq!(
        fault(offering().require_subprotocol(), &Head::response()),
        Some(InvalidResponse::NoSubprotocol)
    );
    assert_eq!(fault(chat().require_subprotocol(), &Head::response()), None, "there was none to confirm");
}

#[test]
fn the_response_and_what_follows_it_reach_the_application() {
    let head = Head::response().with("Set-Cookie: a=b");
    let mut bytes = head.bytes();
    bytes.extend(b"\x81\x05Hello");
    let mut upgraded = respond_to(chat(), &bytes).unwrap();
    assert_eq!(upgraded.response.headers()[header::SET_COOKIE], "a=b");
    match upgraded.connection.poll_event() {
        Some(Event::Message(message)) => assert_eq!(message.into_message(), Message::text("Hello")),
        other => panic!("{other:?}"),
    }
}

/// A server that answers before it has read all: what is left of the request still goes first.
#[test]
fn the_rest_of_the_request_is_not_lost() {
    use bytes::Buf;
    let mut handshake = ClientHandshake::new(chat(), client_config());
    let whole = sent(chat());
    handshake.transmit().advance(whole.len() - 2);
    handshake.handle_timeout(Instant::now());
    assert!(handshake.poll_timeout().is_some());
    handshake.receive(&Head::response().bytes());
    let mut connection = handshake.poll().unwrap().unwrap().connection;
    assert_eq!(handshake.poll_timeout(), None, "there is nothing to wait for");
    assert_eq!(drain(connection.transmit()), "\r\n");
}

#[test]
fn the_end_of_the_transport_and_the_deadline_fail() {
    let mut handshake = ClientHandshake::new(chat(), client_config());
    handshake.receive(b"HTTP/1.1 101 Swi");
    handshake.receive_eof();
    assert!(matches!(handshake.poll(), Err(HandshakeError::Eof)));

    let mut handshake = ClientHandshake::new(chat(), client_config());
    let start = Instant::now();
    handshake.handle_timeout(start + TEN_SECONDS * 9);
    handshake.handle_timeout(start + TEN_SECONDS * 10 - TEN_SECONDS / 100);
    assert!(handshake.poll().unwrap().is_none(), "the first time told is the start");
    handshake.handle_timeout(start + TEN_SECONDS * 10);
    assert!(matches!(handshake.poll(), Err(HandshakeError::TimedOut)));

    let mut config = client_config();
    config.handshake_timeout = None;
    let mut handshake = ClientHandshake::new(chat(), config);
    handshake.handle_timeout(start);
    assert_eq!(handshake.poll_timeout(), None);
}

/// The fields that the handshake writes are its own.
#[test]
fn reserved_header_fields_cannot_be_added() {
    for name in [
        "Host",
        "upgrade",
        "CONNECTION",
        "Sec-WebSocket-Key",
        "sec-websocket-anything",
        "Content-Length",
        "Transfer-Encoding",
    ] {
        let expected = InvalidHeader::Reserved(name.into());
        assert_eq!(chat().header(name, "x").err(), Some(expected), "{name}");
    }
    let own = request("ws://me@example.com").header("Authorization", "Bearer x").unwrap();
    let sent = sent(own);
    assert!(sent.contains("Authorization: Bearer x") && !sent.contains("Basic"), "{sent}");
}

/// Some servers compare names by case.
#[test]
fn names_of_header_fields_are_written_in_the_usual_case() {
    let names = [
        "Origin",
        "User-Agent",
        "Authorization",
        "Cookie",
        "X-Request-Id",
        "WWW-Authenticate",
        "ETag",
        "Content-MD5",
        "DNT",
    ];
    let mut request = request("ws://example.com/");
    for name in names {
        request = request.header(name.to_ascii_lowercase().as_str(), "value").unwrap();
    }
    let sent = sent(request);
    for name in names {
        assert!(sent.contains(&format!("\r\n{name}: value\r\n")), "{name}: {sent}");
    }
}
