//! Opening handshakes over streams: both ends, refusals, and a head that comes in any way.
use crate::support::http::REQUEST;
use crate::{
    idle::Idle,
    script::{Script, Step, masked, sockets},
};
use sansocket::{
    Config, Error, Message,
    blocking::{self, Acceptor, Connector},
    bytes::Bytes,
    handshake::{Acceptance, ClientRequest, HandshakeError},
    http::{HeaderValue, Response, StatusCode},
    proto::Subprotocol,
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

fn request(url: &str) -> ClientRequest {
    ClientRequest::try_from(url).unwrap()
}

/// A listener on this machine, and a URL that leads to it.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/chat?room=1", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn both_ends_meet_with_headers_and_a_subprotocol() {
    let (listener, url) = listener();
    let chat = Subprotocol::try_from("chat.v2").unwrap();
    let wanted = chat.clone();
    let server = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut config = Config::server();
        config.extensions = vec![Arc::new(Idle)];
        let mut socket = blocking::accept_with(stream, config, |upgrade| {
            assert_eq!(upgrade.request().uri().path(), "/chat");
            assert_eq!(upgrade.request().headers()["cookie"], "a=b");
            let acceptance = Acceptance::new().subprotocol(upgrade.subprotocols()[0].clone());
            Ok(acceptance.header("set-cookie", "c=d").unwrap())
        })
        .unwrap();
        assert!(socket.get_ref().nodelay().unwrap());
        assert_eq!(socket.subprotocol().map(Subprotocol::as_str), Some("chat.v2"));
        assert_eq!(socket.extension().unwrap().to_string(), "x-idle; some");
        while let Some((message, mut reply)) = socket.recv_ref().unwrap() {
            reply.feed(message).unwrap();
        }
    });
    let request = request(&url).header("cookie", "a=b").unwrap().subprotocol(chat);
    let mut config = Config::client();
    config.extensions = vec![Arc::new(Idle)];
    let (mut socket, response) = blocking::connect_with(request, config).unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["set-cookie"], "c=d");
    assert_eq!(socket.subprotocol(), Some(&wanted));
    assert_eq!(socket.extension().unwrap().to_string(), "x-idle; some");
    assert!(socket.get_ref().nodelay().unwrap());
    socket.send("hello").unwrap();
    assert_eq!(socket.recv().unwrap(), Some(Message::text("hello")));
    let (sender, mut receiver) = socket.split();
    assert_eq!(receiver.subprotocol(), Some(&wanted));
    assert_eq!(receiver.extension().unwrap().name(), "x-idle");
    sender.close(None).unwrap();
    assert_eq!(receiver.recv().unwrap(), None);
    assert!(receiver.closed().unwrap().was_clean());
    assert_eq!(receiver.extension().unwrap().name(), "x-idle", "also after the end");
    server.join().unwrap();
}

#[test]
fn a_rejection_reaches_the_client_whole() {
    let (listener, url) = listener();
    let server = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        blocking::accept_with(stream, Config::server(), |_| {
            let mut response = Response::new(Bytes::from("who are you?"));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response.headers_mut().insert("www-authenticate", HeaderValue::from_static("Basic"));
            Err(response.into())
        })
        .err()
    });
    let refused = blocking::connect(&url).unwrap_err();
    let Error::Handshake(HandshakeError::Declined(response)) = refused else { panic!("{refused}") };
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], "Basic");
    assert_eq!(response.body(), "who are you?");
    let rejected = server.join().unwrap().unwrap();
    assert!(
        matches!(rejected, Error::Handshake(HandshakeError::Rejected(StatusCode::UNAUTHORIZED))),
        "{rejected}"
    );
}

