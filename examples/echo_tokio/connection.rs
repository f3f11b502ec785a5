//! One connection, from its request to its end.
use crate::{
    connections::{Connections, Entry},
    options::{self, Options},
    page,
};
use sansocket::{
    CloseCode, Config, Error, Message,
    handshake::Upgrade,
    tokio::{WebSocket, accept_with},
};
use std::{future::Future, net::SocketAddr, pin::pin, sync::Arc};
use tokio::net::TcpStream;

/// What all connections share.
pub struct Server {
    pub config: Arc<Config>,
    pub options: Options,
    pub send: bool,
    pub connections: Connections,
}

/// Serves one connection. An error ends this connection, and no other.
///
/// A task is as large as the most that it holds at any time. So what ends soon, such as the opening handshake, has a box
/// of its own, and a connection that waits for messages takes little memory.
pub fn serve(stream: TcpStream, peer: SocketAddr, server: Arc<Server>) -> impl Future<Output = ()> + Send {
    let verbose = server.options.verbose.then(|| Box::new(peer));
    let opening = Box::pin(async move {
        let decide = async |upgrade: &Upgrade| page::decide(upgrade);
        let accepted = accept_with(stream, server.config.clone(), decide);
        let entry = Entry::add(server).await;
        let opened = accepted.await.inspect_err(|error| {
            if !page::was_sent(error) {
                eprintln!("{peer}: {error}");
            }
        });
        (entry, opened)
    });
    async move {
        let (entry, mut opened) = opening.await;
        if let Ok(socket) = &mut opened {
            if verbose.is_some() {
                tell(&verbose, &options::connected(socket.extension()));
            }
            let server = entry.server();
            let echoed = match server.send {
                true => entry.until_shutdown(Box::pin(send_each(socket, server))).await,
                false => entry.until_shutdown(pin!(feed_each(socket, server))).await,
            };
            match Box::pin(close(socket, echoed)).await {
                Ok(how) => tell(&verbose, &how),
                Err(error) => {
                    eprintln!("{}{error}", verbose.map_or(String::new(), |peer| format!("{peer}: ")))
                }
            }
        }
    }
}

fn tell(peer: &Option<Box<SocketAddr>>, what: &str) {
    if let Some(peer) = peer {
        println!("{peer}: {what}");
    }
}

type Socket = WebSocket<TcpStream>;

/// Answers each message from the memory that it lies in. Answers to messages that arrived together are written together.
/// This future and that of `send_each` may be dropped at any time: no message is lost, and no answer is cut.
#[allow(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice")]
fn feed_each(socket: &mut Socket, server: &Server) -> impl Future<Output = Result<(), Error>> + Send {
    async move {
        while let Some((message, mut reply)) = socket.recv_ref().await? {
            match server.options.prefix.as_str() {
                "" => reply.feed(message)?,
                prefix => reply.feed(prefixed(prefix, message.as_str(), message.as_bytes()))?,
            }
        }
        Ok(())
    }
}

/// Takes each message, and waits until its answer is written.
async fn send_each(socket: &mut Socket, server: &Server) -> Result<(), Error> {
    while let Some(mut message) = socket.recv().await? {
        if !server.options.prefix.is_empty() {
            message = prefixed(&server.options.prefix, message.as_str(), message.as_bytes());
        }
        socket.send(message).await?;
    }
    Ok(())
}

/// Closes the connection if the server shuts down (`echoed` is `None`). Tells how the connection ended.
async fn close(socket: &mut Socket, echoed: Option<Result<(), Error>>) -> Result<String, Error> {
    match echoed {
        Some(ended) => ended?,
        None => drop(socket.close((CloseCode::GOING_AWAY, "the server is shutting down")).await),
    }
    Ok(socket.closed().map_or("gone".into(), ToString::to_string))
}

fn prefixed(prefix: &str, text: Option<&str>, bytes: &[u8]) -> Message {
    match text {
        Some(text) => Message::text(format!("{prefix}{text}")),
        None => Message::binary([prefix.as_bytes(), bytes].concat()),
    }
}
