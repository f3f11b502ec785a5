//! Deadlines pass when they should, and only then; a stream tells the time.
use crate::told::{Come, Told, close, frame, ms};
use sansocket::{
    CloseCode, Config, Deadline, Error, Message,
    proto::{Event, Role},
};

const MIB: usize = 1 << 20;

/// 2.1, 2.3.
#[test]
fn until_the_close_frame_has_left_progress_governs_and_then_the_close_timeout() {
    let takes = (0..).map(|n| (n * 100, 30_000)).take(1000);
    let told = Told::new([(18_000, close(1000)), (18_000, Come::End)]).takes(takes.clone());
    let mut socket = told.socket(Role::Server, Config::server());
    socket.try_feed(vec![0; 4 * MIB]).unwrap();
    let closed = socket.close(CloseCode::NORMAL).unwrap();
    assert!(closed.was_clean() && closed.timed_out.is_none(), "{closed:?}");
    assert!(told.wrote_at() > ms(13_000), "{:?}", told.wrote_at());

    let told = Told::new([]).takes(takes);
    let mut socket = told.socket(Role::Server, Config::server());
    socket.try_feed(vec![0; 4 * MIB]).unwrap();
    let closed = socket.close(CloseCode::NORMAL).unwrap();
    assert_eq!((closed.timed_out, closed.sent.is_some()), (Some(Deadline::Close), true));
    assert_eq!(told.elapsed(), told.wrote_at() + ms(10_000));
}

/// 2.2.
#[test]
fn close_never_hangs_whenever_the_peer_takes_what_waits() {
    for at in 960..=1004 {
        for write_timeout in [None, Some(ms(1000)), Some(ms(30_000))] {
            let told = Told::new([]).takes([(at, usize::MAX)]);
            let mut socket = told.server(|config| {
                (config.keepalive, config.close_timeout) = (None, Some(ms(1000)));
                config.write_timeout = write_timeout;
            });
            socket.try_feed(vec![0; MIB]).unwrap();
            let closed = socket.close(CloseCode::NORMAL).unwrap();
            assert!(closed.timed_out.is_some());
            assert!(told.elapsed() <= ms(2010), "{:?}", told.elapsed());
        }
    }
}

/// 2.2.
#[test]
fn a_peer_that_sends_without_end_while_we_close_does_not_keep_us() {
    let flood = (0..).map(|n| (n, frame(0x81, b"still talking"))).take(100_000);
    let told = Told::new(flood);
    let closed = told.server(|config| config.close_timeout = Some(ms(500))).close(CloseCode::NORMAL).unwrap();
    assert_eq!(closed.timed_out, Some(Deadline::Close));
    assert!(told.elapsed() <= ms(510), "{:?}", told.elapsed());
}

/// 2.4.
#[test]
fn recv_timeout_does_not_wait_for_a_peer_that_takes_nothing() {
    let told = Told::new([(150, frame(0x81, b"never heard: too much is queued"))]).takes([]);
    let mut socket = told.server(|_| ());
    socket.try_feed(vec![0; 16 * MIB]).unwrap();
    for turn in 1..=3 {
        assert!(socket.recv_timeout(ms(100)).unwrap_err().is_resumable());
        assert!(told.elapsed() <= ms(turn * 103), "{:?}", told.elapsed());
    }
    let told = Told::new([(150, frame(0x81, b"heard"))]).takes([]);
    let (sender, mut receiver) = told.server(|_| ()).split();
    sender.try_feed(vec![0; 16 * MIB]).unwrap();
    assert!(receiver.recv_timeout(ms(100)).unwrap_err().is_resumable());
    assert!(told.elapsed() <= ms(103), "{:?}", told.elapsed());
    assert_eq!(receiver.recv_timeout(ms(100)).unwrap(), Some(Message::text("heard")));
}

/// 2.4.
#[test]
fn recv_timeout_does_not_wait_for_a_peer_that_takes_little() {
    let told = Told::new([]).takes((0..).map(|n| (n * 30, 1000)).take(1000));
    let mut socket = told.server(|_| ());
    socket.try_feed(vec![0; 16 * MIB]).unwrap();
    assert!(socket.recv_timeout(ms(100)).unwrap_err().is_resumable());
    assert!(told.elapsed() <= ms(103), "{:?}", told.elapsed());
    assert!(told.written().len() >= 3000);
}

fn pongs(from: u64) -> impl Iterator<Item = (u64, Come)> {
    (from..from + 8000).map(|at| (at, frame(0x8A, b"")))
}

/// 2.5.
#[test]
fn what_a_stream_keeps_to_itself_is_no_progress_nor_is_our_own_ping() {
    let told = Told::new([]);
    told.world().holds = true;
    let mut socket = told.server(|config| config.write_timeout = Some(ms(800)));
    assert!(matches!(socket.send("kept"), Err(Error::TimedOut(Deadline::Write))));
    assert!(told.elapsed() <= ms(1000), "{:?}", told.elapsed());

    let told = Told::new([]);
    told.world().holds = true;
    let (sender, mut receiver) = told.server(|config| config.write_timeout = Some(ms(800))).split();
    assert!(matches!(sender.send("kept"), Err(Error::TimedOut(Deadline::Write))));
    assert!(told.elapsed() <= ms(1000), "{:?}", told.elapsed());
    assert!(matches!(receiver.recv(), Err(Error::TimedOut(Deadline::Write))));

    let told = Told::new([]);
    told.world().holds = true;
    assert!(matches!(told.server(|_| ()).recv(), Err(Error::TimedOut(Deadline::Write))));
    assert!(told.elapsed() <= ms(20_000 + 30_000 + 4_000), "{:?}", told.elapsed());
}