/// Accepting in two steps: the request is there, and the answer is given later, elsewhere.
#[test]
fn a_request_waits_for_its_answer() {
    let (listener, url) = listener();
    let server = thread::spawn(move || {
        let next = || blocking::read_request(listener.accept().unwrap().0, Config::server()).unwrap();
        let pending = next();
        assert_eq!(pending.upgrade().request().uri().path(), "/chat");
        assert!(pending.get_ref().peer_addr().is_ok());
        let mut socket = pending.accept(Acceptance::new()).unwrap();
        socket.send("hello").unwrap();
        let rejected = next().reject(StatusCode::GONE);
        assert!(
            matches!(rejected, Error::Handshake(HandshakeError::Rejected(StatusCode::GONE))),
            "{rejected}"
        );
        let stream = listener.accept().unwrap().0;
        let refused = blocking::read_request(stream, Config::server()).unwrap_err();
        assert!(refused.to_string().contains("is not HTTP/1.1"), "{refused}");
    });
    // What people have at hand is a URL: borrowed, owned, or parsed.
    let mut socket = blocking::connect(url.clone()).unwrap();
    assert_eq!(socket.recv().unwrap(), Some(Message::text("hello")));
    let parsed = sansocket::handshake::Url::try_from(&url).unwrap();
    let refused = blocking::connect_with(parsed, Config::client()).unwrap_err();
    let Error::Handshake(HandshakeError::Declined(response)) = refused else { panic!("{refused}") };
    assert_eq!(response.status(), StatusCode::GONE);
    let mut stream =
        TcpStream::connect(url.trim_start_matches("ws://").trim_end_matches("/chat?room=1")).unwrap();
    stream.write_all(b"not HTTP\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    drop(stream); // the server waits for that
    server.join().unwrap();
}

#[test]
fn a_refusal_leaves_in_one_write_with_its_short_body() {
    let script = Script { reads: [Step::Bytes(REQUEST.into())].into(), ..Script::default() };
    let seen = script.seen.clone();
    let rejected = blocking::accept_with(script, Config::server(), |_| Err(Response::new("a page").into()));
    assert!(rejected.is_err());
    assert_eq!(*seen.writes.lock().unwrap(), 1);
    assert!(seen.take_written().ends_with(b"\r\n\r\na page"));
}

#[test]
fn a_request_that_is_no_upgrade_gets_its_refusal_whoever_decides() {
    for decides_well in [true, false] {
        let (mut client, server) = sockets();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let server = thread::spawn(move || {
            blocking::accept_with(server, Config::server(), |upgrade| {
                assert!(upgrade.refusal().is_some());
                if decides_well {
                    Err(Response::new(Bytes::from("a page")).into())
                } else {
                    Ok(Acceptance::new())
                }
            })
            .err()
        });
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        let expected = if decides_well { "HTTP/1.1 200" } else { "HTTP/1.1 426" };
        assert!(answer.starts_with(expected), "{answer}");
        drop(client);
        assert!(server.join().unwrap().is_some());
    }
}

#[test]
fn a_first_message_in_the_same_segment_as_the_request_is_not_lost() {
    let bytes = [REQUEST.as_bytes(), &masked(0x81, b"early")].concat();
    let script = Script { reads: [Step::Bytes(bytes)].into(), ..Script::default() };
    let mut socket = blocking::accept(script).unwrap();
    assert_eq!(socket.recv().unwrap(), Some(Message::text("early")));
}

#[test]
fn handshakes_on_streams_that_do_not_wait_go_on_where_they_stopped() {
    let mut reads = Vec::new();
    for &byte in REQUEST.as_bytes() {
        let waits = [ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::WouldBlock];
        reads.extend(waits.map(Step::Fail));
        reads.push(Step::Bytes(vec![byte]));
    }
    let script = Script { reads: reads.into(), ..Script::default() };
    let mut acceptor = Acceptor::new(script, Config::server());
    let mut waits = 0;
    let socket = loop {
        match acceptor.accept(|_| Ok(Acceptance::new())) {
            Ok(socket) => break socket,
            Err(error) => assert!(error.is_resumable(), "{error}"),
        }
        waits += 1;
    };
    assert!(waits > 0);
    let written = socket.get_ref().seen.take_written();
    let accept = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let found = written.windows(accept.len()).any(|window| window.eq_ignore_ascii_case(accept));
    assert!(found, "{}", String::from_utf8_lossy(&written));
    assert!(matches!(
        acceptor.accept(|_| Ok(Acceptance::new())),
        Err(Error::Handshake(HandshakeError::Spent))
    ));

    let script = Script {
        reads: [Step::Fail(ErrorKind::WouldBlock), Step::Fail(ErrorKind::WouldBlock)].into(),
        ..Script::default()
    };
    let mut connector = Connector::new(script, request("ws://example.com"), Config::client());
    assert!(connector.connect().unwrap_err().is_resumable());
    assert!(
        matches!(connector.connect(), Err(Error::Handshake(HandshakeError::Eof))),
        "then the stream ends"
    );
}

#[test]
fn a_handshake_that_does_not_go_on_ends_at_its_deadline() {
    let mut config = Config::server();
    config.handshake_timeout = Some(Duration::from_millis(15));
    config.close_timeout = Some(Duration::from_millis(15));
    let (mut client, server) = sockets();
    client.write_all(&REQUEST.as_bytes()[..40]).unwrap();
    let ended = blocking::accept_with(server, config, |_| Ok(Acceptance::new()));
    assert!(matches!(ended, Err(Error::Handshake(HandshakeError::TimedOut))));
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");

    let mut config = Config::client();
    config.handshake_timeout = Some(Duration::from_millis(15));
    let (listener, url) = listener();
    let ended = blocking::connect_with(request(&url), config);
    assert!(matches!(ended, Err(Error::Handshake(HandshakeError::TimedOut))));
    drop(listener);
}

#[test]
fn bad_urls_and_ports_nobody_listens_on_are_told_apart() {
    assert!(matches!(blocking::connect("http://example.com"), Err(Error::Handshake(HandshakeError::Url(_)))));
    let secure = blocking::connect("wss://localhost").unwrap_err();
    assert!(secure.to_string().contains("TLS"), "{secure}");
    let (listener, url) = listener();
    drop(listener);
    let refused = blocking::connect(&url).unwrap_err();
    assert!(
        matches!(&refused, Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused),
        "{refused}"
    );
    assert!(refused.to_string().contains("127.0.0.1:"), "{refused}");
}

#[test]
fn a_peer_that_speaks_something_else_is_an_error_that_says_so() {
    let (listener, url) = listener();
    let server = thread::spawn(move || {
        let mut stream: TcpStream = listener.accept().unwrap().0;
        stream.write_all(b"220 mail.example.com ESMTP\r\n\r\n").unwrap();
        stream
    });
    let error = blocking::connect(&url).unwrap_err();
    assert!(matches!(error, Error::Handshake(HandshakeError::NotHttp { .. })), "{error}");
    drop(server.join().unwrap());
}
