//! The blocking part of a connection: its handshake, and one message there and back.
use crate::{
    args::Args,
    frame::{self, CLOSE, FIN},
    sys,
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::SocketFlags,
};
use std::{
    io::{self, Error, Read, Write},
    mem,
    net::TcpStream,
    time::{Duration, Instant},
};

/// Connections whose handshakes are under way at the same time.
const AT_ONCE: usize = 64;

const PATIENCE: Duration = Duration::from_secs(20);

pub fn request(args: &Args) -> Vec<u8> {
    let parameters =
        if args.takeover { "" } else { "; server_no_context_takeover; client_no_context_takeover" };
    let extensions = match args.deflate {
        true => format!("Sec-WebSocket-Extensions: permessage-deflate{parameters}\r\n"),
        false => String::new(),
    };
    format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n",
        args.addr
    )
    .into_bytes()
}

/// Opens that many connections; tells the extensions that the server has agreed to.
pub fn open(args: &Args, count: usize) -> io::Result<(Vec<TcpStream>, String)> {
    let request = request(args);
    let (mut streams, mut extensions) = (Vec::with_capacity(count), String::new());
    while streams.len() < count {
        let opened = streams.len();
        for number in opened..count.min(opened + AT_ONCE) {
            let mut stream = sys::connect(args.addr, number % args.sources, SocketFlags::CLOEXEC)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(&request)?;
            streams.push(stream);
        }
        for stream in &mut streams[opened..] {
            extensions = upgraded(stream)?;
        }
    }
    Ok((streams, extensions))
}

fn upgraded(stream: &mut TcpStream) -> io::Result<String> {
    let (mut head, mut chunk) = (Vec::with_capacity(512), [0; 512]);
    while !head.ends_with(b"\r\n\r\n") {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err(Error::other("closed during the handshake"));
        }
        head.extend_from_slice(&chunk[..count]);
    }
    let head = String::from_utf8_lossy(&head);
    if !head.starts_with("HTTP/1.1 101") {
        return Err(Error::other(format!("refused: {head}")));
    }
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let extensions = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"));
    Ok(extensions.map_or(String::new(), |(_, value)| value.trim().to_owned()))
}

/// Fails if compression is wanted and the server has not agreed to it.
pub fn expect_compression(args: &Args, agreed: &str) -> io::Result<()> {
    match !args.deflate || agreed.contains("permessage-deflate") {
        true => Ok(()),
        false => Err(Error::other("the server does not compress")),
    }
}

#[derive(Default)]
pub struct Reply {
    /// The first byte of its first frame.
    pub first: u8,
    pub payload: Vec<u8>,
    /// Its bytes with headers.
    pub wire: usize,
}

/// Finds replies in what is received, wherever reads cut it.
#[derive(Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// What is there of the next one.
    reply: Reply,
}

impl Inbox {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn pop(&mut self) -> io::Result<Option<Reply>> {
        while let Some((head, length, first)) = frame::header(&self.bytes)
            && self.bytes.len() >= head + length as usize
        {
            if first & 0x0f >= CLOSE {
                return Err(Error::other(format!("a control frame, 0x{first:02x}")));
            }
            let end = head + length as usize;
            if self.reply.wire == 0 {
                self.reply.first = first;
            }
            self.reply.wire += end;
            self.reply.payload.extend_from_slice(&self.bytes[head..end]);
            self.bytes.drain(..end);
            if first & FIN != 0 {
                return Ok(Some(mem::take(&mut self.reply)));
            }
        }
        Ok(None)
    }
}

/// Sends one frame and waits for the message that answers it. A long frame is read back while it is sent, as
/// it does not fit into the buffers on its way.
pub fn echo(stream: &TcpStream, request: &[u8]) -> io::Result<Reply> {
    let (mut sent, mut inbox, mut chunk) = (0, Inbox::default(), vec![0; 256 * 1024]);
    let begun = Instant::now();
    loop {
        if sent < request.len() {
            sent += sys::send(stream, &request[sent..])?.unwrap_or(0);
        }
        match sys::recv(stream, &mut chunk)? {
            Some(0) => return Err(Error::other("the server closed a connection")),
            Some(count) => inbox.push(&chunk[..count]),
            None => {
                let out = if sent < request.len() { PollFlags::OUT } else { PollFlags::empty() };
                let second = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
                poll(&mut [PollFd::new(stream, PollFlags::IN | out)], Some(&second))?;
            }
        }
        if let Some(reply) = inbox.pop()? {
            return if inbox.bytes.is_empty() { Ok(reply) } else { Err(Error::other("more than a reply")) };
        }
        if begun.elapsed() > PATIENCE {
            return Err(Error::other("no reply within 20 s"));
        }
    }
}
