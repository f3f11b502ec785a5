//! The messages that are sent, made beforehand: one, or many that differ from each other and take turns.
use crate::{
    args::Args,
    client::{self, Reply},
    frame::{self, BINARY, FIN, RSV1, TEXT},
    payload::{compress, decompress, payload},
};
use std::{
    borrow::Cow,
    io::{self, Error},
    net::TcpStream,
};

/// How many there are where they differ.
const DIFFERENT: u64 = 64;

/// Messages are numbered without end.
pub struct Messages {
    opcode: u8,
    payloads: Vec<Vec<u8>>,
    /// Where each frame begins, and at last where the first one comes again.
    begins: Vec<usize>,
    /// Frames back to back, enough to send what is in flight at once, whichever comes first.
    frames: Vec<u8>,
}

impl Messages {
    pub fn new(args: &Args, size: usize) -> io::Result<Self> {
        let opcode = if args.binary { BINARY } else { TEXT };
        let seeds = if args.payload == "json" { DIFFERENT } else { 1 };
        let mut payloads = Vec::new();
        let (mut begins, mut frames) = (vec![0], Vec::new());
        for seed in 0..seeds {
            let payload = payload(&args.payload, size, seed)?;
            frames.extend(match args.deflate {
                true => frame::masked(FIN | RSV1 | opcode, &compress(&payload)),
                false => frame::masked(FIN | opcode, &payload),
            });
            begins.push(frames.len());
            payloads.push(payload);
        }
        let mut messages = Self { opcode, payloads, begins, frames };
        let once_more = (args.depth - 1).min((1 << 20) / messages.frame(0).len());
        for number in 0..once_more {
            messages.frames.extend_from_within(messages.range(number));
        }
        Ok(messages)
    }

    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    fn range(&self, number: usize) -> std::ops::Range<usize> {
        let number = number % self.len();
        self.begins[number]..self.begins[number + 1]
    }

    pub fn frame(&self, number: usize) -> &[u8] {
        &self.frames[self.range(number)]
    }

    fn period(&self) -> usize {
        self.begins[self.len()]
    }

    /// Where a message's frame begins in what `from` tells.
    pub fn position(&self, number: usize) -> usize {
        self.begins[number % self.len()]
    }

    /// How long so many frames are, from that message on.
    pub fn bytes(&self, from: usize, count: usize) -> usize {
        let (from, to) = (from % self.len(), from % self.len() + count);
        to / self.len() * self.period() + self.begins[to % self.len()] - self.begins[from]
    }

    /// The bytes to send at a position, not all of them.
    pub fn from(&self, position: usize) -> &[u8] {
        &self.frames[position..]
    }

    pub fn advance(&self, position: usize, count: usize) -> usize {
        (position + count) % self.period()
    }

    /// Sends one and compares its reply.
    pub fn check(&self, number: usize, stream: &TcpStream) -> io::Result<Reply> {
        let reply = client::echo(stream, self.frame(number))?;
        self.compare(number, &reply)?;
        Ok(reply)
    }

    /// Fails if the reply does not say what was sent. A compressed one has to stand alone.
    pub fn compare(&self, number: usize, reply: &Reply) -> io::Result<()> {
        let sent = &self.payloads[number % self.len()];
        let received = match reply.first & RSV1 {
            0 => Cow::Borrowed(&reply.payload),
            _ => Cow::Owned(decompress(&reply.payload, sent.len())?),
        };
        match *received == *sent && reply.first & 0x0f == self.opcode {
            true => Ok(()),
            false => Err(Error::other("the reply is not what was sent")),
        }
    }
}
