//! The browser's view: CONNECTING, OPEN, CLOSING, CLOSED, and its events in order.
use crate::{Head, TEN_SECONDS, client_config, drain};
use bytes::Buf;
use sansocket::{
    CloseCode, CloseFrame, Deadline, Delivery, Message, ReadyState, SendError,
    handshake::{Acceptance, ClientRequest, HandshakeError, InvalidResponse},
    http::StatusCode,
    proto::Step,
    session::{Session, SessionError, SessionEvent},
};
use std::time::Instant;

fn connecting() -> Session {
    Session::client(ClientRequest::try_from("ws://example.com/chat").unwrap(), client_config())
}
fn open() -> Session {
    let mut session = connecting();
    drain(session.transmit());
    session.receive(&Head::response().bytes());
    assert!(matches!(session.poll_event(), Some(SessionEvent::Open(_))));
    assert_eq!(session.state(), ReadyState::Open);
    session
}
fn drain_bytes(session: &mut Session) {
    let n = session.transmit().remaining();
    session.transmit().advance(n);
}
fn is_closed(session: &mut Session, code: u16, clean: bool) {
    match session.poll_event() {
        Some(SessionEvent::Close(closed)) => assert_eq!((closed.code(), closed.was_clean()), (code, clean)),
        other => panic!("{other:?}"),
    }
    assert_eq!(session.state(), ReadyState::Closed);
    assert!(session.poll_event().is_none(), "Close is last");
}

#[test]
fn open_message_close() {
    let mut session = connecting();
    assert_eq!(session.state(), ReadyState::Connecting);
    assert!(drain(session.transmit()).starts_with("GET /chat HTTP/1.1\r\n"));
    assert!(session.poll_event().is_none());
    let mut bytes = Head::response().bytes();
    bytes.extend(b"\x89\x00\x01\x01H\x80\x01i"); // a ping, then a message in two frames
    session.read_buf().extend_from_slice(&bytes);
    match session.poll_event() {
        Some(SessionEvent::Open(response)) => assert_eq!(response.status().as_u16(), 101),
        other => panic!("{other:?}"),
    }
    assert!(session.subprotocol().is_none() && session.extension().is_none());
    assert!(
        matches!(session.poll_event(), Some(SessionEvent::Message(message)) if message == Message::text("Hi"))
    );
    assert!(session.transmit().has_remaining(), "the pong");
    session.send("yes").unwrap();
    assert!(session.buffered_amount() > 0);
    session.ping("?").unwrap();
    session.close(CloseCode::NORMAL);
    assert_eq!(session.state(), ReadyState::Closing);
    assert_eq!(session.send("no"), Err(SendError::Closing));
    drain_bytes(&mut session);
    assert!(!session.wants_shutdown(), "the server ends the transport first");
    session.receive(b"\x88\x02\x03\xe8");
    assert!(session.poll_event().is_none());
    session.receive_eof();
    is_closed(&mut session, 1000, true);
    assert!(session.wants_shutdown());
    session.shut_down();
    assert!(!session.wants_shutdown());
}

