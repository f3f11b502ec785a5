//! Ten small programs, as people who know another library first write them. Each serves or asks one connection.
use futures_util::{SinkExt, StreamExt};
use sansocket::{CloseCode, Config, Error, Message, tokio::WebSocket};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};

type Socket = WebSocket<TcpStream>;

/// tokio-tungstenite: `accept_async`, then a loop over a stream, and a sink.
async fn tungstenite_echo(stream: TcpStream) -> Result<(), Error> {
    let socket = sansocket::tokio::accept(stream).await?;
    let (mut write, mut read) = StreamExt::split(socket);
    while let Some(message) = read.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            write.send(message).await?;
        }
    }
    Ok(())
}

/// tokio-tungstenite: `accept_async_with_config`.
async fn tungstenite_limits(stream: TcpStream) -> Result<(), Error> {
    let config = Config::server().max_message_size(64 << 10);
    let mut socket = sansocket::tokio::accept_with_config(stream, config).await?;
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    Ok(())
}

/// tokio-tungstenite: `connect_async` with a `String`.
async fn tungstenite_client(url: String) -> Result<Message, Error> {
    let mut socket = sansocket::tokio::connect(url).await?;
    socket.send(Message::Text("hello".into())).await?;
    let answer = socket.next().await.ok_or(sansocket::SendError::Closing)??;
    socket.close(None).await?;
    Ok(answer)
}

/// axum: `while let Some(message) = socket.recv().await`, matched by kind.
async fn axum_handler(mut socket: Socket) -> Result<(), Error> {
    while let Some(message) = socket.recv().await? {
        match message {
            Message::Text(text) => socket.send(text).await?,
            Message::Binary(bytes) => socket.send(bytes).await?,
        }
    }
    Ok(())
}

/// axum: a close with a code of the application's own and a reason.
async fn axum_close(mut socket: Socket) -> Result<(), Error> {
    if let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    let closed = socket.close((4000, "one is enough")).await?;
    assert!(closed.was_clean());
    Ok(())
}

/// fastwebsockets: frames are borrowed, and answered where they lie.
async fn fastwebsockets_echo(mut socket: Socket) -> Result<(), Error> {
    while let Some((message, mut reply)) = socket.recv_ref().await? {
        reply.feed(message)?;
    }
    Ok(())
}

/// fastwebsockets: `split`, and a task that writes.
async fn fastwebsockets_split(socket: Socket) -> Result<(), Error> {
    let (sender, mut receiver) = socket.split();
    while let Some(message) = receiver.recv().await? {
        sender.send(message).await?;
    }
    Ok(())
}

/// `ws` of Node: broadcast one text to all that are connected.
async fn ws_broadcast(mut socket: Socket) -> Result<(), Error> {
    while let Some(message) = socket.recv().await? {
        let Some(text) = message.as_text() else { continue };
        let news: Arc<str> = text.into();
        for client in [&mut socket] {
            client.send(news.clone()).await?;
        }
    }
    Ok(())
}

/// `websockets` of Python: `async for message in websocket`, then `close(code, reason)`.
async fn python_handler(mut socket: Socket) -> Result<(), Error> {
    while let Some(message) = socket.recv().await? {
        socket.send(message.to_string()).await?;
    }
    socket.close((CloseCode::NORMAL, "done")).await?;
    Ok(())
}

/// `websockets` of Python, synchronous: `connect(url)`, `send`, `recv`, `close`.
fn python_client(url: &str) -> Result<Option<Message>, Error> {
    let mut socket = sansocket::blocking::connect(url)?;
    socket.send("hello")?;
    let answer = socket.recv()?;
    socket.close(1000)?;
    Ok(answer)
}

async fn serve(way: usize, stream: TcpStream) -> Result<(), Error> {
    match way {
        0 => return tungstenite_echo(stream).await,
        1 => return tungstenite_limits(stream).await,
        _ => {}
    }
    let socket = sansocket::tokio::accept(stream).await?;
    match way {
        2 => axum_handler(socket).await,
        3 => axum_close(socket).await,
        4 => fastwebsockets_echo(socket).await,
        5 => fastwebsockets_split(socket).await,
        6 => ws_broadcast(socket).await,
        _ => python_handler(socket).await,
    }
}

#[tokio::test]
async fn each_server_answers_both_clients() {
    for way in 0..8 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let serving = async {
            for _ in 0..2 {
                serve(way, listener.accept().await.unwrap().0).await.unwrap();
            }
        };
        let asking = async {
            assert_eq!(tungstenite_client(url.clone()).await.unwrap(), Message::text("hello"), "{way}");
            let answer = tokio::task::spawn_blocking(move || python_client(&url)).await.unwrap();
            assert_eq!(answer.unwrap(), Some(Message::text("hello")), "{way}");
        };
        tokio::join!(serving, asking);
    }
}
