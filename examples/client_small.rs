//! A client: sends three messages to an echo server, prints the answers and closes.
//!
//! `cargo run --example client_small [URL]`, with `cargo run --example echo_small` elsewhere
use sansocket::{CloseCode, Error, blocking};

fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001/".into());
    let mut socket = blocking::connect(&url)?;
    for n in 1..=3 {
        socket.send(format!("hello {n}"))?;
        match socket.recv()? {
            Some(message) => println!("{:?}", message.as_str()),
            None => break, // the server has closed
        }
    }
    let closed = socket.close(CloseCode::NORMAL)?;
    println!("{closed}");
    Ok(())
}
