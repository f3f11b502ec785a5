//! An echo server on Tokio, with a task for each connection.
//!
//! `cargo run --example echo_tokio_small --features tokio`; then, elsewhere, `cargo run --example client_small`
use sansocket::Error;
use std::io;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9001").await?;
    println!("echo server at ws://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = echo(stream).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut socket = sansocket::tokio::accept(stream).await?;
    // Each message is lent from the buffer that it arrived in, and `reply` queues the answer.
    while let Some((message, mut reply)) = socket.recv_ref().await? {
        reply.feed(message)?;
    }
    Ok(())
}
