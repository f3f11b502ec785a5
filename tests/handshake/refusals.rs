//! Every refusal, and its bytes on the wire: never a silent close.
use crate::{Head, KEY, answer, answer_with, ask, drain, parse, values};
use sansocket::{
    Config,
    handshake::{Acceptance, HandshakeError, InvalidField, InvalidRequest, ServerHandshake},
};

/// Rule of RFC 6455 §4.1: subprotocols are tokens.
/// Rule of RFC 6455 §4.2.1: only GET accepted; Host is required; request needs Upgrade; request needs Connection.
/// Rule of RFC 6455 §4.2.1: key of 16 bytes; request needs version.
/// Rule of RFC 6455 §4.2.2: other version: 426.
/// Rule of RFC 6455 §9.1: quoted values unescape; extension grammar fails.
/// Rule of RFC 6455 §11.3.1: second Key refused.
/// Rule of RFC 6455 §11.3.5: second Version refused.
/// Rule of RFC 6455 §10.7: input never trusted. By rule: what is wrong, and the status.
#[test]
fn section_4_2_1_a_request_that_breaks_a_rule_is_refused() {
    use {InvalidField as F, InvalidRequest as R};
    let good = Head::request;
    for (head, refusal, status) in [
        // Row 25.
        (good().first("POST /chat HTTP/1.1"), R::Method, 405),
        (good().first("get /chat HTTP/1.1"), R::Method, 405),
        (good().first("OPTIONS * HTTP/1.1"), R::Method, 405),
        (good().first("CONNECT example.com:80 HTTP/1.1"), R::Method, 405),
        (good().first("GET /chat HTTP/1.0"), R::HttpVersion, 400),
        (good().first("GET * HTTP/1.1"), R::Target, 400),
        (good().first("GET ftp://example.com/ HTTP/1.1"), R::Target, 400),
        (good().first("GET ftp://other.example/ HTTP/1.1"), R::Target, 400),
        (good().first("GET ws://other.example/ HTTP/1.1"), R::OtherHost, 400),
        (good().first("GET ws://example.com:443/ HTTP/1.1"), R::OtherHost, 400),
        // Row 26.
        (good().without("Host"), R::Host(F::Missing), 400),
        (good().with("Host: example.com"), R::Host(F::Repeated), 400),
        (good().but("Host:"), R::Host(F::Malformed), 400),
        (good().but("Host: a b"), R::Host(F::Malformed), 400),
        (good().but("Host: a/b"), R::Host(F::Malformed), 400),
        (good().but("Host: me@a"), R::Host(F::Malformed), 400),
        (good().but("Host: a:b"), R::Host(F::Malformed), 400),
        (good().but("Host: a:65536"), R::Host(F::Malformed), 400),
        (good().but("Host: [::1"), R::Host(F::Malformed), 400),
        (good().but("Host: []"), R::Host(F::Malformed), 400),
        (good().but("Host: \u{e9}"), R::Host(F::Malformed), 400),
        (good().first("GET http://other.example/ HTTP/1.1"), R::OtherHost, 400),
        (good().first("GET http://me@example.com/ HTTP/1.1"), R::OtherHost, 400),
        // Rows 27, 28.
        (good().without("Upgrade"), R::NoUpgrade, 426),
        (good().but("Upgrade: h2c"), R::NoUpgrade, 426),
        (good().but("Upgrade: web socket"), R::NoUpgrade, 426),
        (good().without("Connection"), R::NoConnection, 426),
        (good().but("Connection: close"), R::NoConnection, 426),
        (good().but("Connection: xUpgradex"), R::NoConnection, 426),
        // Smuggling: a body, which others would read as HTTP.
        (good().with("Content-Length: 5"), R::Body, 400),
        (good().with("Content-Length: 0").with("Content-Length: 5"), R::Body, 400),
        (good().with("Content-Length: x"), R::Body, 400),
        (good().with("Transfer-Encoding: chunked"), R::Body, 400),
        // Rows 30, 35, 46.
        (good().without("Sec-WebSocket-Version"), R::Version, 426),
        (good().but("Sec-WebSocket-Version: 8"), R::Version, 426),
        (good().but("Sec-WebSocket-Version: 013"), R::Version, 426),
        (good().but("Sec-WebSocket-Version: 13, 8"), R::Version, 426),
        (good().with("Sec-WebSocket-Version: 13"), R::RepeatedVersion, 400),
        // Rows 29, 42.
        (good().without("Sec-WebSocket-Key"), R::Key(F::Missing), 400),
        (good().with(&format!("Sec-WebSocket-Key: {KEY}")), R::Key(F::Repeated), 400),
        (good().but("Sec-WebSocket-Key:"), R::Key(F::Malformed), 400),
        (good().but("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA"), R::Key(F::Malformed), 400),
        (good().but("Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!=="), R::Key(F::Malformed), 400),
        // Rows 14, 45.
        (good().with("Sec-WebSocket-Protocol:"), R::Subprotocols, 400),
        (good().with("Sec-WebSocket-Protocol: a b"), R::Subprotocols, 400),
        (good().with("Sec-WebSocket-Protocol: a, b, a"), R::Subprotocols, 400),
        (good().with("Sec-WebSocket-Protocol: a").with("Sec-WebSocket-Protocol: a"), R::Subprotocols, 400),
        // Rows 40, 98.
        (good().with("Sec-WebSocket-Extensions:"), R::Extensions, 400),
        (good().with("Sec-WebSocket-Extensions: a; b=\"c d\""), R::Extensions, 400),
        // Row 100.
        (good().with("Origin: https://evil.example"), R::Origin, 403),
    ] {
        assert_eq!(ask(&head).refusal(), Some(refusal), "{:?}", head.0);
        let (text, result) = answer(&head);
        match result {
            Err(HandshakeError::Request(given)) => assert_eq!(given, refusal),
            Err(HandshakeError::Origin(_)) => assert_eq!(refusal, R::Origin),
            other => panic!("{other:?}: {text}"),
        }
        let (written, fields, body) = parse(&text);
        assert_eq!((written, refusal.status().as_u16()), (status, status), "{text}");
        assert!(body.contains(&refusal.to_string()) && body.ends_with('\n'), "{text}");
        assert_eq!(values(&fields, "content-length"), [body.len().to_string()]);
        let upgrade = status == 426;
        assert_eq!(values(&fields, "connection"), [if upgrade { "close, Upgrade" } else { "close" }]);
        assert_eq!(values(&fields, "upgrade"), if upgrade { vec!["websocket"] } else { vec![] });
        assert_eq!(values(&fields, "sec-websocket-version"), if upgrade { vec!["13"] } else { vec![] });
        assert_eq!(values(&fields, "allow"), if status == 405 { vec!["GET"] } else { vec![] });
    }
}

