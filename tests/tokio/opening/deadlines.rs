//! The handshake's deadline: it begins with the handshake, and no activity of the peer moves it.
use super::*;
use sansocket::{Error, handshake::HandshakeError, tokio as ws};
use std::pin::pin;
use tokio::{
    io::AsyncWriteExt,
    join,
    net::TcpListener,
    time::{Duration, Instant, advance, interval},
};

fn timed_out<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Handshake(HandshakeError::TimedOut)))
}

#[tokio::test(start_paused = true)]
async fn who_does_not_send_a_request_in_time_is_told_so() {
    let limit = Config::server().handshake_timeout.unwrap();
    for sent in [0, 1, 40, REQUEST.len() - 1] {
        let (mut near, far) = duplex(ROOM);
        let started = Instant::now();
        near.write_all(&REQUEST.as_bytes()[..sent]).await.unwrap();
        let (server, answer) = join!(ws::accept(far), async {
            let answer = rest(&mut near).await;
            drop(near);
            answer
        });
        assert!(timed_out(server), "after {sent} bytes");
        assert!(answer.starts_with("HTTP/1.1 408 "), "after {sent} bytes: {answer}");
        assert_eq!(started.elapsed(), limit);
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_moves_no_deadline() {
    let (mut near, far) = duplex(ROOM);
    let started = Instant::now();
    let drip = async {
        let mut seconds = interval(Duration::from_secs(1));
        // It goes on for a while after it has been refused, and then hangs up.
        for byte in &REQUEST.as_bytes()[..13] {
            seconds.tick().await;
            near.write_all(&[*byte]).await.unwrap();
        }
        assert!(rest(&mut near).await.starts_with("HTTP/1.1 408 "));
        drop(near);
    };
    let (server, ()) = join!(ws::accept(far), drip);
    assert!(timed_out(server));
    assert_eq!(started.elapsed(), Duration::from_secs(12));
}

/// A stream that never makes it wait is given up all the same; and other tasks have their turn meanwhile.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_never_waited_for_has_a_deadline_too() {
    let mut config = Config::server();
    (config.max_head_size, config.max_header_line) = (usize::MAX, usize::MAX);
    let peer = Endless { piece: 1, ..Endless::default() };
    let mut asking = pin!(ws::read_request(peer.clone(), config));
    for polls in 1..10 {
        assert!(poll_immediate(&mut asking).await.is_none());
        assert!(peer.came.load(Relaxed) <= polls * 100, "{polls}");
    }
    advance(Duration::from_secs(11)).await;
    assert!(timed_out(asking.await));
    assert!(peer.taken.lock().unwrap().starts_with(b"HTTP/1.1 408 "));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_in_time_is_given_up() {
    let limit = Config::client().handshake_timeout.unwrap();
    for (room, answer) in [(ROOM, ""), (ROOM, "HTTP/1.1 101 Switching"), (16, "")] {
        let (mut near, far) = duplex(room);
        near.write_all(answer.as_bytes()).await.unwrap();
        let started = Instant::now();
        assert!(timed_out(ws::connect_over(far, request("ws://example.com"), Config::client()).await));
        assert_eq!(started.elapsed(), limit);
    }
}

/// The kernel answers for a listener that never accepts; or the clock, which is paused, is ahead of both. Either way it is
/// one deadline.
#[tokio::test(start_paused = true)]
async fn dialling_and_the_handshake_share_a_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let started = Instant::now();
    assert!(timed_out(ws::connect(&url).await));
    assert_eq!(started.elapsed(), Config::client().handshake_timeout.unwrap());
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_there_is_none() {
    let mut config = Config::server();
    config.handshake_timeout = None;
    let (mut near, far) = duplex(ROOM);
    let mut asking = pin!(ws::read_request(far, config));
    assert!(poll_immediate(&mut asking).await.is_none());
    advance(Duration::from_secs(86_400)).await;
    assert!(poll_immediate(&mut asking).await.is_none());
    near.write_all(REQUEST.as_bytes()).await.unwrap();
    assert!(asking.await.is_ok());
}
