//! wtx: a payload is answered out of the buffer that it was read into.
use wtx::{
    collection::Vector,
    web_socket::{OpCode, WebSocketAcceptor, WebSocketPayloadOrigin},
};

fn main() {
    serve::serve_tokio(serve::Options::from_args(), |stream| async {
        echo(stream).await.ok();
    });
}

async fn echo(stream: tokio::net::TcpStream) -> wtx::Result<()> {
    let mut socket = WebSocketAcceptor::default().accept(stream).await?;
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
