//! Two threads and more: a [`Receiver`], and a [`Sender`] for each thread that sends.
use super::{
    receive,
    transport::{Split, Transport},
    websocket::WebSocket,
    wire::{Link, Output, Timing, Wire, is_fatal},
};
use crate::{
    adapter::{Error, outcome},
    close::CloseFrame,
    extension::ExtensionOffer,
    message::{Message, Outgoing},
    proto::{
        Closed, Control, ControlSink, Deadline, Event, Inbound, Lent, Outbound, Ready, ReadyState, SendState,
        Sending, Subprotocol, Transmit,
    },
};
use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// What both ends have. No thread holds `outbound` while it waits, so the receiving end never waits for a sending
/// one that the peer keeps waiting.
#[derive(Debug)]
struct Shared<W> {
    outbound: Mutex<Outbound>,
    /// What was taken away to be written has been counted as written.
    counted: Condvar,
    writer: Mutex<Writer<W>>,
    /// Moves with each part that the stream takes of what is being written, for the receiver's deadline.
    progress: AtomicU32,
    high_water: usize,
}

/// How long a thread that has written may need to say so. One that takes longer is waiting for the peer.
const COUNTED_WITHIN: Duration = Duration::from_secs(1);

/// The stream, and the bytes that are being written to it.
#[derive(Debug)]
struct Writer<W> {
    output: Output<W>,
    pending: Transmit,
}

impl<W> Shared<W> {
    fn outbound(&self) -> MutexGuard<'_, Outbound> {
        self.outbound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Transport> Shared<W> {
    /// Writes all there is.
    fn write(&self, writer: &mut Writer<W>, until: Option<Instant>) -> io::Result<()> {
        let moved = |n| {
            self.progress.fetch_add(n as u32, Relaxed);
        };
        let wrote = loop {
            if let Err(error) = writer.output.write(&mut writer.pending, until, moved) {
                break Err(error);
            }
            let mut outbound = self.outbound();
            outbound.written();
            if outbound.state() != SendState::Open {
                self.counted.notify_one(); // only then is anyone waiting, and it is a system call
            }
            if outbound.is_flushed() {
                drop(outbound);
                break writer.output.flush();
            }
            writer.pending = outbound.take_transmit();
        };
        wrote.inspect_err(|error| {
            if is_fatal(error) {
                writer.pending = Transmit::default();
                writer.output.unflushed = false;
                self.outbound().abandon();
                self.counted.notify_one();
            }
        })
    }

    /// Writes all there is, after whoever is writing.
    fn flush(&self) -> io::Result<()> {
        self.write(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner), None)?;
        // What came to be queued while this thread was leaving relies on it.
        self.flush_unless_busy(None)
    }

    /// Writes all there is, unless another thread is writing: it will write this too.
    fn flush_unless_busy(&self, until: Option<Instant>) -> io::Result<()> {
        while !self.outbound().is_flushed() {
            match self.writer.try_lock() {
                Ok(mut writer) => self.write(&mut writer, until)?,
                Err(TryLockError::Poisoned(poisoned)) => self.write(&mut poisoned.into_inner(), until)?,
                Err(TryLockError::WouldBlock) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// The receiving loop's view of a split connection.
struct Ends<'a, H> {
    reader: &'a mut H,
    reads: &'a mut Timing,
    shared: &'a Shared<H>,
    longest_wait: Option<Duration>,
}

impl<H> ControlSink for Ends<'_, H> {
    fn control(&mut self, control: Control<'_>) {
        self.shared.outbound().control(control);
    }
    fn sending(&self) -> Sending {
        let sending = self.shared.outbound().sending();
        Sending { taken: sending.taken.wrapping_add(self.shared.progress.load(Relaxed)), ..sending }
    }
    fn close_sent(&self) -> Option<Option<CloseFrame>> {
        // The peer may have answered a frame that the thread that wrote it has not been let count yet.
        let outbound = self.shared.outbound();
        let counted = self.shared.counted.wait_timeout_while(outbound, COUNTED_WITHIN, |outbound| {
            outbound.is_away() && outbound.state() != SendState::Open
        });
        counted.unwrap_or_else(PoisonError::into_inner).0.close_sent()
    }
}

impl<H: Transport> Wire for Ends<'_, H> {
    fn now(&self) -> Instant {
        self.reader.now()
    }
    fn longest_wait(&self) -> Option<Duration> {
        self.longest_wait
    }
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
    fn read_timing(&mut self) -> &mut Timing {
        self.reads
    }
    fn arm_reads(&mut self, within: Option<Duration>, exactly: bool) -> io::Result<()> {
        self.reads.arm(within, exactly, |timeout| self.reader.set_read_timeout(timeout))
    }
    fn flush(&mut self, until: Option<Instant>) -> io::Result<()> {
        self.shared.flush_unless_busy(until)
    }
    fn shut_down(&mut self) -> io::Result<bool> {
        self.shared.outbound().shut_down();
        self.reader.shutdown_write()
    }
    fn buffered_amount(&self) -> usize {
        self.shared.outbound().buffered_amount()
    }
}

/// The receiving end of a split [`WebSocket`]. While it is receiving, pings are answered, the closing handshake is
/// done and deadlines pass, whether or not anything is sent.
#[derive(Debug)]
pub struct Receiver<H> {
    inbound: Inbound,
    reader: H,
    reads: Timing,
    shared: Arc<Shared<H>>,
    /// A sender cannot wake a thread that reads, so that thread looks whether it should be closing this often.
    longest_wait: Option<Duration>,
    subprotocol: Option<Subprotocol>,
}

/// A sending end of a split [`WebSocket`]: clone it for each thread that sends. Messages of different threads are never
/// mixed, and no thread waits for another unless both write.
#[derive(Debug)]
pub struct Sender<H> {
    shared: Arc<Shared<H>>,
}

impl<H> Clone for Sender<H> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<S: Split> WebSocket<S> {
    /// Takes the directions apart, for one thread that receives and others that send.
    pub fn split(self) -> (Sender<S::Half>, Receiver<S::Half>) {
        let Self { inbound, link: Link { output, outbound, reads }, subprotocol, high_water } = self;
        let (reader, output) = output.split(Split::split);
        let shared = Arc::new(Shared {
            outbound: Mutex::new(outbound),
            counted: Condvar::new(),
            writer: Mutex::new(Writer { output, pending: Transmit::default() }),
            progress: AtomicU32::new(0),
            high_water,
        });
        let longest_wait = inbound.close_timeout();
        let mut reads = reads;
        // A stream that cannot be given a timeout leaves waiting to its owner: see `Timing`.
        let _ = reads.arm(longest_wait, false, |timeout| reader.set_read_timeout(timeout));
        let receiver = Receiver { inbound, reader, reads, shared: shared.clone(), longest_wait, subprotocol };
        (Sender { shared }, receiver)
    }
}

impl<H: Transport> Receiver<H> {
    /// The next message, owned; `None` once the peer has closed: see [`WebSocket::recv`].
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn recv(&mut self) -> Result<Option<Message>, Error> {
        Ok(self.recv_ref()?.map(Lent::into_message))
    }

