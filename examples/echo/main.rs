//! An echo server, one thread a connection; open the address that it prints in a browser.
//!
//! `cargo run --release --example echo -- [--listen ADDR] [--prefix TEXT] [--max-message BYTES] [--deflate] [--verbose]`
//!
//! `--deflate` needs `--features deflate`; `--help` tells how to tune it.
//!
//! Ctrl-C closes every connection with 1001 (going away) and ends the server when all have ended.
mod connections;
mod listen;
mod options;
mod page;

use connections::Connections;
use options::Options;
use sansocket::{
    Config, Error, Origins, SendError,
    blocking::{self, Receiver, Sender},
};
use std::{
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

fn main() -> ExitCode {
    match Options::from_args("echo", "", |_, _| Ok(false)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("echo: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), String> {
    let listener = listen::listen(options.listen)?;

    let mut config = Config::server();
    config.max_message_size = options.max_message;
    config.extensions = options.compression.extensions();
    config.origins = Origins::Any; // an echo holds nothing secret: pages from files and other ports may try it
    let config = Arc::new(config);
    let options = Arc::new(options);
    let connections = Arc::new(Connections::default());
    let to_close = connections.clone();
    ctrlc::set_handler(move || to_close.shut_down()).map_err(|error| error.to_string())?;

    let accepted_by = connections.clone();
    thread::spawn(move || {
        loop {
            let (stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Most often the process has no file descriptor left: wait until a connection ends.
                    eprintln!("echo: cannot accept: {error}");
                    thread::sleep(Duration::from_millis(50));
                    continue;
                }
            };
            let (connections, config, options) = (accepted_by.clone(), config.clone(), options.clone());
            let thread = move || serve(stream, peer, config, &options, &connections);
            if let Err(error) = thread::Builder::new().stack_size(128 * 1024).spawn(thread) {
                eprintln!("echo: no thread for {peer}: {error}");
            }
        }
    });
    connections.wait();
    Ok(())
}

/// Serves one connection, from its request to its end. An error ends this connection, and no other.
fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    config: Arc<Config>,
    options: &Options,
    connections: &Connections,
) {
    let how = match blocking::accept_with(stream, config, page::decide) {
        Ok(socket) => {
            if options.verbose {
                println!("{peer}: {}", options::connected(socket.extension()));
            }
            let (sender, mut receiver) = socket.split();
            let _connection = connections.add(sender.clone());
            let ended = echo(&sender, &mut receiver, &options.prefix);
            ended.map(|()| receiver.closed().map_or("gone".into(), ToString::to_string))
        }
        Err(error) => Err(error),
    };
    match how {
        Err(error) if page::was_sent(&error) => {}
        Err(error) => eprintln!("{peer}: {error}"),
        Ok(how) if options.verbose => println!("{peer}: {how}"),
        Ok(_) => {}
    }
}

fn echo(sender: &Sender<TcpStream>, receiver: &mut Receiver<TcpStream>, prefix: &str) -> Result<(), Error> {
    while let Some(message) = receiver.recv_ref()? {
        let answered = if prefix.is_empty() {
            sender.feed(message)
        } else if let Some(text) = message.as_str() {
            sender.feed(format!("{prefix}{text}"))
        } else {
            sender.feed([prefix.as_bytes(), message.as_bytes()].concat())
        };
        match answered {
            // The server shuts down: messages are not answered any more, but read until the peer's Close frame.
            Err(Error::Send(SendError::Closing)) => {}
            answered => answered?,
        }
    }
    Ok(())
}
