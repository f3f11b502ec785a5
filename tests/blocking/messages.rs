//! Receiving, sending and queueing, and what happens to streams that fail, lie or do not wait.
use crate::script::{Script, Step, masked, pair, server, text, with};
use sansocket::{
    CloseCode, Config, Error, Message, ReadyState, SendError,
    blocking::WebSocket,
    close::CloseSeen,
    proto::{Event, Role},
};
use std::io::ErrorKind;

#[test]
fn an_echo_in_one_loop_writes_once_for_messages_that_came_together() {
    let burst = [masked(0x81, b"one"), masked(0x81, b"two"), masked(0x82, b"\x00\xff")].concat();
    let (mut socket, seen) = server([Step::Bytes(burst), Step::Bytes(masked(0x88, &[]))]);
    while let Some((message, mut reply)) = socket.recv_ref().unwrap() {
        reply.feed(message).unwrap();
    }
    assert_eq!(seen.take_written(), b"\x81\x03one\x81\x03two\x82\x02\x00\xff\x88\x00");
    assert_eq!(*seen.writes.lock().unwrap(), 2, "the three answers, then the Close frame");
    assert!(*seen.shut_down.lock().unwrap());
}

#[test]
fn send_writes_at_once_and_feed_waits_for_flush_or_the_high_water_mark() {
    let mut config = Config::server();
    config.high_water_mark = 10;
    let (mut socket, seen) = with(Role::Server, config, Script::default());
    socket.send("now").unwrap();
    assert_eq!(seen.take_written(), b"\x81\x03now");
    socket.feed("later").unwrap();
    assert_eq!((seen.take_written().len(), socket.buffered_amount()), (0, 7));
    socket.feed("!").unwrap();
    socket.feed("over the mark").unwrap();
    assert_eq!(seen.take_written(), b"\x81\x05later\x81\x01!\x81\x0dover the mark");
    socket.feed("flushed").unwrap();
    socket.flush().unwrap();
    assert_eq!(seen.take_written(), b"\x81\x07flushed");
}

#[test]
fn while_more_than_the_high_water_mark_is_queued_nothing_is_delivered() {
    let mut config = Config::server();
    config.high_water_mark = 4;
    let script = Script {
        reads: [Step::Bytes([masked(0x81, b"a"), masked(0x81, b"b")].concat())].into(),
        writes: [Step::Fail(ErrorKind::WouldBlock)].into(),
        ..Script::default()
    };
    let (mut socket, _) = with(Role::Server, config, script);
    let (_, mut reply) = socket.recv_ref().unwrap().unwrap();
    reply.feed("a long answer").unwrap();
    assert!(socket.recv_ref().unwrap_err().is_resumable(), "it must write first, and cannot");
    assert_eq!(socket.recv().unwrap(), Some(Message::text("b")));
}

#[test]
fn interruptions_and_streams_that_do_not_wait_lose_nothing() {
    let frame = masked(0x81, "résumé".as_bytes());
    let mut reads = Vec::new();
    for &byte in &frame {
        let waits = [ErrorKind::Interrupted, ErrorKind::WouldBlock, ErrorKind::WouldBlock];
        reads.extend(waits.map(Step::Fail));
        reads.push(Step::Bytes(vec![byte]));
    }
    let (mut socket, _) = server(reads);
    let mut waits = 0;
    let message = loop {
        match socket.recv() {
            Ok(message) => break message,
            Err(error) => assert!(error.is_resumable(), "{error}"),
        }
        waits += 1;
    };
    assert_eq!(message, Some(Message::text("résumé")));
    assert!(waits > 0 && waits <= 2 * frame.len(), "{waits} returns to the caller");
}

#[test]
fn writes_resume_where_they_stopped() {
    let writes =
        [Step::Take(1), Step::Fail(ErrorKind::Interrupted), Step::Take(2), Step::Fail(ErrorKind::WouldBlock)];
    let (mut socket, seen) =
        with(Role::Server, Config::server(), Script { writes: writes.into(), ..Script::default() });
    assert!(socket.send("hello").unwrap_err().is_resumable());
    assert_eq!(socket.buffered_amount(), 4);
    socket.flush().unwrap();
    assert_eq!(seen.take_written(), b"\x81\x05hello");
}

/// Known failure: lying transport counts.
#[test]
fn a_stream_that_lies_about_how_much_it_read_or_wrote_breaks_nothing() {
    for lie in [usize::MAX, 64 * 1024 + 1, 1 << 40] {
        let (mut socket, _) = server([Step::Lie(lie)]);
        assert!(socket.recv().is_err(), "64 KiB of zeros are no frames");

        let script = Script { writes: [Step::Lie(lie)].into(), ..Script::default() };
        let (mut socket, _) = with(Role::Server, Config::server(), script);
        assert!(matches!(socket.send("x"), Err(Error::Io(error)) if error.kind() == ErrorKind::WriteZero));
        assert!(matches!(socket.send("y"), Err(Error::Send(SendError::Closing))));
    }
}

/// A stream that is broken for writing, and has something to say.
fn broken_for_writing() -> WebSocket<Script> {
    let script = Script {
        reads: [text("last"), Step::Bytes(masked(0x88, b"\x03\xE9"))].into(),
        writes: [Step::Fail(ErrorKind::BrokenPipe)].into(),
        ..Script::default()
    };
    with(Role::Server, Config::server(), script).0
}

