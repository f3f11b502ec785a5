//! The client that the Autobahn testsuite's fuzzing server tests: it echoes each case, then asks for the reports.
//!
//! `cargo run --release --example autobahn_client -- --url URL --agent NAME [--deflate]`
#[path = "echo/deflate.rs"]
mod deflate;

use deflate::Compression;
use sansocket::{
    Config, Error,
    blocking::{self, WebSocket},
    handshake::{ClientRequest, HandshakeError},
};
use std::{net::TcpStream, process::ExitCode, sync::Arc};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("autobahn_client: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    use lexopt::prelude::*;
    let (mut url, mut agent) = ("ws://127.0.0.1:9001".to_owned(), "sansocket".to_owned());
    let mut compression = Compression::default();
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next().map_err(|error| error.to_string())? {
        let option = match arg {
            Long("url") => &mut url,
            Long("agent") => &mut agent,
            other => {
                let name = if let Long(name) = other { name.to_owned() } else { String::new() };
                let unexpected = other.unexpected();
                if compression.take(&name, &mut args)? {
                    continue;
                }
                return Err(format!(
                    "{unexpected}; usage: autobahn_client --url URL --agent NAME [OPTIONS]\n{}",
                    deflate::HELP
                ));
            }
        };
        *option = args.value().map_err(|error| error.to_string())?.to_string_lossy().into_owned();
    }
    let mut config = Config::client();
    config.max_message_size = 64 << 20;
    config.extensions = compression.extensions();
    let config = Arc::new(config);
    let connect = |path: String| connect(&format!("{url}{path}"), &config).map_err(|error| error.to_string());

    let count = connect("/getCaseCount".into())?.recv().map_err(|error| error.to_string())?;
    let count = count.as_ref().and_then(|count| count.as_str()?.parse::<u32>().ok());
    let count = count.ok_or("the server did not say how many cases there are")?;
    for case in 1..=count {
        if case % 50 == 1 {
            println!("case {case} of {count}");
        }
        // How a case ends is for the testsuite to judge: many of them break the protocol.
        let _ = echo(connect(format!("/runCase?case={case}&agent={agent}"))?);
    }
    println!("{count} cases");
    let _ = connect(format!("/updateReports?agent={agent}"))?.recv();
    Ok(())
}

fn connect(url: &str, config: &Arc<Config>) -> Result<WebSocket<TcpStream>, Error> {
    let request = ClientRequest::try_from(url).map_err(HandshakeError::from)?;
    Ok(blocking::connect_with(request, config.clone())?.0)
}

fn echo(mut socket: WebSocket<TcpStream>) -> Result<(), Error> {
    while let Some((message, mut reply)) = socket.recv_ref()? {
        reply.feed(message)?;
    }
    Ok(())
}
