//! wtx: a payload is answered out of the buffer that it was read into.
use wtx::{
    collection::Vector,
    web_socket::{
        Compression, DeflateConfig, OpCode, WebSocketAcceptor, WebSocketPayloadOrigin,
        compression::{Flate2, WindowBits},
    },
};

fn main() {
    let options = serve::Options::from_args();
    serve::serve_tokio(options, move |stream| async move {
        if options.deflate {
            echo(stream, Flate2::from(widest())).await.ok();
        } else {
            echo(stream, ()).await.ok();
        }
    });
}

/// The load's offer leaves the client a window of 15 bits.
fn widest() -> DeflateConfig {
    DeflateConfig {
        client_max_window_bits: WindowBits::Fifteen,
        server_max_window_bits: WindowBits::Fifteen,
        ..DeflateConfig::default()
    }
}

async fn echo<C: Compression<false>>(stream: tokio::net::TcpStream, compression: C) -> wtx::Result<()> {
    let mut socket = WebSocketAcceptor::default().compression(compression).accept(stream).await?;
    let mut buffer = Vector::new();
    let (mut common, mut reader, mut writer) = socket.split_mut();
    loop {
        buffer.clear();
        let mut frame = reader.read_frame(&mut buffer, &mut common, WebSocketPayloadOrigin::Adaptive).await?;
        match frame.op_code() {
            OpCode::Binary | OpCode::Text => writer.write_frame(&mut common, &mut frame).await?,
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}
