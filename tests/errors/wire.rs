//! A stream in memory with a clock of its own: what a connection over it comes to.
use sansocket::{
    Config, Error,
    blocking::{Transport, WebSocket},
    proto::{Connection, Established, Role},
};
use std::{
    cell::Cell,
    io::{self, ErrorKind, Read, Write},
    time::{Duration, Instant},
};

/// What a wire does once it has brought its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It ends.
    Ends,
    /// It stays silent, for as long as is waited.
    IsSilent,
    /// It takes nothing, for as long as is waited.
    IsFull,
    /// It fails.
    Fails,
}

#[derive(Debug)]
pub(crate) struct Wire {
    bytes: Vec<u8>,
    at: usize,
    then: Then,
    now: Cell<Instant>,
    read_timeout: Cell<Option<Duration>>,
    write_timeout: Cell<Option<Duration>>,
}

impl Wire {
    fn wait(&self, timeout: &Cell<Option<Duration>>) -> io::Error {
        let timeout = timeout.get().expect("nobody waits for ever");
        self.now.set(self.now.get() + timeout);
        ErrorKind::WouldBlock.into()
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.bytes.len() - self.at);
        buf[..n].copy_from_slice(&self.bytes[self.at..][..n]);
        self.at += n;
        match self.then {
            _ if n > 0 => Ok(n),
            Then::Ends => Ok(0),
            Then::IsSilent | Then::IsFull => Err(self.wait(&self.read_timeout)),
            Then::Fails => Err(io::Error::new(ErrorKind::ConnectionReset, "Connection reset by peer")),
        }
    }
}
impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.then == Then::IsFull { Err(self.wait(&self.write_timeout)) } else { Ok(buf.len()) }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Transport for Wire {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.read_timeout.set(timeout);
        Ok(true)
    }
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.write_timeout.set(timeout);
        Ok(true)
    }
    fn now(&self) -> Instant {
        self.now.get()
    }
    fn shutdown_write(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}

/// A client over a wire that brings these bytes.
pub(crate) fn client(bytes: &[u8], then: Then, config: Config) -> WebSocket<Wire> {
    over(bytes, then, Established::bare(Role::Client), config)
}

pub(crate) fn over(bytes: &[u8], then: Then, established: Established, config: Config) -> WebSocket<Wire> {
    let wire = Wire {
        bytes: bytes.to_vec(),
        at: 0,
        then,
        now: Cell::new(Instant::now()),
        read_timeout: Cell::default(),
        write_timeout: Cell::default(),
    };
    WebSocket::new(Connection::new(established, config), wire)
}

/// What is received in the end.
pub(crate) fn end_of(mut socket: WebSocket<Wire>) -> Error {
    loop {
        match socket.recv() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("not an error"),
            Err(error) => return error,
        }
    }
}
