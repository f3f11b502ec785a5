//! One hostile connection: what it sends, never waiting, and how it comes back when the server has ended it.
use crate::{
    args::Args,
    frame::{self, BINARY, FIN, PING, TEXT},
    sys,
};
use rustix::net::SocketFlags;
use std::{io, net::TcpStream, str::FromStr};

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Pings, and never reads a pong.
    Pings,
    /// Messages, and never reads an echo.
    Echoes,
    /// Messages, each byte by itself, the header's too.
    Header,
    /// A message of fragments without end.
    Fragments,
    /// A message that is declared to be 2^63 bytes long.
    Length,
}

impl FromStr for Kind {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name {
            "pings" => Self::Pings,
            "echoes" => Self::Echoes,
            "header" => Self::Header,
            "fragments" => Self::Fragments,
            "length" => Self::Length,
            _ => return Err("one of pings, echoes, header, fragments, length"),
        })
    }
}

pub struct Attack {
    kind: Kind,
    request: Vec<u8>,
    /// Sent once, and then `body` over and over.
    start: Vec<u8>,
    body: Vec<u8>,
    /// The most to send at once.
    step: usize,
}

impl Attack {
    pub fn new(kind: Kind, request: Vec<u8>) -> Self {
        let (start, body) = match kind {
            Kind::Pings => (Vec::new(), frame::masked(FIN | PING, &[b'p'; 125]).repeat(128)),
            Kind::Echoes => (Vec::new(), frame::masked(FIN | BINARY, &[b'e'; 1024]).repeat(16)),
            Kind::Header => (Vec::new(), frame::masked(FIN | TEXT, &[b'h'; 20])),
            Kind::Fragments => (frame::masked(TEXT, b"f"), frame::masked(0, b"f").repeat(1024)),
            Kind::Length => (frame::masked_header(FIN | BINARY, 1 << 63), vec![b'l'; 16 * 1024]),
        };
        let step = if kind == Kind::Header { 1 } else { body.len() };
        Self { kind, request, start, body, step }
    }
}

pub struct Attacker {
    number: usize,
    stream: TcpStream,
    requested: bool,
    upgraded: bool,
    started: usize,
    position: usize,
    /// Bytes sent, and times that the server ended the connection.
    pub sent: u64,
    pub ended: u64,
}

impl Attacker {
    pub fn new(args: &Args, number: usize) -> io::Result<Self> {
        let stream = connect(args, number)?;
        let (requested, upgraded) = (false, false);
        Ok(Self { number, stream, requested, upgraded, started: 0, position: 0, sent: 0, ended: 0 })
    }

    /// One send, at most, and one receive, unless the attack is not to read.
    pub fn step(&mut self, args: &Args, attack: &Attack, room: &mut [u8]) -> io::Result<()> {
        if self.attack(attack, room).is_err() {
            let again = Self::new(args, self.number)?;
            *self = Self { sent: self.sent, ended: self.ended + 1, ..again };
        }
        Ok(())
    }

    fn attack(&mut self, attack: &Attack, room: &mut [u8]) -> io::Result<()> {
        if !self.requested {
            self.requested = sys::send(&self.stream, &attack.request)?.is_some();
            return Ok(());
        }
        let reads = !matches!(attack.kind, Kind::Pings | Kind::Echoes);
        if reads || !self.upgraded {
            match sys::discard(&self.stream, room)? {
                Some(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(_) => self.upgraded = true,
                None => {}
            }
        }
        if !self.upgraded {
            return Ok(());
        }
        let bytes = match &attack.start[self.started..] {
            [] => &attack.body[self.position..],
            start => start,
        };
        let sent = sys::send(&self.stream, &bytes[..bytes.len().min(attack.step)])?.unwrap_or(0);
        self.sent += sent as u64;
        if self.started < attack.start.len() {
            self.started += sent;
        } else {
            self.position = (self.position + sent) % attack.body.len();
        }
        Ok(())
    }
}

fn connect(args: &Args, number: usize) -> io::Result<TcpStream> {
    sys::connect(args.addr, number % args.sources, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
}
