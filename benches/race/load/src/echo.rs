//! Every connection keeps messages in flight, as many as `--depth` says.
use crate::{
    args::Args,
    client::{self, Inbox, Reply},
    histogram::Histogram,
    messages::Messages,
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

/// Of so many replies on a connection one is compared, where they are read; a prime, so that each message has
/// its turn.
const SAMPLED: usize = 61;

/// What is known of the replies before the race.
struct Replies {
    /// How long all of them are, or `None` where they differ.
    fixed: Option<usize>,
    /// Their bytes on average, with headers and without.
    wire: f64,
    payload: f64,
}

struct Conn {
    stream: TcpStream,
    /// The message to be sent next, and the one whose reply comes next.
    next: usize,
    answered: usize,
    /// Bytes to be sent, and where the next one lies.
    unsent: usize,
    position: usize,
    full: bool,
    /// Bytes of a reply that is not complete: how many where all are as long, or else themselves.
    partial: usize,
    inbox: Inbox,
    in_flight: usize,
    /// When a message was sent, and how many replies come before its own.
    timed: Option<(Instant, usize)>,
}

struct Race<'a> {
    args: &'a Args,
    messages: Messages,
    replies: Replies,
    epoll: Epoll,
    conns: Vec<Conn>,
    timed: usize,
    done: u64,
    in_flight: usize,
    latency: Histogram,
    /// Replies to be compared when the race is over, with the numbers of their messages.
    samples: Vec<(usize, Reply)>,
    room: Vec<u8>,
}

pub fn run(args: &Args) -> io::Result<()> {
    let (streams, agreed) = client::open(args, args.conns)?;
    client::expect_compression(args, &agreed)?;
    if args.deflate && !agreed.contains("server_no_context_takeover") {
        return Err(Error::other("the server does not compress each reply by itself"));
    }
    let messages = Messages::new(args, args.size)?;
    let replies = Replies::of(&messages, &streams, args)?;
    let mut race = Race::new(args, messages, replies, streams)?;
    race.start()?;
    race.run_for(args.warmup)?;
    race.latency = Histogram::new();
    let before = race.done;
    let stretch = Stretch::begin(args)?;
    race.run_for(args.secs)?;
    let report = stretch.end(args, race.done - before)?;
    race.drain()?;
    for (number, conn) in race.conns.iter().enumerate() {
        race.messages.check(number, &conn.stream)?;
    }
    for (number, reply) in &race.samples {
        race.messages.compare(*number, reply)?;
    }
    report
        .number("messages", race.done as f64)
        .number("reply_bytes", race.replies.wire)
        .number("answer_bytes", race.replies.payload)
        .number("p50_us", race.latency.quantile(0.5))
        .number("p99_us", race.latency.quantile(0.99))
        .text("agreed", &agreed)
        .print();
    Ok(())
}

impl Replies {
    /// Sends each message at least once, and one on each connection.
    fn of(messages: &Messages, streams: &[TcpStream], args: &Args) -> io::Result<Self> {
        let count = messages.len().max(streams.len());
        let (mut wires, mut payload) = (Vec::with_capacity(count), 0);
        for (number, stream) in (0..count).zip(streams.iter().cycle()) {
            let reply = messages.check(number, stream)?;
            wires.push(reply.wire);
            payload += reply.payload.len();
        }
        let same = !args.deflate && wires.iter().all(|wire| *wire == wires[0]);
        Ok(Self {
            fixed: same.then_some(wires[0]),
            wire: wires.iter().sum::<usize>() as f64 / count as f64,
            payload: payload as f64 / count as f64,
        })
    }
}

impl Conn {
    /// Begins with that message.
    fn new(stream: TcpStream, number: usize, messages: &Messages) -> Self {
        Self {
            stream,
            next: number,
            answered: number,
            unsent: 0,
            position: messages.position(number),
            full: false,
            partial: 0,
            inbox: Inbox::default(),
            in_flight: 0,
            timed: None,
        }
    }

    fn queue(&mut self, count: usize, messages: &Messages) {
        self.unsent += messages.bytes(self.next, count);
        self.next += count;
        self.in_flight += count;
    }

    /// Sends what is queued, and watches for room if there was too little.
    fn flush(&mut self, number: usize, messages: &Messages, epoll: &Epoll) -> io::Result<()> {
        let mut full = false;
        while self.unsent > 0 && !full {
            let bytes = messages.from(self.position);
            match sys::send(&self.stream, &bytes[..self.unsent.min(bytes.len())])? {
                Some(sent) => {
                    self.unsent -= sent;
                    self.position = messages.advance(self.position, sent);
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
    fn receive(
        &mut self,
        fixed: Option<usize>,
        room: &mut [u8],
        samples: &mut Vec<(usize, Reply)>,
    ) -> io::Result<usize> {
        let count = match fixed {
            Some(_) => sys::discard(&self.stream, room)?,
            None => sys::recv(&self.stream, room)?,
        };
        let replies = match (count, fixed) {
            (None, _) => return Ok(0),
            (Some(0), _) => return Err(Error::other("the server closed a connection")),
            (Some(count), Some(length)) => {
                let bytes = self.partial + count;
                self.partial = bytes % length;
                bytes / length
            }
            (Some(count), None) => self.read(&room[..count], samples)?,
        };
        self.in_flight =
            self.in_flight.checked_sub(replies).ok_or(Error::other("more came back than was sent"))?;
        Ok(replies)
    }

    fn read(&mut self, bytes: &[u8], samples: &mut Vec<(usize, Reply)>) -> io::Result<usize> {
        let before = self.answered;
        self.inbox.push(bytes);
        while let Some(reply) = self.inbox.pop()? {
            if self.answered.is_multiple_of(SAMPLED) {
                samples.push((self.answered, reply));
            }
            self.answered += 1;
        }
        Ok(self.answered - before)
    }
}

impl<'a> Race<'a> {
    fn new(
        args: &'a Args,
        messages: Messages,
        replies: Replies,
        streams: Vec<TcpStream>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        for (number, stream) in streams.iter().enumerate() {
            stream.set_nonblocking(true)?;
            epoll.add(stream, number, IN)?;
        }
        let conns = streams.into_iter().enumerate();
        Ok(Self {
            args,
            epoll,
            timed: (args.conns / TIMED).max(1),
            conns: conns.map(|(number, stream)| Conn::new(stream, number, &messages)).collect(),
            messages,
            replies,
            done: 0,
            in_flight: 0,
            latency: Histogram::new(),
            samples: Vec::new(),
            room: vec![0; 4 << 20],
        })
    }

    fn start(&mut self) -> io::Result<()> {
        for (number, conn) in self.conns.iter_mut().enumerate() {
            conn.queue(self.args.depth, &self.messages);
            self.in_flight += self.args.depth;
            conn.flush(number, &self.messages, &self.epoll)?;
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
                let replies = conn.receive(self.replies.fixed, &mut self.room, &mut self.samples)?;
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
                    conn.queue(replies, &self.messages);
                    self.in_flight += replies;
                }
            }
            if conn.unsent > 0 || conn.full {
                conn.flush(number, &self.messages, &self.epoll)?;
            }
        }
        Ok(())
    }
}
