//! Messages of any length, through `Read` and `Write`, in constant memory.
use crate::script::{Script, Step, masked, pair, sockets, with};
use sansocket::{
    CloseCode, Config, Delivery, Error, Kind, Message, SendError,
    blocking::WebSocket,
    proto::{Connection, Established, Event, Role},
};
use std::{
    io::{ErrorKind, Read, Write},
    time::Duration,
};

fn chunks() -> Config {
    let mut config = Config::server();
    config.delivery = Delivery::Chunks;
    config
}

#[test]
fn a_message_longer_than_any_limit_goes_through() {
    let (mut client, mut server) = pair(Config::client(), chunks());
    let block: Vec<u8> = (0..=255).cycle().take(100_003).collect();
    let sent = block.clone();
    let near = std::thread::spawn(move || {
        let mut writer = client.message_writer(Kind::Binary);
        for _ in 0..200 {
            writer.write_all(&sent).unwrap();
        }
        writer.finish().unwrap();
        client.send("after").unwrap();
        client.close(CloseCode::NORMAL).unwrap();
    });
    let mut reader = server.message_reader().unwrap().unwrap();
    assert_eq!(reader.kind(), Kind::Binary);
    let mut got = vec![0; block.len()];
    for _ in 0..200 {
        reader.read_exact(&mut got).unwrap();
        assert!(got == block);
    }
    assert_eq!(reader.read(&mut got).unwrap(), 0, "the message ends");
    drop(reader);
    let mut text = String::new();
    server.message_reader().unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "after");
    assert!(server.message_reader().unwrap().is_none());
    near.join().unwrap();
}

#[test]
fn a_reader_dropped_early_skips_the_rest_of_its_message() {
    let reads = [
        Step::Bytes(masked(0x01, b"first")),
        Step::Bytes(masked(0x80, b" message")),
        Step::Bytes(masked(0x81, b"second")),
    ];
    let (mut socket, _) = with(Role::Server, chunks(), Script { reads: reads.into(), ..Script::default() });
    let mut two = [0; 2];
    socket.message_reader().unwrap().unwrap().read_exact(&mut two).unwrap();
    assert_eq!(&two, b"fi");
    let mut text = String::new();
    socket.message_reader().unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "second");
}

#[test]
fn a_reader_works_with_whole_messages_too() {
    let reads = [Step::Bytes(masked(0x81, "naïve".as_bytes())), Step::Bytes(masked(0x81, b""))];
    let (mut socket, _) =
        with(Role::Server, Config::server(), Script { reads: reads.into(), ..Script::default() });
    for expected in ["naïve", ""] {
        let mut text = String::new();
        socket.message_reader().unwrap().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, expected);
    }
}

#[test]
fn a_message_cut_short_is_an_error_and_not_an_end() {
    let reads = [Step::Bytes(masked(0x02, b"half"))];
    let (mut socket, _) = with(Role::Server, chunks(), Script { reads: reads.into(), ..Script::default() });
    let mut all = Vec::new();
    let error = socket.message_reader().unwrap().unwrap().read_to_end(&mut all).unwrap_err();
    assert_eq!((error.kind(), &all[..]), (ErrorKind::UnexpectedEof, &b"half"[..]));
}

