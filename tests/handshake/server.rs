//! RFC 6455 §4.2: which requests a server takes, and how it answers them.
use crate::{ACCEPT, Head, TEN_SECONDS, answer, answer_with, ask, drain, is_accepted, parse, values};
use sansocket::{
    Config, Message,
    bytes::Bytes,
    handshake::{Acceptance, HandshakeError, InvalidHeader, InvalidRequest, Rejection, ServerHandshake},
    http::{Response, StatusCode, header},
    proto::Event,
};
use std::time::Instant;

/// Rule of RFC 6455 §4.2.2: 101 and Accept.
#[test]
fn section_4_2_2_the_response_byte_for_byte() {
    let upgrade = ask(&Head::request().with("Sec-WebSocket-Protocol: chat, superchat"));
    let acceptance = Acceptance::new()
        .subprotocol("chat".try_into().unwrap())
        .header("Set-Cookie", "a=b")
        .and_then(|acceptance| acceptance.header("Set-Cookie", "c=d"))
        .unwrap();
    let mut connection = upgrade.accept(acceptance).unwrap();
    assert_eq!(connection.subprotocol().map(|name| name.as_str()), Some("chat"));
    assert_eq!(
        drain(connection.transmit()),
        format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Accept: {ACCEPT}\r\n\
             Sec-WebSocket-Protocol: chat\r\n\
             Set-Cookie: a=b\r\n\
             Set-Cookie: c=d\r\n\
             \r\n"
        )
    );
}

/// Rule of RFC 6455 §4.2.1: only GET accepted; Host is required; request needs Upgrade; request needs Connection.
/// Rule of RFC 6455 §4.2.1: request needs version. What is correct, in whatever way it is written.
#[test]
fn section_4_2_1_a_request_may_be_written_in_many_ways() {
    let good = Head::request;
    for head in [
        good(),
        good().but("Upgrade: foo, WebSocket"),
        good().but("Upgrade: foo").with("Upgrade: websocket"),
        good().but("Connection: keep-alive, uPGRADE"),
        good().but("Connection: keep-alive").with("Connection: Upgrade"),
        good().but("Connection: ,,\t Upgrade ,"),
        good().without("Host").with("hOST: example.com:8080"),
        good().but("Host: [::1]:8080"),
        good().but("Sec-WebSocket-Version:13 \t"),
        good().first("GET http://example.com/chat HTTP/1.1"),
        good().first("GET https://EXAMPLE.com:443/chat HTTP/1.1"),
        good().first("GET ws://example.com/chat HTTP/1.1"),
        good().first("GET WSS://example.com:443/chat HTTP/1.1"),
        good().first("GET ws://example.com:9001/chat?a=b HTTP/1.1").but("Host: example.com:9001"),
        good().first("GET wss://[::1]:9001 HTTP/1.1").but("Host: [::1]:9001"),
        good().first("GET //a//b?c HTTP/1.1"),
        good().with("Content-Length: 0"),
        good().with("X-Latin: \u{e9}"),
        good().with("X-Empty:"),
    ] {
        assert!(is_accepted(&head), "{:?}", head.0);
    }
}

/// RFC 9112 §2.2: for clients that end the body of an earlier request with a line of its own.
#[test]
fn one_empty_line_may_come_before_a_request() {
    let mut head = b"\r\n".to_vec();
    head.extend(Head::request().bytes());
    let (text, result) = answer_with(&head, Config::server());
    assert!(result.is_ok(), "{text}");
    let mut handshake = ServerHandshake::new(Config::server());
    for byte in &head {
        assert!(handshake.poll().unwrap().is_none());
        handshake.receive(&[*byte]);
    }
    let upgrade = handshake.poll().unwrap().unwrap();
    assert_eq!((upgrade.request().uri().path(), upgrade.refusal()), ("/chat", None));
}

/// The cookies of a single sign-on are one line, and are seen with 8,718 bytes.
#[test]
fn a_cookie_line_may_be_as_long_as_other_servers_allow() {
    let cookie = format!("Cookie: {}", "c".repeat(8718 - 8));
    assert!(is_accepted(&Head::request().with(&cookie)));
    let config = Config::server();
    assert_eq!((config.max_header_line, config.max_head_size), (16 << 10, 32 << 10));
}

/// Rule of RFC 6455 §4.2.1: no Origin: no browser.
#[test]
fn section_4_2_1_no_origin_is_no_browser() {
    assert!(is_accepted(&Head::request()));
    assert!(!is_accepted(&Head::request().with("Origin: https://evil.example")));
}

