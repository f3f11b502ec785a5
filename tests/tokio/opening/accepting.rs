//! Accepting: whatever pieces the request comes in, whoever decides, and whenever it is given up.
use super::*;
use crate::idle::Idle;
use sansocket::{
    Error, Message,
    bytes::Bytes,
    extension::ExtensionOffer,
    handshake::{Acceptance, HandshakeError, Upgrade},
    http::{HeaderValue, Response, StatusCode},
    proto::Subprotocol,
    tokio as ws,
};
use std::{pin::pin, sync::Arc};
use tokio::{
    io::AsyncWriteExt,
    join,
    task::yield_now,
    time::{Duration, advance},
};

#[tokio::test]
async fn both_ends_meet_with_headers_and_a_subprotocol() {
    let (near, far) = duplex(ROOM);
    let chat = Subprotocol::try_from("chat.v2").unwrap();
    let request = request("ws://example.com/chat?room=1").header("cookie", "a=b").unwrap();
    let mut config = Config::server();
    config.extensions = vec![Arc::new(Idle)];
    let server = ws::accept_with(far, config, async |upgrade: &Upgrade| {
        assert_eq!(upgrade.request().uri(), "/chat?room=1");
        assert_eq!(upgrade.request().headers()["cookie"], "a=b");
        let acceptance = Acceptance::new().subprotocol(upgrade.subprotocols()[0].clone());
        Ok(acceptance.header("set-cookie", "c=d").unwrap())
    });
    let mut config = Config::client();
    config.extensions = vec![Arc::new(Idle)];
    let client = ws::connect_over(near, request.subprotocol(chat.clone()), config);
    let (server, client) = join!(server, client);
    let (mut server, (mut client, response)) = (server.unwrap(), client.unwrap());
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["set-cookie"], "c=d");
    assert_eq!((server.subprotocol(), client.subprotocol()), (Some(&chat), Some(&chat)));
    let agreed: ExtensionOffer = "x-idle; some".parse().unwrap();
    assert_eq!((server.extension(), client.extension()), (Some(&agreed), Some(&agreed)));
    client.send("hello").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), Some(Message::text("hello")));
    let (_sender, mut receiver) = server.split();
    assert_eq!((receiver.subprotocol(), receiver.extension()), (Some(&chat), Some(agreed.clone())));
    let (closed, ended) = join!(client.close(None), receiver.recv());
    assert!(closed.unwrap().was_clean());
    assert_eq!(ended.unwrap(), None);
    assert_eq!(receiver.extension(), Some(agreed), "also after the end");
}

/// Nothing goes through but one byte at a time.
#[tokio::test]
async fn bytes_may_come_and_leave_one_at_a_time() {
    let (near, far) = duplex(1);
    let (server, client) =
        join!(ws::accept(far), ws::connect_over(near, request("ws://example.com/"), Config::client()));
    let (mut server, (mut client, _)) = (server.unwrap(), client.unwrap());
    let (sent, received) = join!(client.send("slowly"), server.recv());
    sent.unwrap();
    assert_eq!(received.unwrap(), Some(Message::text("slowly")));
}

#[tokio::test]
async fn a_first_message_that_comes_with_the_request_is_not_lost() {
    let (mut near, far, reads) = watched();
    near.write_all(&[REQUEST.as_bytes(), &masked(TEXT, b"early")].concat()).await.unwrap();
    let mut socket = ws::accept(far).await.unwrap();
    let before = reads.load(Relaxed);
    assert_eq!(socket.recv().await.unwrap(), Some(Message::text("early")));
    assert_eq!((before, reads.load(Relaxed)), (1, 1), "there was nothing to wait for");
    drop(socket);
    let answer = rest(&mut near).await;
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains(ACCEPT), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_decision_takes_its_time_and_counts_in_no_deadline() {
    let (mut near, far) = duplex(ROOM);
    near.write_all(REQUEST.as_bytes()).await.unwrap();
    let socket = ws::accept_with(far, Config::server(), async |upgrade: &Upgrade| {
        advance(Duration::from_secs(3600)).await;
        yield_now().await;
        assert_eq!(upgrade.request().uri().path(), "/chat");
        Ok(Acceptance::new())
    });
    assert!(socket.await.is_ok());
}

#[tokio::test]
async fn a_decision_may_be_a_response_of_its_own() {
    let (near, far) = duplex(ROOM);
    let server = ws::accept_with(far, Config::server(), async |_: &Upgrade| {
        let mut response = Response::new(Bytes::from("who are you?"));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response.headers_mut().insert("www-authenticate", HeaderValue::from_static("Basic"));
        Err(response.into())
    });
    // The client hangs up when it has the answer: nobody waits for a deadline.
    let client = ws::connect_over(near, request("ws://example.com/"), Config::client());
    let (server, client) = join!(server, client);
    let Err(Error::Handshake(HandshakeError::Declined(response))) = client else { panic!("{client:?}") };
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], "Basic");
    assert_eq!(response.body(), "who are you?");
    let status = StatusCode::UNAUTHORIZED;
    assert!(
        matches!(server, Err(Error::Handshake(HandshakeError::Rejected(rejected))) if rejected == status)
    );
}

#[tokio::test]
async fn a_request_can_be_answered_outside_of_a_closure() {
    for accepts in [true, false] {
        let (mut near, far, reads) = watched();
        near.write_all(REQUEST.as_bytes()).await.unwrap();
        let incoming = ws::read_request(far, Config::server()).await.unwrap();
        assert_eq!(incoming.upgrade().request().uri().path(), "/chat");
        assert_eq!(incoming.get_ref().reads.load(Relaxed), 1);
        if accepts {
            drop(incoming.accept(Acceptance::new()).await.unwrap());
            assert!(rest(&mut near).await.starts_with("HTTP/1.1 101 "));
        } else {
            let (error, answer) = join!(incoming.reject(Response::new("a page")), async {
                let answer = rest(&mut near).await;
                drop(near);
                answer
            });
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\na page"), "{answer}");
            assert!(matches!(error, Error::Handshake(HandshakeError::Rejected(StatusCode::OK))));
        }
        assert!(is_gone(&reads));
    }
}

/// After each byte of the request, within the decision, while the answer waits to leave, and before the first poll.
#[tokio::test]
async fn a_future_that_is_dropped_drops_the_stream_whenever_that_is() {
    for given in 0..=REQUEST.len() {
        let (mut near, far, reads) = watched();
        let mut accepting = Box::pin(ws::accept_with(far, Config::server(), async |_: &Upgrade| {
            std::future::pending().await
        }));
        for byte in &REQUEST.as_bytes()[..given] {
            near.write_all(&[*byte]).await.unwrap();
            assert!(poll_immediate(&mut accepting).await.is_none());
        }
        assert!(!is_gone(&reads));
        drop(accepting);
        assert!(is_gone(&reads));
        assert_eq!(rest(&mut near).await, "", "no half of an answer");
    }
    let (mut near, far) = duplex(16);
    {
        let mut accepting = pin!(ws::accept(far));
        let request = async {
            near.write_all(REQUEST.as_bytes()).await.unwrap();
            near.read_u8().await.unwrap()
        };
        tokio::select! {
            first = request => assert_eq!(first, b'H'),
            _ = &mut accepting => panic!("the answer does not fit"),
        }
    }
    assert!(rest(&mut near).await.len() <= 16);
}
