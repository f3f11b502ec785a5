//! Compressed messages through the Tokio adapter, against a peer that is the test: what is on the wire.
use crate::{
    deflate::{text, with},
    line::*,
    support::*,
};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use sansocket::{
    Config, Kind, Message, Outgoing, Prepared,
    handshake::{Acceptance, Upgrade},
    tokio::{WebSocket, accept_with},
};
use tokio::io::AsyncWriteExt;

const RSV1: u8 = 0x40;
/// RFC 7692 §7.2.3.1.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// A server that has agreed on compression, and to which this came with the request.
async fn agreed(takeover: bool, pace: Pace, then: &[u8]) -> (WebSocket<Line>, Line) {
    let line = Line::new(pace);
    line.feed(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    line.feed(then);
    let config = with(Config::server(), takeover);
    let socket = accept_with(line.clone(), config, async |_: &Upgrade| Ok(Acceptance::new())).await.unwrap();
    assert!(socket.extension().is_some());
    assert!(std::mem::take(&mut line.ends().outgoing).starts_with(b"HTTP/1.1 101 "));
    (socket, line)
}

/// A message, by another's decompressor, which may remember those before.
fn inflated(state: &mut Decompress, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 16);
    state.decompress_vec(&[payload, &[0, 0, 0xFF, 0xFF]].concat(), &mut out, FlushDecompress::Sync).unwrap();
    out
}
/// A message, by another's compressor.
fn deflated(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    Compress::new(Compression::new(6), false).compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    out
}

/// RFC 7692 §7.1.1: the second of two like messages is shorter, if the first is remembered.
#[tokio::test(start_paused = true)]
async fn a_kept_context_is_used_also_by_who_sends_from_another_task() {
    for split in [false, true] {
        for takeover in [false, true] {
            let (mut socket, line) = agreed(takeover, Pace::Random(3), &[]).await;
            let (same, mut state) = (text(3, 1000), Decompress::new(false));
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
                assert!(inflated(&mut state, &frame.payload) == same.as_bytes());
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
    let mut state = Decompress::new(false);
    assert_eq!(inflated(&mut state, &sent[2].payload), news.as_bytes());
    let pieces: Vec<_> = sent[7..].iter().flat_map(|frame| frame.payload.clone()).collect();
    assert_eq!(inflated(&mut state, &pieces), b"in pieces");
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
    let zeros = deflated(&[0; 300_000]);
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