/// 2.6.
#[test]
fn a_flood_of_pongs_puts_no_deadline_off() {
    for events in [false, true] {
        let told = Told::new([(0, frame(0x01, b"begun"))].into_iter().chain(pongs(1)));
        let mut socket = told.server(|config| {
            (config.message_timeout, config.close_timeout) = (Some(ms(1000)), Some(ms(100)));
        });
        if events {
            while socket.recv_event().unwrap().is_some() {}
            assert_eq!(socket.closed().unwrap().timed_out, Some(Deadline::Message));
        } else {
            assert!(matches!(socket.recv(), Err(Error::TimedOut(Deadline::Message))));
        }
        assert!(told.written().starts_with(&[0x88]) && told.wrote_at() <= ms(1010));
        assert!(told.elapsed() <= ms(1120), "{:?}", told.elapsed());

        let told = Told::new(pongs(0)).takes([]);
        let mut socket = told.server(|config| config.write_timeout = Some(ms(1000)));
        socket.try_feed(vec![0; 32 * MIB]).unwrap();
        if events {
            while socket.recv_event().unwrap().is_some() {}
            assert_eq!(socket.closed().unwrap().timed_out, Some(Deadline::Write));
        } else {
            assert!(matches!(socket.recv(), Err(Error::TimedOut(Deadline::Write))));
        }
        assert!(told.elapsed() <= ms(1260), "{:?}", told.elapsed());
    }
}

/// 2.7.
#[test]
fn who_did_not_listen_cannot_blame_the_peer() {
    let told = Told::new([(0, frame(0x01, b"he")), (400, frame(0x80, b"llo"))]);
    let mut socket =
        told.server(|config| (config.keepalive, config.message_timeout) = (None, Some(ms(1000))));
    assert!(socket.recv_timeout(ms(100)).unwrap_err().is_resumable());
    told.pass(ms(2000));
    assert_eq!(socket.recv().unwrap(), Some(Message::text("hello")));
    // But what has not come is missed.
    let told = Told::new([(0, frame(0x01, b"he"))]);
    let mut socket = told.server(|config| {
        (config.keepalive, config.message_timeout, config.close_timeout) =
            (None, Some(ms(1000)), Some(ms(1)));
    });
    assert!(socket.recv_timeout(ms(100)).unwrap_err().is_resumable());
    told.pass(ms(2000));
    assert!(matches!(socket.recv(), Err(Error::TimedOut(Deadline::Message))));
}

#[test]
fn who_only_wrote_cannot_blame_the_peer_either() {
    let told = Told::new([(0, frame(0x01, b"he")), (400, frame(0x80, b"llo"))]).takes([(3000, usize::MAX)]);
    let mut socket = told.server(|config| config.message_timeout = Some(ms(1000)));
    assert!(socket.recv_timeout(ms(100)).unwrap_err().is_resumable());
    socket.send("it takes three seconds").unwrap();
    assert_eq!(socket.recv().unwrap(), Some(Message::text("hello")));
}

#[test]
fn silence_brings_a_ping_and_then_the_end_and_an_answer_neither() {
    // The clock is looked at once in the interval, so that silence is noticed within two.
    let answers = [20_005, 61_000, 102_000].map(|at| (at, frame(0x8A, b"")));
    let told = Told::new(answers.into_iter().chain([(110_000, frame(0x81, b"x"))]));
    let mut socket = told.server(|_| ());
    assert_eq!(socket.recv().unwrap(), Some(Message::text("x")));
    assert_eq!(told.written(), b"\x89\x00".repeat(3));
    assert!(matches!(socket.recv(), Err(Error::TimedOut(Deadline::Keepalive))));
    assert!(told.elapsed() <= ms(110_000 + 3 * 20_000), "{:?}", told.elapsed());
    let told = Told::new([(1, frame(0x8A, b"?"))]);
    let mut socket = told.server(|_| ());
    assert!(matches!(socket.recv_event(), Ok(Some((Event::Pong(b"?"), _)))));
    assert!(matches!(socket.recv_event(), Ok(None)));
    assert_eq!(socket.closed().unwrap().timed_out, Some(Deadline::Keepalive));
}

#[test]
fn an_answer_that_came_while_the_caller_was_elsewhere_is_heard() {
    let told = Told::new([(20_100, frame(0x8A, b"")), (70_000, frame(0x81, b"still here"))]);
    let mut socket = told.server(|_| ());
    assert!(socket.recv_timeout(ms(20_050)).unwrap_err().is_resumable());
    assert_eq!(told.written(), b"\x89\x00", "it has left");
    told.pass(ms(60_000));
    assert_eq!(socket.recv().unwrap(), Some(Message::text("still here")));
}

#[test]
fn a_peer_that_takes_bytes_without_a_pause_after_one_is_not_given_up() {
    // It pauses once; from then on no write waits for long enough for the stream to be seen full.
    let takes = (0..500).map(|n| (20 + 4 * n, 1024));
    let told = Told::new([]).takes(takes);
    let mut socket = told.server(|config| {
        (config.keepalive, config.write_timeout, config.high_water_mark) = (None, Some(ms(100)), 1 << 20);
    });
    socket.feed(vec![7; 400 * 1024]).unwrap();
    while told.written().len() < 400 * 1024 {
        let error = socket.recv_timeout(ms(1000)).unwrap_err();
        assert!(error.is_resumable(), "{error:?} after {:?}, {} left", told.elapsed(), told.written().len());
    }
}
