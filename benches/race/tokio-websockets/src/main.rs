//! tokio-websockets, through its `Stream` and `Sink`.
use tokio_websockets::{Limits, Message, ServerBuilder};

fn main() {
    let options = serve::Options::from_args();
    serve::serve_tokio(options, move |stream| async move {
        let builder = ServerBuilder::new().limits(Limits::unlimited());
        let Ok((_, socket)) = builder.accept(stream).await else { return };
        let data = |message: Message| (message.is_text() || message.is_binary()).then_some(message);
        serve::echo(socket, options, data).await.ok();
    });
}
