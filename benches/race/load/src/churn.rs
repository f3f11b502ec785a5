//! Connections that come and go: connect, upgrade, closing handshake; `--conns` at a time.
use crate::{
    args::Args,
    client,
    frame::{self, CLOSE, FIN},
    report::Stretch,
    sys::{self, Epoll, IN, OUT},
};
use rustix::net::SocketFlags;
use std::{
    io::{self, Error},
    net::TcpStream,
    time::{Duration, Instant},
};

enum State {
    Connecting,
    Upgrading(Vec<u8>),
    Closing,
}

struct Churn<'a> {
    args: &'a Args,
    epoll: Epoll,
    request: Vec<u8>,
    close: Vec<u8>,
    conns: Vec<(TcpStream, State)>,
    done: u64,
    /// Ended without a close frame from the server.
    unclean: u64,
}

pub fn run(args: &Args) -> io::Result<()> {
    let mut churn = Churn {
        args,
        epoll: Epoll::new()?,
        request: client::request(args),
        close: frame::masked(FIN | CLOSE, &1000u16.to_be_bytes()),
        conns: Vec::with_capacity(args.conns),
        done: 0,
        unclean: 0,
    };
    for number in 0..args.conns {
        let conn = churn.open(number)?;
        churn.conns.push(conn);
    }
    churn.run_for(args.warmup)?;
    let before = churn.done;
    let stretch = Stretch::begin(args)?;
    churn.run_for(args.secs)?;
    stretch
        .end(args, churn.done - before)?
        .number("messages", churn.done as f64)
        .number("unclean", churn.unclean as f64)
        .print();
    Ok(())
}

impl Churn<'_> {
    fn open(&self, number: usize) -> io::Result<(TcpStream, State)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let stream = sys::connect(self.args.addr, number % self.args.sources, flags)?;
        self.epoll.add(&stream, number, OUT)?;
        Ok((stream, State::Connecting))
    }

    fn run_for(&mut self, time: Duration) -> io::Result<()> {
        let mut ready = Vec::with_capacity(1024);
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.epoll.wait(&mut ready)?;
            for event in &ready {
                self.step(event.data.u64() as usize)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, number: usize) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let (stream, state) = &mut self.conns[number];
        match state {
            State::Connecting => {
                if sys::send(&*stream, &self.request)?.is_some() {
                    *state = State::Upgrading(Vec::new());
                    self.epoll.modify(stream, number, IN)?;
                }
            }
            State::Upgrading(head) => match sys::recv(&*stream, &mut buffer)? {
                None => {}
                Some(0) => return Err(Error::other("closed during the handshake")),
                Some(count) => {
                    head.extend_from_slice(&buffer[..count]);
                    if head.ends_with(b"\r\n\r\n") {
                        if !head.starts_with(b"HTTP/1.1 101") {
                            return Err(Error::other("refused"));
                        }
                        sys::send(&*stream, &self.close)?;
                        *state = State::Closing;
                    }
                }
            },
            State::Closing => {
                let clean = match sys::recv(&*stream, &mut buffer) {
                    Ok(None) => return Ok(()),
                    Ok(Some(count)) => count > 0 && buffer[0] == FIN | CLOSE,
                    Err(_) => false,
                };
                self.done += 1;
                self.unclean += u64::from(!clean);
                self.conns[number] = self.open(number)?;
            }
        }
        Ok(())
    }
}
