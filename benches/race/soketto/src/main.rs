//! soketto, over buffered streams as in its own examples.
use futures::io::{BufReader, BufWriter};
use soketto::{
    Data, Mode,
    connection::Error,
    extension::deflate::Deflate,
    handshake::{Server, server::Response},
};
use std::error;
use tokio_util::compat::TokioAsyncReadCompatExt;

fn main() {
    let options = serve::Options::from_args();
    serve::serve_tokio(options, move |stream| async move {
        echo(stream, options).await.ok();
    });
}

async fn echo(
    stream: tokio::net::TcpStream,
    options: serve::Options,
) -> Result<(), Box<dyn error::Error + Send + Sync>> {
    let mut server = Server::new(BufReader::new(BufWriter::new(stream.compat())));
    if options.deflate {
        server.add_extension(Box::new(Deflate::new(Mode::Server)));
    }
    let key = server.receive_request().await?.key();
    server.send_response(&Response::Accept { key, protocol: None }).await?;
    let (mut sender, mut receiver) = server.into_builder().finish();
    let mut message = Vec::new();
    loop {
        message.clear();
        match receiver.receive_data(&mut message).await {
            Ok(Data::Binary(_)) => sender.send_binary_mut(&mut message).await?,
            Ok(Data::Text(_)) => sender.send_text(str::from_utf8(&message)?).await?,
            Err(Error::Closed) => return Ok(sender.close().await?),
            Err(error) => return Err(error.into()),
        }
        sender.flush().await?;
    }
}
