//! An echo server on Tokio, one task a connection; open the address that it prints in a browser.
//!
//! `cargo run --release --example echo_tokio --features tokio -- [--threads N] [--send] [OPTIONS]`, with the options of
//! the `echo` example.
//!
//! Ctrl-C closes every connection with 1001 (going away) and ends the server when all have ended.
mod connection;
mod connections;
#[path = "../echo/listen.rs"]
mod listen;
#[path = "../echo/options.rs"]
mod options;
#[path = "../echo/page.rs"]
mod page;

use connection::{Server, serve};
use connections::{Connections, Entry};
use options::{Options, parse};
use sansocket::{Config, Origins};
use std::{
    future::pending, num::NonZeroUsize, pin::pin, process::ExitCode, sync::Arc, thread, time::Duration,
};
#[cfg(unix)]
use tokio::signal::unix::SignalKind;
use tokio::{
    net::TcpListener,
    runtime::Builder,
    time::{sleep, timeout},
};

const MORE: &str = "
  --threads N             how many threads run the connections (as many as there are cores)
  --send                  wait until each reply is written, instead of queueing it and going on";

/// How long a shutdown waits for the connections to end: as long as a closing handshake may take by default.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("echo_tokio: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut send = false;
    let options = Options::from_args("echo_tokio", MORE, |name, args| {
        match name {
            "threads" => threads = parse(args, "--threads", "2")?,
            "send" => send = true,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    // One thread is this one.
    let mut builder = match threads.get() {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(threads.get()).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(serve_all(options, send))
}

async fn serve_all(options: Options, send: bool) -> Result<(), String> {
    let listener = listen::listen(options.listen)?;
    let listener = listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener));
    let listener = listener.map_err(|error| error.to_string())?;

    let mut config = Config::server();
    config.max_message_size = options.max_message;
    config.extensions = options.compression.extensions();
    config.origins = Origins::Any; // an echo holds nothing secret: pages from files and other ports may try it
    let server =
        Arc::new(Server { config: Arc::new(config), options, send, connections: Connections::default() });
    tokio::spawn(shutdown(server.clone()));
    accept_all(listener, &server).await;
    if timeout(GRACE, server.connections.wait()).await.is_err() {
        eprintln!("echo_tokio: not every connection has ended within {GRACE:?}");
    }
    Ok(())
}

/// Waits for the signal to shut down, and has every connection closed. A second signal ends the process.
async fn shutdown(server: Arc<Server>) {
    signal().await;
    if let Some(tasks) = server.connections.shut_down() {
        eprintln!("closing {} connections", tasks.saturating_sub(1)); // one task is `accept_all`
    }
    signal().await;
    std::process::exit(1);
}

/// Ctrl-C, or the signal of a service manager.
async fn signal() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

/// Accepts connections, each with a task of its own, until the server shuts down.
async fn accept_all(listener: TcpListener, server: &Arc<Server>) {
    let entry = Entry::add(server.clone()).await;
    while let Some(accepted) = entry.until_shutdown(pin!(listener.accept())).await {
        match accepted {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    eprintln!("echo_tokio: {peer}: {error}"); // answers are slower without it, but arrive
                }
                tokio::spawn(serve(stream, peer, server.clone()));
            }
            Err(error) => {
                // Most often the process has no file descriptor left: wait until a connection ends.
                eprintln!("echo_tokio: cannot accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
