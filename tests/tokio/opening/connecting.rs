//! Connecting: over TCP and over a stream that is given, and what a server may answer.
use super::*;
use sansocket::{
    Error, Message,
    bytes::Buf,
    handshake::{Acceptance, HandshakeError, ServerHandshake},
    tokio as ws,
};
use std::io::ErrorKind;
use tokio::{
    io::{AsyncWriteExt, BufStream},
    join,
    net::TcpListener,
};

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/chat?room=1", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn both_ends_meet_over_tcp_without_delay() {
    let (listener, url) = listener().await;
    let server = async {
        let mut socket = ws::accept(listener.accept().await.unwrap().0).await.unwrap();
        while let Some((message, mut reply)) = socket.recv_ref().await.unwrap() {
            reply.feed(message).unwrap();
        }
        assert!(socket.closed().unwrap().was_clean());
    };
    let client = async {
        let mut socket = ws::connect(&url).await.unwrap();
        assert!(socket.get_ref().nodelay().unwrap());
        socket.send("hello").await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::text("hello")));
        assert!(socket.close(None).await.unwrap().was_clean());
    };
    join!(server, client);
}

#[tokio::test]
async fn a_name_is_resolved() {
    let (listener, url) = listener().await;
    let url = url.replace("127.0.0.1", "localhost");
    let (socket, server) = join!(ws::connect(&url), async {
        let stream = listener.accept().await.unwrap().0;
        ws::read_request(stream, Config::server()).await.unwrap().accept(Acceptance::new()).await
    });
    assert!(socket.is_ok() && server.is_ok());
}

#[tokio::test]
async fn bad_urls_and_ports_nobody_listens_on_are_told_apart() {
    assert!(matches!(ws::connect("http://example.com").await, Err(Error::Handshake(HandshakeError::Url(_)))));
    let secure = ws::connect("wss://localhost").await.unwrap_err();
    assert!(matches!(&secure, Error::Io(error) if error.kind() == ErrorKind::Unsupported));
    assert!(secure.to_string().contains("TLS"), "{secure}");
    let (listener, url) = listener().await;
    drop(listener);
    let refused = ws::connect(&url).await.unwrap_err();
    assert!(matches!(&refused, Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused));
    assert!(refused.to_string().starts_with("cannot connect to 127.0.0.1:"), "{refused}");
}

/// The first message of a server may come with its 101.
#[tokio::test]
async fn a_first_message_that_comes_with_the_response_is_not_lost() {
    let (mut near, far, reads) = watched();
    let server = async {
        let mut handshake = ServerHandshake::new(Config::server());
        let upgrade = loop {
            if let Some(upgrade) = handshake.poll().unwrap() {
                break upgrade;
            }
            handshake.receive(&[near.read_u8().await.unwrap()]);
        };
        let mut connection = upgrade.accept(Acceptance::new()).unwrap();
        connection.send("early").unwrap();
        let wire = connection.transmit();
        near.write_all(&wire.copy_to_bytes(wire.remaining())).await.unwrap();
    };
    let client = ws::connect_over(far, request("ws://example.com"), Config::client());
    let (client, ()) = join!(client, server);
    let (mut socket, response) = client.unwrap();
    assert_eq!(response.status(), 101);
    let before = reads.load(Relaxed);
    assert_eq!(socket.recv().await.unwrap(), Some(Message::text("early")));
    assert_eq!(before, reads.load(Relaxed), "there was nothing to wait for");
}

#[tokio::test]
async fn a_server_that_speaks_something_else_or_hangs_up_is_an_error_that_says_so() {
    for (answer, says) in
        [("220 mail.example.com ESMTP\r\n\r\n", "is not HTTP/1.1"), ("", "ended the transport")]
    {
        let (mut near, far) = duplex(ROOM);
        near.write_all(answer.as_bytes()).await.unwrap();
        near.shutdown().await.unwrap();
        let client = ws::connect_over(far, request("ws://example.com"), Config::client()).await;
        let error = client.err().unwrap();
        assert!(matches!(error, Error::Handshake(_)) && error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_drops_the_stream() {
    for polls in 0..3 {
        let (mut near, far, reads) = watched();
        let mut connecting = Box::pin(ws::connect_over(far, request("ws://example.com/"), Config::client()));
        for _ in 0..polls {
            assert!(poll_immediate(&mut connecting).await.is_none());
            near.write_all(b"H").await.unwrap();
        }
        assert!(!is_gone(&reads));
        drop(connecting);
        assert!(is_gone(&reads));
        let asked = rest(&mut near).await;
        assert!(asked.is_empty() == (polls == 0) && (asked.is_empty() || asked.ends_with("\r\n\r\n")));
    }
}

/// What a stream keeps to itself until it is flushed leaves: request, answer and refusal.
#[tokio::test(start_paused = true)]
async fn a_stream_that_buffers_is_flushed() {
    for origin in ["http://example.com", "http://example.org"] {
        let (near, far) = duplex(ROOM);
        let asked = request("ws://example.com").header("origin", origin).unwrap();
        let client = ws::connect_over(BufStream::new(near), asked, Config::client());
        let (client, server) = join!(client, ws::accept(BufStream::new(far)));
        match client {
            Ok(_) => assert!(server.is_ok()),
            Err(Error::Handshake(HandshakeError::Declined(response))) => {
                assert_eq!((response.status().as_u16(), origin), (403, "http://example.org"));
                assert!(server.is_err());
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_stream_that_takes_nothing_or_claims_too_much_is_broken() {
    for claim in [0, usize::MAX] {
        let client = ws::connect_over(Liar(claim), request("ws://example.com"), Config::client()).await;
        assert!(matches!(client, Err(Error::Io(error)) if error.kind() == ErrorKind::WriteZero));
    }
}

/// A stream that says it took so many bytes.
struct Liar(usize);
impl AsyncRead for Liar {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
impl AsyncWrite for Liar {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(self.0))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
