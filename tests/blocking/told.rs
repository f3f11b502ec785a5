//! A stream that tells the time: a wait takes none, and what happens when is written down beforehand.
use crate::script::masked;
use sansocket::{
    Config,
    blocking::{Split, Transport, WebSocket},
    proto::{Connection, Established, Role},
};
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// One end of a connection whose other end does everything at a time that is known.
#[derive(Clone, Debug)]
pub struct Told(Arc<Mutex<World>>);

#[derive(Debug)]
pub struct World {
    start: Instant,
    now: Duration,
    /// What comes, and when.
    arrives: VecDeque<(Duration, Come)>,
    /// How many bytes the peer takes, and when; without it all at once.
    takes: Option<VecDeque<(Duration, usize)>>,
    pub write_fails: bool,
    pub write_panics: bool,
    /// The stream keeps what it takes: no flush is ever done.
    pub holds: bool,
    timeouts: [Option<Duration>; 2],
    written: Vec<u8>,
    /// When the last byte was written.
    wrote_at: Duration,
    shut_at: Option<Duration>,
}

#[derive(Clone, Debug)]
pub enum Come {
    Bytes(Vec<u8>),
    /// The end.
    End,
    /// A reset.
    Reset,
}

impl Told {
    pub fn new(arrives: impl IntoIterator<Item = (u64, Come)>) -> Self {
        Self(Arc::new(Mutex::new(World {
            start: Instant::now(),
            now: Duration::ZERO,
            arrives: arrives.into_iter().map(|(at, come)| (ms(at), come)).collect(),
            takes: None,
            write_fails: false,
            write_panics: false,
            holds: false,
            timeouts: [None; 2],
            written: Vec::new(),
            wrote_at: Duration::ZERO,
            shut_at: None,
        })))
    }

    /// The peer takes so many bytes at these times, and no others.
    pub fn takes(self, takes: impl IntoIterator<Item = (u64, usize)>) -> Self {
        self.world().takes = Some(takes.into_iter().map(|(at, room)| (ms(at), room)).collect());
        self
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.world().now
    }

    pub fn written(&self) -> Vec<u8> {
        self.world().written.clone()
    }

    pub fn shut_at(&self) -> Option<Duration> {
        self.world().shut_at
    }

    pub fn wrote_at(&self) -> Duration {
        self.world().wrote_at
    }

    /// The caller is elsewhere.
    pub fn pass(&self, time: Duration) {
        self.world().now += time;
    }

    pub fn socket(&self, role: Role, config: Config) -> WebSocket<Self> {
        WebSocket::new(Connection::new(Established::bare(role), config), self.clone())
    }

    /// A server's.
    pub fn server(&self, tweak: impl FnOnce(&mut Config)) -> WebSocket<Self> {
        let mut config = Config::server();
        tweak(&mut config);
        self.socket(Role::Server, config)
    }
}

impl World {
    /// Waits for `next`, no longer than the timeout of a direction.
    fn wait(&mut self, next: Option<Duration>, direction: usize) -> io::Result<()> {
        let limit = self.timeouts[direction].map(|timeout| self.now + timeout);
        match (next, limit) {
            (Some(next), limit) if limit.is_none_or(|limit| next <= limit) => self.now = self.now.max(next),
            (_, Some(limit)) => {
                self.now = limit;
                return Err(ErrorKind::WouldBlock.into());
            }
            _ => panic!("it waits for ever, {:?} after the start", self.now),
        }
        Ok(())
    }
}

impl Read for Told {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut world = self.world();
        let next = world.arrives.front().map(|(at, _)| *at);
        world.wait(next, 0)?;
        match world.arrives.front_mut() {
            Some((_, Come::Bytes(bytes))) => {
                let n = bytes.len().min(buf.len());
                buf[..n].copy_from_slice(&bytes[..n]);
                bytes.drain(..n);
                if bytes.is_empty() {
                    world.arrives.pop_front();
                }
                Ok(n)
            }
            Some((_, Come::Reset)) => Err(ErrorKind::ConnectionReset.into()),
            _ => Ok(0),
        }
    }
}

impl Write for Told {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut world = self.world();
        if std::mem::take(&mut world.write_panics) {
            drop(world);
            panic!("a fault of the stream");
        }
        if world.write_fails || world.shut_at.is_some() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let mut n = buf.len();
        if let Some(takes) = &world.takes {
            let next = takes.front().map(|(at, _)| *at);
            world.wait(next, 1)?;
            if let Some((_, room)) = world.takes.as_mut().and_then(VecDeque::front_mut) {
                n = n.min(*room);
                *room -= n;
                if *room == 0 {
                    world.takes.as_mut().and_then(VecDeque::pop_front);
                }
            }
        }
        world.written.extend_from_slice(&buf[..n]);
        world.wrote_at = world.now;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        let mut world = self.world();
        if world.holds { world.wait(None, 1) } else { Ok(()) }
    }
}

impl Transport for Told {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.world().timeouts[0] = timeout;
        Ok(true)
    }
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.world().timeouts[1] = timeout;
        Ok(true)
    }
    fn now(&self) -> Instant {
        let world = self.world();
        world.start + world.now
    }
    fn shutdown_write(&mut self) -> io::Result<bool> {
        let mut world = self.world();
        world.shut_at = Some(world.now);
        Ok(true)
    }
}

impl Split for Told {
    type Half = Self;
    fn split(self) -> (Self, Self) {
        (self.clone(), self)
    }
    fn unite(reader: Self, _: Self) -> Result<Self, (Self, Self)> {
        Ok(reader)
    }
}

/// A masked frame that comes.
pub fn frame(first: u8, payload: &[u8]) -> Come {
    Come::Bytes(masked(first, payload))
}

/// A peer's Close frame that comes.
pub fn close(code: u16) -> Come {
    frame(0x88, &code.to_be_bytes())
}
