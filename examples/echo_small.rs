//! An echo server with a thread for each connection.
//!
//! `cargo run --example echo_small`; then, elsewhere, `cargo run --example client_small`
use sansocket::{Error, blocking};
use std::{
    io,
    net::{TcpListener, TcpStream},
    thread,
};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9001")?;
    println!("echo server at ws://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = echo(stream) {
                eprintln!("a connection failed: {error}");
            }
        });
    }
    Ok(())
}

fn echo(stream: TcpStream) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut socket = blocking::accept(stream)?;
    // Each message is lent from the buffer that it arrived in, and `reply` queues the answer.
    while let Some((message, mut reply)) = socket.recv_ref()? {
        reply.feed(message)?;
    }
    Ok(())
}
