//! Compressed messages through the blocking adapter, against a peer that is the test: what is on the wire.
use crate::{
    deflate::with,
    script::{Script, Seen, Step},
    support::{BINARY, FIN, PEER_KEY, TEXT, deflate::*, frames, http::request_with, wire},
};
use sansocket::{
    Config, Kind, Message, Outgoing, Prepared,
    blocking::{Acceptor, WebSocket},
    handshake::Acceptance,
};
use std::io::Write;

/// RFC 7692 §7.2.3.1.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// A server that has agreed on compression, and after that is read from so; what it writes is seen.
fn scripted(takeover: bool, then: &[u8]) -> (WebSocket<Script>, Seen) {
    let mut bytes = request_with("Sec-WebSocket-Extensions: permessage-deflate").into_bytes();
    bytes.extend(then);
    let script = Script { reads: [Step::Bytes(bytes)].into(), ..Script::default() };
    let seen = script.seen.clone();
    let mut acceptor = Acceptor::new(script, with(Config::server(), takeover));
    let socket = acceptor.accept(|_| Ok(Acceptance::new())).unwrap();
    assert!(seen.take_written().starts_with(b"HTTP/1.1 101 "));
    (socket, seen)
}

/// RFC 7692 §7.1.1: the second of two like messages is shorter, if the first is remembered.
#[test]
fn a_kept_context_is_used() {
    for takeover in [false, true] {
        let (mut socket, seen) = scripted(takeover, &[]);
        let (same, mut state) = (text(3, 1000), Inflating::new());
        (0..2).for_each(|_| socket.send(&same).unwrap());
        let sent = frames(&seen.take_written());
        assert!(sent.iter().all(|frame| frame.first == TEXT | RSV1), "{sent:?}");
        assert!(
            sent[0].payload.len() < 500 && (sent[1].payload.len() < sent[0].payload.len() / 4) == takeover
        );
        for frame in &sent {
            assert!(state.message(&frame.payload) == same.as_bytes());
        }
    }
}

#[test]
fn what_is_to_be_sent_uncompressed_is() {
    let (mut socket, seen) = scripted(true, &[]);
    let news = Prepared::from("news news news");
    socket.send(Outgoing::from("secret").uncompressed()).unwrap();
    socket.send(Outgoing::from(&news).uncompressed()).unwrap();
    socket.send(&news).unwrap();
    let mut writer = socket.message_writer(Kind::Text).uncompressed();
    writer.write_all(b"sec").unwrap();
    writer.write_all(b"ret").unwrap();
    writer.finish().unwrap();
    socket.message_writer(Kind::Binary).uncompressed().finish().unwrap();
    let mut writer = socket.message_writer(Kind::Text);
    writer.write_all(b"in ").unwrap();
    writer.write_all(b"pieces").unwrap();
    writer.finish().unwrap();
    let sent = frames(&seen.take_written());
    let firsts: Vec<_> = sent.iter().map(|frame| frame.first).collect();
    assert_eq!(firsts, [TEXT, TEXT, TEXT | RSV1, 1, 0, FIN, BINARY, 1 | RSV1, 0, FIN]);
    let plain = [0, 1, 3, 4, 5, 6].map(|at: usize| &*sent[at].payload);
    assert_eq!(plain, [&b"secret"[..], b"news news news", b"sec", b"ret", b"", b""]);
    let mut state = Inflating::new();
    assert_eq!(state.message(&sent[2].payload), news.as_bytes());
    let pieces: Vec<_> = sent[7..].iter().flat_map(|frame| frame.payload.clone()).collect();
    assert_eq!(state.message(&pieces), b"in pieces");
}

#[test]
fn into_inner_gives_what_came_after_a_compressed_message() {
    let zeros = deflated([0; 300_000]);
    for takeover in [false, true] {
        for (payload, message) in [(HELLO, b"Hello".to_vec()), (&zeros, vec![0; 300_000])] {
            let frame = wire(BINARY | RSV1, payload, Some(PEER_KEY));
            for rest in ["", "and then another protocol"] {
                let (mut socket, _) = scripted(takeover, &[&frame, rest.as_bytes()].concat());
                assert!(socket.recv().unwrap() == Some(Message::binary(message.clone())));
                assert_eq!(socket.into_inner().1, rest);
                let (mut socket, _) = scripted(takeover, &[&frame, rest.as_bytes()].concat());
                assert_eq!(socket.recv_ref().unwrap().unwrap().0.len(), message.len());
                assert_eq!(socket.into_inner().1, rest, "after it was only lent");
            }
        }
    }
}
