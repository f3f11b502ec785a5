//! Every connection keeps messages in flight, as many as `--depth` says.
use crate::{
    args::Args,
    client,
    frame::{self, BINARY, FIN, RSV1, TEXT, Walker},
    histogram::Histogram,
    payload::{compress, decompress, payload},
    report::Stretch,
    sys::{self, Epoll, IN, OUT},
};
use rustix::event::epoll::Event;
use std::{
    io::{self, Error},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Connections whose latency is taken: a clock read for each message would cost as much as the rest.
const TIMED: usize = 8;

/// A message, and what is known of its replies.
struct Message {
    payload: Vec<u8>,
    frame: Vec<u8>,
    first: u8,
    /// Frames back to back, to be sent at once.
    batch: Vec<u8>,
    reply: usize,
    /// Whether all replies are as long as `reply`; they are not where compression remembers.
    fixed: bool,
}

struct Conn {
    stream: TcpStream,
    /// Bytes to be sent, and where in the batch the next one lies.
    unsent: usize,
    position: usize,
    full: bool,
    /// Bytes of a reply that is not complete.
    partial: usize,
    walker: Walker,
    in_flight: usize,
    /// When a message was sent, and how many replies come before its own.
    timed: Option<(Instant, usize)>,
}

struct Race<'a> {
    args: &'a Args,
    message: Message,
    epoll: Epoll,
    conns: Vec<Conn>,
    timed: usize,
    done: u64,
    in_flight: usize,
    latency: Histogram,
    room: Vec<u8>,
}

pub fn run(args: &Args) -> io::Result<()> {
    let (streams, extensions) = client::open(args, args.conns)?;
    if args.deflate && !extensions.contains("permessage-deflate") {
        return Err(Error::other("the server does not compress"));
    }
    let mut message = Message::new(args)?;
    for stream in &streams {
        let wire = message.check(stream)?;
        message.fixed &= message.reply == 0 || message.reply == wire;
        message.reply = wire;
    }
    let mut race = Race::new(args, message, streams)?;
    race.start()?;
    race.run_for(args.warmup)?;
    race.latency = Histogram::new();
    let before = race.done;
    let stretch = Stretch::begin(args)?;
    race.run_for(args.secs)?;
    let report = stretch.end(args, race.done - before)?;
    race.drain()?;
    if !extensions.contains("permessage-deflate") || extensions.contains("server_no_context_takeover") {
        for conn in &race.conns {
            race.message.check(&conn.stream)?;
        }
    }
    report
        .number("messages", race.done as f64)
        .number("reply_bytes", race.message.reply as f64)
        .number("p50_us", race.latency.quantile(0.5))
        .number("p99_us", race.latency.quantile(0.99))
        .print();
    Ok(())
}

impl Message {
    fn new(args: &Args) -> io::Result<Self> {
        let payload = payload(&args.payload, args.size)?;
        let first = FIN | if args.binary { BINARY } else { TEXT };
        let frame = match args.deflate {
            true => frame::masked(first | RSV1, &compress(&payload)),
            false => frame::masked(first, &payload),
        };
        let copies = args.depth.min((1 << 20) / frame.len() + 1);
        let batch = frame.repeat(copies);
        Ok(Self { payload, frame, first, batch, reply: 0, fixed: !args.deflate })
    }

    /// Sends one, and tells how many bytes its reply took if it says the same.
    fn check(&self, stream: &TcpStream) -> io::Result<usize> {
        let mut reply = client::echo(stream, &self.frame)?;
        if reply.first & RSV1 != 0 {
            reply.payload = decompress(&reply.payload, self.payload.len())?;
        }
        if reply.payload != self.payload || reply.first & 0x0f != self.first & 0x0f {
            return Err(Error::other("the reply is not what was sent"));
        }
        Ok(reply.wire)
    }
}

