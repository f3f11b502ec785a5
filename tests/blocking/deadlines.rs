//! Deadlines pass while a call waits, and the busy path knows nothing of them.
use crate::script::{Script, Step, masked, pair, text, with};
use sansocket::{
    Config, Deadline, Error, Keepalive, Message,
    blocking::{Plain, WebSocket},
    proto::{Connection, Established, Role},
};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::{
    io::{ErrorKind, Read, Write},
    time::Duration,
};

const SHORT: Duration = Duration::from_millis(15);

/// A server's socket over a stream that holds little, and the stream's other end.
#[cfg(unix)]
fn narrow(config: Config) -> (UnixStream, WebSocket<UnixStream>) {
    let (near, far) = UnixStream::pair().unwrap();
    (near, WebSocket::new(Connection::new(Established::bare(Role::Server), config), far))
}

#[test]
fn the_streams_timeout_is_set_once_and_not_again_while_messages_come() {
    let reads = std::iter::repeat_n(text("x"), 100).collect();
    let (mut socket, seen) = with(Role::Server, Config::server(), Script { reads, ..Script::default() });
    for _ in 0..100 {
        let (message, mut reply) = socket.recv_ref().unwrap().unwrap();
        reply.feed(message).unwrap();
    }
    let timeouts = seen.read_timeouts.lock().unwrap().clone();
    assert_eq!(timeouts.len(), 1, "{timeouts:?}");
    assert!(timeouts[0] <= Some(Duration::from_secs(20)) && timeouts[0] > Some(Duration::from_secs(19)));
}

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    let mut config = Config::server();
    config.keepalive = Some(Keepalive { interval: SHORT, timeout: SHORT });
    let (client, mut server) = pair(Config::client(), config);
    assert!(matches!(server.recv(), Err(Error::TimedOut(Deadline::Keepalive))));
    let mut ping = [0; 2];
    client.get_ref().read_exact(&mut ping).unwrap();
    assert_eq!(ping, [0x89, 0]);
}

#[test]
fn a_message_that_does_not_go_on_fails_the_connection() {
    let mut config = Config::server();
    config.message_timeout = Some(SHORT);
    config.close_timeout = Some(SHORT);
    let (client, mut server) = pair(Config::client(), config);
    let begun = masked(0x01, b"begun");
    client.get_ref().write_all(&begun).unwrap();
    assert!(matches!(server.recv(), Err(Error::TimedOut(Deadline::Message))));
    let mut close = [0; 4];
    client.get_ref().read_exact(&mut close).unwrap();
    assert_eq!((close[0], &close[2..]), (0x88, &[0x03, 0xF0][..]), "1008");
}

/// Known failure: flood of Pings.
#[cfg(unix)]
#[test]
fn a_peer_that_reads_nothing_is_given_up_and_costs_little() {
    let mut config = Config::server();
    config.write_timeout = Some(SHORT * 2);
    let (client, mut server) = narrow(config);
    let pings = masked(0x89, &[b'p'; 125]).repeat(500);
    let flood = client.try_clone().unwrap();
    let far = std::thread::spawn(move || while (&flood).write_all(&pings).is_ok() {});
    assert!(matches!(server.recv(), Err(Error::TimedOut(Deadline::Write))));
    assert!(server.buffered_amount() <= 128 * 1024);
    drop((client, server));
    far.join().unwrap();
}

/// Known failure: output without bound.
#[cfg(unix)]
#[test]
fn answers_that_are_never_read_hold_no_more_than_the_high_water_mark_and_a_message() {
    let mut config = Config::server();
    config.write_timeout = Some(SHORT * 2);
    let (client, mut server) = narrow(config);
    let messages = masked(0x81, &[b'm'; 125]).repeat(500);
    let flood = client.try_clone().unwrap();
    let far = std::thread::spawn(move || while (&flood).write_all(&messages).is_ok() {});
    let mut most = 0;
    let ended = loop {
        match server.recv_ref() {
            Ok(Some((message, mut reply))) => {
                reply.feed(message).unwrap();
                most = most.max(reply.buffered_amount());
            }
            Ok(None) => panic!("it never closes"),
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, Error::TimedOut(Deadline::Write)), "{ended}");
    assert!(most <= Config::server().high_water_mark + 200, "{most}");
    drop((client, server));
    far.join().unwrap();
}

#[test]
fn recv_timeout_gives_up_waiting_and_loses_nothing() {
    let (client, mut server) = pair(Config::client(), Config::server());
    let frame = masked(0x81, b"hello");
    client.get_ref().write_all(&frame[..3]).unwrap();
    let waited = server.recv_timeout(SHORT);
    assert!(matches!(waited, Err(Error::Io(ref error)) if error.kind() == ErrorKind::TimedOut));
    assert!(waited.unwrap_err().is_resumable());
    client.get_ref().write_all(&frame[3..]).unwrap();
    assert_eq!(server.recv_timeout(Duration::from_secs(60)).unwrap(), Some(Message::text("hello")));
}

#[test]
fn a_stream_without_timeouts_of_its_own_leaves_waiting_to_its_owner() {
    let reads = [Step::Fail(ErrorKind::WouldBlock), text("x")].into();
    let script = Plain(Script { reads, ..Script::default() });
    let connection = Connection::new(Established::bare(Role::Server), Config::server());
    let mut socket = WebSocket::new(connection, script);
    assert!(socket.recv().unwrap_err().is_resumable());
    assert_eq!(socket.recv().unwrap(), Some(Message::text("x")));
}

#[test]
fn a_flood_of_pongs_does_not_keep_a_caller_who_gave_a_time() {
    let (client, mut server) = pair(Config::client(), Config::server());
    let pongs = masked(0x8A, &[b'p'; 125]).repeat(500);
    let flood = client.get_ref().try_clone().unwrap();
    let far = std::thread::spawn(move || while (&flood).write_all(&pongs).is_ok() {});
    assert!(server.recv_timeout(SHORT).is_err_and(|error| error.is_resumable()));
    drop((client, server));
    far.join().unwrap();
}
