//! Memory per connection that does nothing: the server's, before and after they are opened.
use crate::{
    args::Args,
    client,
    frame::{self, FIN, PING, PONG},
    messages::Messages,
    report::Report,
    server::Server,
    sys::{self, Epoll, IN},
};
use std::{
    io::{self, Error, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

pub fn run(args: &Args) -> io::Result<()> {
    let server = args.server.ok_or(Error::other("idle needs --pid"))?;
    // One before, so that what is made only once is not charged to the others.
    let first = client::open(args, 1)?;
    let before = settled(server)?;
    let begun = Instant::now();
    let (streams, agreed) = client::open(args, args.conns)?;
    client::expect_compression(args, &agreed)?;
    let rate = args.conns as f64 / begun.elapsed().as_secs_f64();
    let opened = settled(server)?;
    let mut touched = None;
    if args.touch > 0 {
        let messages = Messages::new(args, args.touch)?;
        for (number, stream) in streams.iter().enumerate() {
            messages.check(number, stream)?;
        }
        touched = Some(settled(server)?);
    }
    let each = |bytes: u64| bytes.saturating_sub(before) as f64 / args.conns as f64;
    Report::default()
        .number("conns", args.conns as f64)
        .number("opened_per_s", rate)
        .number("base_kib", before as f64 / 1024.0)
        .number("idle_bytes", each(opened))
        .number("touched_bytes", touched.map(each))
        .text("agreed", &agreed)
        .print();
    if args.hold {
        io::stdout().flush()?;
        hold(streams)?;
    }
    drop(first);
    Ok(())
}

/// The server's memory, once it has not changed for a while.
fn settled(server: Server) -> io::Result<u64> {
    let (mut memory, mut same) = (server.memory()?, 0);
    for _ in 0..50 {
        thread::sleep(Duration::from_millis(50));
        let now = server.memory()?;
        same = if now == memory { same + 1 } else { 0 };
        memory = now;
        if same == 6 {
            break;
        }
    }
    Ok(memory)
}

/// Keeps the connections until standard input ends; a server that pings them is answered.
fn hold(streams: Vec<TcpStream>) -> io::Result<()> {
    static ENDED: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        ENDED.store(true, Ordering::Relaxed);
    });
    let epoll = Epoll::new()?;
    for (number, stream) in streams.iter().enumerate() {
        epoll.add(stream, number, IN)?;
    }
    let (mut ready, mut buffer) = (Vec::with_capacity(1024), [0; 256]);
    while !ENDED.load(Ordering::Relaxed) {
        epoll.wait(&mut ready)?;
        for event in &ready {
            let stream = &streams[event.data.u64() as usize];
            match sys::recv(stream, &mut buffer)? {
                None => {}
                Some(0) => return Err(Error::other("the server closed an idle connection")),
                Some(count) => {
                    let (head, _, first) =
                        frame::header(&buffer[..count]).ok_or(Error::other("half a ping"))?;
                    if first != FIN | PING {
                        return Err(Error::other(format!("an idle connection got 0x{first:02x}")));
                    }
                    sys::send(stream, &frame::masked(FIN | PONG, &buffer[head..count]))?;
                }
            }
        }
    }
    Ok(())
}
