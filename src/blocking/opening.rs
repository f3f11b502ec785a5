//! Moves the bytes of an opening handshake, for either role, within its deadline.
use super::{transport::Transport, wire::Timing};
use crate::{
    adapter::{Error, Handshake, LINGER_BYTES, with_scratch, would_wait},
    proto::Transmit,
};
use bytes::Buf;
use std::{io, time::Instant};

/// A stream on which a handshake is under way.
#[derive(Debug)]
pub(super) struct Opening<S> {
    pub(super) stream: S,
    pub(super) reads: Timing,
    pub(super) writes: Timing,
}

impl<S: Transport> Opening<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, reads: Timing::default(), writes: Timing::default() }
    }

    /// Writes what there is to write, and reads once.
    pub(super) fn step(&mut self, machine: &mut impl Handshake) -> Result<(), Error> {
        let at = self.stream.now();
        machine.handle_timeout(at);
        let deadline = machine.poll_timeout();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(at));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(());
        }
        self.write(machine.transmit(), deadline)?;
        if machine.transmit().has_remaining() {
            return Ok(());
        }
        self.reads.arm(left, false, |timeout| self.stream.set_read_timeout(timeout))?;
        match self.read(|bytes| machine.read_buf().extend_from_slice(bytes)) {
            Ok(0) => machine.receive_eof(),
            Ok(_) => self.reads.moved(),
            Err(error) => wait_on(&mut self.reads, self.stream.now(), error)?,
        }
        Ok(())
    }

    /// Writes all of it, or as much as goes until `until`.
    pub(super) fn write(&mut self, out: &mut Transmit, until: Option<Instant>) -> Result<(), Error> {
        if !out.has_remaining() {
            return Ok(());
        }
        while out.has_remaining() {
            let left = until.map(|until| until.saturating_duration_since(self.stream.now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            self.writes.arm(left, false, |timeout| self.stream.set_write_timeout(timeout))?;
            match self.stream.write(out.chunk()) {
                Ok(n) if n > 0 && n <= out.chunk().len() => {
                    out.advance(n);
                    self.writes.moved();
                }
                Ok(_) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Err(error) => wait_on(&mut self.writes, self.stream.now(), error)?,
            }
        }
        Ok(self.stream.flush()?)
    }

    /// Reads once into the thread's memory.
    fn read(&mut self, take: impl FnOnce(&[u8])) -> io::Result<usize> {
        with_scratch(|scratch| {
            let n = self.stream.read(scratch)?.min(scratch.len());
            take(&scratch[..n]);
            Ok(n)
        })
    }

    /// After a refusal: ends the writing side and reads on until the peer has, or `until`.
    pub(super) fn linger(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let mut left = LINGER_BYTES;
        if !matches!(self.stream.shutdown_write(), Ok(true)) {
            return Ok(());
        }
        while left > 0 {
            let patience = until.map(|until| until.saturating_duration_since(self.stream.now()));
            if patience.is_some_and(|patience| patience.is_zero()) {
                break;
            }
            self.reads.arm(patience, false, |timeout| self.stream.set_read_timeout(timeout))?;
            match self.read(|_| ()) {
                Ok(0) => break,
                Ok(n) => left = left.saturating_sub(n),
                Err(error) => {
                    if wait_on(&mut self.reads, self.stream.now(), error).is_err() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Nothing moved: `Ok` to try again.
fn wait_on(timing: &mut Timing, now: Instant, error: io::Error) -> Result<(), Error> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        _ if would_wait(&error) && timing.waited(now) => Ok(()),
        _ => Err(error.into()),
    }
}
