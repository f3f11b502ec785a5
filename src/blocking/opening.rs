//! Moves the bytes of an opening handshake, for either role, within its deadline.
use super::{
    driver::fill,
    output::Output,
    timing::{Timing, left},
    transport::Transport,
};
use crate::{
    adapter::{Error, would_wait},
    handshake::{HandshakeError, LINGER_BYTES},
    proto::{Machine, Transmit},
};
use bytes::Buf;
use std::{
    io,
    time::{Duration, Instant},
};

/// A stream on which a handshake is under way.
#[derive(Debug)]
pub(super) struct Opening<S> {
    pub(super) output: Output<S>,
    pub(super) reads: Timing,
}

impl<S: Transport> Opening<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { output: Output::new(stream, Timing::default()), reads: Timing::default() }
    }

    /// Does the whole handshake, whose outcome `poll` takes.
    pub(super) fn run<M: Machine, T>(
        &mut self,
        machine: &mut M,
        poll: impl Fn(&mut M) -> Result<Option<T>, HandshakeError>,
    ) -> Result<T, Error> {
        self.output.stream.prepare()?;
        loop {
            let now = self.now();
            machine.handle_timeout(now);
            if let Some(outcome) = poll(machine)? {
                return Ok(outcome);
            }
            let deadline = machine.poll_timeout();
            if machine.transmit().has_remaining() {
                self.write(machine.transmit(), deadline)?;
                continue;
            }
            let read = self.read(left(now, deadline), |stream| fill(machine.read_buf(), stream))?;
            if read == Some(0) {
                machine.receive_eof();
            }
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.output.stream.now()
    }

    /// Writes once.
    fn write(&mut self, out: &mut Transmit, until: Option<Instant>) -> Result<(), Error> {
        let wrote = self.output.write(out, until);
        match wrote.and_then(|_| if out.has_remaining() { Ok(()) } else { self.output.flush(until) }) {
            Err(error) => {
                let now = self.now();
                go_on(error, || self.output.waits(now, left(now, until)))
            }
            Ok(()) => Ok(()),
        }
    }

    /// Reads once, within `patience`. `None`: no byte came.
    fn read(
        &mut self,
        patience: Option<Duration>,
        read: impl FnOnce(&mut S) -> io::Result<usize>,
    ) -> Result<Option<usize>, Error> {
        let Self { output: Output { stream, .. }, reads } = self;
        reads.arm(patience, false, |timeout| stream.set_read_timeout(timeout));
        match read(stream) {
            Ok(n) => {
                reads.moved();
                Ok(Some(n))
            }
            Err(error) => go_on(error, || reads.waited(stream.now())).map(|()| None),
        }
    }

    /// Sends a refusal, then reads and drops what still comes, until the peer has ended or `until`: dropping a stream
    /// with bytes unread would take the refusal back. A peer that does not take the refusal has been refused all the
    /// same.
    ///
    /// # Errors
    /// Only errors that are resumable.
    pub(super) fn refuse(&mut self, answer: &mut Transmit, until: Option<Instant>) -> Result<(), Error> {
        let late = |now| until.is_some_and(|until| until <= now);
        while answer.has_remaining() {
            match self.write(answer, until) {
                Err(error) if error.is_resumable() => return Err(error),
                Ok(()) if !late(self.now()) => {}
                _ => return Ok(()),
            }
        }
        let mut room = LINGER_BYTES;
        if !matches!(self.output.shut_down(left(self.now(), until)), Ok(true)) {
            return Ok(());
        }
        while room > 0 && !late(self.now()) {
            match self.read(left(self.now(), until), |stream| stream.read(&mut [0; 4096])) {
                Ok(Some(0)) | Err(_) => break,
                Ok(n) => room = room.saturating_sub(n.unwrap_or(0)),
            }
        }
        Ok(())
    }
}

/// Judges an error of a read or write that moved nothing. `Ok`: try again.
fn go_on(error: io::Error, waited: impl FnOnce() -> bool) -> Result<(), Error> {
    let again = error.kind() == io::ErrorKind::Interrupted || would_wait(&error) && waited();
    if again { Ok(()) } else { Err(error.into()) }
}
