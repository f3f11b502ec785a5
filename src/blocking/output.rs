//! [`Output`]: the writing side of a stream.
use super::{
    timing::{Timing, left},
    transport::Transport,
};
use crate::proto::Transmit;
use bytes::Buf;
use std::{
    io::{self, IoSlice},
    time::{Duration, Instant},
};

/// The writing side of a stream.
#[derive(Debug)]
pub(super) struct Output<S> {
    pub(super) stream: S,
    pub(super) timing: Timing,
    /// Whether the stream is set to wait for a [`GLANCE`].
    glances: bool,
}

/// How many slices one write takes at most.
const SLICES: usize = 64;

/// How long a write waits before the clock is read for the first time. The deadline for writing begins up to this much
/// later than it should. In return, a write that does not wait for so long reads no clock and sets no timeout.
const GLANCE: Duration = Duration::from_millis(5);

impl<S> Output<S> {
    pub(super) fn new(stream: S, timing: Timing) -> Self {
        Self { stream, timing, glances: false }
    }
}

impl<S: Transport> Output<S> {
    /// Writes once. Says how many bytes the stream took.
    #[inline]
    pub(super) fn write(&mut self, out: &mut Transmit, until: Option<Instant>) -> io::Result<usize> {
        if until.is_some() || !self.glances {
            self.arm_briefly(until);
        }
        let (left, chunk) = (out.remaining(), out.chunk());
        let n = if chunk.len() == left { self.stream.write(chunk)? } else { self.write_vectored(out)? };
        if n == 0 || n > left {
            return Err(io::ErrorKind::WriteZero.into());
        }
        out.advance(n);
        self.timing.moved();
        Ok(n)
    }

    #[inline(never)]
    fn write_vectored(&mut self, out: &Transmit) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = out.chunks_vectored(&mut slices);
        self.stream.write_vectored(&slices[..count])
    }

    /// Flushes the stream, so that it lets go of the bytes that it has taken.
    #[inline]
    pub(super) fn flush(&mut self, until: Option<Instant>) -> io::Result<()> {
        if until.is_some() || !self.glances {
            self.arm_briefly(until);
        }
        self.stream.flush()?;
        self.timing.moved();
        Ok(())
    }

    /// Ends the writing side, and waits no longer than `within` for that. Says whether the stream can do it.
    #[cold]
    pub(super) fn shut_down(&mut self, within: Option<Duration>) -> io::Result<bool> {
        self.arm(within, true);
        self.stream.shutdown_write()
    }

    /// Nothing could be written. Returns whether to try again; then the next write waits for `within`. `false` if the
    /// stream leaves waiting to its owner.
    #[cold]
    pub(super) fn waits(&mut self, now: Instant, within: Option<Duration>) -> bool {
        let waits = self.timing.waited(now);
        if waits {
            self.arm(within, true);
        }
        waits
    }

    /// Call it before a write. That write waits until `until` at the latest, and only for a [`GLANCE`], unless the write
    /// before it moved nothing and [`waits`](Self::waits) has set for how long to wait.
    #[cold]
    fn arm_briefly(&mut self, until: Option<Instant>) {
        let stalled = self.timing.has_waited();
        let left = until.and_then(|_| left(self.stream.now(), until));
        let within = left.into_iter().chain((!stalled).then_some(GLANCE)).min();
        if within.is_some() {
            self.arm(within, !stalled);
            self.glances = within == Some(GLANCE);
        }
    }

    fn arm(&mut self, within: Option<Duration>, exactly: bool) {
        self.glances = false;
        self.timing.arm(within, exactly, |timeout| self.stream.set_write_timeout(timeout));
    }
}
