//! [`Output`]: the writing side of a stream.
use super::{
    timing::{Timing, left},
    transport::Transport,
};
use crate::{config::Config, proto::Transmit};
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
}

/// How many slices one write takes at most.
const SLICES: usize = 64;

/// How often the clock is looked at while the peer takes nothing, until the deadline.
const LOOKS: u32 = 8;

/// How long the peer may take to take nothing: while closing there is always a deadline, if there is one at all.
pub(super) fn write_patience(config: &Config) -> Option<Duration> {
    config.write_timeout.or(config.close_timeout)
}

impl<S: Transport> Output<S> {
    pub(super) fn new(stream: S, config: &Config) -> Self {
        let look = write_patience(config).map(|patience| patience / LOOKS);
        Self { stream, timing: Timing::new(look) }
    }

    /// Writes once. Says how many bytes the stream took.
    #[inline]
    pub(super) fn write(&mut self, out: &mut Transmit, until: Option<Instant>) -> io::Result<usize> {
        if until.is_some() || !self.timing.waits() {
            self.arm(until, false);
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

    /// Nothing could be written: whether to try again, until `until` at the latest. Not where the stream leaves waiting to
    /// its owner.
    #[cold]
    pub(super) fn waits(&mut self, now: Instant, until: Option<Instant>) -> bool {
        let waits = self.timing.waited(now);
        if waits {
            self.arm(until, true);
        }
        waits
    }

    #[cold]
    fn arm(&mut self, until: Option<Instant>, exactly: bool) {
        let within = until.and_then(|_| left(self.stream.now(), until));
        self.timing.arm(within, exactly, |timeout| self.stream.set_write_timeout(timeout));
    }
}
