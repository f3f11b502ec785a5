//! The few system calls that the load consists of; what would block is `None`.
use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
    fd::{AsFd, OwnedFd},
    io::Errno,
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    time::Duration,
};

pub const IN: EventFlags = EventFlags::IN;
pub const OUT: EventFlags = EventFlags::OUT;

pub struct Epoll {
    fd: OwnedFd,
}

impl Epoll {
    pub fn new() -> io::Result<Self> {
        Ok(Self { fd: epoll::create(CreateFlags::CLOEXEC)? })
    }

    pub fn add(&self, socket: impl AsFd, token: usize, events: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.fd, socket, EventData::new_u64(token as u64), events)?)
    }

    pub fn modify(&self, socket: impl AsFd, token: usize, events: EventFlags) -> io::Result<()> {
        Ok(epoll::modify(&self.fd, socket, EventData::new_u64(token as u64), events)?)
    }

    /// Fills `ready`, which has to have capacity, with what is ready within 20 ms.
    pub fn wait(&self, ready: &mut Vec<Event>) -> io::Result<()> {
        let patience = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        ready.clear();
        match epoll::wait(&self.fd, spare_capacity(ready), Some(&patience)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn unless_it_blocks<T>(done: rustix::io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(Errno::AGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub fn recv(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    unless_it_blocks(rustix::net::recv(socket, buffer, RecvFlags::DONTWAIT).map(|(count, _)| count))
}

/// Receives into nothing: the kernel counts bytes and copies none. `room` only says how many at most.
pub fn discard(socket: impl AsFd, room: &mut [u8]) -> io::Result<Option<usize>> {
    let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
    unless_it_blocks(rustix::net::recv(socket, room, flags).map(|(_, count)| count))
}

pub fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<Option<usize>> {
    unless_it_blocks(rustix::net::send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL))
}

/// Connects from the `source`th address of the loopback interface; a non-blocking socket is still under way
/// then. It ends with a reset, so that neither side keeps a state of it.
pub fn connect(to: SocketAddrV4, source: usize, flags: SocketFlags) -> io::Result<TcpStream> {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    if source > 0 {
        let from = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + source as u32);
        rustix::net::bind(&socket, &SocketAddrV4::new(from, 0))?;
    }
    match rustix::net::connect(&socket, &to) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket.into()),
        Err(error) => Err(error.into()),
    }
}

/// As many descriptors as the hard limit allows.
pub fn raise_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).ok();
}