    /// The next message where it lies: see [`WebSocket::recv_ref`]. Pass it to [`Sender::feed`] to answer with it.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn recv_ref(&mut self) -> Result<Option<Lent<'_>>, Error> {
        loop {
            let Some(ready) = self.next(None)? else { return Ok(None) };
            if matches!(ready, Ready::Data { .. }) {
                return Ok(match self.inbound.lend(ready) {
                    Event::Message(message) | Event::Chunk { data: message, .. } => Some(message),
                    _ => None,
                });
            }
        }
    }

    /// As [`recv`](Self::recv), but waits no longer than `timeout`: see [`WebSocket::recv_timeout`].
    ///
    /// # Errors
    /// As [`WebSocket::recv_timeout`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Message>, Error> {
        let until = self.reader.now().checked_add(timeout);
        loop {
            let Some(ready) = self.next(until)? else { return Ok(None) };
            if let Event::Message(message) | Event::Chunk { data: message, .. } = self.inbound.lend(ready) {
                return Ok(Some(message.into_message()));
            }
            if until.is_some_and(|until| until <= self.reader.now()) {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
        }
    }

    fn next(&mut self, until: Option<Instant>) -> Result<Option<Ready>, Error> {
        if self.inbound.is_over() {
            return Ok(None);
        }
        let Self { inbound, reader, reads, shared, longest_wait, .. } = self;
        let mut ends = Ends { reader, reads, shared, longest_wait: *longest_wait };
        match receive::next(inbound, &mut ends, shared.high_water, until)? {
            Ready::Closed(closed) => {
                if closed.timed_out.is_none() {
                    // The peer is told as well as it can be; nothing depends on whether it hears.
                    let _ = ends.shut_down();
                }
                let outcome = outcome(&closed);
                outcome.map(|()| None)
            }
            ready => Ok(Some(ready)),
        }
    }

    /// The stream.
    pub fn get_ref(&self) -> &H {
        &self.reader
    }
    /// What a browser calls `WebSocket.readyState`.
    pub fn state(&self) -> ReadyState {
        self.inbound.ready_state(&*self.shared.outbound())
    }
    /// How the connection ended, once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.inbound.closed()
    }
    /// What a browser calls `WebSocket.protocol`.
    pub fn subprotocol(&self) -> Option<&Subprotocol> {
        self.subprotocol.as_ref()
    }
    /// The extension that the connection uses, with what was agreed on (RFC 6455 §9): what a browser calls
    /// `WebSocket.extensions`. A copy: the sending half, which has it, is shared with the senders.
    pub fn extension(&self) -> Option<ExtensionOffer> {
        self.shared.outbound().extension().cloned()
    }
}

impl<H: Transport> Sender<H> {
    /// Sends a message, and all that was queued before it: see [`WebSocket::send`].
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn send<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.shared.outbound().send(message)?;
        self.flush()
    }

    /// Queues a message: see [`WebSocket::feed`]. What is queued leaves when the [`Receiver`] is about to wait, too.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn feed<'m>(&self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        let queued = {
            let mut outbound = self.shared.outbound();
            outbound.send(message)?;
            outbound.buffered_amount()
        };
        if queued > self.shared.high_water { self.flush() } else { Ok(()) }
    }

    /// Writes all that is queued: see [`WebSocket::flush`].
    ///
    /// # Errors
    /// As [`WebSocket::flush`].
    pub fn flush(&self) -> Result<(), Error> {
        self.shared.flush().map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Error::TimedOut(Deadline::Write),
            _ => error.into(),
        })
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 §5.5.2), and all that was queued.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn ping(&self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        self.shared.outbound().ping(payload)?;
        self.flush()
    }

    /// Begins the closing handshake: sends what is queued and the Close frame. The [`Receiver`] finishes it, within
    /// twice the [`close_timeout`](crate::Config::close_timeout).
    ///
    /// # Errors
    /// As [`WebSocket::flush`].
    pub fn close(&self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        self.shared.outbound().close(frame);
        self.flush()
    }

    /// Bytes queued that the transport has not taken.
    pub fn buffered_amount(&self) -> usize {
        self.shared.outbound().buffered_amount()
    }
}
