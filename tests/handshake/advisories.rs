//! What has gone wrong in other implementations (T numbers are rows of the table of advisories).
use crate::{Head, answer_with, client_config, drain, parse, values};
use bytes::Buf;
use sansocket::{
    Config,
    extension::ExtensionOffer,
    handshake::{
        Acceptance, ClientHandshake, ClientRequest, HandshakeError, HeadLimit, ServerHandshake, Url,
    },
    proto::Subprotocol,
};

/// What comes of a head, a byte at a time.
fn trickle(bytes: &[u8], config: Config) -> Result<(), HandshakeError> {
    let mut handshake = ServerHandshake::new(config);
    for byte in bytes {
        handshake.receive(&[*byte]);
        if handshake.poll()?.is_some() {
            return Ok(());
        }
    }
    panic!("no outcome")
}

fn padded_to(size: usize, line: usize) -> Vec<u8> {
    let mut head = Head::request();
    while head.bytes().len() + line + 2 < size {
        head = head.with(&format!("X: {}", "y".repeat(line - 3)));
    }
    let rest = size - head.bytes().len();
    let head = head.with(&format!("X: {}", "y".repeat(rest - 5)));
    assert_eq!(head.bytes().len(), size);
    head.bytes()
}

/// Known failure: slow header quadratic.
/// That each byte is looked at once is tested beside the code; here, that the limit is where it is said to be.
#[test]
fn t1_a_head_may_be_as_long_as_the_limit_and_no_longer() {
    let limit = Config::server().max_head_size;
    assert_eq!(limit, 32 << 10);
    assert!(trickle(&padded_to(limit, 1000), Config::server()).is_ok());
    assert!(answer_with(&padded_to(limit, 1000), Config::server()).1.is_ok());
    for bytes in [padded_to(limit + 1, 1000), padded_to(limit * 4, 1000)] {
        let error = trickle(&bytes, Config::server()).unwrap_err();
        assert!(matches!(error, HandshakeError::HeadTooLarge(HeadLimit::Size(32_768))), "{error}");
        assert!(error.to_string().contains("max_head_size"));
        let (text, _) = answer_with(&bytes, Config::server());
        let (status, fields, body) = parse(&text);
        assert_eq!((status, values(&fields, "connection")), (431, vec!["close"]));
        assert_eq!(values(&fields, "content-length"), [body.len().to_string()]);
    }
    // A head that never ends.
    let mut handshake = ServerHandshake::new(Config::server());
    handshake.receive(b"GET / HTTP/1.1\r\n");
    let line = format!("X: {}\r\n", "y".repeat(995));
    for _ in 0..32 {
        assert!(handshake.poll().unwrap().is_none());
        handshake.receive(line.as_bytes());
    }
    handshake.receive(&[b'y'; 1000]);
    assert!(matches!(handshake.poll(), Err(HandshakeError::HeadTooLarge(_))));
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
    let limit = Config::server().max_header_line;
    let head = |len: usize| Head::request().with(&format!("X: {}", "y".repeat(len - 3))).bytes();
    assert!(trickle(&head(limit), Config::server()).is_ok());
    let error = trickle(&head(limit + 1), Config::server()).unwrap_err();
    assert!(matches!(error, HandshakeError::HeadTooLarge(HeadLimit::Line(16_384))), "{error}");
    let long_target = Head::request().first(&format!("GET /{} HTTP/1.1", "a".repeat(limit)));
    assert_eq!(parse(&answer_with(&long_target.bytes(), Config::server()).0).0, 431);
}

/// Known failure: too many headers.
#[test]
fn t7_as_many_fields_as_the_limit_and_no_more() {
    let limit = Config::server().max_header_fields;
    let head = |fields: usize| {
        let head = Head::request().without("Upgrade");
        let head = (head.0.len() - 1..fields - 1).fold(head, |head, n| head.with(&format!("X-{n}: y")));
        let head = head.with("Upgrade: websocket");
        assert_eq!(head.0.len() - 1, fields);
        head.bytes()
    };
    assert!(answer_with(&head(limit), Config::server()).1.is_ok());
    for more in [1, 1000] {
        let (text, result) = answer_with(&head(limit + more), Config::server());
        assert!(matches!(result, Err(HandshakeError::HeadTooLarge(HeadLimit::Fields(100)))), "{result:?}");
        assert_eq!(parse(&text).0, 431);
    }
}

