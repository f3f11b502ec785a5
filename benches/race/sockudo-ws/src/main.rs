//! sockudo-ws, through the `Stream` and `Sink` of its `WebSocketStream`; the handshake as in its examples.
use bytes::BytesMut;
use sockudo_ws::{
    CompressedWebSocketStream, Config, DeflateConfig, Error, Message, Result, WebSocketStream,
    deflate::negotiate_server_deflate,
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
    let deflate = upgrade(&mut stream, options).await?;
    let config = Config::builder().max_payload_length(64 << 20).idle_timeout(0).auto_ping(false).build();
    let data = |message: Message| (message.is_text() || message.is_binary()).then_some(message);
    match deflate {
        Some(deflate) => {
            serve::echo(CompressedWebSocketStream::server(stream, config, deflate), options, data).await
        }
        None => serve::echo(WebSocketStream::server(stream, config), options, data).await,
    }
}

/// Tells how to compress, if both want to.
async fn upgrade(stream: &mut TcpStream, options: serve::Options) -> Result<Option<DeflateConfig>> {
    let mut head = BytesMut::with_capacity(4096);
    while stream.read_buf(&mut head).await? > 0 {
        if let Some((request, _)) = parse_request(&head)? {
            let offers = request.extensions.filter(|_| options.deflate);
            let agreed =
                offers.and_then(|offers| negotiate_server_deflate(offers, &DeflateConfig::default()));
            let extensions = agreed.as_ref().map(|agreed| agreed.to_response_header());
            let accept = generate_accept_key(request.key);
            stream.write_all(&build_response(&accept, None, extensions.as_deref())).await?;
            return Ok(agreed.map(|agreed| agreed.config));
        }
    }
    Err(Error::ConnectionClosed)
}
