//! web-socket, over a buffered reader; it has no handshake and leaves the validation of text to its user.
use std::io;
use tokio::{io::BufReader, net::TcpStream};
use web_socket::{DataType, Event, MessageType, WebSocket};

fn main() {
    serve::serve_tokio(serve::Options::from_args(), |stream| async {
        echo(stream).await.ok();
    });
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    serve::upgrade_tokio(&mut stream).await?;
    let mut socket = WebSocket::server(BufReader::new(stream));
    loop {
        match socket.recv().await? {
            Event::Data { ty: DataType::Complete(MessageType::Text), data } => {
                socket.send(str::from_utf8(&data).map_err(io::Error::other)?).await?;
            }
            Event::Data { data, .. } => socket.send(&*data).await?,
            Event::Ping(data) => socket.send_pong(data).await?,
            Event::Pong(_) => {}
            Event::Close { code, reason } => return socket.close((code, &*reason)).await,
            Event::Error(_) => return Ok(()),
        }
    }
}
