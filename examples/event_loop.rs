//! An event loop of one's own: one thread drives both ends of many connections, over sockets that do not block.
//!
//! 100 clients send a message each, and a server echoes it: `cargo run --release --example event_loop`
use mio::{Events, Interest, Poll, Token, net::TcpListener, net::TcpStream};
use sansocket::session::{Session, SessionEvent};
use sansocket::{CloseCode, Closed, Config, bytes::Buf, handshake::ClientRequest, proto::Step};
use std::io::{self, ErrorKind, Read, Write};
use std::{collections::HashMap, error::Error, net::Shutdown, time::Instant};

const CLIENTS: usize = 100;
const LISTENER: Token = Token(0);

fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    let address = listener.local_addr()?;
    let mut peers = Peers { poll: Poll::new()?, open: HashMap::new(), added: 0 };
    peers.poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    for n in 0..CLIENTS {
        let request = ClientRequest::try_from(format!("ws://{address}/"))?;
        let session = Session::client(request, Config::client());
        peers.add(TcpStream::connect(address)?, session, Some(format!("hello from {n}")))?;
    }
    assert_eq!(peers.run(&listener)?, CLIENTS);
    println!("one thread has echoed the messages of {CLIENTS} clients");
    Ok(())
}

struct Peers {
    poll: Poll,
    open: HashMap<Token, Peer>,
    added: usize,
}

struct Peer {
    stream: TcpStream,
    session: Session,
    /// What a client says. A server repeats what it hears.
    says: Option<String>,
    /// When to drive it again, whatever the stream does.
    due: Option<Instant>,
}

impl Peers {
    fn add(&mut self, mut stream: TcpStream, session: Session, says: Option<String>) -> io::Result<()> {
        self.added += 1;
        let (token, both) = (Token(self.added), Interest::READABLE | Interest::WRITABLE);
        self.poll.registry().register(&mut stream, token, both)?;
        self.open.insert(token, Peer { stream, session, says, due: None });
        Ok(())
    }

    /// Waits until a socket is ready or a deadline passes, and drives the peers concerned, until no client is left. Gives
    /// how many clients have ended well.
    fn run(&mut self, listener: &TcpListener) -> io::Result<usize> {
        let (mut events, mut well) = (Events::with_capacity(1024), 0);
        while self.open.values().any(|peer| peer.says.is_some()) {
            let next = self.open.values().filter_map(|peer| peer.due).min();
            self.poll.poll(&mut events, next.map(|next| next.saturating_duration_since(Instant::now())))?;
            let now = Instant::now();
            let late = self.open.iter().filter(|(_, peer)| peer.due.is_some_and(|due| due <= now));
            let late = late.map(|(token, _)| *token);
            for token in late.chain(events.iter().map(|event| event.token())).collect::<Vec<_>>() {
                while token == LISTENER
                    && let Ok((stream, _)) = listener.accept()
                {
                    self.add(stream, Session::server(Config::server()), None)?;
                }
                let Some(peer) = self.open.get_mut(&token) else { continue };
                match peer.drive(now) {
                    Ok(None) => continue,
                    Ok(Some(closed)) => well += usize::from(closed.was_clean() && peer.says.is_some()),
                    Err(error) => eprintln!("a connection failed: {error}"),
                }
                self.open.remove(&token);
            }
        }
        Ok(well)
    }
}

impl Peer {
    /// Does all that can be done without waiting. `Some`: the connection has ended.
    fn drive(&mut self, now: Instant) -> Result<Option<Closed>, Box<dyn Error>> {
        let Self { stream, session, says, due } = self;
        let (mut buffer, mut idle) = ([0; 16 * 1024], 0);
        while idle < 2 {
            while let Some(event) = session.poll_event() {
                match (event, &*says) {
                    (SessionEvent::Open(_), Some(says)) => session.send(says.as_str())?,
                    (SessionEvent::Message(echo), Some(says)) => {
                        assert_eq!(echo.as_text(), Some(says.as_str()));
                        session.close(CloseCode::NORMAL);
                    }
                    (SessionEvent::Message(message), None) => session.send(message)?,
                    (SessionEvent::Error(error), _) => eprintln!("{error}"), // the end comes next
                    (SessionEvent::Close(closed), _) => return Ok(Some(closed)),
                    _ => {}
                }
            }
            while session.transmit().has_remaining() {
                let Some(n) = unless_blocked(stream.write(session.transmit().chunk()))? else { break };
                session.transmit().advance(n);
            }
            let moved = match session.next_step() {
                Step::Read { .. } => {
                    let read = unless_blocked(stream.read(&mut buffer))?;
                    match read {
                        Some(0) => session.receive_eof(),
                        Some(n) => session.receive(&buffer[..n]),
                        None => {}
                    }
                    read.is_some()
                }
                Step::ShutDown => {
                    stream.shutdown(Shutdown::Write)?;
                    session.shut_down();
                    true
                }
                Step::Advance => true,
                Step::Wait => false,
            };
            if moved {
                idle = 0;
            } else {
                session.handle_timeout(now); // then there may be a ping to write, or an end to tell: once more
                idle += 1;
            }
        }
        *due = session.poll_timeout();
        Ok(None)
    }
}

/// `None`: the stream can do nothing now.
fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        result => result.map(Some),
    }
}