/// Rule of RFC 6455 §4.2.2: other version: 426.
#[test]
fn section_4_2_2_the_answer_to_another_version_byte_for_byte() {
    let (text, _) = answer(&Head::request().but("Sec-WebSocket-Version: 8"));
    assert_eq!(
        text,
        "HTTP/1.1 426 Upgrade Required\r\n\
         Connection: close, Upgrade\r\n\
         Content-Length: 54\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         \r\n\
         426 Upgrade Required: Sec-WebSocket-Version is not 13\n"
    );
}

/// Rule of RFC 6455 §4.2.1: broken request: 400. What is not HTTP.
#[test]
fn section_4_2_1_a_broken_head_is_answered_with_400() {
    let good = String::from_utf8(Head::request().bytes()).unwrap();
    let line = |line: &str| good.replace("Upgrade: websocket\r\n", line);
    for wrong in [
        good.replace("\r\n", "\n"),
        good.replacen("\r\n", "\n", 1),
        good.replace("\r\n\r\n", "\n\n"),
        good.replace("\r\n\r\n", "\r\n\n"),
        good.replacen("\r\n", "\r", 1),
        format!("\r\n\r\n{good}"),
        format!("\n{good}"),
        format!(" {good}"),
        line("Upgrade : websocket\r\n"),
        line("Upgrade: web\r\n socket\r\n"),
        line("Upgrade\r\n"),
        line(": websocket\r\n"),
        line("Upgrade: web\0socket\r\n"),
        line("Upgrade: web\rsocket\r\n"),
        line("Up\u{e9}grade: websocket\r\n"),
        good.replace("GET /chat HTTP/1.1", "GET /chat"),
        good.replace("GET /chat HTTP/1.1", "GET /chat HTTP/2.0"),
        good.replace("GET /chat HTTP/1.1", "GET /chat HTTP/1.2"),
        good.replace("GET /chat HTTP/1.1", "GET  /chat HTTP/1.1"),
        good.replace("GET /chat HTTP/1.1", "GET /chat HTTP/1.1 "),
        good.replace("GET /chat HTTP/1.1", "GET /a b HTTP/1.1"),
        good.replace("/chat", "/chat#fragment"),
        good.replace("/chat", "/\u{e9}"),
        good.replace("/chat", "chat"),
        "\x16\x03\x01\x02\0\x01\0".into(), // a client that begins with TLS
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
    ] {
        let (text, result) = answer_with(wrong.as_bytes(), Config::server());
        let broken = matches!(
            result,
            Err(HandshakeError::Malformed(_)
                | HandshakeError::NotHttp { .. }
                | HandshakeError::TargetCharacter(_)
                | HandshakeError::Request(InvalidRequest::Target))
        );
        assert!(broken, "{wrong:?}: {result:?}");
        let (status, fields, body) = parse(&text);
        assert_eq!((status, values(&fields, "connection")), (400, vec!["close"]), "{wrong:?}");
        assert_eq!(values(&fields, "content-length"), [body.len().to_string()]);
    }
}

