//! tungstenite, blocking: one thread a connection.
use tungstenite::{Error, Message};

fn main() {
    serve::serve_threads(serve::Options::from_args(), |stream| drop(echo(stream)));
}

fn echo(stream: std::net::TcpStream) -> Result<(), Error> {
    let Ok(mut socket) = tungstenite::accept(stream) else { return Ok(()) };
    loop {
        match socket.read()? {
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message)?,
            Message::Close(_) => return socket.flush(), // `read` has queued the answer
            _ => {}
        }
    }
}
