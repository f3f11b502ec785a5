//! [`Wire`]: the stream and the sending half, whole or split, as the receiving loop sees them; and the stream's own
//! timeouts, which are ours to set.
use super::transport::Transport;
use crate::{
    adapter::would_wait,
    close::CloseFrame,
    proto::{Control, ControlSink, Outbound, Sending, Transmit},
};
use bytes::Buf;
use std::{
    io::{self, IoSlice},
    time::{Duration, Instant},
};

/// What the receiving loop needs besides the receiving half.
pub(super) trait Wire: ControlSink {
    /// The time: see [`Transport::now`].
    fn now(&self) -> Instant;
    /// How long a read may wait at most, whatever the deadlines.
    fn longest_wait(&self) -> Option<Duration> {
        None
    }
    /// Reads once.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;
    /// How long a read may wait.
    fn read_timing(&mut self) -> &mut Timing;
    /// Sets how long a read may wait: see [`Timing::arm`].
    fn arm_reads(&mut self, within: Option<Duration>, exactly: bool) -> io::Result<()>;
    /// Writes all there is to write, before `until` if there is one. After an error that [is fatal](is_fatal) there is
    /// nothing to write any more.
    fn flush(&mut self, until: Option<Instant>) -> io::Result<()>;
    /// Ends the writing side. Says whether the peer can be told that.
    fn shut_down(&mut self) -> io::Result<bool>;
    /// See [`Outbound::buffered_amount`].
    fn buffered_amount(&self) -> usize;
}

/// How long a stream lets one direction wait, and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Timing {
    /// What the stream is set to.
    set: Option<Duration>,
    /// Since when the direction has been waiting, if the last call brought nothing.
    waiting_since: Option<Instant>,
    /// The stream has no timeouts, or has been seen not to wait: it is its owner who does.
    never_waits: bool,
}

impl Timing {
    /// Has the stream wait no longer than `within`: when that is less than it is set to, or when it should be exact.
    /// A system call costs as much as a message does, so it is not made again for the same.
    pub(super) fn arm(
        &mut self,
        within: Option<Duration>,
        exactly: bool,
        set: impl FnOnce(Option<Duration>) -> io::Result<bool>,
    ) -> io::Result<()> {
        let within = within.map(|within| within.max(Duration::from_millis(1)));
        let earlier = within.is_some_and(|within| self.set.is_none_or(|set| within < set));
        if (earlier || exactly) && within != self.set {
            // A stream that cannot is one that does not wait, or fails when it is next used: then that tells.
            self.never_waits |= !set(within).unwrap_or(false);
            self.set = within;
        }
        Ok(())
    }

    /// A call brought nothing. Says whether to wait on: a stream that does not wait leaves that to its owner.
    ///
    /// The first time it cannot be known how long the call has waited, so it is made again and timed.
    pub(super) fn waited(&mut self, now: Instant) -> bool {
        if let Some(since) = self.waiting_since.replace(now) {
            self.never_waits |= self.set.is_some_and(|set| now.duration_since(since) < set / 2);
        }
        !self.never_waits && self.set.is_some()
    }

    /// A call brought something.
    #[inline]
    pub(super) fn moved(&mut self) {
        self.waiting_since = None;
    }
}

/// The writing side of a stream.
#[derive(Debug)]
pub(super) struct Output<S> {
    pub(super) stream: S,
    /// Half of what the peer may take to take nothing: two waits in a row are a deadline passed.
    patience: Option<Duration>,
    timing: Timing,
    /// Bytes have been written that the stream may still keep.
    pub(super) unflushed: bool,
}

impl<S: Transport> Output<S> {
    pub(super) fn new(stream: S, write_timeout: Option<Duration>) -> Self {
        let patience = write_timeout.map(|whole| whole / 2);
        Self { stream, patience, timing: Timing::default(), unflushed: false }
    }

    /// The same on one half of the stream, and the other half.
    pub(super) fn split<H>(self, split: impl FnOnce(S) -> (H, H)) -> (H, Output<H>) {
        let Self { stream, patience, timing, unflushed } = self;
        let (reader, stream) = split(stream);
        (reader, Output { stream, patience, timing, unflushed })
    }