/// WHATWG: `WebSocket.extensions` is empty until the connection is open, and then what the server answered.
#[cfg(feature = "deflate")]
#[test]
fn the_extension_is_what_was_agreed_on() {
    let mut session = connecting();
    assert!(session.extension().is_none());
    drain(session.transmit());
    let answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let mut bytes = Head::response().with(&format!("Sec-WebSocket-Extensions: {answer}")).bytes();
    bytes.extend(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    session.receive(&bytes);
    assert!(matches!(session.poll_event(), Some(SessionEvent::Open(_))));
    assert_eq!(session.extension().map(ToString::to_string).as_deref(), Some(answer));
    assert!(
        matches!(session.poll_event(), Some(SessionEvent::Message(message)) if message == Message::text("Hello"))
    );
    session.receive_eof();
    while session.poll_event().is_some() {}
    assert_eq!(session.extension().map(ToString::to_string).as_deref(), Some(answer), "after the end, too");
}

/// Rule of RFC 6455 §4.1: nothing sent early. WHATWG: InvalidStateError.
#[test]
fn nothing_is_sent_while_connecting() {
    let mut session = connecting();
    assert_eq!(session.send("early"), Err(SendError::Connecting));
    assert_eq!(session.ping(""), Err(SendError::Connecting));
    assert_eq!(session.buffered_amount(), 0);
    assert!(drain(session.transmit()).ends_with("\r\n\r\n"));
}

/// WHATWG: close() while CONNECTING fails the connection.
#[test]
fn close_while_connecting_is_1006() {
    let mut session = connecting();
    session.close(CloseCode::NORMAL);
    assert_eq!(session.state(), ReadyState::Closing);
    assert_eq!(drain(session.transmit()), "");
    assert!(session.wants_shutdown());
    session.receive(&Head::response().bytes());
    assert!(matches!(session.poll_event(), Some(SessionEvent::Error(SessionError::Aborted))));
    assert_eq!(session.send("late"), Err(SendError::Closing));
    is_closed(&mut session, 1006, false);
    session.shut_down();
    session.close(None::<CloseFrame>);
    assert!(!session.wants_shutdown() && !session.wants_time() && session.poll_timeout().is_none());
}

#[test]
fn a_handshake_that_fails_is_an_error_and_then_1006() {
    let mut session = connecting();
    session.receive(&Head::response().without("Upgrade").bytes());
    let event = session.poll_event();
    assert!(
        matches!(
            event,
            Some(SessionEvent::Error(SessionError::Handshake(HandshakeError::Response(
                InvalidResponse::NoUpgrade
            ))))
        ),
        "{event:?}"
    );
    assert_eq!(session.state(), ReadyState::Closing);
    is_closed(&mut session, 1006, false);
}

#[test]
fn the_deadline_of_the_handshake_holds() {
    let mut session = connecting();
    let start = Instant::now();
    assert!(session.wants_time());
    session.handle_timeout(start);
    assert!(!session.wants_time());
    assert_eq!(session.poll_timeout(), Some(start + TEN_SECONDS));
    session.handle_timeout(start + TEN_SECONDS);
    let event = session.poll_event();
    assert!(matches!(event, Some(SessionEvent::Error(SessionError::Handshake(HandshakeError::TimedOut)))));
    is_closed(&mut session, 1006, false);
}

#[test]
fn a_violation_is_an_error_and_then_close() {
    let mut session = open();
    session.receive(b"\xff\x00");
    assert!(matches!(session.poll_event(), Some(SessionEvent::Error(SessionError::Protocol(_)))));
    drain_bytes(&mut session);
    session.receive_eof();
    is_closed(&mut session, 1006, false);
}

/// RFC 6455 §7.2.1.
#[test]
fn a_transport_that_is_lost_is_an_error_and_then_1006() {
    let mut session = open();
    session.receive_eof();
    assert!(matches!(session.poll_event(), Some(SessionEvent::Error(SessionError::Lost))));
    is_closed(&mut session, 1006, false);
}

#[test]
fn a_deadline_is_an_error_and_then_1006() {
    let mut session = open();
    let mut now = Instant::now();
    session.handle_timeout(now);
    assert!(session.poll_timeout().is_some());
    for _ in 0..3 {
        now += TEN_SECONDS * 2;
        session.handle_timeout(now);
    }
    let event = session.poll_event();
    assert!(
        matches!(event, Some(SessionEvent::Error(SessionError::TimedOut(Deadline::Keepalive)))),
        "{event:?}"
    );
    is_closed(&mut session, 1006, false);
}

/// Both have said goodbye; that the server keeps the transport open is no failure.
#[test]
fn a_clean_close_is_clean_even_if_the_transport_does_not_end() {
    let mut session = open();
    session.close(CloseCode::NORMAL);
    drain_bytes(&mut session);
    session.receive(b"\x88\x02\x03\xe8");
    assert!(session.poll_event().is_none());
    let now = Instant::now();
    session.handle_timeout(now);
    session.handle_timeout(now + TEN_SECONDS);
    is_closed(&mut session, 1000, true);
}

/// A browser has no chunks, and answers pings itself.
#[test]
fn messages_are_whole_and_pings_answered_whatever_the_configuration_says() {
    let mut config = client_config();
    (config.delivery, config.auto_pong) = (Delivery::Chunks, false);
    let mut session = Session::client(ClientRequest::try_from("ws://a").unwrap(), config);
    drain(session.transmit());
    session.receive(&Head::response().bytes());
    session.receive(b"\x89\x00\x01\x01H\x80\x01i");
    assert!(matches!(session.poll_event(), Some(SessionEvent::Open(_))));
    assert!(
        matches!(session.poll_event(), Some(SessionEvent::Message(message)) if message == Message::text("Hi"))
    );
    assert!(session.transmit().has_remaining(), "the pong");
}

/// The loop of a driver is the same before the connection, in it, and without one.
#[test]
fn a_session_says_what_to_do_next() {
    let (mut client, mut server) = (connecting(), Session::server(sansocket::Config::server()));
    assert_eq!(client.next_step(), Step::Read { timed: true });
    assert_eq!(server.next_step(), Step::Read { timed: true });
    server.handle_timeout(Instant::now());
    assert_eq!(server.next_step(), Step::Read { timed: false });
    pass(&mut client, &mut server);
    assert!(matches!(server.poll_event(), Some(SessionEvent::Accepted(_))));
    pass(&mut server, &mut client);
    assert!(matches!(client.poll_event(), Some(SessionEvent::Open(_))));

    // A peer that takes no answers is asked for nothing more.
    let mark = sansocket::Config::server().high_water_mark;
    client.send("more").unwrap();
    server.send(vec![0; mark + 1]).unwrap();
    pass(&mut client, &mut server);
    assert!(server.poll_event().is_none(), "the message is kept back");
    assert_eq!(server.next_step(), Step::Wait);
    drain_bytes(&mut server);
    assert_eq!(server.next_step(), Step::Advance);
    assert!(matches!(server.poll_event(), Some(SessionEvent::Message(_))));

    // A refusal leaves first, then the transport is shut down, then comes the end.
    let mut server = Session::server(sansocket::Config::server());
    server.receive(b"GET /\r\n\r\n");
    assert!(matches!(server.poll_event(), Some(SessionEvent::Error(_))));
    assert_eq!(server.next_step(), Step::Read { timed: true });
    drain_bytes(&mut server);
    assert_eq!(server.next_step(), Step::ShutDown);
    server.shut_down();
    assert_eq!(server.next_step(), Step::Read { timed: true });
    server.receive_eof();
    assert_eq!(server.next_step(), Step::Advance);
    is_closed(&mut server, 1006, false);
}

/// A driver that asks before it reads keeps the memory of a session bounded, whatever the peer sends and does not take.
#[test]
fn a_peer_that_takes_no_answers_is_read_no_further() {
    let (mut client, mut server) = (connecting(), Session::server(sansocket::Config::server()));
    assert!(client.wants_read() && server.wants_read(), "connecting");
    pass(&mut client, &mut server);
    assert!(matches!(server.poll_event(), Some(SessionEvent::Accepted(_))));
    pass(&mut server, &mut client);
    assert!(matches!(client.poll_event(), Some(SessionEvent::Open(_))));
    assert!(client.wants_read() && server.wants_read(), "open");
    let mark = sansocket::Config::server().high_water_mark;
    let mut echoes = 0;
    while server.wants_read() {
        assert!(echoes <= mark / 1000 + 2, "it reads on above the mark");
        client.send(vec![7; 1000]).unwrap();
        pass(&mut client, &mut server);
        while let Some(event) = server.poll_event() {
            let SessionEvent::Message(message) = event else { panic!("{event:?}") };
            server.send(message).unwrap();
            echoes += 1;
        }
    }
    assert!(echoes > mark / 1000, "{echoes}");
    pass(&mut server, &mut client);
    assert!(
        matches!(server.poll_event(), Some(SessionEvent::Message(_))),
        "it goes on once the answers have left"
    );
    assert!(server.poll_event().is_none() && server.wants_read());
}

#[test]
fn nothing_is_read_after_the_end_of_the_transport() {
    for mut session in [connecting(), Session::server(sansocket::Config::server()), open()] {
        assert!(session.wants_read(), "{session:?}");
        session.receive_eof();
        assert!(!session.wants_read(), "{session:?}");
        assert_eq!(session.next_step(), Step::Advance);
        while session.poll_event().is_some() {}
        assert_eq!(session.state(), ReadyState::Closed);
        assert!(!session.wants_read(), "{session:?}");
    }
    // A refused peer may have more to send before it reads.
    let mut server = Session::server(sansocket::Config::server());
    server.receive(b"GET /\r\n\r\n");
    assert!(matches!(server.poll_event(), Some(SessionEvent::Error(_))));
    assert!(server.wants_read());
    server.receive_eof();
    assert!(!server.wants_read());
    assert_eq!(server.next_step(), Step::Wait, "the answer has not left");
}

/// Moves what one end has to write to the other.
fn pass(from: &mut Session, to: &mut Session) {
    let n = from.transmit().remaining();
    to.receive(&from.transmit().copy_to_bytes(n));
}

#[test]
fn a_server_is_a_session_too() {
    let (mut client, mut server) = (connecting(), Session::server(sansocket::Config::server()));
    assert_eq!(server.state(), ReadyState::Connecting);
    assert!(matches!(server.send("early"), Err(SendError::Connecting)));
    assert!(server.wants_time());
    pass(&mut client, &mut server);
    let Some(SessionEvent::Accepted(request)) = server.poll_event() else { panic!("not accepted") };
    assert_eq!((request.uri().path(), server.state()), ("/chat", ReadyState::Open));
    server.send("hello").unwrap();
    pass(&mut server, &mut client);
    assert!(matches!(client.poll_event(), Some(SessionEvent::Open(_))));
    assert!(
        matches!(client.poll_event(), Some(SessionEvent::Message(message)) if message == Message::text("hello"))
    );
}

#[test]
fn a_server_that_rejects_closes_once_the_answer_has_left_and_the_peer_has_ended() {
    let reject = |_: &_| Err(StatusCode::NOT_FOUND.into());
    let accept = |_: &_| Ok(Acceptance::new());
    let config = sansocket::Config::server;
    for (request, mut server, status) in [
        (Head::request().bytes(), Session::deciding(config(), reject), "HTTP/1.1 404 "),
        (Head::request().without("Upgrade").bytes(), Session::deciding(config(), accept), "HTTP/1.1 426 "),
        (b"GET /\r\n\r\n".to_vec(), Session::server(config()), "HTTP/1.1 400 "),
    ] {
        server.receive(&request);
        assert!(matches!(server.poll_event(), Some(SessionEvent::Error(SessionError::Handshake(_)))));
        assert!(server.poll_event().is_none() && !server.wants_shutdown() && server.wants_time());
        assert_eq!(server.state(), ReadyState::Closing);
        assert!(drain(server.transmit()).starts_with(status));
        assert!(server.wants_shutdown());
        server.shut_down();
        assert!(server.poll_event().is_none());
        server.receive_eof();
        is_closed(&mut server, 1006, false);
    }
    // A peer that does not take its answer is given up.
    let mut server = Session::deciding(config(), reject);
    server.receive(&Head::request().bytes());
    assert!(matches!(server.poll_event(), Some(SessionEvent::Error(_))));
    let now = Instant::now();
    server.handle_timeout(now);
    let until = server.poll_timeout().expect("a deadline");
    assert_eq!(until, now + TEN_SECONDS);
    server.handle_timeout(until);
    is_closed(&mut server, 1006, false);
}

fn refused() -> Session {
    let mut server = Session::server(sansocket::Config::server());
    server.receive(b"GET /\r\n\r\n");
    assert!(matches!(server.poll_event(), Some(SessionEvent::Error(SessionError::Handshake(_)))));
    server
}

/// A TCP stream that is closed with bytes unread is reset, and the peer may lose the answer.
#[test]
fn a_refusal_waits_for_the_end_of_the_transport() {
    let now = Instant::now();
    let lingering = || {
        let mut server = refused();
        drain_bytes(&mut server);
        assert_eq!(server.next_step(), Step::ShutDown);
        server.shut_down();
        assert_eq!(server.next_step(), Step::Read { timed: true });
        server.handle_timeout(now);
        assert_eq!(server.next_step(), Step::Read { timed: false });
        server.receive(&[0; 1000]);
        assert!(server.poll_event().is_none());
        assert_eq!((server.poll_timeout(), server.state()), (Some(now + TEN_SECONDS), ReadyState::Closing));
        server
    };
    let mut server = lingering();
    server.receive_eof();
    assert!(server.poll_timeout().is_none());
    is_closed(&mut server, 1006, false);

    // Not for ever, and not for any number of bytes.
    let mut server = lingering();
    server.handle_timeout(now + TEN_SECONDS);
    assert!(server.poll_timeout().is_none());
    is_closed(&mut server, 1006, false);
    let mut server = lingering();
    let enough = (0..100).position(|_| {
        server.receive(&[0; 64 * 1024]);
        server.poll_event().is_some()
    });
    assert_eq!(enough, Some(15), "1 MiB");
    assert_eq!((server.state(), server.wants_read()), (ReadyState::Closed, false));
}

/// The peer may have ended its side only.
#[test]
fn a_refusal_still_leaves_after_the_end_of_the_input() {
    let mut server = refused();
    server.receive_eof();
    assert!(server.poll_event().is_none());
    drain_bytes(&mut server);
    is_closed(&mut server, 1006, false);
}

/// The transport ends once, and may do so before its last bytes are looked at.
#[test]
fn an_end_that_came_with_the_request_counts_later_too() {
    let mut server = Session::server(sansocket::Config::server());
    server.receive(&Head::request().without("Upgrade").bytes());
    server.receive_eof();
    assert!(matches!(server.poll_event(), Some(SessionEvent::Error(SessionError::Handshake(_)))));
    drain_bytes(&mut server);
    is_closed(&mut server, 1006, false);

    let mut server = Session::server(sansocket::Config::server());
    server.receive(&Head::request().bytes());
    server.receive_eof();
    assert!(matches!(server.poll_event(), Some(SessionEvent::Accepted(_))));
    drain_bytes(&mut server);
    assert!(matches!(server.poll_event(), Some(SessionEvent::Error(SessionError::Lost))));
    is_closed(&mut server, 1006, false);

    let mut client = connecting();
    drain_bytes(&mut client);
    client.receive(&Head::response().bytes());
    client.receive_eof();
    assert!(matches!(client.poll_event(), Some(SessionEvent::Open(_))));
    assert!(matches!(client.poll_event(), Some(SessionEvent::Error(SessionError::Lost))));
    is_closed(&mut client, 1006, false);
}

/// The transport failed: nothing is waited for, and nothing more is written.
#[test]
fn abort_ends_a_session_at_once() {
    for mut session in [connecting(), Session::server(sansocket::Config::server()), open()] {
        if session.state() == ReadyState::Open {
            session.send("never leaves").unwrap();
        }
        session.abort();
        assert!(!session.wants_read(), "{session:?}");
        assert!(matches!(session.poll_event(), Some(SessionEvent::Error(SessionError::Lost))), "{session:?}");
        is_closed(&mut session, 1006, false);
        session.abort();
        assert!(session.poll_event().is_none() && session.poll_timeout().is_none());
    }
    let mut request_waits = connecting();
    request_waits.abort();
    assert!(!request_waits.transmit().has_remaining());
    // The error of a refusal has been told.
    let mut server = refused();
    server.abort();
    assert!(!server.transmit().has_remaining() && !server.wants_time() && !server.wants_read());
    is_closed(&mut server, 1006, false);
}
