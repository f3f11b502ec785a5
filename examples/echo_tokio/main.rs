//! An echo server on Tokio, one task a connection; open the address that it prints in a browser.
//!
//! `cargo run --release --example echo_tokio --features tokio -- [--threads N] [--send] [OPTIONS]`, with the options of
//! the `echo` example.
//!
//! Ctrl-C closes every connection with 1001 (going away) and ends the server when all have ended.
mod guest;
mod hall;
#[path = "../echo/listen.rs"]
mod listen;
#[path = "../echo/options.rs"]
mod options;
#[path = "../echo/page.rs"]
mod page;

use guest::{House, host};
use hall::{Hall, Place};
use options::{Options, parse};
use sansocket::Config;
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

/// How long the server waits for its guests to go: twice as long as a closing handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

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
    runtime.map_err(|error| error.to_string())?.block_on(serve(options, send))
}

async fn serve(options: Options, send: bool) -> Result<(), String> {
    let listener = listen::listen(options.listen)?;
    let listener = listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener));
    let listener = listener.map_err(|error| error.to_string())?;

    let mut config = Config::server();
    config.max_message_size = options.max_message;
    config.extensions = options.compression.extensions();
    let house = Arc::new(House { config: Arc::new(config), options, send, hall: Hall::default() });
    tokio::spawn(stop(house.clone()));
    welcome(listener, &house).await;
    let _ = timeout(PATIENCE, house.hall.wait_until_empty()).await;
    Ok(())
}

/// Waits to be asked to stop, and has everyone go; at once, if asked twice.
async fn stop(house: Arc<House>) {
    asked().await;
    if let Some(guests) = house.hall.begin_closing() {
        eprintln!("closing {} connections", guests.saturating_sub(1)); // one is `welcome`
    }
    asked().await;
    std::process::exit(1);
}

/// Ctrl-C, or what a service manager sends.
async fn asked() {
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

/// Takes in whoever comes, until the server goes.
async fn welcome(listener: TcpListener, house: &Arc<House>) {
    let place = Place::enter(house.clone()).await;
    while let Some(accepted) = place.unless_closing(pin!(listener.accept())).await {
        match accepted {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true); // a reply is not to wait for the next
                tokio::spawn(host(stream, peer, house.clone()));
            }
            Err(error) => {
                // Out of descriptors, most often: others will end, so go on in a moment.
                eprintln!("echo_tokio: cannot accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
