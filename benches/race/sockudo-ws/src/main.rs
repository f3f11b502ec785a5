//! sockudo-ws, through the `Stream` and `Sink` of its `WebSocketStream`; the handshake as in its examples.
use bytes::BytesMut;
use sockudo_ws::{
    Config, Error, Message, Result, WebSocketStream,
    handshake::{build_response, generate_accept_key, parse_request},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn main() {
    let options = serve::Options::from_args();
    serve::serve_tokio(options, move |stream| async move {
        host(stream, options).await.ok();
    });
}

async fn host(mut stream: TcpStream, options: serve::Options) -> Result<()> {
    upgrade(&mut stream).await?;
    let config = Config::builder().max_payload_length(64 << 20).idle_timeout(0).auto_ping(false).build();
    let socket = WebSocketStream::server(stream, config);
    let data = |message: Message| (message.is_text() || message.is_binary()).then_some(message);
    serve::echo(socket, options, data).await
}

async fn upgrade(stream: &mut TcpStream) -> Result<()> {
    let mut head = BytesMut::with_capacity(4096);
    while stream.read_buf(&mut head).await? > 0 {
        if let Some((request, _)) = parse_request(&head)? {
            let accept = generate_accept_key(request.key);
            stream.write_all(&build_response(&accept, None, None)).await?;
            return Ok(());
        }
    }
    Err(Error::ConnectionClosed)
}
