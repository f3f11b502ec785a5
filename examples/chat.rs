//! A chat room on Tokio: what one client says goes to all. `split` lets a connection send while it receives.
//!
//! `cargo run --example chat --features tokio`; then, twice or more, `cargo run --example client ws://127.0.0.1:9001/`
use sansocket::{Error, Message};
use std::io;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast::{self, error::RecvError},
};

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9001").await?;
    println!("chat room at ws://{}/", listener.local_addr()?);
    let (room, _) = broadcast::channel(100);
    loop {
        let (stream, peer) = listener.accept().await?;
        let room = room.clone();
        tokio::spawn(async move {
            if let Err(error) = chat(stream, room).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn chat(stream: TcpStream, room: broadcast::Sender<Message>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let (sender, mut receiver) = sansocket::tokio::accept(stream).await?.split();
    let mut said = room.subscribe();
    let receive = async {
        while let Some(message) = receiver.recv().await? {
            // An error means that nobody is in the room, but this client is.
            let _ = room.send(message);
        }
        Ok(())
    };
    let send = async {
        loop {
            match said.recv().await {
                Ok(message) => sender.send(message).await?,
                Err(RecvError::Lagged(missed)) => {
                    sender.send(format!("{missed} messages were lost: you read too slowly")).await?;
                }
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    };
    // The connection ends when its client closes, or with the first error.
    tokio::select! {
        ended = receive => ended,
        failed = send => failed,
    }
}