impl Conn {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            unsent: 0,
            position: 0,
            full: false,
            partial: 0,
            walker: Walker::default(),
            in_flight: 0,
            timed: None,
        }
    }

    fn queue(&mut self, count: usize, message: &Message) {
        self.unsent += count * message.frame.len();
        self.in_flight += count;
    }

    /// Sends what is queued, and watches for room if there was too little.
    fn flush(&mut self, number: usize, message: &Message, epoll: &Epoll) -> io::Result<()> {
        let mut full = false;
        while self.unsent > 0 && !full {
            let count = self.unsent.min(message.batch.len() - self.position);
            match sys::send(&self.stream, &message.batch[self.position..][..count])? {
                Some(sent) => {
                    self.unsent -= sent;
                    self.position = (self.position + sent) % message.frame.len();
                }
                None => full = true,
            }
        }
        if full != self.full {
            self.full = full;
            epoll.modify(&self.stream, number, if full { IN | OUT } else { IN })?;
        }
        Ok(())
    }

    /// Reads what is there; tells how many replies are complete with it.
    fn receive(&mut self, message: &Message, room: &mut [u8]) -> io::Result<usize> {
        let count = match message.fixed {
            true => sys::discard(&self.stream, room)?,
            false => sys::recv(&self.stream, room)?,
        };
        let replies = match count {
            None => return Ok(0),
            Some(0) => return Err(Error::other("the server closed a connection")),
            Some(count) if message.fixed => {
                let bytes = self.partial + count;
                self.partial = bytes % message.reply;
                bytes / message.reply
            }
            Some(count) => self.walker.messages_in(&room[..count])?,
        };
        self.in_flight =
            self.in_flight.checked_sub(replies).ok_or(Error::other("more came back than was sent"))?;
        Ok(replies)
    }
}

impl<'a> Race<'a> {
    fn new(args: &'a Args, message: Message, streams: Vec<TcpStream>) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        for (number, stream) in streams.iter().enumerate() {
            stream.set_nonblocking(true)?;
            epoll.add(stream, number, IN)?;
        }
        Ok(Self {
            args,
            message,
            epoll,
            timed: (args.conns / TIMED).max(1),
            conns: streams.into_iter().map(Conn::new).collect(),
            done: 0,
            in_flight: 0,
            latency: Histogram::new(),
            room: vec![0; 4 << 20],
        })
    }

    fn start(&mut self) -> io::Result<()> {
        for (number, conn) in self.conns.iter_mut().enumerate() {
            conn.queue(self.args.depth, &self.message);
            self.in_flight += self.args.depth;
            conn.flush(number, &self.message, &self.epoll)?;
        }
        Ok(())
    }

    fn run_for(&mut self, time: Duration) -> io::Result<()> {
        let mut ready = Vec::with_capacity(1024);
        let begun = Instant::now();
        while begun.elapsed() < time && self.done < self.args.count {
            self.turn(&mut ready, true)?;
        }
        Ok(())
    }

    /// Waits for all that is in flight.
    fn drain(&mut self) -> io::Result<()> {
        let mut ready = Vec::with_capacity(1024);
        let begun = Instant::now();
        while self.in_flight > 0 {
            self.turn(&mut ready, false)?;
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(Error::other("replies are missing"));
            }
        }
        Ok(())
    }

    fn turn(&mut self, ready: &mut Vec<Event>, sending: bool) -> io::Result<()> {
        self.epoll.wait(ready)?;
        for event in ready.iter() {
            let number = event.data.u64() as usize;
            let conn = &mut self.conns[number];
            let flags = event.flags;
            if flags != OUT {
                let replies = conn.receive(&self.message, &mut self.room)?;
                self.done += replies as u64;
                self.in_flight -= replies;
                if number.is_multiple_of(self.timed) {
                    match &mut conn.timed {
                        Some((_, before)) if *before > replies => *before -= replies,
                        timed if replies > 0 => {
                            let now = Instant::now();
                            if let Some((sent, _)) = timed {
                                self.latency.add(now - *sent);
                            }
                            *timed = Some((now, conn.in_flight + replies));
                        }
                        _ => {}
                    }
                }
                // At most one read more than `--count`.
                if sending && self.done + (self.in_flight as u64) < self.args.count {
                    conn.queue(replies, &self.message);
                    self.in_flight += replies;
                }
            }
            if conn.unsent > 0 || conn.full {
                conn.flush(number, &self.message, &self.epoll)?;
            }
        }
        Ok(())
    }
}
