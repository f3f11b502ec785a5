//! Hostile connections, and what another client feels of them: late echoes; and the server's memory.
use crate::{
    args::Args,
    attacker::{Attack, Attacker, Kind},
    client,
    frame::{self, FIN, TEXT},
    histogram::Histogram,
    report::Report,
    sys,
};
use std::{
    io::{self, Error},
    net::TcpStream,
    time::{Duration, Instant},
};

/// The other client: one message in flight, always.
struct Client {
    stream: TcpStream,
    frame: Vec<u8>,
    reply: usize,
    sent: Instant,
    received: usize,
    latency: Histogram,
    longest: Duration,
}

pub fn run(args: &Args, kind: Kind) -> io::Result<()> {
    let server = args.server.ok_or(Error::other("flood needs --pid"))?;
    let mut client = Client::new(args)?;
    let mut room = vec![0; 1 << 20];

    let begun = Instant::now();
    while begun.elapsed() < args.warmup {
        client.step(&mut room)?;
    }
    let calm = std::mem::replace(&mut client.latency, Histogram::new());
    client.longest = Duration::ZERO;
    let before = server.memory()?;

    let attack = Attack::new(kind, client::request(args));
    let mut attackers: Vec<_> =
        (0..args.conns).map(|number| Attacker::new(args, number)).collect::<io::Result<_>>()?;
    let (begun, mut looked, mut most) = (Instant::now(), Instant::now(), before);
    while begun.elapsed() < args.secs {
        for attacker in &mut attackers {
            attacker.step(args, &attack, &mut room)?;
            // Looked at after every step, so that its time is the server's and not this loop's.
            client.step(&mut room)?;
        }
        if looked.elapsed() > Duration::from_millis(50) {
            looked = Instant::now();
            most = most.max(server.memory()?);
        }
    }
    // One that waits for its reply still has been waiting that long.
    client.longest = client.longest.max(client.sent.elapsed());
    let sent: u64 = attackers.iter().map(|attacker| attacker.sent).sum();
    let ended: u64 = attackers.iter().map(|attacker| attacker.ended).sum();
    drop(attackers);
    Report::default()
        .number("attackers", args.conns as f64)
        .number("sent_mib", sent as f64 / (1 << 20) as f64)
        .number("ended", ended as f64)
        .number("calm_p99_us", calm.quantile(0.99))
        .number("echoes", client.latency.total() as f64)
        .number("p50_us", client.latency.quantile(0.5))
        .number("p99_us", client.latency.quantile(0.99))
        .number("longest_us", client.longest.as_secs_f64() * 1e6)
        .number("base_kib", before as f64 / 1024.0)
        .number("more_kib", (most - before) as f64 / 1024.0)
        .print();
    Ok(())
}

impl Client {
    fn new(args: &Args) -> io::Result<Self> {
        let stream = client::open(args, 1)?.0.remove(0);
        let frame = frame::masked(FIN | TEXT, b"twenty bytes of text");
        let reply = client::echo(&stream, &frame)?.wire;
        sys::send(&stream, &frame)?;
        Ok(Self {
            stream,
            frame,
            reply,
            sent: Instant::now(),
            received: 0,
            latency: Histogram::new(),
            longest: Duration::ZERO,
        })
    }

    fn step(&mut self, room: &mut [u8]) -> io::Result<()> {
        match sys::discard(&self.stream, room)? {
            Some(0) => {
                return Err(Error::other("the server closed the connection of a client that did no harm"));
            }
            Some(count) => self.received += count,
            None => return Ok(()),
        }
        if self.received == self.reply {
            let now = Instant::now();
            self.latency.add(now - self.sent);
            self.longest = self.longest.max(now - self.sent);
            (self.sent, self.received) = (now, 0);
            sys::send(&self.stream, &self.frame)?;
        }
        Ok(())
    }
}
