//! The protocol after the handshake, as machines: bytes in, events out; messages in, bytes out.
//!
//! [`Connection`] is both directions. It holds no socket, starts no thread and reads no clock: a *driver* has those.
//! The adapters of this crate are such drivers, and use nothing that is not public here.
//!
//! ```
//! use sansocket::bytes::Buf;
//! use sansocket::{Config, proto::{Connection, Established, Event, Role}};
//! # fn main() -> Result<(), sansocket::SendError> {
//! let mut client = Connection::new(Established::bare(Role::Client), Config::client());
//! let mut server = Connection::new(Established::bare(Role::Server), Config::server());
//! client.send("hello")?;
//!
//! // What a transport does: bytes out of one, into the other.
//! let wire = client.transmit();
//! let bytes = wire.copy_to_bytes(wire.remaining());
//! server.receive(&bytes);
//!
//! // A message is lent where it lies; the sending half is free to answer while it lives.
//! let (inbound, outbound) = server.halves();
//! while let Some(event) = inbound.poll_event(outbound) {
//!     if let Event::Message(message) = event {
//!         assert_eq!(message.as_str(), Some("hello"));
//!         outbound.send(message)?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The loop of a driver
//! Deliver events, write, then do what [`next_step`](Connection::next_step) says. When a read has found nothing, tell
//! the time and go round once more: a ping may have to leave, or the connection has ended. Then wait until the stream
//! is ready, but no longer than until [`poll_timeout`](Connection::poll_timeout). All of it, over a socket that does
//! not block:
//!
//! ```
//! use sansocket::bytes::Buf;
//! use sansocket::proto::{Connection, Event, Step};
//! use std::{io::{self, ErrorKind::WouldBlock, Read, Write}, net::{Shutdown, TcpStream}, time::Instant};
//!
//! /// Does all that can be done without waiting. `false`: the connection has ended.
//! fn drive(connection: &mut Connection, stream: &mut TcpStream, now: Instant) -> io::Result<bool> {
//!     let mut told = false;
//!     loop {
//!         let (inbound, outbound) = connection.halves();
//!         while let Some(event) = inbound.poll_event(outbound) {
//!             match event {
//!                 Event::Message(message) => outbound.send(message).map_err(io::Error::other)?,
//!                 Event::Closed(_) => return Ok(false),
//!                 _ => {} // pings, and the peer's Close frame, have been answered
//!             }
//!         }
//!         write(connection, stream)?;
//!         let moved = match connection.next_step() {
//!             Step::Read { .. } => read(connection, stream)?,
//!             Step::ShutDown => {
//!                 stream.shutdown(Shutdown::Write)?;
//!                 connection.shut_down();
//!                 true
//!             }
//!             Step::Advance => true,
//!             Step::Wait => false,
//!         };
//!         if moved {
//!             told = false;
//!         } else if !told {
//!             connection.handle_timeout(now);
//!             told = true;
//!         } else {
//!             connection.halves().0.rest(); // an idle connection holds no buffer
//!             return Ok(true);
//!         }
//!     }
//! }
//!
//! /// Writes what the stream takes.
//! fn write(connection: &mut Connection, stream: &mut TcpStream) -> io::Result<()> {
//!     while connection.transmit().has_remaining() {
//!         match stream.write(connection.transmit().chunk()) {
//!             Ok(n) => connection.transmit().advance(n),
//!             Err(error) if error.kind() == WouldBlock => break,
//!             Err(error) => return Err(error),
//!         }
//!     }
//!     Ok(())
//! }
//!
//! /// Reads once. Says whether there was anything: bytes, or the end.
//! fn read(connection: &mut Connection, stream: &mut TcpStream) -> io::Result<bool> {
//!     let mut buf = connection.read_buf();
//!     match stream.read(buf.room()) {
//!         Ok(0) => connection.receive_eof(),
//!         Ok(n) => buf.filled(n),
//!         Err(error) if error.kind() == WouldBlock => return Ok(false),
//!         Err(error) => return Err(error),
//!     }
//!     Ok(true)
//! }
//! ```
//!
//! The example `event_loop` drives many connections with such a loop, from their opening handshakes on, as
//! [`Session`](crate::session::Session)s. A driver of handshakes, connections and sessions alike moves bytes by [`Machine`].
//!
//! # Which question when
//! | when | call |
//! |---|---|
//! | events are out, and the stream has taken what it can | [`next_step`] |
//! | about to wait for a readable stream | [`wants_read`]: if not, what comes is left in the transport |
//! | about to wait for a writable stream | [`wants_write`] |
//! | about to wait at all | [`Inbound::rest`], then [`poll_timeout`]; on [`Step::Wait`] also [`Outbound::rest`] |
//! | the clock is not to be read each time | [`wants_time`]: if not, tell the time once [`poll_timeout`] has passed |
//! | a read failed | [`abort`](Connection::abort): then comes [`Event::Closed`] |
//! | a write failed | [`write_failed`], and read on: a Close frame that says why may have come |
//!
//! [`next_step`]: Connection::next_step
//! [`wants_read`]: Connection::wants_read
//! [`wants_write`]: Connection::wants_write
//! [`wants_time`]: Connection::wants_time
//! [`poll_timeout`]: Connection::poll_timeout
//! [`write_failed`]: Outbound::write_failed
//!
//! Silence is blamed on the peer only if somebody listened. A driver that does not read although it could says so:
//! [`set_reading`](Inbound::set_reading).
//!
//! # Turns
//! One read may bring thousands of frames. [`poll_event`](Connection::poll_event) goes on until all are dealt with. A
//! driver whose thread serves others as well takes [`advance`](Inbound::advance) and [`lend`](Inbound::lend) instead:
//! after 256 frames (a read counts as 64) there is nothing ready, [`has_more`](Inbound::has_more) says why, and
//! [`begin_turn`](Inbound::begin_turn) goes on. Begin a turn before each wait, too.
//!
//! # Streams that hold bytes back
//! A socket lets go of what it takes. A buffered writer or a TLS stream may not, and such bytes are no progress towards
//! [`write_timeout`](crate::Config::write_timeout) until they have left. After a write, flush the stream, and say what
//! that came to: [`flushed`](Outbound::flushed) or [`flush_pending`](Outbound::flush_pending). When the stream takes no
//! more, say [`write_pending`](Outbound::write_pending). [`wants_flush`](Outbound::wants_flush) says whether a flush is
//! due.
//!
//! # Two threads
//! [`split`](Connection::split) takes the directions apart. [`Inbound`] reaches the sending half through a
//! [`ControlSink`]: implement that for whatever has the [`Outbound`], such as a lock. Then
//!
//! - switch [`set_pausing`](Inbound::set_pausing) off, and have senders wait at the high-water mark themselves
//!   ([`try_send`](Outbound::try_send)): a peer that has to be read before it reads is else waited for in vain;
//! - write without the lock: [`swap_transmit`](Outbound::swap_transmit) takes the bytes away, and
//!   [`written`](Outbound::written) says how many have gone;
//! - let a sender know when its message has left: [`position`](Outbound::position) after queueing it, then
//!   [`has_sent`](Outbound::has_sent) after each write;
//! - where a sender keeps the write deadline, tell the receiving half when it has passed:
//!   [`give_up`](Inbound::give_up).

// The rooms: `state` (every state and transition), `drive` (what a driver should do next), `reader` (bytes into
// messages, in place), `decoding` (through an extension), `input` (the buffer that bytes arrive in), `inbound` and
// `outbound` (the two directions), `transmit` (bytes on their way out), `timer` (deadlines), `closed` (the account of
// the end), `event` (what the directions tell the driver and each other), `machine` (what all machines have in common).
mod closed;
mod connection;
mod decoding;
mod drive;
mod established;
mod event;
mod inbound;
mod input;
mod machine;
mod outbound;
mod read_buf;
mod reader;
mod state;
mod timer;
mod transmit;

pub use closed::{Closed, Deadline};
pub use connection::Connection;
pub use drive::Step;
pub use established::{Established, InvalidSubprotocol, Subprotocol};
pub use event::{Control, ControlSink, Event, Ready, Sending, Sent};
pub use inbound::Inbound;
pub use input::Lent;
pub use machine::Machine;
pub(crate) use machine::{machine, machine_that_ends};
pub use outbound::{Outbound, Position};
pub use read_buf::ReadBuf;
pub use state::{ReadyState, RecvState, Role, SendState};
pub use transmit::Transmit;