#[test]
fn a_reader_goes_on_after_waiting_and_stays_at_an_end_that_was_none() {
    let waits = [Step::Fail(ErrorKind::WouldBlock), Step::Fail(ErrorKind::WouldBlock)];
    let mut reads = vec![Step::Bytes(masked(0x02, b"one "))];
    reads.extend(waits.clone());
    reads.push(Step::Bytes(masked(0x00, b"two")));
    reads.extend(waits);
    let (mut socket, _) = with(Role::Server, chunks(), Script { reads: reads.into(), ..Script::default() });
    let mut reader = socket.message_reader().unwrap().unwrap();
    let (mut got, mut buf, mut ends) = (Vec::new(), [0; 3], 0);
    while ends < 3 {
        match reader.read(&mut buf) {
            Ok(n) => got.extend_from_slice(&buf[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => ends += usize::from(error.kind() == ErrorKind::UnexpectedEof),
        }
    }
    assert_eq!(got, b"one two");
}

#[test]
fn the_rest_of_a_message_whose_reader_was_dropped_is_skipped_however_one_goes_on() {
    for way in 0..2 {
        let parts = [masked(0x01, b"be"), masked(0x00, b"gu"), masked(0x80, b"n")];
        let reads = parts.into_iter().chain([masked(0x81, b"next"), masked(0x81, b"after")]);
        let script = Script { reads: reads.map(Step::Bytes).collect(), ..Script::default() };
        let (mut socket, _) = with(Role::Server, chunks(), script);
        drop(socket.message_reader().unwrap().unwrap());
        let next = match way {
            0 => {
                assert!(matches!(socket.recv(), Err(Error::Chunks)));
                let recv = socket.recv_timeout(Duration::from_secs(60));
                assert!(matches!(recv, Err(Error::Chunks)));
                socket.recv_ref().unwrap().map(|(message, _)| message.into_message())
            }
            _ => match socket.recv_event().unwrap() {
                Some((Event::Chunk { data, .. }, _)) => Some(data.into_message()),
                _ => None,
            },
        };
        assert_eq!(next, Some(Message::text("next")), "{way}");
        let mut text = String::new();
        socket.message_reader().unwrap().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "after", "{way}");
    }
}

#[test]
fn the_rest_of_a_message_whose_reader_was_dropped_is_skipped_by_a_receiver_too() {
    let (near, mut far) = sockets();
    far.write_all(&masked(0x01, b"be")).unwrap();
    let connection = Connection::new(Established::bare(Role::Server), chunks());
    let mut socket = WebSocket::new(connection, near);
    drop(socket.message_reader().unwrap().unwrap());
    let (_sender, mut receiver) = socket.split();
    far.write_all(&[masked(0x80, b"gun"), masked(0x81, b"next")].concat()).unwrap();
    assert!(matches!(receiver.recv(), Err(Error::Chunks)));
    let next = receiver.recv_ref().unwrap().unwrap();
    assert!(next.as_str() == Some("next") && next.fin());
}

#[test]
fn a_writer_does_not_go_on_with_what_another_left_unfinished() {
    let (mut socket, seen) = with(Role::Server, Config::server(), Script::default());
    socket.message_writer(Kind::Text).write_all(b"caf\xC3").unwrap();
    let mut writer = socket.message_writer(Kind::Text);
    assert_eq!(writer.write(b"new").unwrap_err().kind(), ErrorKind::NotConnected);
    assert!(matches!(writer.finish(), Err(Error::Send(SendError::Unfinished))));
    socket.flush().unwrap();
    assert_eq!(seen.take_written(), b"\x01\x04caf\xC3");
}

#[test]
fn text_is_checked_on_its_way_out() {
    let (mut socket, seen) = with(Role::Server, Config::server(), Script::default());
    let mut writer = socket.message_writer(Kind::Text);
    writer.write_all("é".as_bytes().split_at(1).0).unwrap();
    assert_eq!(writer.write(b"\xff").unwrap_err().kind(), ErrorKind::InvalidData, "nothing of it is queued");
    writer.write_all("é".as_bytes().split_at(1).1).unwrap();
    writer.finish().unwrap();
    assert_eq!(seen.take_written(), b"\x01\x01\xC3\x00\x01\xA9\x80\x00");

    let mut writer = socket.message_writer(Kind::Text);
    writer.write_all(b"\xC3").unwrap();
    assert!(matches!(writer.finish(), Err(Error::Io(error)) if error.kind() == ErrorKind::InvalidData));
}

#[test]
fn an_unfinished_message_keeps_others_from_being_sent_but_not_from_closing() {
    let (mut socket, _) = with(Role::Server, Config::server(), Script::default());
    socket.message_writer(Kind::Text).write_all(b"begun").unwrap();
    assert!(matches!(socket.send("other"), Err(Error::Send(SendError::Unfinished))));
    socket.ping("").unwrap();
    assert!(socket.close(CloseCode::NORMAL).is_ok());
    assert_eq!(socket.recv().unwrap(), None::<Message>);
}

#[test]
fn a_write_takes_no_more_than_64_kib() {
    let (mut socket, seen) = with(Role::Server, Config::server(), Script::default());
    let mut writer = socket.message_writer(Kind::Binary);
    assert_eq!(writer.write(&vec![0; 1 << 24]).unwrap(), 64 * 1024);
    writer.finish().unwrap();
    assert!(seen.take_written().len() < 65 * 1024);
}