/// An application that does not look at `refusal` cannot accept what it must not.
#[test]
fn a_request_with_a_refusal_cannot_be_accepted() {
    let upgrade = ask(&Head::request().without("Sec-WebSocket-Key"));
    let mut rejection = upgrade.accept(Acceptance::new().header("X", "y").unwrap()).unwrap_err();
    assert!(drain(rejection.transmit()).starts_with("HTTP/1.1 400 Bad Request\r\n"));
    let (mut transmit, error) = rejection.into_parts();
    assert_eq!(drain(&mut transmit), "");
    assert!(matches!(error, HandshakeError::Request(InvalidRequest::Key(InvalidField::Missing))));
}

/// Only the head is answered to a HEAD request.
#[test]
fn the_refusal_of_a_head_request_has_no_body() {
    let (text, _) = answer(&Head::request().first("HEAD / HTTP/1.1"));
    let (status, fields, body) = parse(&text);
    assert_eq!((status, &*body), (405, ""));
    assert_ne!(values(&fields, "content-length"), ["0"]);
}

/// A broken head is refused as soon as it is broken, not when it ends: a client that speaks TLS would wait for us.
#[test]
fn a_broken_head_is_refused_at_once() {
    let line = "GET / HTTP/1.1\r\nX: y";
    for (before, last) in [
        ("", "\x16"),
        ("\r\n", "\r"),
        ("SSH-2.0-OpenSSH_9.6", "\r"),
        ("PRI * HTTP/", "2"),
        ("PROXY TCP4 ", "1"),
        (line, "\0"),
        (line, "\x7f"),
        (line, "\n"),
        (line, "\rz"),
        (line, "\r\n "),
        (line, "\r\n\t"),
    ] {
        let mut handshake = ServerHandshake::new(Config::server());
        handshake.receive(before.as_bytes());
        assert!(handshake.poll().unwrap().is_none(), "{before:?}");
        handshake.receive(last.as_bytes());
        let error = handshake.poll();
        let broken = matches!(error, Err(HandshakeError::Malformed(_) | HandshakeError::NotHttp { .. }));
        assert!(broken, "{before:?} {last:?}: {error:?}");
    }
}

/// One rule for the path and the query, and the character named: what browsers encode in both cannot stand in either.
#[test]
fn a_character_that_cannot_stand_in_a_target_is_named() {
    for (target, wrong, encoded) in [
        ("/x?filter={\"a\":1}", '"', "%22"),
        ("/x\"", '"', "%22"),
        ("/<b>", '<', "%3C"),
        ("/?a>b", '>', "%3E"),
        ("/#top", '#', "%23"),
        ("/?\u{e9}", '\u{e9}', "%C3%A9"),
        ("/a`b", '`', "%60"),
    ] {
        let head = Head::request().first(&format!("GET {target} HTTP/1.1"));
        let (text, result) = answer(&head);
        assert!(text.starts_with("HTTP/1.1 400 ") && text.contains(encoded), "{text}");
        assert!(
            matches!(result, Err(HandshakeError::TargetCharacter(given)) if given == wrong),
            "{result:?}"
        );
    }
    for target in ["/x?filter={a:1}|^`[]\\", "/{a}|^[]\\"] {
        let head = Head::request().first(&format!("GET {target} HTTP/1.1"));
        assert_eq!(ask(&head).request().uri(), target);
    }
}

#[test]
fn errors_are_small() {
    assert!(size_of::<HandshakeError>() <= 32, "{}", size_of::<HandshakeError>());
    assert!(size_of::<InvalidRequest>() <= 2);
}