/// Known failure: too many headers. For a client.
#[test]
fn t7_the_limits_hold_for_responses_too() {
    for (head, which) in [
        (format!("HTTP/1.1 101 X\r\n{}\r\n", "X: y\r\n".repeat(101)), HeadLimit::Fields(100)),
        (format!("HTTP/1.1 101 X\r\nX: {}\r\n\r\n", "y".repeat(16_382)), HeadLimit::Line(16_384)),
        (
            format!("HTTP/1.1 101 X\r\n{}\r\n", format!("X: {}\r\n", "y".repeat(995)).repeat(33)),
            HeadLimit::Size(32_768),
        ),
    ] {
        let mut handshake = ClientHandshake::new(ClientRequest::try_from("ws://a").unwrap(), client_config());
        handshake.receive(head.as_bytes());
        assert!(
            matches!(handshake.poll(), Err(HandshakeError::HeadTooLarge(given)) if given == which),
            "{which}"
        );
    }
}

/// Limits that are not limits must not allocate.
#[test]
fn limits_may_be_as_large_as_can_be() {
    let mut config = Config::server();
    (config.max_head_size, config.max_header_fields, config.max_header_line) =
        (usize::MAX, usize::MAX, usize::MAX);
    let many = (0..40_000).fold(Head::request(), |head, _| head.with("X: y"));
    match answer_with(&many.bytes(), config).1 {
        Ok(_) | Err(HandshakeError::Malformed(_)) => {}
        Err(other) => panic!("{other}"),
    }
}

/// Known failure: slow Sec-WebSocket-Protocol.
#[test]
fn t8_a_subprotocol_list_of_spaces_is_refused_in_linear_time() {
    let mut config = Config::server();
    (config.max_head_size, config.max_header_line) = (1 << 20, 1 << 20);
    for value in [format!("b{}x", " ".repeat(64 << 10)), ",".repeat(64 << 10), "a,".repeat(32 << 10)] {
        let head = Head::request().with(&format!("Sec-WebSocket-Protocol: {value}"));
        assert_eq!(parse(&answer_with(&head.bytes(), config.clone()).0).0, 400);
    }
    let names = (0..10_000).map(|n| format!("p{n}")).collect::<Vec<_>>().join(",");
    let head = Head::request().with(&format!("Sec-WebSocket-Protocol: {names}"));
    assert!(answer_with(&head.bytes(), config).1.is_ok());
}

/// Known failure: odd extension names.
#[test]
fn t9_extension_names_and_quotes_that_broke_others() {
    for name in ["constructor", "__proto__", "toString", "hasOwnProperty"] {
        let head = Head::request().with(&format!("Sec-WebSocket-Extensions: {name}; {name}={name}"));
        assert!(answer_with(&head.bytes(), Config::server()).1.is_ok(), "{name}");
    }
    let many = format!("a{}", "; b=c".repeat(10_000));
    assert_eq!(ExtensionOffer::parse_list(&many).unwrap()[0].params().count(), 10_000);
    for quote in ["a; b=\"".to_owned() + &"\\\"".repeat(50_000), "a; b=\"".to_owned() + &"\\".repeat(99_999)]
    {
        assert!(ExtensionOffer::parse_list(&quote).is_err());
    }
    let head = Head::request().with("Sec-WebSocket-Extensions: a; b=\"\\\\\\");
    assert_eq!(parse(&answer_with(&head.bytes(), Config::server()).0).0, 400);
}

/// Known failure: header injection.
#[test]
fn t13_no_value_can_end_a_line() {
    for wrong in ["\r", "\n", "\0", "\r\nX: y", "\x7f"] {
        assert!(Url::try_from(&*format!("ws://a/{wrong}x")).is_err(), "{wrong:?}");
        assert!(Url::try_from(&*format!("ws://a{wrong}/")).is_err(), "{wrong:?}");
        assert!(Url::try_from(&*format!("ws://u{wrong}@a/")).is_err(), "{wrong:?}");
        assert!(Subprotocol::try_from(&*format!("a{wrong}")).is_err(), "{wrong:?}");
        let request = || ClientRequest::try_from("ws://a").unwrap();
        assert!(request().header("X", format!("a{wrong}b")).is_err(), "{wrong:?}");
        assert!(request().header(format!("X{wrong}"), "a").is_err(), "{wrong:?}");
        assert!(Acceptance::new().header("X", format!("a{wrong}b")).is_err(), "{wrong:?}");
        assert!(Acceptance::new().header(format!("X{wrong}"), "a").is_err(), "{wrong:?}");
    }
    let request = ClientRequest::try_from("ws://a").unwrap().header("X", &b"caf\xe9\t!"[..]).unwrap();
    let mut handshake = ClientHandshake::new(request, client_config());
    let sent = {
        let transmit = handshake.transmit();
        transmit.copy_to_bytes(transmit.remaining())
    };
    assert!(sent.windows(12).any(|part| part == b"X: caf\xe9\t!\r\n\r"), "obs-text and tabs may be sent");
    assert_eq!(drain(handshake.transmit()), "");
}
