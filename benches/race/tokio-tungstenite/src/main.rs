//! tokio-tungstenite, through its `Stream` and `Sink`.
use tokio_tungstenite::{accept_async, tungstenite::Message};

fn main() {
    let options = serve::Options::from_args();
    serve::serve_tokio(options, move |stream| async move {
        let Ok(socket) = accept_async(stream).await else { return };
        let data = |message: Message| (message.is_text() || message.is_binary()).then_some(message);
        serve::echo(socket, options, data).await.ok();
    });
}
