//! One connection, from its request to its end.
use crate::{
    hall::{Hall, Place},
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

/// What all guests share.
pub struct House {
    pub config: Arc<Config>,
    pub options: Options,
    pub send: bool,
    pub hall: Hall,
}

/// Whatever happens to one guest happens to no other.
///
/// A task is as large as the most that it holds at any time. So what is over soon, as the opening is, has a box of its
/// own, and whoever only listens takes up little.
pub fn host(stream: TcpStream, peer: SocketAddr, house: Arc<House>) -> impl Future<Output = ()> + Send {
    let peer = house.options.verbose.then(|| Box::new(peer));
    let opening = Box::pin(async move {
        let decide = async |upgrade: &Upgrade| page::decide(upgrade);
        let accepted = accept_with(stream, house.config.clone(), decide);
        (Place::enter(house).await, accepted.await)
    });
    async move {
        let (place, mut opened) = opening.await;
        let how = match &mut opened {
            Ok(socket) => {
                if peer.is_some() {
                    tell(&peer, &options::connected(socket.extension()));
                }
                let house = place.house();
                let echoed = match house.send {
                    true => place.unless_closing(Box::pin(send_each(socket, house))).await,
                    false => place.unless_closing(pin!(queue_each(socket, house))).await,
                };
                Box::pin(see_off(socket, echoed)).await
            }
            Err(error) => error.to_string(),
        };
        tell(&peer, &how);
    }
}

fn tell(peer: &Option<Box<SocketAddr>>, what: &str) {
    if let Some(peer) = peer {
        println!("{peer}: {what}");
    }
}

type Socket = WebSocket<TcpStream>;

/// Replies where the message lies. Replies to messages that came together leave together. As for what waits in
/// `send_each`, it may be dropped at any time: nothing that has come is lost, and no reply is cut.
#[allow(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice")]
fn queue_each(socket: &mut Socket, house: &House) -> impl Future<Output = Result<(), Error>> + Send {
    async move {
        while let Some((message, mut reply)) = socket.recv_ref().await? {
            match house.options.prefix.as_str() {
                "" => reply.feed(message)?,
                prefix => reply.feed(prefixed(prefix, message.as_str(), message.as_bytes()))?,
            }
        }
        Ok(())
    }
}

/// Takes each message, and waits until the reply is written.
async fn send_each(socket: &mut Socket, house: &House) -> Result<(), Error> {
    while let Some(mut message) = socket.recv().await? {
        if !house.options.prefix.is_empty() {
            message = prefixed(&house.options.prefix, message.as_str(), message.as_bytes());
        }
        socket.send(message).await?;
    }
    Ok(())
}

/// Says goodbye, if the guest does not know yet. Tells how it ended.
async fn see_off(socket: &mut Socket, echoed: Option<Result<(), Error>>) -> String {
    match echoed {
        Some(Err(error)) => return error.to_string(),
        Some(Ok(())) => {}
        None => drop(socket.close((CloseCode::GOING_AWAY, "the server is stopping")).await),
    }
    socket.closed().map_or("gone".into(), ToString::to_string)
}

fn prefixed(prefix: &str, text: Option<&str>, bytes: &[u8]) -> Message {
    match text {
        Some(text) => Message::text(format!("{prefix}{text}")),
        None => Message::binary([prefix.as_bytes(), bytes].concat()),
    }
}
