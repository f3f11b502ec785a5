//! Compressed messages through the Tokio adapter, against a peer that is the test: what is on the wire.
use crate::{
    deflate::with,
    line::*,
    support::{deflate::*, http::request_with, *},
};
use sansocket::{
    Config, Kind, Message, Outgoing, Prepared,
    handshake::{Acceptance, Upgrade},
    tokio::{WebSocket, accept_with},
};
use tokio::io::AsyncWriteExt;

/// RFC 7692 §7.2.3.1.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// A server that has agreed on compression, and to which this came with the request.
async fn agreed(takeover: bool, pace: Pace, then: &[u8]) -> (WebSocket<Line>, Line) {
    let line = Line::new(pace);
    line.feed(request_with("Sec-WebSocket-Extensions: permessage-deflate"));
    line.feed(then);
    let config = with(Config::server(), takeover);
    let socket = accept_with(line.clone(), config, async |_: &Upgrade| Ok(Acceptance::new())).await.unwrap();
    assert!(socket.extension().is_some());
    assert!(std::mem::take(&mut line.ends().outgoing).starts_with(b"HTTP/1.1 101 "));
    (socket, line)
}

/// RFC 7692 §7.1.1: the second of two like messages is shorter, if the first is remembered.
#[tokio::test(start_paused = true)]
async fn a_kept_context_is_used_also_by_who_sends_from_another_task() {
    for split in [false, true] {
        for takeover in [false, true] {
            let (mut socket, line) = agreed(takeover, Pace::Random(3), &[]).await;
            let (same, mut state) = (text(3, 1000), Inflating::new());
            let news = Prepared::from(&*same);
            socket.send(&same).await.unwrap();
            if split {
                let (sender, receiver) = socket.split();
                let sending = tokio::spawn(async move { sender.send(&news).await });
                sending.await.unwrap().unwrap();
                drop(receiver);
            } else {
                socket.send(&news).await.unwrap();
            }
            let sent = line.sent();
            assert!(sent.iter().all(|frame| frame.first == TEXT | RSV1), "{sent:?}");
            let (first, second) = (&sent[0].payload, &sent[1].payload);
            assert!(first.len() < 500 && (second.len() < first.len() / 4) == takeover);
            for frame in &sent {
                assert!(state.message(&frame.payload) == same.as_bytes());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_sent_uncompressed_is() {
    let (mut socket, line) = agreed(true, Pace::Free, &[]).await;
    let news = Prepared::from("news news news");
    socket.send(Outgoing::from("secret").uncompressed()).await.unwrap();
    socket.feed(Outgoing::from(&news).uncompressed()).await.unwrap();
    socket.feed(&news).await.unwrap();
    let mut writer = socket.message_writer(Kind::Text).uncompressed();
    writer.write_all(b"sec").await.unwrap();
    writer.write_all(b"ret").await.unwrap();
    writer.finish().await.unwrap();
    socket.message_writer(Kind::Binary).uncompressed().finish().await.unwrap();
    let mut writer = socket.message_writer(Kind::Text);
    writer.write_all(b"in ").await.unwrap();
    writer.write_all(b"pieces").await.unwrap();
    writer.shutdown().await.unwrap();
    let sent = line.sent();
    let firsts: Vec<_> = sent.iter().map(|frame| frame.first).collect();
    assert_eq!(firsts, [TEXT, TEXT, TEXT | RSV1, 1, 0, FIN, BINARY, 1 | RSV1, 0, FIN]);
    let plain = [0, 1, 3, 4, 5, 6].map(|at: usize| &*sent[at].payload);
    assert_eq!(plain, [&b"secret"[..], b"news news news", b"sec", b"ret", b"", b""]);
    let mut state = Inflating::new();
    assert_eq!(state.message(&sent[2].payload), news.as_bytes());
    let pieces: Vec<_> = sent[7..].iter().flat_map(|frame| frame.payload.clone()).collect();
    assert_eq!(state.message(&pieces), b"in pieces");
}

#[tokio::test(start_paused = true)]
async fn messages_in_frames_that_are_cut_anywhere_are_whole() {
    let long = text(8, 20_000);
    let payload = deflated(long.as_bytes());
    let (first, rest) = payload.split_at(payload.len() / 3);
    let key = Some(PEER_KEY);
    let parts = [
        wire(1 | RSV1, first, key),
        wire(PING, "?", key),
        wire(0, [], key),
        wire(FIN, rest, key),
        wire(TEXT | RSV1, HELLO, key),
        wire(TEXT, "plain", key),
    ];
    for pace in [Pace::Free, Pace::Dribble, Pace::Random(1), Pace::Random(2)] {
        for takeover in [false, true] {
            let (mut socket, _line) = agreed(takeover, pace, &parts.concat()).await;
            for expected in [&long, "Hello", "plain"] {
                assert!(socket.recv().await.unwrap() == Some(Message::text(expected)), "{pace:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn into_inner_gives_what_came_after_a_compressed_message() {
    let zeros = deflated([0; 300_000]);
    for takeover in [false, true] {
        for (payload, message) in [(HELLO, b"Hello".to_vec()), (&zeros, vec![0; 300_000])] {
            let frame = wire(BINARY | RSV1, payload, Some(PEER_KEY));
            for rest in ["", "and then another protocol"] {
                let all = [&frame, rest.as_bytes()].concat();
                let (mut socket, _) = agreed(takeover, Pace::Free, &all).await;
                assert!(socket.recv().await.unwrap() == Some(Message::binary(message.clone())));
                assert_eq!(socket.into_inner().1, rest);
                let (mut socket, _) = agreed(takeover, Pace::Free, &all).await;
                assert_eq!(socket.recv_ref().await.unwrap().unwrap().0.len(), message.len());
                assert_eq!(socket.into_inner().1, rest, "after it was only lent");
            }
        }
    }
}
