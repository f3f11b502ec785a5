//! The floor of any server with one thread: epoll itself, a buffer that all connections share, and one `recv`
//! and one `send` for whatever has arrived.
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    fd::{AsRawFd, OwnedFd},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, accept_with, bind, listen, recv, send,
        socket, sockopt,
    },
};
use std::collections::VecDeque;

type Result<T> = rustix::io::Result<T>;

struct Conn {
    socket: OwnedFd,
    upgraded: bool,
    /// An incomplete frame, and the length that it will have.
    partial: Vec<u8>,
    want: usize,
    /// What the socket has not taken yet.
    unsent: VecDeque<u8>,
}

/// The buffers that all connections share.
struct Shared {
    epoll: OwnedFd,
    input: Vec<u8>,
    out: Vec<u8>,
}

fn main() -> Result<()> {
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    bind(&listener, &serve::Options::from_args().listen)?;
    listen(&listener, serve::BACKLOG as i32)?;
    let epoll = epoll::create(CreateFlags::empty())?;
    epoll::add(&epoll, &listener, token(&listener), EventFlags::IN)?;
    let mut shared = Shared { epoll, input: vec![0; 64 * 1024], out: Vec::with_capacity(64 * 1024) };
    // By descriptor: the kernel gives the lowest that is free.
    let mut conns: Vec<Option<Conn>> = Vec::new();
    let mut ready: Vec<Event> = Vec::with_capacity(1024);
    loop {
        ready.clear();
        epoll::wait(&shared.epoll, spare_capacity(&mut ready), None)?;
        for event in &ready {
            let (number, flags) = (event.data.u64() as usize, event.flags);
            if number == number_of(&listener) {
                if let Ok(socket) = accept_with(&listener, SocketFlags::NONBLOCK) {
                    sockopt::set_tcp_nodelay(&socket, true)?;
                    epoll::add(&shared.epoll, &socket, token(&socket), EventFlags::IN)?;
                    let number = number_of(&socket);
                    conns.resize_with(conns.len().max(number + 1), || None);
                    conns[number] = Some(Conn::new(socket));
                }
            } else if let Some(conn) = &mut conns[number]
                && conn.turn(flags, &mut shared).is_err()
            {
                conns[number] = None;
            }
        }
    }
}

fn number_of(socket: &OwnedFd) -> usize {
    socket.as_raw_fd() as usize
}

fn token(socket: &OwnedFd) -> EventData {
    EventData::new_u64(number_of(socket) as u64)
}

impl Conn {
    fn new(socket: OwnedFd) -> Self {
        Self { socket, upgraded: false, partial: Vec::new(), want: 0, unsent: VecDeque::new() }
    }

    /// An error ends the connection, whatever it is.
    fn turn(&mut self, flags: EventFlags, shared: &mut Shared) -> Result<()> {
        if flags.contains(EventFlags::OUT) {
            let sent = send(&self.socket, self.unsent.make_contiguous(), SendFlags::NOSIGNAL)?;
            self.unsent.drain(..sent);
            if self.unsent.is_empty() {
                self.unsent.shrink_to(64 * 1024);
                epoll::modify(&shared.epoll, &self.socket, token(&self.socket), EventFlags::IN)?;
            }
        }
        if flags == EventFlags::OUT {
            return Ok(());
        }
        match if self.want > self.partial.len() { self.read_rest(shared) } else { self.read(shared) } {
            Err(Errno::AGAIN) => Ok(()),
            done => done,
        }
    }

    /// The rest of a long frame goes straight into its own memory.
    fn read_rest(&mut self, shared: &mut Shared) -> Result<()> {
        if recv(&self.socket, spare_capacity(&mut self.partial), RecvFlags::empty())?.1 == 0 {
            return Err(Errno::CONNRESET);
        }
        if self.partial.len() >= self.want {
            let mut frames = std::mem::take(&mut self.partial);
            let used = self.answer(&mut frames, shared)?;
            // The memory stays, for the next long frame.
            frames.drain(..used);
            frames.reserve_exact(self.want.saturating_sub(frames.len()));
            self.partial = frames;
        }
        Ok(())
    }

    fn read(&mut self, shared: &mut Shared) -> Result<()> {
        let mut input = std::mem::take(&mut shared.input);
        let done = self.read_into(&mut input, shared);
        shared.input = input;
        done
    }

    fn read_into(&mut self, input: &mut [u8], shared: &mut Shared) -> Result<()> {
        let have = self.partial.len();
        input[..have].copy_from_slice(&self.partial);
        let (count, _) = recv(&self.socket, &mut input[have..], RecvFlags::empty())?;
        if count == 0 {
            return Err(Errno::CONNRESET);
        }
        let input = &mut input[..have + count];
        self.partial.clear();
        if self.upgraded {
            let used = self.answer(input, shared)?;
            self.keep(&input[used..]);
        } else if let Some(response) = serve::upgrade_response(input) {
            self.upgraded = true;
            self.write(&response, &shared.epoll)?;
        } else {
            self.keep(input);
        }
        Ok(())
    }

    fn keep(&mut self, rest: &[u8]) {
        self.partial.reserve_exact(self.want);
        self.partial.extend_from_slice(rest);
    }

    /// Answers the complete frames; tells how many bytes they were.
    fn answer(&mut self, input: &mut [u8], shared: &mut Shared) -> Result<usize> {
        let mut used = 0;
        loop {
            let turn = race_floor::echo(&mut input[used..], &mut shared.out);
            self.write(&shared.out, &shared.epoll)?;
            shared.out.clear();
            self.write(&input[used..][turn.direct.clone()], &shared.epoll)?;
            used += turn.used;
            self.want = turn.want;
            if turn.close {
                return Err(Errno::CONNRESET);
            }
            if turn.direct.is_empty() {
                return Ok(used);
            }
        }
    }

    /// Sends what the socket takes, and keeps the rest.
    fn write(&mut self, bytes: &[u8], epoll: &OwnedFd) -> Result<()> {
        let mut sent = 0;
        if !bytes.is_empty() && self.unsent.is_empty() {
            sent = match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Err(Errno::AGAIN) => 0,
                sent => sent?,
            };
            if sent < bytes.len() {
                epoll::modify(epoll, &self.socket, token(&self.socket), EventFlags::IN | EventFlags::OUT)?;
            }
        }
        self.unsent.extend(&bytes[sent..]);
        Ok(())
    }
}
