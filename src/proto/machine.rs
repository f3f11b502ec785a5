//! [`Machine`]: what a driver does with a handshake, a connection or a session alike.
use super::{connection::Connection, read_buf::ReadBuf, transmit::Transmit};
use std::time::Instant;

/// What all machines of this crate have in common: bytes go in, bytes come out, the time is told, and each machine says when
/// to read and when to shut the transport down.
///
/// [`ClientHandshake`](crate::handshake::ClientHandshake) and [`ServerHandshake`](crate::handshake::ServerHandshake) are
/// machines, and so are [`Connection`] and [`Session`](crate::session::Session). Each has these methods of its own as well. The
/// trait is for a driver that moves the bytes of any of them. What comes of the bytes is asked in the machine's own words:
/// `poll` of a handshake, `poll_event` of a connection or a session.
///
/// ```
/// use sansocket::{Config, bytes::Buf, handshake::{Acceptance, ServerHandshake}, proto::{Event, Machine}};
/// use std::{io::{self, Read, Write}, time::Instant};
///
/// /// Writes all that waits, reads once if the machine wants it, and tells the time. For streams that wait.
/// fn turn(machine: &mut impl Machine, from: &mut impl Read, to: &mut impl Write, now: Instant) -> io::Result<()> {
///     let transmit = machine.transmit();
///     while transmit.has_remaining() {
///         to.write_all(transmit.chunk())?;
///         transmit.advance(transmit.chunk().len());
///     }
///     if machine.wants_shutdown() {
///         machine.shut_down(); // after the stream's own, such as `TcpStream::shutdown`
///     }
///     if machine.wants_read() {
///         let mut buf = machine.read_buf();
///         match from.read(buf.room())? {
///             0 => machine.receive_eof(),
///             n => buf.filled(n),
///         }
///     }
///     machine.handle_timeout(now);
///     Ok(())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (from, to, now) = (&mut &b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
/// #     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"[..], &mut Vec::new(), Instant::now());
/// let mut handshake = ServerHandshake::new(Config::server());
/// let upgrade = loop {
///     match handshake.poll()? {
///         Some(upgrade) => break upgrade,
///         None => turn(&mut handshake, from, to, now)?,
///     }
/// };
/// // The connection goes on where the handshake stopped, with the same driver.
/// let mut connection = upgrade.accept(Acceptance::new()).map_err(|refused| refused.into_error())?;
/// let closed = loop {
///     match connection.poll_event() {
///         Some(Event::Closed(closed)) => break closed,
///         Some(_) => {}
///         None => turn(&mut connection, from, to, now)?,
///     }
/// };
/// # assert!(to.starts_with(b"HTTP/1.1 101 ") && !closed.was_clean());
/// # Ok(())
/// # }
/// ```
pub trait Machine {
    /// Where the transport may put bytes itself: see [`Connection::read_buf`].
    fn read_buf(&mut self) -> ReadBuf<'_>;
    /// Takes bytes from the transport, copying them.
    fn receive(&mut self, bytes: &[u8]);
    /// The transport ended.
    fn receive_eof(&mut self);
    /// The bytes to write next. Write what the transport takes and [`advance`](bytes::Buf::advance) by that much.
    fn transmit(&mut self) -> &mut Transmit;
    /// Whether to read from the transport. A driver that reads in spite of `false` lets its peer fill the memory: see
    /// [`Connection::wants_read`].
    /// Once output has left or an event has been taken out, ask again.
    fn wants_read(&self) -> bool;
    /// Whether the transport should now be shut down for writing: see [`Connection::wants_shutdown`]. Never for a
    /// handshake: what follows its outcome decides.
    fn wants_shutdown(&self) -> bool {
        false
    }
    /// The transport has been shut down for writing. If it cannot be, treat it as ended:
    /// [`receive_eof`](Self::receive_eof).
    fn shut_down(&mut self) {}
    /// Tells the time. The first call starts deadlines.
    fn handle_timeout(&mut self, now: Instant);
    /// When to call [`handle_timeout`](Self::handle_timeout) again, at the latest. `None`: no deadline runs.
    fn poll_timeout(&self) -> Option<Instant>;
    /// Whether the time should be told before waiting, whatever [`poll_timeout`](Self::poll_timeout) says.
    fn wants_time(&self) -> bool;
}

/// Each method calls the type's own method of the same name. `more`: methods besides.
macro_rules! machine {
    ($machine:ty, { $($more:item)* }) => {
        impl $crate::proto::Machine for $machine {
            fn read_buf(&mut self) -> $crate::proto::ReadBuf<'_> {
                self.read_buf()
            }
            fn receive(&mut self, bytes: &[u8]) {
                self.receive(bytes);
            }
            fn receive_eof(&mut self) {
                self.receive_eof();
            }
            fn transmit(&mut self) -> &mut $crate::proto::Transmit {
                self.transmit()
            }
            fn wants_read(&self) -> bool {
                self.wants_read()
            }
            fn handle_timeout(&mut self, now: std::time::Instant) {
                self.handle_timeout(now);
            }
            fn poll_timeout(&self) -> Option<std::time::Instant> {
                self.poll_timeout()
            }
            fn wants_time(&self) -> bool {
                self.wants_time()
            }
            $($more)*
        }
    };
}
pub(crate) use machine;

/// A [`machine!`] that says when to shut the transport down.
macro_rules! machine_that_ends {
    ($machine:ty) => {
        $crate::proto::machine!($machine, {
            fn wants_shutdown(&self) -> bool {
                self.wants_shutdown()
            }
            fn shut_down(&mut self) {
                self.shut_down();
            }
        });
    };
}
pub(crate) use machine_that_ends;

machine_that_ends!(Connection);
