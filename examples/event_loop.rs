//! An event loop of one's own: one thread serves many connections, and drives the core over sockets that do not block.
//!
//! It echoes what 100 clients send: `cargo run --release --example event_loop`
use mio::{Events, Interest, Poll, Token, net::TcpListener, net::TcpStream};
use sansocket::{
    CloseCode, Config, blocking,
    bytes::Buf,
    handshake::{Acceptance, Refused, ServerHandshake},
    proto::{Connection, Event, Step, Transmit},
};
use std::{
    collections::HashMap,
    error::Error,
    io::{self, ErrorKind, Read, Write},
    net::Shutdown,
    sync::Arc,
    thread,
    time::Instant,
};

const CLIENTS: usize = 100;
const LISTENER: Token = Token(0);

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    let url = format!("ws://{}/", listener.local_addr()?);
    thread::spawn(|| serve(listener).inspect_err(|error| eprintln!("the server failed: {error}")));

    let connect = |_| blocking::connect(&url);
    let mut clients = (0..CLIENTS).map(connect).collect::<Result<Vec<_>, _>>()?;
    for (n, client) in clients.iter_mut().enumerate() {
        client.send(format!("hello from {n}"))?;
    }
    for (n, client) in clients.iter_mut().enumerate() {
        let echo = client.recv()?.ok_or("closed without an echo")?;
        assert_eq!(echo.as_str(), Some(&*format!("hello from {n}")));
        assert!(client.close(CloseCode::NORMAL)?.was_clean());
    }
    println!("one thread has echoed the messages of {CLIENTS} clients");
    Ok(())
}

/// The event loop: waits until a socket is ready or a deadline passes, and drives the connections concerned.
fn serve(mut listener: TcpListener) -> io::Result<()> {
    let config = Arc::new(Config::server());
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let (mut peers, mut accepted) = (HashMap::<Token, Peer>::new(), 0);
    loop {
        let next = peers.values().filter_map(|peer| peer.due).min();
        poll.poll(&mut events, next.map(|next| next.saturating_duration_since(Instant::now())))?;
        let now = Instant::now();
        let late = peers.iter().filter(|(_, peer)| peer.due.is_some_and(|due| due <= now));
        let concerned: Vec<Token> =
            late.map(|(token, _)| *token).chain(events.iter().map(|e| e.token())).collect();
        for token in concerned {
            if token == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    accepted += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(accepted), both)?;
                    let stage = Stage::Opening(ServerHandshake::new(config.clone()));
                    peers.insert(Token(accepted), Peer { stream, stage, due: None });
                }
            } else if let Some(peer) = peers.get_mut(&token) {
                let goes_on = peer.drive(now).unwrap_or_else(|error| {
                    eprintln!("a connection failed: {error}");
                    false
                });
                if !goes_on {
                    peers.remove(&token);
                }
            }
        }
    }
}

struct Peer {
    stream: TcpStream,
    stage: Stage,
    /// When to drive it again, whatever the stream does.
    due: Option<Instant>,
}

enum Stage {
    Opening(ServerHandshake),
    Open(Box<Connection>),
}

impl Peer {
    /// Does all that can be done without waiting. `false`: the connection has ended.
    fn drive(&mut self, now: Instant) -> Result<bool, Box<dyn Error>> {
        let mut told = false;
        loop {
            let moved = match &mut self.stage {
                Stage::Opening(handshake) => match handshake.poll()? {
                    Some(upgrade) => {
                        let connection = upgrade.accept(Acceptance::new()).map_err(Refused::into_error)?;
                        self.stage = Stage::Open(Box::new(connection));
                        true
                    }
                    None => read(&mut self.stream, |bytes| match bytes {
                        [] => handshake.receive_eof(),
                        bytes => handshake.receive(bytes),
                    })?,
                },
                Stage::Open(connection) => {
                    let (inbound, outbound) = connection.halves();
                    while let Some(event) = inbound.poll_event(outbound) {
                        match event {
                            Event::Message(message) => outbound.send(message)?,
                            Event::Closed(_) => return Ok(false),
                            _ => {} // pings, and the peer's Close frame, have been answered
                        }
                    }
                    write(&mut self.stream, connection.transmit())?;
                    match connection.next_step() {
                        Step::Read { .. } => read(&mut self.stream, |bytes| match bytes {
                            [] => connection.receive_eof(),
                            bytes => connection.receive(bytes),
                        })?,
                        Step::ShutDown => {
                            self.stream.shutdown(Shutdown::Write)?;
                            connection.shut_down();
                            true
                        }
                        Step::Advance => true,
                        Step::Wait => false,
                    }
                }
            };
            if moved {
                told = false;
            } else if !told {
                self.tell_time(now); // then there may be a ping to write, or an end to tell: once more
                told = true;
            } else {
                return Ok(true);
            }
        }
    }

    fn tell_time(&mut self, now: Instant) {
        self.due = match &mut self.stage {
            Stage::Opening(handshake) => {
                handshake.handle_timeout(now);
                handshake.poll_timeout()
            }
            Stage::Open(connection) => {
                connection.handle_timeout(now);
                connection.poll_timeout()
            }
        };
    }
}

/// Writes what the stream takes.
fn write(stream: &mut TcpStream, transmit: &mut Transmit) -> io::Result<()> {
    while transmit.has_remaining() {
        match stream.write(transmit.chunk()) {
            Ok(n) => transmit.advance(n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads once; no bytes are the end. Says whether there was anything.
fn read(stream: &mut TcpStream, receive: impl FnOnce(&[u8])) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(n) => receive(&buffer[..n]),
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
        Err(error) => return Err(error),
    }
    Ok(true)
}
