//! The end of one direction does not end the other, and how the connection ended is told once and at once.
use crate::told::{Come, Told, close, frame, ms};
use sansocket::{
    CloseCode, CloseFrame, Closed, Config, Deadline, Error, Message, SendError, blocking::WebSocket,
    proto::Role,
};
use std::{io::ErrorKind, thread};

const LONG: usize = 200_000;

/// The peer takes 1,000 bytes every 10 ms.
fn slowly() -> impl Iterator<Item = (u64, usize)> {
    (1..1000).map(|n| (n * 10, 1000))
}

fn echo(mut socket: WebSocket<Told>) -> (Result<(), Error>, Closed) {
    let result = loop {
        match socket.recv_ref() {
            Ok(Some((message, mut reply))) => reply.feed(message).unwrap(),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (result, socket.closed().cloned().unwrap())
}

fn echo_split(socket: WebSocket<Told>) -> (Result<(), Error>, Closed) {
    let (sender, mut receiver) = socket.split();
    let result = loop {
        match receiver.recv_ref() {
            Ok(Some(message)) => sender.feed(message).unwrap(),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (result, receiver.closed().cloned().unwrap())
}

/// 1.1.
#[test]
fn what_is_queued_and_the_close_answer_leave_after_the_peer_has_ended_its_side() {
    for run in [echo, echo_split] {
        let bytes = vec![frame(0x82, &[7; 125]); 24].into_iter().chain([close(1000)]);
        let told = Told::new(bytes.map(|come| (0, come)).chain([(0, Come::End)])).takes(slowly());
        let (result, closed) = run(told.server(|_| ()));
        assert!(result.is_ok() && closed.was_clean() && closed.unsent == 0, "{result:?} {closed:?}");
        let written = told.written();
        assert_eq!((written.len(), written.ends_with(b"\x88\x02\x03\xE8")), (24 * 127 + 4, true));
        assert!(told.shut_at() >= Some(told.wrote_at()));
    }
}

/// 1.2.
#[test]
fn what_is_queued_leaves_after_the_peer_has_ended_without_a_close_frame() {
    for run in [echo, echo_split] {
        let bytes = vec![frame(0x82, &[7; 125]); 24].into_iter();
        let told = Told::new(bytes.map(|come| (0, come)).chain([(0, Come::End)])).takes(slowly());
        let (result, closed) = run(told.server(|_| ()));
        assert!(matches!(result, Err(Error::Lost(_))), "{result:?}");
        assert_eq!((closed.code(), closed.unsent, told.written().len()), (1006, 0, 24 * 127));
    }
}

/// 1.3.
#[test]
fn a_sender_that_is_sending_when_the_peer_ends_its_side_sends_all_of_it() {
    let told = Told::new([(0, Come::End)]).takes(slowly());
    let (sender, mut receiver) = told.server(|_| ()).split();
    let sending = thread::spawn(move || sender.send(vec![7; LONG]));
    while told.written().is_empty() {
        thread::yield_now();
    }
    assert!(matches!(receiver.recv(), Err(Error::Lost(closed)) if closed.unsent == 0));
    sending.join().unwrap().unwrap();
    assert!(told.written().len() > LONG);
}

/// 1.4.
#[test]
fn a_program_that_only_sends_hears_the_end_by_discarding_beside_it() {
    let told = Told::new([(0, frame(0x89, b"?")), (0, frame(0x81, b"unheard")), (0, close(1000))]);
    let (sender, mut receiver) = told.server(|_| ()).split();
    let discarding = thread::spawn(move || (receiver.discard().unwrap(), receiver.closed().is_some()));
    let (closed, told_again) = discarding.join().unwrap();
    assert!(closed.was_clean() && closed.by_peer && told_again);
    assert_eq!(told.written(), b"\x8A\x01?\x88\x02\x03\xE8");
    assert!(matches!(sender.send("more"), Err(Error::Send(SendError::Closing))) && sender.is_closed());

    let told = Told::new([(0, frame(0x81, b"unheard")), (0, close(1000))]);
    assert!(told.server(|_| ()).discard().unwrap().was_clean());
}

#[test]
fn the_server_ends_the_connection_without_waiting_for_the_client_to_end_the_transport() {
    for run in [echo, echo_split] {
        let told = Told::new([(100, close(1000))]);
        let (result, closed) = run(told.server(|_| ()));
        assert!(result.is_ok() && closed.was_clean() && closed.timed_out.is_none());
        assert_eq!((told.elapsed(), told.shut_at()), (ms(100), Some(ms(100))));
    }
}

#[test]
fn after_a_violation_the_server_lingers_until_the_peer_ends_or_the_deadline() {
    for (end, took) in [(Some((300, Come::End)), 300), (None, 2000)] {
        let late = [(0, Come::Bytes(vec![0x81, 1, b'x'])), (200, frame(0x81, b"late"))];
        let told = Told::new(late.into_iter().chain(end));
        let mut socket = told.server(|config| config.close_timeout = Some(ms(2000)));
        assert!(matches!(socket.recv(), Err(Error::Protocol(_))));
        assert_eq!((told.elapsed(), told.shut_at()), (ms(took), Some(ms(0))));
        assert!(socket.closed().is_some() && socket.recv().unwrap().is_none());
    }
}

/// 4.1.
#[test]
fn flushing_after_the_end_is_fine_if_nothing_was_left_behind() {
    let told = Told::new([(0, close(1000))]);
    let mut socket = told.server(|_| ());
    assert!(socket.recv().unwrap().is_none());
    socket.flush().unwrap();
    let (sender, mut receiver) = Told::new([(0, close(1000))]).server(|_| ()).split();
    assert!(receiver.recv().unwrap().is_none());
    sender.flush().unwrap();

    let told = Told::new([(0, Come::Reset)]);
    let mut socket = told.server(|_| ());
    told.world().write_fails = true;
    socket.feed("left behind").unwrap();
    assert!(socket.recv().is_err() && socket.closed().unwrap().unsent > 0);
    assert!(matches!(socket.flush(), Err(Error::Send(SendError::Closing))));
}

/// 4.5, 4.6.
#[test]
fn a_reset_is_one_error_and_the_account_of_the_end_is_there_at_once() {
    let reset = || Told::new([(0, frame(0x81, b"one")), (0, Come::Reset)]).server(|_| ());
    let mut socket = reset();
    assert_eq!(socket.recv().unwrap(), Some(Message::text("one")));
    assert!(matches!(socket.recv(), Err(Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset));
    assert_eq!(socket.closed().unwrap().code(), 1006);
    assert!(socket.recv().unwrap().is_none() && socket.recv_event().unwrap().is_none());

    let (_sender, mut receiver) = reset().split();
    assert_eq!(receiver.recv().unwrap(), Some(Message::text("one")));
    assert!(
        matches!(receiver.recv_timeout(ms(9)), Err(Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset)
    );
    assert_eq!(receiver.closed().unwrap().code(), 1006);
    assert!(receiver.recv().unwrap().is_none() && receiver.recv_event().unwrap().is_none());

    let mut socket = reset();
    assert!(socket.recv_event().unwrap().is_some());
    assert!(socket.recv_event().is_err() && socket.closed().is_some());
}

/// 4.6.
#[test]
fn a_call_that_cannot_write_has_ended_the_connection_at_once() {
    type Way = fn(&mut WebSocket<Told>) -> Result<(), Error>;
    let ways: [Way; 5] = [
        |socket| socket.send("x"),
        |socket| socket.feed(vec![0; 1 << 20]),
        |socket| socket.ping("x"),
        |socket| socket.pong("x"),
        |socket| {
            socket.feed("x").unwrap();
            socket.flush()
        },
    ];
    for way in ways {
        let told = Told::new([(0, frame(0x81, b"in the way")), (0, close(1011))]);
        let mut socket = told.server(|_| ());
        told.world().write_fails = true;
        assert!(matches!(way(&mut socket), Err(Error::Io(error)) if error.kind() == ErrorKind::BrokenPipe));
        assert_eq!(socket.closed().unwrap().code(), 1011, "it had come");
        assert!(socket.recv().unwrap().is_none(), "told once");

        let told = Told::new([]).takes([]);
        let mut socket = told.server(|config| config.write_timeout = Some(ms(800)));
        assert!(matches!(way(&mut socket), Err(Error::TimedOut(Deadline::Write))));
        assert_eq!(socket.closed().unwrap().timed_out, Some(Deadline::Write));
        assert!(told.elapsed() <= ms(1000), "{:?}", told.elapsed());
        assert!(socket.recv().unwrap().is_none(), "told once");
    }
}

#[test]
fn a_senders_deadline_is_the_receivers_too() {
    let told = Told::new([(5000, frame(0x81, b"late"))]).takes([]);
    let (sender, mut receiver) = told.server(|config| config.write_timeout = Some(ms(800))).split();
    assert!(matches!(sender.send("x"), Err(Error::TimedOut(Deadline::Write))));
    assert!(told.elapsed() <= ms(1000), "{:?}", told.elapsed());
    assert!(matches!(receiver.recv(), Err(Error::TimedOut(Deadline::Write))));
    assert_eq!(receiver.closed().unwrap().timed_out, Some(Deadline::Write));
    assert!(receiver.recv().unwrap().is_none());
}

/// 4.7.
#[test]
fn only_an_end_that_was_wished_for_is_none() {
    for code in [1000, 1001, 1002, 1008, 1011, 1012, 1013, 3000, 4999] {
        for run in [echo, echo_split] {
            let told = Told::new([(0, close(code))]);
            let (result, closed) = run(told.server(|_| ()));
            assert_eq!((result.is_ok(), closed.code()), (code < 1002, code), "{result:?}");
        }
    }
    let told = Told::new([(0, frame(0x88, b""))]);
    assert!(echo(told.server(|_| ())).0.is_ok(), "no code");
    let told = Told::new([(0, close(4000))]);
    let (sender, mut receiver) = told.server(|_| ()).split();
    sender.close(CloseFrame::from(CloseCode::try_from(4000).unwrap())).unwrap();
    assert!(receiver.recv().unwrap().is_none(), "our own, answered");
}

#[test]
fn without_a_receiver_senders_still_send_and_close_the_connection() {
    let late = [(0, frame(0x89, b"?")), (0, frame(0x81, b"dropped")), (400, close(1000))];
    let told = Told::new(late);
    let (sender, receiver) = told.server(|_| ()).split();
    drop(receiver);
    sender.send("still here").unwrap();
    sender.close(CloseCode::NORMAL).unwrap();
    let written = told.written();
    assert!(
        written.starts_with(b"\x81\x0astill here") && written.ends_with(b"\x88\x02\x03\xE8"),
        "{written:?}"
    );
    assert_eq!((told.elapsed(), told.shut_at()), (ms(400), Some(ms(400))));
    sender.close(CloseCode::NORMAL).unwrap();
    assert!(matches!(sender.send("more"), Err(Error::Send(SendError::Closing))));
    // A peer that takes all and never answers.
    let told = Told::new([]);
    let (sender, receiver) = told.server(|config| config.close_timeout = Some(ms(700))).split();
    drop(receiver);
    sender.close(None).unwrap();
    assert_eq!((told.elapsed(), &told.written()[..]), (ms(700), &b"\x88\x00"[..]));
    // And one that takes nothing.
    let told = Told::new([]).takes([]);
    let (sender, receiver) = told.server(|config| config.write_timeout = Some(ms(800))).split();
    drop(receiver);
    assert!(matches!(sender.close(None), Err(Error::TimedOut(Deadline::Write))));
    assert!(told.elapsed() <= ms(1000));
}

#[test]
fn aborting_either_end_ends_both() {
    let told = Told::new([(100, Come::End)]);
    let (sender, mut receiver) = told.server(|_| ()).split();
    sender.feed("dropped").unwrap();
    sender.abort();
    assert_eq!((told.shut_at(), told.written().len()), (Some(ms(0)), 0));
    assert!(matches!(sender.send("x"), Err(Error::Send(SendError::Closing))));
    assert!(matches!(receiver.recv(), Err(Error::Lost(closed)) if closed.unsent > 0));

    let told = Told::new([]);
    let (sender, mut receiver) = told.server(|_| ()).split();
    receiver.abort();
    assert!(receiver.closed().is_some() && told.shut_at().is_some() && sender.is_closed());
}

#[test]
fn both_ends_can_be_put_together_again() {
    let told = Told::new([(0, frame(0x81, b"one")), (0, frame(0x81, b"two")), (0, close(1000))]);
    let (sender, mut receiver) = told.socket(Role::Server, Config::server()).split();
    assert_eq!(receiver.recv().unwrap(), Some(Message::text("one")));
    sender.feed("queued").unwrap();
    let other = sender.clone();
    let apart = receiver.reunite(sender).unwrap_err();
    drop(other);
    let (stranger, _) = Told::new([]).server(|_| ()).split();
    let apart_again = apart.receiver.reunite(stranger).unwrap_err();
    let mut socket = apart_again.receiver.reunite(apart.sender).unwrap();
    assert_eq!(socket.buffered_amount(), 8);
    assert_eq!(socket.recv().unwrap(), Some(Message::text("two")));
    assert!(socket.recv().unwrap().is_none());
    assert_eq!(told.written(), b"\x81\x06queued\x88\x02\x03\xE8");
}

#[test]
fn try_feed_queues_up_to_the_high_water_mark_and_never_writes() {
    let told = Told::new([]).takes([]);
    let mut socket = told.server(|config| config.high_water_mark = 5);
    socket.try_feed("123456").unwrap();
    assert!(matches!(socket.try_feed("7"), Err(Error::Send(SendError::Full))));
    assert_eq!((socket.buffered_amount(), told.written().len()), (8, 0));
    let (sender, _receiver) = socket.split();
    assert!(matches!(sender.try_feed("8"), Err(Error::Send(SendError::Full))));
    assert_eq!((sender.buffered_amount(), told.elapsed()), (8, ms(0)));
}