    /// Writes all of it, before `until` if there is one. Tells `moved` of each part that the stream took.
    #[inline]
    pub(super) fn write(
        &mut self,
        out: &mut Transmit,
        until: Option<Instant>,
        moved: impl Fn(usize),
    ) -> io::Result<()> {
        loop {
            let left = out.remaining();
            if left == 0 {
                return Ok(());
            }
            if self.timing.set.is_none() || until.is_some() {
                self.arm(until)?;
            }
            let chunk = out.chunk();
            let wrote = if chunk.len() == left { self.stream.write(chunk) } else { self.write_vectored(out) };
            match wrote {
                Ok(n) if n > 0 && n <= left => {
                    out.advance(n);
                    self.unflushed = true;
                    self.timing.moved();
                    moved(n);
                }
                Ok(_) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    if until.is_some_and(|until| until <= self.stream.now()) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) if would_wait(&error) => self.wait_on(until)?,
                Err(error) => return Err(error),
            }
        }
    }

    #[inline(never)]
    fn write_vectored(&mut self, out: &Transmit) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); 64];
        let count = out.chunks_vectored(&mut slices);
        self.stream.write_vectored(&slices[..count])
    }

    /// Has the stream let go of what it keeps.
    #[inline]
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.unflushed {
            self.stream.flush()?;
            self.unflushed = false;
        }
        Ok(())
    }

    #[cold]
    fn arm(&mut self, until: Option<Instant>) -> io::Result<()> {
        let left = until.map(|until| until.saturating_duration_since(self.stream.now()));
        let within = left.into_iter().chain(self.patience).min();
        self.timing.arm(within, until.is_none(), |timeout| self.stream.set_write_timeout(timeout))
    }

    /// The peer takes nothing: `Ok` to try again, `TimedOut` when it has had its time, `WouldBlock` when the
    /// stream leaves waiting to its owner.
    #[cold]
    fn wait_on(&mut self, until: Option<Instant>) -> io::Result<()> {
        let now = self.stream.now();
        let second = self.timing.waiting_since.is_some();
        match self.timing.waited(now) {
            false => Err(io::ErrorKind::WouldBlock.into()),
            true if until.map_or(second, |until| until <= now) => Err(io::ErrorKind::TimedOut.into()),
            true => Ok(()),
        }
    }
}

/// Whether the stream is broken for writing, and not only slow.
pub(super) fn is_fatal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut || !would_wait(error)
}

/// The stream and the sending half of a whole [`WebSocket`](super::WebSocket): read where it is written.
#[derive(Debug)]
pub(super) struct Link<S> {
    pub(super) output: Output<S>,
    pub(super) outbound: Outbound,
    pub(super) reads: Timing,
}

impl<S> ControlSink for Link<S> {
    #[inline]
    fn control(&mut self, control: Control<'_>) {
        self.outbound.control(control);
    }
    #[inline]
    fn sending(&self) -> Sending {
        self.outbound.sending()
    }
    fn close_sent(&self) -> Option<Option<CloseFrame>> {
        self.outbound.close_sent()
    }
}

impl<S> Link<S> {
    /// Writing stopped; if that is for good, nothing is kept to be written.
    #[cold]
    fn stopped(&mut self, error: io::Error) -> io::Error {
        if is_fatal(&error) {
            self.outbound.abandon();
            self.output.unflushed = false;
        }
        error
    }
}

impl<S: Transport> Wire for Link<S> {
    #[inline]
    fn now(&self) -> Instant {
        self.output.stream.now()
    }
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.output.stream.read(buf)
    }
    fn read_timing(&mut self) -> &mut Timing {
        &mut self.reads
    }
    fn arm_reads(&mut self, within: Option<Duration>, exactly: bool) -> io::Result<()> {
        self.reads.arm(within, exactly, |timeout| self.output.stream.set_read_timeout(timeout))
    }
    #[inline]
    fn flush(&mut self, until: Option<Instant>) -> io::Result<()> {
        while !self.outbound.is_flushed() {
            if let Err(error) = self.output.write(self.outbound.transmit(), until, |_| ()) {
                return Err(self.stopped(error));
            }
        }
        self.output.flush().map_err(|error| self.stopped(error))
    }
    fn shut_down(&mut self) -> io::Result<bool> {
        self.outbound.shut_down();
        self.output.stream.shutdown_write()
    }
    #[inline]
    fn buffered_amount(&self) -> usize {
        self.outbound.buffered_amount()
    }
}

/// The time, where there is no stream yet.
#[allow(clippy::disallowed_methods, reason = "an adapter reads the clock, so that the core need not")]
pub(super) fn now() -> Instant {
    Instant::now()
}
