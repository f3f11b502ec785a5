//! The closing handshake, and every other way for a connection to end.
use crate::script::{Script, Step, masked, pair, server, text, with};
use sansocket::{
    CloseCode, CloseFrame, Closed, Config, Deadline, Error, Message, ReadyState, SendError, Violation,
    blocking::WebSocket, close::InvalidCloseFrame, proto::Role,
};
use std::time::Duration;

#[test]
fn close_runs_the_whole_handshake_and_says_how_it_ended() {
    let (mut client, mut server) = pair(Config::client(), Config::server());
    let far = std::thread::spawn(move || {
        assert!(server.recv().unwrap().is_none());
        assert_eq!(server.state(), ReadyState::Closed);
        server.closed().cloned().unwrap()
    });
    let near = client.close(CloseFrame::truncate(CloseCode::GOING_AWAY, "done")).unwrap();
    let far = far.join().unwrap();
    for (closed, by_peer) in [(&near, false), (&far, true)] {
        assert!(closed.was_clean());
        assert_eq!((closed.code(), closed.reason(), closed.by_peer), (1001, "done", by_peer));
    }
    assert_eq!(client.close(CloseCode::NORMAL).unwrap(), near, "closing again changes nothing");
    assert!(matches!(client.send("more"), Err(Error::Send(SendError::Closing))));
    assert!(client.recv().unwrap().is_none());
}

#[test]
fn close_sends_what_was_queued_first_and_drops_what_still_comes() {
    let (mut socket, seen) = server([text("in the way"), Step::Bytes(masked(0x88, b"\x03\xE8"))]);
    socket.feed("last words").unwrap();
    let closed = socket.close(CloseCode::NORMAL).unwrap();
    assert_eq!(seen.take_written(), b"\x81\x0alast words\x88\x02\x03\xE8");
    assert!(closed.was_clean() && !closed.by_peer);
}

#[test]
fn an_empty_close_frame_is_1005_and_none_at_all_1006() {
    let (mut socket, seen) = server([Step::Bytes(masked(0x88, b""))]);
    assert!(socket.recv().unwrap().is_none());
    assert_eq!((socket.closed().unwrap().code(), socket.closed().unwrap().was_clean()), (1005, true));
    assert_eq!(seen.take_written(), b"\x88\x00");

    let (mut socket, _) = server([]);
    assert!(
        matches!(socket.recv(), Err(Error::Lost(closed)) if closed.code() == 1006 && !closed.was_clean())
    );
    assert!(socket.recv().unwrap().is_none(), "told once");
}

#[test]
fn a_violation_is_answered_and_told_once() {
    let (mut socket, seen) = server([text("before"), Step::Bytes(vec![0x81, 0x01, b'x']), text("after")]);
    assert_eq!(socket.recv().unwrap(), Some(Message::text("before")));
    let Err(Error::Protocol(error)) = socket.recv() else { panic!("an unmasked frame") };
    assert_eq!((error.violation, error.offset), (Violation::Unmasked, 12));
    assert!(socket.recv().unwrap().is_none());
    let written = seen.take_written();
    assert_eq!(&written[..4], [0x88, written.len() as u8 - 2, 0x03, 0xEA]);
    assert!(*seen.shut_down.lock().unwrap());
}

/// Known failure: peer never closes.
#[test]
fn a_peer_that_never_answers_a_close_is_gone_by_the_deadline() {
    let mut config = Config::client();
    config.close_timeout = Some(Duration::from_millis(20));
    let (mut client, server) = pair(config, Config::server());
    let closed = client.close(CloseCode::NORMAL).unwrap();
    assert_eq!((closed.timed_out, closed.was_clean(), closed.code()), (Some(Deadline::Close), false, 1006));
    drop(server);
}

/// Known failure: peer never closes.
#[test]
fn a_server_that_never_ends_the_transport_is_left_by_the_deadline_and_the_end_is_clean() {
    let mut config = Config::client();
    config.close_timeout = Some(Duration::from_millis(20));
    let (mut client, server) = pair(config, Config::server());
    // The peer's Close frame without the end of its stream.
    let mut stream = server.get_ref();
    std::io::Write::write_all(&mut stream, b"\x88\x02\x03\xE8").unwrap();
    assert!(client.recv().unwrap().is_none());
    let closed = client.closed().unwrap();
    assert_eq!((closed.timed_out, closed.was_clean(), closed.code()), (Some(Deadline::Close), true, 1000));
}

