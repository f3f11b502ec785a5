//! A stream that does what it is told, and remembers what was written to it.
pub use crate::support::masked;
use sansocket::{
    Config,
    blocking::{Transport, WebSocket},
    proto::{Connection, Established, Role},
};
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

/// What one read or write does.
#[derive(Clone, Debug)]
pub enum Step {
    /// A read brings these.
    Bytes(Vec<u8>),
    /// A write takes this many.
    Take(usize),
    /// It fails so.
    Fail(ErrorKind),
    /// It claims to have moved this many bytes, whatever the truth is.
    Lie(usize),
}

/// What became of a [`Script`], for the test to look at after the stream is gone.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub written: Arc<Mutex<Vec<u8>>>,
    pub writes: Arc<Mutex<usize>>,
    pub shut_down: Arc<Mutex<bool>>,
    pub read_timeouts: Arc<Mutex<Vec<Option<Duration>>>>,
}

impl Seen {
    pub fn take_written(&self) -> Vec<u8> {
        std::mem::take(&mut self.written.lock().unwrap())
    }
}

/// Reads go by the script and then meet the end; writes go by theirs and then take everything.
#[derive(Debug, Default)]
pub struct Script {
    pub reads: VecDeque<Step>,
    pub writes: VecDeque<Step>,
    pub seen: Seen,
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.reads.pop_front() {
            None => Ok(0),
            Some(Step::Bytes(bytes)) => {
                let n = bytes.len().min(buf.len());
                buf[..n].copy_from_slice(&bytes[..n]);
                if n < bytes.len() {
                    self.reads.push_front(Step::Bytes(bytes[n..].to_vec()));
                }
                Ok(n)
            }
            Some(Step::Fail(kind)) => Err(kind.into()),
            Some(Step::Lie(n)) | Some(Step::Take(n)) => Ok(n),
        }
    }
}

impl Write for Script {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        *self.seen.writes.lock().unwrap() += 1;
        let n = match self.writes.pop_front() {
            None | Some(Step::Bytes(_)) => buf.len(),
            Some(Step::Take(n)) => n.min(buf.len()),
            Some(Step::Fail(kind)) => return Err(kind.into()),
            Some(Step::Lie(n)) => return Ok(n),
        };
        self.seen.written.lock().unwrap().extend_from_slice(&buf[..n]);
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Script {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.seen.read_timeouts.lock().unwrap().push(timeout);
        Ok(true)
    }
    fn shutdown_write(&mut self) -> io::Result<bool> {
        *self.seen.shut_down.lock().unwrap() = true;
        Ok(true)
    }
}

/// A server's socket over a script of reads.
pub fn server(reads: impl IntoIterator<Item = Step>) -> (WebSocket<Script>, Seen) {
    with(Role::Server, Config::server(), Script { reads: reads.into_iter().collect(), ..Script::default() })
}

pub fn with(role: Role, config: Config, script: Script) -> (WebSocket<Script>, Seen) {
    let seen = script.seen.clone();
    (WebSocket::new(Connection::new(Established::bare(role), config), script), seen)
}

pub fn text(text: &str) -> Step {
    Step::Bytes(masked(0x81, text.as_bytes()))
}

/// The two ends of a TCP connection on this machine.
pub fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Both ends of a WebSocket over them.
pub fn pair(client: Config, server: Config) -> (WebSocket<TcpStream>, WebSocket<TcpStream>) {
    let (near, far) = sockets();
    let over =
        |stream, role, config| WebSocket::new(Connection::new(Established::bare(role), config), stream);
    (over(near, Role::Client, client), over(far, Role::Server, server))
}
