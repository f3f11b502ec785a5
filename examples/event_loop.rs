//! Many connections on one thread, without an adapter: an event loop of one's own drives the core over non-blocking
//! sockets. Here 100 clients and the server that echoes what they send share the loop.
//!
//! `cargo run --release --example event_loop`
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "an example does I/O")]
use mio::{Events, Interest, Poll, Token, net::TcpListener, net::TcpStream};
use sansocket::{
    CloseCode, Config,
    bytes::Buf,
    handshake::{Acceptance, ClientHandshake, ClientRequest, ServerHandshake, Upgraded},
    proto::{Connection, Event, Outbound, Step, Transmit},
};
use std::{
    collections::HashMap,
    error::Error,
    io::{self, ErrorKind, Read, Write},
    net::Shutdown,
    time::Instant,
};

const CLIENTS: usize = 100;
const MESSAGES: u32 = 10;
const LISTENER: Token = Token(0);

struct Peer {
    stream: TcpStream,
    stage: Stage,
    /// How many echoes a client still waits for; a server does not count.
    waits_for: u32,
    /// When to look at it again, whatever the stream does.
    due: Option<Instant>,
}

enum Stage {
    Accepting(ServerHandshake),
    Connecting(ClientHandshake),
    Open(Connection),
}

impl Peer {
    /// Moves on as far as the stream allows. `false`: the connection has ended.
    fn drive(&mut self) -> Result<bool, Box<dyn Error>> {
        let mut moved = true;
        while moved {
            match &mut self.stage {
                Stage::Accepting(handshake) => {
                    moved = read(&mut self.stream, |bytes| match bytes {
                        [] => handshake.receive_eof(),
                        bytes => handshake.receive(bytes),
                    })?;
                    if let Some(upgrade) = handshake.poll()? {
                        let accepted = upgrade.accept(Acceptance::new());
                        self.stage = Stage::Open(accepted.map_err(|rejection| rejection.into_error())?);
                        moved = true;
                    }
                }
                Stage::Connecting(handshake) => {
                    write(&mut self.stream, handshake.transmit())?;
                    moved = read(&mut self.stream, |bytes| match bytes {
                        [] => handshake.receive_eof(),
                        bytes => handshake.receive(bytes),
                    })?;
                    if let Some(Upgraded { mut connection, .. }) = handshake.poll()? {
                        connection.send("message")?;
                        (self.stage, moved) = (Stage::Open(connection), true);
                    }
                }
                Stage::Open(connection) => {
                    // Deliver and write; then the core says what is next.
                    let (inbound, outbound) = connection.halves();
                    while let Some(event) = inbound.poll_event(outbound) {
                        match event {
                            Event::Closed(closed) if closed.was_clean() => return Ok(false),
                            Event::Closed(closed) => return Err(closed.to_string().into()),
                            event => on_event(event, outbound, &mut self.waits_for)?,
                        }
                    }
                    write(&mut self.stream, connection.transmit())?;
                    moved = match connection.next_step() {
                        Step::Advance => true,
                        Step::Wait => false,
                        Step::ShutDown => {
                            self.stream.shutdown(Shutdown::Write)?;
                            connection.shut_down();
                            true
                        }
                        Step::Read { .. } => read(&mut self.stream, |bytes| match bytes {
                            [] => connection.receive_eof(),
                            bytes => connection.receive(bytes),
                        })?,
                    };
                }
            }
        }
        Ok(true)
    }

    /// Tells the time, once a read has found nothing; then there may be a ping to write, or an end to tell.
    fn turn(&mut self, now: Instant) -> Result<bool, Box<dyn Error>> {
        if !self.drive()? {
            return Ok(false);
        }
        self.due = match &mut self.stage {
            Stage::Accepting(handshake) => {
                handshake.handle_timeout(now);
                handshake.poll_timeout()
            }
            Stage::Connecting(handshake) => {
                handshake.handle_timeout(now);
                handshake.poll_timeout()
            }
            Stage::Open(connection) => {
                connection.handle_timeout(now);
                connection.poll_timeout()
            }
        };
        self.drive()
    }
}

/// A server answers with the same message; a client sends the next, and closes after the last.
fn on_event(event: Event<'_>, outbound: &mut Outbound, waits_for: &mut u32) -> Result<(), Box<dyn Error>> {
    match (event, &waits_for) {
        (Event::Message(message), 0) => outbound.send(message)?,
        (Event::Message(_), 1) => outbound.close(CloseCode::NORMAL),
        (Event::Message(message), _) => {
            *waits_for -= 1;
            outbound.send(message)?;
        }
        _ => {} // pings are answered already, and so is the peer's Close frame
    }
    Ok(())
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
fn read(stream: &mut TcpStream, mut receive: impl FnMut(&[u8])) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(n) => receive(&buffer[..n]),
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
        Err(error) => return Err(error),
    }
    Ok(true)
}

/// All that share the thread.
struct Loop {
    poll: Poll,
    peers: HashMap<Token, Peer>,
    made: usize,
}

impl Loop {
    fn add(&mut self, mut stream: TcpStream, stage: Stage, waits_for: u32) -> io::Result<()> {
        self.made += 1;
        let token = Token(self.made);
        self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        self.peers.insert(token, Peer { stream, stage, waits_for, due: None });
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    let address = listener.local_addr()?;
    let mut all = Loop { poll: Poll::new()?, peers: HashMap::new(), made: 0 };
    all.poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    for _ in 0..CLIENTS {
        let request = ClientRequest::try_from(format!("ws://{address}/").as_str())?;
        let stage = Stage::Connecting(ClientHandshake::new(request, Config::client()));
        all.add(TcpStream::connect(address)?, stage, MESSAGES)?;
    }

    let (mut events, mut ended) = (Events::with_capacity(1024), 0);
    while ended < 2 * CLIENTS {
        let next = all.peers.values().filter_map(|peer| peer.due).min();
        all.poll.poll(&mut events, next.map(|next| next.saturating_duration_since(Instant::now())))?;
        let now = Instant::now();
        let mut ready: Vec<Token> = events.iter().map(|event| event.token()).collect();
        ready.extend(
            all.peers
                .iter()
                .filter(|(_, peer)| peer.due.is_some_and(|due| due <= now))
                .map(|(token, _)| token),
        );
        for token in ready {
            if token == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    all.add(stream, Stage::Accepting(ServerHandshake::new(Config::server())), 0)?;
                }
            } else if let Some(peer) = all.peers.get_mut(&token) {
                if !peer.turn(now)? {
                    all.peers.remove(&token);
                    ended += 1;
                }
            }
        }
    }
    println!("{CLIENTS} clients, {MESSAGES} echoes each; {ended} connections have closed cleanly");
    Ok(())
}