/// Rule of RFC 6455 §4.2.2: 401 and redirects; refusal by 403; unknown resource: 404.
/// Rule of RFC 6455 §10.5: cookies and auth.
/// Cookies and authorization are there to decide by, and any answer can be given.
#[test]
fn section_4_2_2_the_application_may_answer_anything() {
    for status in [200, 302, 401, 403, 404, 503] {
        let upgrade = ask(&Head::request().with("Cookie: id=1").with("Authorization: Basic YTpi"));
        assert_eq!(upgrade.request().headers()[header::COOKIE], "id=1");
        assert_eq!(upgrade.request().headers()[header::AUTHORIZATION], "Basic YTpi");
        let mut response = Response::new(Bytes::from_static(b"why"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert(header::LOCATION, "/there".try_into().unwrap());
        for line in [
            (header::CONTENT_LENGTH, "99"),
            (header::TRANSFER_ENCODING, "chunked"),
            (header::CONNECTION, "keep-alive"),
        ] {
            response.headers_mut().insert(line.0, line.1.try_into().unwrap());
        }
        for cookie in ["a=b", "c=d"] {
            response.headers_mut().append(header::SET_COOKIE, cookie.try_into().unwrap());
        }
        let mut rejection = upgrade.reject(response);
        assert!(matches!(rejection.error(), HandshakeError::Rejected(given) if given.as_u16() == status));
        let (written, fields, body) = parse(&drain(rejection.transmit()));
        assert_eq!((written, &*body), (status, "why"));
        assert_eq!(values(&fields, "content-length"), ["3"]);
        assert_eq!(values(&fields, "connection"), ["close"]);
        assert_eq!(values(&fields, "location"), ["/there"]);
        assert_eq!(values(&fields, "set-cookie"), ["a=b", "c=d"]);
        assert!(values(&fields, "transfer-encoding").is_empty());
    }
}

#[test]
fn an_answer_without_a_body_has_none() {
    for status in [204, 304] {
        let mut response = Response::new(Bytes::from_static(b"no body"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let (written, fields, body) = parse(&drain(ask(&Head::request()).reject(response).transmit()));
        assert_eq!((written, &*body, values(&fields, "content-length")), (status, "", vec![]));
    }
    let head = ask(&Head::request().first("HEAD / HTTP/1.1"));
    let (_, fields, body) = parse(&drain(head.reject(Response::new(Bytes::from_static(b"page"))).transmit()));
    assert_eq!((values(&fields, "content-length"), &*body), (vec!["4"], ""));
}

#[test]
fn a_status_of_1xx_is_no_answer() {
    for status in [100, 101, 103] {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let mut rejection = ask(&Head::request()).reject(response);
        assert_eq!(parse(&drain(rejection.transmit())).0, 500);
        assert!(matches!(
            rejection.into_error(),
            HandshakeError::Rejected(StatusCode::INTERNAL_SERVER_ERROR)
        ));
    }
}

/// What an application has at hand rejects: a status, a response with a body of its own type, what is wrong with the
/// request, a field that could not be added.
#[test]
fn a_rejection_is_made_from_what_there_is() {
    let page = || Response::builder().status(404);
    let invalid = Acceptance::new().header("Upgrade", "h2c").unwrap_err();
    let rejections: [(Rejection, u16, &str); 7] = [
        (StatusCode::UNAUTHORIZED.into(), 401, "401 Unauthorized\n"),
        (page().body("no room").unwrap().into(), 404, "no room"),
        (page().body(String::from("no room")).unwrap().into(), 404, "no room"),
        (page().body(b"no room".to_vec()).unwrap().into(), 404, "no room"),
        (page().body(Bytes::new()).unwrap().into(), 404, ""),
        (InvalidRequest::Origin.into(), 403, "403 Forbidden: "),
        (invalid.into(), 500, "500 Internal Server Error\n"),
    ];
    for (rejection, status, text) in rejections {
        let (written, fields, body) = parse(&drain(ask(&Head::request()).reject(rejection).transmit()));
        assert_eq!((written, values(&fields, "connection")), (status, vec!["close"]));
        assert!(body.starts_with(text), "{body:?}");
    }
    assert_eq!(
        ask(&Head::request()).reject(StatusCode::GONE).error().to_string(),
        "the application rejected the request with 410 Gone"
    );
}

/// Rule of RFC 6455 §4.2.2: one subprotocol offered.
/// Rule of RFC 6455 §11.3.4: Protocol may repeat.
#[test]
fn section_4_2_2_only_an_offered_subprotocol_is_chosen() {
    let head = Head::request().with("Sec-WebSocket-Protocol: a , b,").with("Sec-WebSocket-Protocol: c");
    let upgrade = ask(&head);
    let offered: Vec<_> = upgrade.subprotocols().iter().map(|name| name.as_str()).collect();
    assert_eq!(offered, ["a", "b", "c"]);
    let select = |preferences: &[&str]| upgrade.select(preferences).map(|name| name.to_string());
    assert_eq!(select(&["x", "c", "a"]).as_deref(), Some("c"));
    assert_eq!(select(&["A", "x"]), None);
    assert!(!answer(&head).0.contains("Sec-WebSocket-Protocol"), "none is chosen unasked");

    let mut rejection = upgrade.accept(Acceptance::new().subprotocol("x".try_into().unwrap())).unwrap_err();
    let (status, fields, _) = parse(&drain(rejection.transmit()));
    assert_eq!((status, values(&fields, "connection")), (500, vec!["close"]));
    assert!(matches!(rejection.error(), HandshakeError::NotOffered(name) if name.as_str() == "x"));
}

/// Rule of RFC 6455 §4.2.2: only offered extensions.
/// Rule of RFC 6455 §11.3.2: Extensions may repeat.
/// Rule of RFC 6455 §9.1: order of extensions.
#[test]
fn section_4_2_2_extensions_are_declined() {
    let head = Head::request()
        .with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-a; b=\"c\"")
        .with("Sec-WebSocket-Extensions: x-d");
    let names: Vec<_> = ask(&head).extensions().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["permessage-deflate; client_max_window_bits", "x-a; b=c", "x-d"]);
    let (text, result) = answer(&head);
    assert!(result.is_ok() && !text.contains("Sec-WebSocket-Extensions"), "{text}");
}

/// Every request that is HTTP reaches the application, so that a page can be served beside the WebSocket.
#[test]
fn a_plain_request_can_be_answered_with_a_page() {
    let mut handshake = ServerHandshake::new(Config::server());
    handshake.receive(b"GET /index.html HTTP/1.1\r\nHost: example.com\r\n\r\n");
    let upgrade = handshake.poll().unwrap().unwrap();
    assert_eq!(upgrade.refusal(), Some(InvalidRequest::NoUpgrade));
    assert_eq!(upgrade.request().uri().path(), "/index.html");
    let mut rejection = upgrade.reject(Response::new(Bytes::from_static(b"<!doctype html>")));
    assert_eq!(
        drain(rejection.transmit()),
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 15\r\n\r\n<!doctype html>"
    );
    assert!(matches!(handshake.poll(), Err(HandshakeError::Spent)));
}

/// "Common to all peers": a first frame in the same segment as the request.
#[test]
fn what_follows_the_request_is_not_lost() {
    let mut bytes = Head::request().bytes();
    bytes.extend([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    let (text, connection) = answer_with(&bytes, Config::server());
    assert!(text.starts_with("HTTP/1.1 101 ") && text.ends_with("\r\n\r\n"));
    match connection.unwrap().poll_event() {
        Some(Event::Message(message)) => assert_eq!(message.into_message(), Message::text("Hello")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn reserved_header_fields_cannot_be_added() {
    for name in
        ["Host", "Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Content-Length"]
    {
        let expected = InvalidHeader::Reserved(name.into());
        assert_eq!(Acceptance::new().header(name, "x").err(), Some(expected), "{name}");
    }
}

/// Rule of RFC 6455 §10.7: input never trusted.
/// 408 at the deadline, 400 if the transport ends within a head, nothing if nothing came.
#[test]
fn a_request_that_does_not_come() {
    for begun in ["", "GET / HT"] {
        let mut handshake = ServerHandshake::new(Config::server());
        let start = Instant::now();
        handshake.handle_timeout(start);
        handshake.receive(begun.as_bytes());
        assert!(handshake.poll().unwrap().is_none());
        assert_eq!(handshake.poll_timeout(), Some(start + TEN_SECONDS));
        handshake.handle_timeout(start + TEN_SECONDS);
        assert!(matches!(handshake.poll(), Err(HandshakeError::TimedOut)));
        let (status, fields, _) = parse(&drain(handshake.transmit()));
        assert_eq!((status, values(&fields, "connection")), (408, vec!["close"]));

        let mut handshake = ServerHandshake::new(Config::server());
        handshake.receive(begun.as_bytes());
        handshake.receive_eof();
        assert!(matches!(handshake.poll(), Err(HandshakeError::Eof)));
        assert_eq!(drain(handshake.transmit()).starts_with("HTTP/1.1 400 "), !begun.is_empty());
    }
}

/// A request that came in time is taken, even if it is looked at late.
#[test]
fn a_whole_request_is_never_too_late() {
    let mut handshake = ServerHandshake::new(Config::server());
    let start = Instant::now();
    handshake.handle_timeout(start);
    handshake.receive(&Head::request().bytes());
    handshake.receive_eof();
    handshake.handle_timeout(start + TEN_SECONDS * 2);
    assert!(handshake.poll().unwrap().is_some());
}

/// Rule of RFC 6455 §10.8: SHA-1 only there. SHA-1 is for the handshake's key and for nothing else.
#[test]
fn section_10_8_sha1_is_used_for_the_key_only() {
    let mut users = Vec::new();
    let mut dirs = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => dirs.push(path),
                false if std::fs::read_to_string(&path).unwrap().contains("use sha1::") => users.push(path),
                false => {}
            }
        }
    }
    assert!(matches!(&users[..], [only] if only.ends_with("handshake/key.rs")), "{users:?}");
}
