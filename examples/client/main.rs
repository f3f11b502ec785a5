//! A small client: lines of standard input go out as text, messages that come are printed.
//!
//! `cargo run --release --example client -- [--echo] [--deflate] [--max-message BYTES] URL`
//!
//! `/ping` sends a ping, `/close CODE REASON` closes. With `--echo` it sends back every message until the
//! connection has ended. Exit status: 0 clean, 2 handshake refused, 3 the peer broke the protocol,
//! 4 a deadline passed, 1 anything else.
#[path = "../echo/deflate.rs"]
mod deflate;
mod verdict;

use deflate::{Compression, parse};
use sansocket::{
    CloseCode, CloseFrame, Closed, Config, Error,
    blocking::{self, Receiver, Sender, WebSocket},
    handshake::{ClientRequest, HandshakeError},
};
use std::{io, net::TcpStream, process::ExitCode, thread};
use verdict::Verdict;

const USAGE: &str = "usage: client [OPTIONS] URL

Sends lines of standard input as text, prints the messages that come.
/ping sends a ping, /close CODE REASON closes.

  --echo                  send back every message instead
  --max-message BYTES     the longest message accepted (16777216)";

const EXAMPLE: &str = "as in: client ws://127.0.0.1:9001";

struct Options {
    url: String,
    echo: bool,
    config: Config,
}

fn main() -> ExitCode {
    let verdict = match options().map_err(Verdict::usage).and_then(run) {
        Ok(closed) => Verdict::of_end(&closed),
        Err(verdict) => verdict,
    };
    if let Some(message) = verdict.message {
        eprintln!("client: {message}");
    }
    ExitCode::from(verdict.status)
}

fn options() -> Result<Options, String> {
    use lexopt::prelude::*;
    let usage = format!("{USAGE}{}\n\n{EXAMPLE}", deflate::HELP);
    let mut options = Options { url: String::new(), echo: false, config: Config::client() };
    let mut compression = Compression::default();
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next().map_err(|error| error.to_string())? {
        match arg {
            Long("echo") => options.echo = true,
            Long("max-message") => {
                options.config.max_message_size = parse(&mut args, "--max-message", "16777216")?;
            }
            Long("help") | Short('h') => {
                println!("{usage}");
                std::process::exit(0);
            }
            Value(url) if options.url.is_empty() => options.url = url.to_string_lossy().into_owned(),
            other => {
                let name = if let Long(name) = other { name.to_owned() } else { String::new() };
                let unexpected = other.unexpected();
                if !compression.take(&name, &mut args)? {
                    return Err(format!("{unexpected}\n{usage}"));
                }
            }
        }
    }
    options.config.extensions = compression.extensions();
    if options.url.is_empty() { Err(format!("no URL given\n{usage}")) } else { Ok(options) }
}

fn run(options: Options) -> Result<Closed, Verdict> {
    let request =
        ClientRequest::try_from(options.url.as_str()).map_err(HandshakeError::from).map_err(Error::from)?;
    let compresses = !options.config.extensions.is_empty();
    let (socket, _) = blocking::connect_with(request, options.config)?;
    if let Some(extension) = socket.extension() {
        eprintln!("with {extension}");
    } else if compresses {
        eprintln!("the server does not compress");
    }
    if options.echo { echo(socket) } else { talk(socket) }
}

/// Sends back every message, until the end.
fn echo(mut socket: WebSocket<TcpStream>) -> Result<Closed, Verdict> {
    while let Some((message, mut reply)) = socket.recv_ref()? {
        reply.feed(message).map_err(Error::from)?;
    }
    socket.closed().cloned().ok_or_else(|| Verdict::other("the connection has not ended"))
}

/// One thread reads lines, this one receives.
fn talk(socket: WebSocket<TcpStream>) -> Result<Closed, Verdict> {
    let (sender, mut receiver) = socket.split();
    eprintln!("connected; lines are sent as text, /ping and /close CODE REASON work too");
    thread::spawn(move || {
        if let Err(error) = send_lines(&sender) {
            eprintln!("client: {error}");
            let _ = sender.close(CloseCode::NORMAL); // it may be closing already
        }
    });
    receive(&mut receiver)
}

fn receive(receiver: &mut Receiver<TcpStream>) -> Result<Closed, Verdict> {
    while let Some(message) = receiver.recv_ref()? {
        match message.as_str() {
            Some(text) => println!("{}", printable(text)),
            None => println!("({} bytes)", message.len()),
        }
    }
    receiver.closed().cloned().ok_or_else(|| Verdict::other("the connection has not ended"))
}

/// A message may say anything to the terminal, so it is not let speak to it.
fn printable(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

fn send_lines(sender: &Sender<TcpStream>) -> Result<(), Error> {
    for line in io::stdin().lines() {
        let line = line?;
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("/ping", payload) => sender.ping(payload)?,
            ("/close", rest) => match close_frame(rest) {
                Ok(frame) => return sender.close(frame),
                Err(why) => eprintln!("client: {why}; it works like this: /close 1000 done"),
            },
            _ => sender.send(line)?,
        }
    }
    sender.close(CloseCode::NORMAL)
}

fn close_frame(text: &str) -> Result<Option<CloseFrame>, String> {
    let (code, reason) = text.split_once(' ').unwrap_or((text, ""));
    if code.is_empty() {
        return Ok(None);
    }
    let number: u16 = code.parse().map_err(|_| format!("{code} is not a close code"))?;
    let code = CloseCode::try_from(number).map_err(|error| error.to_string())?;
    Ok(Some(CloseFrame::truncate(code, reason)))
}
