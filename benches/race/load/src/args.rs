//! The command line.
use crate::{attacker::Kind, server::Server};
use lexopt::prelude::*;
use std::{net::SocketAddrV4, time::Duration};

const USAGE: &str = "usage: race-load echo|idle|churn|flood [OPTIONS]

  echo   every connection keeps messages in flight: CPU time of the server, messages per second, latency
  idle   memory per connection that does nothing
  churn  connect, upgrade, close: connections per second
  flood  hostile connections, and what another client feels of them

  --addr IP:PORT   the server (127.0.0.1:9001)
  --pid PID        its process: its CPU time and memory are reported
  --conns N        connections; churn: at once; flood: hostile ones (32)
  --sources N      addresses to connect from, 127.0.0.1 and up (one for each 20,000 connections)
  --secs S         how long to measure (2)
  --warmup S       how long to run before (0.5)
  --size BYTES     the length of a message (20)
  --depth N        echo: messages in flight on each connection (1)
  --count N        echo: stop after about N messages (never)
  --binary         echo: binary messages instead of text
  --payload KIND   ascii, utf8, random or json, which differs from one to the next (ascii)
  --deflate        echo, idle: offer permessage-deflate and send compressed messages
  --takeover       idle: offer it with context takeover
  --touch BYTES    idle: echo one message of that length on each connection (0: none)
  --hold           idle: keep the connections, with pings answered, until standard input ends
  --kind KIND      flood: pings, echoes, header, fragments or length";

pub enum Command {
    Echo,
    Idle,
    Churn,
    Flood(Kind),
}

pub struct Args {
    pub command: Command,
    pub addr: SocketAddrV4,
    pub server: Option<Server>,
    pub conns: usize,
    pub sources: usize,
    pub secs: Duration,
    pub warmup: Duration,
    pub size: usize,
    pub depth: usize,
    pub count: u64,
    pub binary: bool,
    pub payload: String,
    pub deflate: bool,
    pub takeover: bool,
    pub touch: usize,
    pub hold: bool,
}

impl Args {
    /// Ends the program if the command line makes no sense.
    pub fn from_env() -> Self {
        Self::parse().unwrap_or_else(|error| {
            eprintln!("race-load: {error}\n{USAGE}");
            std::process::exit(2)
        })
    }

    fn parse() -> Result<Self, lexopt::Error> {
        let mut args = Self {
            command: Command::Echo,
            addr: "127.0.0.1:9001".parse().unwrap(),
            server: None,
            conns: 32,
            sources: 0,
            secs: Duration::from_secs(2),
            warmup: Duration::from_millis(500),
            size: 20,
            depth: 1,
            count: u64::MAX,
            binary: false,
            payload: "ascii".into(),
            deflate: false,
            takeover: false,
            touch: 0,
            hold: false,
        };
        let (mut command, mut kind) = (String::new(), Kind::Pings);
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Value(name) if command.is_empty() => command = name.string()?,
                Long("addr") => args.addr = parser.value()?.parse()?,
                Long("pid") => args.server = Some(Server { pid: parser.value()?.parse()? }),
                Long("conns") => args.conns = parser.value()?.parse()?,
                Long("sources") => args.sources = parser.value()?.parse()?,
                Long("secs") => args.secs = parser.value()?.parse_with(seconds)?,
                Long("warmup") => args.warmup = parser.value()?.parse_with(seconds)?,
                Long("size") => args.size = parser.value()?.parse()?,
                Long("depth") => args.depth = parser.value()?.parse()?,
                Long("count") => args.count = parser.value()?.parse()?,
                Long("binary") => args.binary = true,
                Long("payload") => args.payload = parser.value()?.string()?,
                Long("deflate") => args.deflate = true,
                Long("takeover") => args.takeover = true,
                Long("touch") => args.touch = parser.value()?.parse()?,
                Long("hold") => args.hold = true,
                Long("kind") => kind = parser.value()?.parse()?,
                Long("help") => {
                    println!("{USAGE}");
                    std::process::exit(0);
                }
                other => return Err(other.unexpected()),
            }
        }
        args.command = match command.as_str() {
            "echo" => Command::Echo,
            "idle" => Command::Idle,
            "churn" => Command::Churn,
            "flood" => Command::Flood(kind),
            _ => return Err("one of echo, idle, churn, flood has to be named".into()),
        };
        if args.conns == 0 || args.depth == 0 || args.size == 0 {
            return Err("--conns, --depth and --size are at least 1".into());
        }
        if args.sources == 0 {
            args.sources = 1 + args.conns / 20_000;
        }
        Ok(args)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| format!("{text} is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
