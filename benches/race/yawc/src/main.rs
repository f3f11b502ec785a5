//! yawc, upgraded by hyper. With `--batch`, the sizes of buffers of its own published benchmark.
use futures_util::StreamExt;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use yawc::{CompressionLevel, Frame, OpCode, UpgradeFut, WebSocket, WebSocketError};

fn main() {
    let options = serve::Options::from_args();
    serve::serve_tokio(options, move |stream| async move {
        let service = service_fn(move |request: Request<Incoming>| async move {
            let mut config = yawc::Options::default().with_utf8().with_limits(64 << 20, 128 << 20);
            if options.batch {
                config = config.with_read_buffer_capacity(128 << 10).with_backpressure_boundary(64 << 10);
            }
            if options.deflate {
                config = config.with_compression_level(CompressionLevel::default());
            }
            let (response, upgraded) = WebSocket::upgrade_with_options(request, config)?;
            tokio::spawn(echo(upgraded, options));
            Ok::<_, WebSocketError>(response)
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connection.with_upgrades().await.ok();
    });
}

async fn echo(upgraded: UpgradeFut, options: serve::Options) -> Result<(), WebSocketError> {
    let socket = upgraded.await?.map(Ok::<_, WebSocketError>);
    serve::echo(socket, options, |frame: Frame| {
        matches!(frame.opcode(), OpCode::Text | OpCode::Binary).then_some(frame)
    })
    .await
}
