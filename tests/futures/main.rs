//! The asynchronous adapter without Tokio: smol's sockets (`smol::Async`) and its executor, both roles.
#![cfg(feature = "futures")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_types, reason = "tests do I/O")]
use async_io::{Async, Timer, block_on};
use futures_util::{
    future::{join, select},
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
};
use sansocket::{
    CloseCode, Config, Deadline, Error, Keepalive, Kind, Message,
    bytes::Bytes,
    futures as ws,
    handshake::{Acceptance, ClientRequest, HandshakeError, Upgrade},
    http::{Response, StatusCode},
    proto::{Connection, Established, Event, Role},
};
use sansocket_test_support::{TEXT, http::REQUEST, masked};
use std::{pin::pin, time::Duration};

type TcpStream = Async<std::net::TcpStream>;

fn request() -> ClientRequest {
    ClientRequest::try_from("ws://example.com/chat").unwrap()
}

/// The two ends of a TCP connection on this machine.
async fn streams() -> (TcpStream, TcpStream) {
    let listener = Async::<std::net::TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    let address = listener.get_ref().local_addr().unwrap();
    let (client, server) = join(TcpStream::connect(address), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

/// Both ends of a WebSocket over them.
async fn pair() -> (ws::WebSocket<TcpStream>, ws::WebSocket<TcpStream>) {
    let (near, far) = streams().await;
    let (client, server) = join(ws::connect_over(near, request(), Config::client()), ws::accept(far)).await;
    (client.unwrap().0, server.unwrap())
}

/// One end, of a role, and a stream that says nothing.
async fn alone(role: Role, change: impl FnOnce(&mut Config)) -> (ws::WebSocket<TcpStream>, TcpStream) {
    let (near, far) = streams().await;
    let mut config = Config::server();
    change(&mut config);
    (ws::WebSocket::new(Connection::new(Established::bare(role), config), near), far)
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn a_message_is_written_and_read_in_chunks() {
    block_on(async {
        let (mut client, mut server) = pair().await;
        let sending = async {
            let mut writer = client.message_writer(Kind::Binary);
            writer.write_all(&[7; 300_000]).await.unwrap();
            writer.close().await.unwrap();
            client.send("after").await.unwrap();
        };
        let receiving = async {
            let mut got = Vec::new();
            server.message_reader().await.unwrap().unwrap().read_to_end(&mut got).await.unwrap();
            assert!(got == vec![7; 300_000]);
            let mut line = String::new();
            server.message_reader().await.unwrap().unwrap().read_line(&mut line).await.unwrap();
            assert_eq!(line, "after");
        };
        join(sending, receiving).await;
    });
}

/// With compression, and without it for one message.
#[cfg(feature = "deflate")]
#[test]
fn messages_are_compressed_if_both_ends_say_so() {
    let mut config = Config::server();
    config.extensions = Config::client().extensions;
    block_on(async {
        let (near, far) = streams().await;
        let server = ws::accept_with(far, config, async |_: &Upgrade| Ok(Acceptance::new()));
        let (client, server) = join(ws::connect_over(near, request(), Config::client()), server).await;
        let ((mut client, _), mut server) = (client.unwrap(), server.unwrap());
        assert!(client.extension().is_some() && client.extension() == server.extension());
        let mut queued = vec![];
        for plain in [false, true] {
            let mut writer = client.message_writer(Kind::Binary);
            if plain {
                writer = writer.uncompressed();
            }
            writer.write_all(&[7; 10_000]).await.unwrap();
            queued.push(writer.buffered_amount());
            writer.close().await.unwrap();
            let mut got = Vec::new();
            server.message_reader().await.unwrap().unwrap().read_to_end(&mut got).await.unwrap();
            assert!(got == [7; 10_000]);
        }
        assert!(queued[0] < 200 && queued[1] > 10_000, "{queued:?}");
    });
}

#[test]
fn both_roles_echo_and_close() {
    block_on(async {
        let (mut client, mut server) = pair().await;
        let long = Message::binary(vec![7; 300_000]);
        let echo = is_send(async move {
            while let Some((message, mut reply)) = server.recv_ref().await? {
                reply.feed(message)?;
            }
            Ok::<_, Error>(server.closed().unwrap().was_clean())
        });
        let (echoed, ()) = join(echo, async {
            for message in [Message::text("hello"), long, Message::text("")] {
                client.send(message.clone()).await.unwrap();
                assert_eq!(client.recv().await.unwrap(), Some(message));
            }
            assert!(client.close(CloseCode::NORMAL).await.unwrap().was_clean());
        })
        .await;
        assert!(echoed.unwrap());
        // The server may be the one who closes.
        let (mut client, mut server) = pair().await;
        // `Async` ends the transport only when it is dropped, and the client waits for that.
        let closing = async move { server.close(None).await.unwrap() };
        let (closed, ended) = join(closing, client.recv()).await;
        assert!(closed.was_clean());
        assert_eq!(ended.unwrap(), None);
    });
}

#[test]
fn a_ping_is_answered_while_something_else_is_waited_for() {
    block_on(async {
        let (mut client, mut server) = pair().await;
        client.ping("are you there?").await.unwrap();
        let answered = async {
            loop {
                match client.recv_event().await.unwrap() {
                    Some((Event::Pong(payload), _)) => break payload.to_vec(),
                    Some(_) => {}
                    None => panic!("no answer"),
                }
            }
        };
        let received = async { server.recv().await.map(|_| Vec::new()).unwrap_or_default() };
        let first = select(pin!(answered), pin!(received)).await.factor_first().0;
        assert_eq!(first, b"are you there?");
    });
}

#[test]
fn a_request_is_decided_on_in_either_way() {
    block_on(async {
        let (near, far) = streams().await;
        let server = is_send(ws::accept_with(far, Config::server(), async |upgrade: &Upgrade| {
            Timer::after(Duration::ZERO).await;
            assert_eq!(upgrade.request().uri().path(), "/chat");
            let mut response = Response::new(Bytes::from("not today"));
            *response.status_mut() = StatusCode::FORBIDDEN;
            Err(response.into())
        }));
        let (client, server) = join(ws::connect_over(near, request(), Config::client()), server).await;
        let Err(Error::Handshake(HandshakeError::Declined(response))) = client else { panic!("{client:?}") };
        assert_eq!(response.body(), "not today");
        assert!(matches!(server, Err(Error::Handshake(HandshakeError::Rejected(StatusCode::FORBIDDEN)))));

        let (near, far) = streams().await;
        let server = async {
            let incoming = ws::read_request(far, Config::server()).await?;
            incoming.accept(Acceptance::new()).await
        };
        let (client, server) = join(ws::connect_over(near, request(), Config::client()), server).await;
        assert!(client.is_ok() && server.is_ok());
    });
}

#[test]
fn bytes_that_come_with_the_request_are_not_lost() {
    block_on(async {
        let (mut near, far) = streams().await;
        near.write_all(&[REQUEST.as_bytes(), &masked(TEXT, b"early")].concat()).await.unwrap();
        let mut socket = ws::accept(far).await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::text("early")));
    });
}

#[test]
fn a_handshake_ends_at_its_deadline() {
    let soon = Some(Duration::from_millis(15));
    block_on(async {
        let mut config = Config::server();
        (config.handshake_timeout, config.close_timeout) = (soon, soon);
        let (mut near, far) = streams().await;
        near.write_all(b"GET / HT").await.unwrap();
        let server = ws::accept_with(far, config, async |_: &Upgrade| Ok(Acceptance::new())).await;
        assert!(matches!(server, Err(Error::Handshake(HandshakeError::TimedOut))));
        let mut answer = String::new();
        near.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");

        let mut config = Config::client();
        config.handshake_timeout = soon;
        let (near, far) = streams().await;
        let client = ws::connect_over(near, request(), config).await;
        assert!(matches!(client, Err(Error::Handshake(HandshakeError::TimedOut))));
        drop(far);
    });
}

#[test]
fn a_connection_ends_at_its_deadlines() {
    let soon = Duration::from_millis(15);
    block_on(async {
        for role in [Role::Client, Role::Server] {
            let (mut socket, far) = alone(role, |config| {
                config.keepalive = Some(Keepalive { interval: soon, timeout: soon });
            })
            .await;
            assert!(matches!(socket.recv().await, Err(Error::TimedOut(Deadline::Keepalive))));
            drop(far);

            let (mut socket, far) = alone(role, |config| config.close_timeout = Some(soon)).await;
            let closed = socket.close(None).await.unwrap();
            assert_eq!(closed.timed_out, Some(Deadline::Close));
            drop(far);

            let (mut socket, far) = alone(role, |config| config.write_timeout = Some(soon)).await;
            let sent = socket.send(vec![0; 32 << 20]).await;
            assert!(matches!(sent, Err(Error::TimedOut(Deadline::Write))), "{sent:?}");
            drop(far);
        }
    });
}
