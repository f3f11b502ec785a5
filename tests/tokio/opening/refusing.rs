//! Refusals: the peer can read the answer, whatever it had sent, and cannot keep the server by not reading it.
use super::*;
use sansocket::{
    Error, LooksLike,
    handshake::{Acceptance, HandshakeError, InvalidRequest, Upgrade},
    http::{Response, StatusCode},
    tokio as ws,
};
use tokio::{
    io::AsyncWriteExt,
    join,
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

const NO_UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// A stream that were dropped with bytes unread would take the answer back.
#[tokio::test]
async fn a_refusal_is_read_in_full_by_a_peer_that_had_sent_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = ws::accept(listener.accept().await.unwrap().0);
    let client = async {
        client.write_all(NO_UPGRADE).await.unwrap();
        client.write_all(&[b'x'; 200_000]).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (refused, answer) = join!(server, client);
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(answer.contains("Sec-WebSocket-Version: 13") || answer.contains("sec-websocket-version: 13"));
    assert!(matches!(refused, Err(Error::Handshake(HandshakeError::Request(InvalidRequest::NoUpgrade)))));
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_refused_whoever_decides() {
    for decides_well in [true, false] {
        let (mut near, far) = duplex(ROOM);
        near.write_all(NO_UPGRADE).await.unwrap();
        let server = ws::accept_with(far, Config::server(), async |upgrade: &Upgrade| {
            assert_eq!(upgrade.refusal(), Some(InvalidRequest::NoUpgrade));
            match decides_well {
                true => Err(Response::new("a page").into()),
                false => Ok(Acceptance::new()),
            }
        });
        let (refused, answer) = join!(server, async {
            let answer = rest(&mut near).await;
            drop(near);
            answer
        });
        let expected = if decides_well { "HTTP/1.1 200 " } else { "HTTP/1.1 426 " };
        assert!(answer.starts_with(expected), "{answer}");
        assert!(refused.is_err());
    }
}

#[tokio::test]
async fn what_is_no_http_is_told_so() {
    let (mut near, far) = duplex(ROOM);
    near.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.unwrap();
    let (refused, answer) = join!(ws::accept(far), async {
        let answer = rest(&mut near).await;
        drop(near);
        answer
    });
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let told = matches!(
        refused,
        Err(Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::Tls), .. }))
    );
    assert!(told, "{refused:?}");
}

/// Whether it sends on and on, in small pieces or large ones, or reads nothing.
#[tokio::test(start_paused = true)]
async fn whoever_is_refused_is_not_listened_to_for_long() {
    for piece in [1, 1000, 100_000] {
        let peer = Endless { piece, ..Endless::default() };
        let refused = ws::accept(peer.clone()).await.err().unwrap();
        assert!(matches!(refused, Error::Handshake(HandshakeError::HeadTooLarge(_))), "{refused}");
        assert!(peer.taken.lock().unwrap().starts_with(b"HTTP/1.1 431 ") && peer.shut_down.load(Relaxed));
        let came = peer.came.load(Relaxed);
        assert!(((1 << 20)..(1 << 20) + 40_000).contains(&came), "{came}");
    }
    for room in [ROOM, 32] {
        let (mut near, far) = duplex(room);
        let started = Instant::now();
        let (refused, ()) = join!(ws::accept(far), async { near.write_all(NO_UPGRADE).await.unwrap() });
        assert!(refused.is_err());
        assert_eq!(started.elapsed(), Config::server().close_timeout.unwrap(), "room for {room}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_is_off_does_not_end_a_refusal_early() {
    let mut config = Config::server();
    config.close_timeout = None;
    let (mut near, far) = duplex(ROOM);
    let server = ws::accept_with(far, config, async |_: &Upgrade| {
        let mut response = Response::new("gone");
        *response.status_mut() = StatusCode::GONE;
        Err(response.into())
    });
    let hour = Duration::from_secs(3600);
    let (refused, ()) = join!(server, async {
        near.write_all(REQUEST.as_bytes()).await.unwrap();
        tokio::time::advance(hour).await;
        assert!(rest(&mut near).await.starts_with("HTTP/1.1 410 "));
        drop(near);
    });
    assert!(matches!(refused, Err(Error::Handshake(HandshakeError::Rejected(StatusCode::GONE)))));
}
