//! What the echo servers share, so that only the WebSocket library differs from one to the next: the command
//! line, the listener, the runtime and the two habits of answering.
//!
//! ```text
//! race-NAME [--listen 127.0.0.1:9001] [--batch] [--deflate]
//! ```
mod upgrade;

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use std::{
    net::{Ipv4Addr, SocketAddr},
    thread,
};
pub use upgrade::{upgrade_response, upgrade_tokio};

/// As many wait to be accepted as the kernel allows by itself.
pub const BACKLOG: u32 = 4096;

/// The most messages that share one flush.
const BATCH: usize = 64;

#[derive(Clone, Copy)]
pub struct Options {
    pub listen: SocketAddr,
    /// One flush for all messages at hand, where the library has a way to do so.
    pub batch: bool,
    /// Takes up permessage-deflate, where the library can.
    pub deflate: bool,
}

impl Options {
    /// Ends the program if the command line makes no sense.
    pub fn from_args() -> Self {
        Self::parse().unwrap_or_else(|error| {
            eprintln!("{error}\nusage: race-NAME [--listen 127.0.0.1:9001] [--batch] [--deflate]");
            std::process::exit(2)
        })
    }

    fn parse() -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;
        let mut options = Self { listen: (Ipv4Addr::LOCALHOST, 9001).into(), batch: false, deflate: false };
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Long("listen") => options.listen = args.value()?.parse()?,
                Long("batch") => options.batch = true,
                Long("deflate") => options.deflate = true,
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

/// Serves for ever on tokio: one task a connection, all of them on this thread.
pub fn serve_tokio<F>(options: Options, handle: impl Fn(tokio::net::TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("SO_REUSEADDR");
        socket.bind(options.listen).expect("an address that is free");
        let listener = socket.listen(BACKLOG).expect("a listener");
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                tokio::spawn(handle(stream));
            }
        }
    })
}

/// Serves for ever with one thread a connection, of a small stack.
pub fn serve_threads<F>(options: Options, handle: F)
where
    F: Fn(std::net::TcpStream) + Send + Copy + 'static,
{
    let listener = std::net::TcpListener::bind(options.listen).expect("an address that is free");
    for stream in listener.incoming().flatten() {
        stream.set_nodelay(true).ok();
        let guest = move || handle(stream);
        if let Err(error) = thread::Builder::new().stack_size(128 * 1024).spawn(guest) {
            eprintln!("no thread: {error}");
        }
    }
}

/// Echoes until the connection ends. `data` tells the message to send back, and `None` for a control message.
pub async fn echo<S, M, E>(
    mut socket: S,
    options: Options,
    data: impl Fn(M) -> Option<M>,
) -> Result<(), S::Error>
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
{
    while let Some(Ok(message)) = socket.next().await {
        let Some(answer) = data(message) else { continue };
        if options.batch {
            socket.feed(answer).await?;
            for _ in 1..BATCH {
                let Some(Some(Ok(message))) = socket.next().now_or_never() else { break };
                if let Some(answer) = data(message) {
                    socket.feed(answer).await?;
                }
            }
            socket.flush().await?;
        } else {
            socket.send(answer).await?;
        }
    }
    Ok(())
}