/// Known failure: Close body uninitialised.
#[test]
fn the_body_of_a_close_frame_is_what_was_asked_for() {
    for (frame, body) in [
        (None, &b""[..]),
        (Some(CloseFrame::from(CloseCode::NORMAL)), b"\x03\xE8"),
        (Some(CloseFrame::truncate(CloseCode::NORMAL, "bye")), b"\x03\xE8bye"),
    ] {
        let (mut socket, seen) = server([]);
        socket.close(frame).unwrap();
        let expected = [&[0x88, body.len() as u8], body].concat();
        assert_eq!(seen.take_written(), expected);
    }
}

#[test]
fn abort_ends_at_once_and_sends_nothing() {
    let (mut socket, seen) = server([text("never read")]);
    socket.feed("never sent").unwrap();
    socket.abort();
    assert_eq!((socket.state(), socket.closed().unwrap().code()), (ReadyState::Closed, 1006));
    assert!(socket.recv().unwrap().is_none());
    assert!(seen.take_written().is_empty());
}

#[test]
fn dropping_sends_nothing() {
    let (mut socket, seen) = server([]);
    socket.feed("queued").unwrap();
    drop(socket);
    assert!(seen.take_written().is_empty());
}

#[test]
fn a_stream_that_cannot_shut_down_one_side_ends_after_both_closes() {
    let reads = [Step::Bytes(masked(0x88, b"\x03\xE8"))].into();
    let script = sansocket::blocking::Plain(Script { reads, ..Script::default() });
    let established = sansocket::proto::Established::bare(Role::Server);
    let connection = sansocket::proto::Connection::new(established, Config::server());
    let mut socket = sansocket::blocking::WebSocket::new(connection, script);
    assert!(socket.recv().unwrap().is_none());
    assert!(socket.closed().unwrap().was_clean());
    let (mut client, _) = with(Role::Client, Config::client(), Script::default());
    assert!(client.recv().is_err());
}

#[test]
fn a_reset_after_a_violation_does_not_hide_it() {
    let reads = [Step::Bytes(vec![0x81, 0x01, b'x']), Step::Fail(std::io::ErrorKind::ConnectionReset)];
    let (mut socket, _) = server(reads);
    assert!(matches!(socket.recv(), Err(Error::Protocol(error)) if error.violation == Violation::Unmasked));
    assert!(socket.recv().unwrap().is_none());
}

#[test]
fn close_takes_what_people_type() {
    let said = |close: fn(&mut WebSocket<Script>) -> Result<Closed, Error>| {
        let script = Script { reads: [Step::Bytes(masked(0x88, &[]))].into(), ..Script::default() };
        let (mut socket, seen) = with(Role::Server, Config::server(), script);
        (close(&mut socket).map(|_| ()), seen.take_written())
    };
    let away: &[u8] = b"\x88\x02\x03\xE9";
    assert_eq!(said(|socket| socket.close(1001)).1, away);
    assert_eq!(said(|socket| socket.close(CloseCode::AWAY)).1, away);
    assert_eq!(said(|socket| socket.close(None)).1, b"\x88\x00");
    let why: &[u8] = b"\x88\x05\x0F\xA0why";
    assert_eq!(said(|socket| socket.close((4000, "why"))).1, why);
    assert_eq!(said(|socket| socket.close((4000, String::from("why")))).1, why);
    assert_eq!(said(|socket| socket.close(CloseFrame::new(4000, "why")?)).1, why);
    assert_eq!(said(|socket| socket.close(CloseFrame::new(4000, "why"))).1, why);
}

#[test]
fn a_close_that_may_not_be_sent_is_an_error_and_the_connection_goes_on() {
    let long = "why ".repeat(31);
    let (mut socket, seen) = with(Role::Server, Config::server(), Script::default());
    for closed in [socket.close(1005), socket.close((2999, "why"))] {
        let Err(Error::Send(SendError::InvalidCloseFrame(InvalidCloseFrame::Code(_)))) = closed else {
            panic!("{closed:?}")
        };
    }
    let closed = socket.close((1000, &long));
    let Err(Error::Send(SendError::InvalidCloseFrame(InvalidCloseFrame::Reason(_)))) = closed else {
        panic!("{closed:?}")
    };
    socket.send("on").unwrap();
    assert_eq!(seen.take_written(), b"\x81\x02on");
}
