//! What the types promise besides their methods: threads, sizes, and calls that need no annotation.
use crate::{line::*, support::*};
use futures_util::{SinkExt, StreamExt};
use sansocket::{
    Message,
    bytes::Bytes,
    proto::{Connection, Event, Role},
    tokio::WebSocket,
};
use std::borrow::Cow;
use tokio::net::TcpStream;

#[test]
fn futures_over_tcp_cross_threads() {
    fn send<T: Send>(_: impl FnOnce(WebSocket<TcpStream>) -> T) {}
    fn crosses<T: Send + 'static>(value: T) -> T {
        value
    }
    fn type_crosses<T: Send + Sync + Unpin + 'static>() {}
    type_crosses::<WebSocket<TcpStream>>();
    send(|mut socket| crosses(async move { socket.recv().await.map(|_| ()) }));
    send(|mut socket| crosses(async move { socket.recv_ref().await.map(|_| ()) }));
    send(|mut socket| {
        crosses(async move {
            while let Some((event, mut reply)) = socket.recv_event().await? {
                if let Event::Message(message) = event {
                    reply.feed(message)?;
                }
            }
            Ok::<_, sansocket::Error>(())
        })
    });
    send(|mut socket| crosses(async move { socket.send("x").await }));
    send(|mut socket| crosses(async move { socket.feed(Message::text("x")).await }));
    send(|mut socket| crosses(async move { socket.flush().await }));
    send(|mut socket| crosses(async move { socket.ping("x").await }));
    send(|mut socket| crosses(async move { socket.close(None).await }));
    send(|mut socket| crosses(async move { StreamExt::next(&mut socket).await }));
    send(|mut socket| crosses(async move { SinkExt::send(&mut socket, "x".into()).await }));
}

#[test]
fn sizes_are_bounded() {
    let (socket, connection) = (size_of::<WebSocket<TcpStream>>(), size_of::<Connection>());
    assert!(socket <= 448, "a socket is {socket} bytes");
    assert!(connection <= 400, "a connection is {connection} bytes");
}

#[tokio::test(start_paused = true)]
async fn calls_need_no_annotation() {
    let line = Line::new(Pace::Free);
    let mut socket = line.socket(Role::Client, |_| ());
    socket.send("a").await.unwrap();
    socket.send(String::from("b")).await.unwrap();
    socket.send(&b"c"[..]).await.unwrap();
    socket.send(vec![b'd']).await.unwrap();
    SinkExt::send(&mut socket, "e".into()).await.unwrap();
    socket.feed("f").await.unwrap();
    socket.feed(&vec![b'g']).await.unwrap();
    socket.feed(&Bytes::from_static(b"h")).await.unwrap();
    socket.feed(Cow::Borrowed("i")).await.unwrap();
    socket.feed(Cow::<str>::Owned("j".to_owned())).await.unwrap();
    SinkExt::flush(&mut socket).await.unwrap();
    let payloads: Vec<_> = line.sent().into_iter().flat_map(|frame| frame.payload).collect();
    assert_eq!(payloads, b"abcdefghij");
    line.feed(wire(TEXT, "g", None));
    line.feed(wire(TEXT, "h", None));
    assert_eq!(StreamExt::next(&mut socket).await.unwrap().unwrap(), Message::text("g"));
    let texts = socket.map(|message| message.unwrap().as_str().map(str::to_owned));
    assert_eq!(texts.take(1).collect::<Vec<_>>().await, [Some("h".to_owned())]);
}