#[test]
fn a_stream_broken_for_writing_still_brings_the_peers_last_words() {
    let mut socket = broken_for_writing();
    let (_, mut reply) = socket.recv_ref().unwrap().unwrap();
    reply.ping("x").unwrap();
    assert_eq!(socket.recv().unwrap(), None, "the peer said goodbye");
    let closed = socket.closed().unwrap();
    assert_eq!((closed.code(), closed.was_clean(), &closed.sent), (1001, false, &CloseSeen::None));
}

#[test]
fn a_call_that_fails_to_write_has_ended_the_connection_and_heard_the_close_frame_that_had_come() {
    let mut socket = broken_for_writing();
    assert!(matches!(socket.send("x"), Err(Error::Io(error)) if error.kind() == ErrorKind::BrokenPipe));
    let closed = socket.closed().unwrap();
    assert_eq!((closed.code(), closed.was_clean(), &closed.sent), (1001, false, &CloseSeen::None));
    assert_eq!(socket.recv().unwrap(), None);
    assert!(matches!(socket.send("y"), Err(Error::Send(SendError::Closing))));
}

#[test]
fn a_stream_broken_for_reading_is_an_error_once_and_then_the_end() {
    let (mut socket, _) = server([Step::Fail(ErrorKind::ConnectionReset)]);
    assert!(matches!(socket.recv(), Err(Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset));
    assert!(socket.recv().unwrap().is_none());
    assert_eq!(socket.closed().unwrap().code(), 1006);
}

#[test]
fn pings_are_answered_without_a_call_to_send_and_can_be_seen() {
    let (mut socket, seen) = server([Step::Bytes(masked(0x89, b"are you there"))]);
    assert!(socket.recv().is_err(), "then the stream ends");
    assert_eq!(seen.take_written(), b"\x8A\x0dare you there");

    let mut config = Config::server();
    config.auto_pong = false;
    let script = Script { reads: [Step::Bytes(masked(0x89, b"?"))].into(), ..Script::default() };
    let (mut socket, seen) = with(Role::Server, config, script);
    let Some((Event::Ping(payload), mut reply)) = socket.recv_event().unwrap() else { panic!("a ping") };
    assert_eq!(payload, b"?");
    reply.pong("own answer").unwrap();
    assert!(matches!(socket.recv_event(), Ok(None)));
    assert_eq!(seen.take_written(), b"\x8A\x0aown answer");
}

#[test]
fn the_streams_own_methods_are_at_hand() {
    let (mut client, server) = pair(Config::client(), Config::server());
    assert_eq!(client.get_ref().peer_addr().unwrap(), server.get_ref().local_addr().unwrap());
    assert_eq!(client.state(), ReadyState::Open);
    assert!(client.subprotocol().is_none() && client.extension().is_none());
    client.ping("p").unwrap();
    assert!(matches!(client.ping([0; 126]), Err(Error::Send(SendError::LongControl(126)))));
}

#[test]
fn into_inner_gives_back_what_was_read_and_not_used() {
    let after = [masked(0x81, b"one"), b"and then another protocol".to_vec()].concat();
    let (mut socket, _) = server([Step::Bytes(after)]);
    assert_eq!(socket.recv().unwrap(), Some(Message::text("one")));
    assert_eq!(socket.into_inner().1, "and then another protocol");
    // Within a message there is nothing to go on with.
    let frame = masked(0x81, b"two");
    let (mut socket, _) = server([
        Step::Bytes(frame[..8].to_vec()),
        Step::Fail(ErrorKind::WouldBlock),
        Step::Fail(ErrorKind::WouldBlock),
    ]);
    assert!(socket.recv().unwrap_err().is_resumable());
    assert_eq!(socket.into_inner().1, "");
}

#[test]
fn long_messages_pass_between_sockets_in_both_directions() {
    let long: String = "añ€𐍈".chars().cycle().take(700_000).collect();
    let (mut client, mut server) = pair(Config::client(), {
        let mut config = Config::server();
        config.max_message_size = 8 << 20;
        config
    });
    let sent = long.clone();
    let near = std::thread::spawn(move || {
        client.send(sent.as_str()).unwrap();
        let back = client.recv().unwrap();
        client.close(None).unwrap();
        back
    });
    while let Some((message, mut reply)) = server.recv_ref().unwrap() {
        reply.feed(message).unwrap();
    }
    assert_eq!(near.join().unwrap(), Some(Message::text(long)));
}

#[test]
fn a_reply_queues_and_never_writes() {
    let mut config = Config::server();
    config.high_water_mark = 8;
    let script = Script { reads: [Step::Bytes(masked(0x81, b"?"))].into(), ..Script::default() };
    let (mut socket, seen) = with(Role::Server, config, script);
    let (_, mut reply) = socket.recv_ref().unwrap().unwrap();
    reply.try_feed("one").unwrap();
    reply.feed_chunk("tw", false).unwrap();
    assert_eq!(reply.feed("three"), Err(SendError::Unfinished));
    reply.ping("!").unwrap();
    reply.feed_chunk("o", true).unwrap();
    assert_eq!(reply.try_feed("four"), Err(SendError::Full));
    assert_eq!(reply.buffered_amount(), 5 + 4 + 3, "a ping that has not been framed is not counted");
    assert!(!reply.is_closed());
    reply.close(CloseCode::NORMAL).unwrap();
    assert!(reply.is_closed());
    assert_eq!(reply.feed("five"), Err(SendError::Closing));
    assert_eq!(seen.take_written(), b"");
    socket.flush().unwrap();
    assert_eq!(seen.take_written(), b"\x81\x03one\x01\x02tw\x80\x01o\x89\x01!\x88\x02\x03\xE8");
}
