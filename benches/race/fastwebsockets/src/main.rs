//! fastwebsockets, upgraded by hyper. Each `write_frame` is a write to the socket.
use fastwebsockets::{FragmentCollector, OpCode, WebSocketError, upgrade};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

fn main() {
    serve::serve_tokio(serve::Options::from_args(), |stream| async {
        let service = service_fn(|mut request: Request<Incoming>| async move {
            let (response, upgraded) = upgrade::upgrade(&mut request)?;
            tokio::spawn(async { echo(upgraded).await.ok() });
            Ok::<_, WebSocketError>(response)
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connection.with_upgrades().await.ok();
    });
}

async fn echo(upgraded: upgrade::UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(upgraded.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}
