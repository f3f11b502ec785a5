//! [`Driver`]: the loop that moves bytes and waits. The core decides what to do next, and the driver does it.
use super::{
    timing::{LEAST_WAIT, Timing, left},
    transport::Transport,
};
use crate::{
    adapter::{Error, outcome, would_wait},
    proto::{Closed, ControlSink, Deadline, Inbound, ReadBuf, Ready, RecvState, Step},
};
use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

/// The stream and the sending half, of a whole connection or a split one, as the loop sees them.
pub(super) trait Wire: ControlSink {
    /// The end of the stream that reads.
    type Stream: Transport;
    fn stream(&mut self) -> &mut Self::Stream;
    /// Writes once if there is anything to write, and waits no longer than until `until`.
    fn write(&mut self, until: Option<Instant>) -> io::Result<Wrote>;
    /// Nothing could be written. Returns whether to try again; then the next write waits for `within`.
    fn waits_to_write(&mut self, now: Instant, within: Option<Duration>) -> bool;
    /// The stream takes no more bytes.
    fn write_failed(&mut self, error: &io::Error);
    /// Ends the writing side, and waits no longer than `within` for that. Says whether the stream can do it.
    fn shut_down(&mut self, within: Option<Duration>) -> io::Result<bool>;
    /// Tells the receiving half how the sending threads ended the connection, if they did.
    fn tell_end(&self, _: &mut Inbound) {}
    /// When the sending threads are going to end the connection, unless output leaves before.
    fn deadline(&self, _: Instant) -> Option<Instant> {
        None
    }
    /// Waits until the thread that writes has written.
    fn wait_for_writer(&self, _: Option<Duration>) {}
}

/// The result of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    /// The stream has taken all there is, and let go of it.
    All,
    /// The stream has taken some bytes.
    Some,
    /// Another thread is writing.
    Elsewhere,
}

/// Why some output could not be written.
#[derive(Debug)]
enum Stopped {
    /// The stream leaves waiting to the caller, or the caller's time is over: an error that is resumable.
    Blocked(io::Error),
    /// A deadline has passed: no output has left for too long.
    GivenUp,
    /// The stream is broken.
    Failed(io::Error),
}

/// The receiving half, and what is known of the time.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) inbound: Inbound,
    pub(super) reads: Timing,
    /// Whether the time is to be told before the next wait. It may be told now: a read has been tried since a deadline
    /// passed.
    may_tell: bool,
}

/// How one call of the application waits.
#[derive(Debug, Default)]
struct Wait {
    /// When the caller's time is over.
    until: Option<Instant>,
    /// Whether the call has tried to read.
    tried: bool,
    /// The kind of error that the last read returned, if it found nothing.
    vain: Option<io::ErrorKind>,
}

impl Stopped {
    /// The caller's time is over.
    fn late() -> Self {
        Self::Blocked(io::ErrorKind::TimedOut.into())
    }
}

impl Wait {
    /// Whether the caller's time is over and a read has found nothing. Then the call does not wait to write, either.
    #[inline]
    fn is_over(&self, wire: &mut impl Wire) -> bool {
        self.vain.is_some() && self.until.is_some_and(|until| until <= wire.stream().now())
    }
}

impl Driver {
    /// No read waits for longer than the keepalive's interval, so that the clock is looked at in time whatever puts the
    /// next deadline off.
    pub(super) fn new(inbound: Inbound, mut reads: Timing) -> Self {
        reads.longest = inbound.config().keepalive.map(|keepalive| keepalive.interval);
        Self { inbound, reads, may_tell: false }
    }

    /// Waits for a message or a chunk, and says whether the message ends with it; `None` after the end. An end that is
    /// not [normal](Closed::is_normal) is an error, once.
    #[inline]
    pub(super) fn data(
        &mut self,
        wire: &mut impl Wire,
        until: Option<Instant>,
    ) -> Result<Option<bool>, Error> {
        match self.next(wire, until, |ready| matches!(ready, Ready::Data { .. }))? {
            Some(Ready::Data { fin }) => Ok(Some(fin)),
            Some(Ready::Closed(closed)) => outcome(&closed).map(|()| None),
            _ => Ok(None),
        }
    }

    /// Waits for anything to happen; `None` after the end.
    pub(super) fn event(&mut self, wire: &mut impl Wire) -> Result<Option<Ready>, Error> {
        Ok(self.next(wire, None, |_| true)?.filter(|ready| !matches!(ready, Ready::Closed(_))))
    }

    /// Receives and drops what comes until the end, or until `until`.
    ///
    /// # Errors
    /// Only errors that are resumable. Any other has ended the connection.
    pub(super) fn discard(&mut self, wire: &mut impl Wire, until: Option<Instant>) -> Result<Closed, Error> {
        loop {
            if let Some(closed) = self.inbound.closed() {
                return Ok(closed.clone());
            }
            match self.next(wire, until, |_| false) {
                Err(error) if error.is_resumable() => return Err(error),
                _ => {}
            }
        }
    }

    /// Waits for what is wanted, or for the end; `None` after the end.
    #[inline]
    fn next(
        &mut self,
        wire: &mut impl Wire,
        until: Option<Instant>,
        wanted: impl Fn(&Ready) -> bool,
    ) -> Result<Option<Ready>, Error> {
        let mut wait = Wait { until, ..Wait::default() };
        loop {
            match self.inbound.advance(wire) {
                Some(ready) if wanted(&ready) => return Ok(Some(ready)),
                Some(Ready::Closed(closed)) => {
                    self.ended(wire, &closed);
                    return Ok(Some(Ready::Closed(closed)));
                }
                Some(_) => {}
                None if self.inbound.state() == RecvState::Ended => return Ok(None),
                None => self.step(wire, &mut wait)?,
            }
        }
    }

    /// Writes all there is, and reads nothing.
    #[inline]
    pub(super) fn flush(&mut self, wire: &mut impl Wire) -> Result<(), Error> {
        match self.write(wire, None) {
            Ok(_) => Ok(()),
            Err(stopped) => Err(self.not_flushed(wire, stopped)),
        }
    }

    #[cold]
    fn not_flushed(&mut self, wire: &mut impl Wire, stopped: Stopped) -> Error {
        match stopped {
            Stopped::Blocked(error) => error.into(),
            Stopped::GivenUp => {
                self.end(wire);
                Error::TimedOut(Deadline::Write)
            }
            Stopped::Failed(error) => {
                self.hear_out(wire);
                error.into()
            }
        }
    }

    /// The stream cannot be written any more. A Close frame of the peer that says why may have come: what has come is
    /// read to find it, without waiting for more. Then the connection is ended.
    fn hear_out(&mut self, wire: &mut impl Wire) {
        self.arm_reads(wire, Some(LEAST_WAIT), true);
        if self.reads.waits() {
            let until = wire.stream().now().checked_add(LEAST_WAIT);
            let _ = self.discard(wire, until);
        }
        self.end(wire);
    }

    /// Ends the connection at once.
    pub(super) fn end(&mut self, wire: &mut impl Wire) {
        self.inbound.abort();
        while let Some(ready) = self.inbound.advance(wire) {
            if let Ready::Closed(closed) = ready {
                self.ended(wire, &closed);
            }
        }
    }

    /// The connection has ended: shuts the stream down, if that can be done at once. Nothing depends on it.
    #[cold]
    fn ended(&mut self, wire: &mut impl Wire, closed: &Closed) {
        if closed.timed_out.is_none() && self.inbound.wants_shutdown(wire) {
            let _ = wire.shut_down(Some(LEAST_WAIT));
        }
    }

    /// No event is ready: writes, then does the next step. It writes only then, so answers to messages that came
    /// together leave together; and always then, so no message waits for a call that may not come. The busy path looks
    /// at no clock and sets no timeout.
    #[inline]
    fn step(&mut self, wire: &mut impl Wire, wait: &mut Wait) -> Result<(), Error> {
        if self.inbound.has_more() {
            return self.next_turn(wire);
        }
        let wrote = if wait.is_over(wire) { Err(Stopped::late()) } else { self.write(wire, wait.until) };
        if !wire.is_idle() {
            wire.tell_end(&mut self.inbound);
        }
        match self.inbound.next_step(wire) {
            // Only the transport's end is still to come, and the peer may be waiting for this side to end first.
            Step::Read { .. }
                if matches!(wrote, Ok(Wrote::Elsewhere))
                    && self.inbound.state() == RecvState::CloseReceived =>
            {
                self.wait_for_output(wire, wait.until, wrote)
            }
            Step::Read { timed } => {
                let timed = timed || wait.until.is_some() || wait.vain.is_some() || self.may_tell;
                if timed && !self.look(wire, wait)? { Ok(()) } else { self.read(wire, wait) }
            }
            Step::ShutDown => self.shut_down(wire, wait.until),
            Step::Wait => self.wait_for_output(wire, wait.until, wrote),
            Step::Advance => Ok(()),
        }
    }

    /// Ends the writing side, within the deadline of closing. A stream that cannot do that is taken to have ended.
    #[cold]
    fn shut_down(&mut self, wire: &mut impl Wire, until: Option<Instant>) -> Result<(), Error> {
        let shut = self.look_aside(wire, until).and_then(|now| {
            let within = self.patience(now, until);
            match wire.shut_down(within) {
                Ok(true) => Ok(()),
                Err(error) if would_wait(&error) => self.not_written(wire, until, error),
                _ => {
                    self.inbound.receive_eof();
                    Ok(())
                }
            }
        });
        match shut {
            Err(Stopped::Blocked(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Begins the next turn. Tells the time, since a peer that keeps this thread busy must not keep it from looking at
    /// the clock.
    #[cold]
    fn next_turn(&mut self, wire: &mut impl Wire) -> Result<(), Error> {
        self.inbound.begin_turn();
        if self.inbound.wants_time(wire) {
            let now = wire.stream().now();
            self.inbound.handle_timeout(now, wire);
        }
        Ok(())
    }

    /// Writes all there is to write, and waits for that. `Elsewhere`: another thread writes.
    #[inline]
    fn write(&mut self, wire: &mut impl Wire, until: Option<Instant>) -> Result<Wrote, Stopped> {
        loop {
            match wire.write(until) {
                Ok(Wrote::Some) => {
                    if until.is_some_and(|until| until <= wire.stream().now()) {
                        return Err(Stopped::late());
                    }
                }
                Ok(wrote) => return Ok(wrote),
                Err(error) => self.not_written(wire, until, error)?,
            }
        }
    }

    /// A write timed out, would block, or failed. `Ok`: try again.
    #[cold]
    fn not_written(
        &mut self,
        wire: &mut impl Wire,
        until: Option<Instant>,
        error: io::Error,
    ) -> Result<(), Stopped> {
        if !would_wait(&error) {
            wire.write_failed(&error);
            return Err(Stopped::Failed(error));
        }
        let now = self.look_aside(wire, until)?;
        let within = self.patience(now, until);
        let again = error.kind() == io::ErrorKind::Interrupted || wire.waits_to_write(now, within);
        if again { Ok(()) } else { Err(Stopped::Blocked(error)) }
    }

    /// Waits for output to leave: nothing is to be read before.
    #[cold]
    fn wait_for_output(
        &mut self,
        wire: &mut impl Wire,
        until: Option<Instant>,
        wrote: Result<Wrote, Stopped>,
    ) -> Result<(), Error> {
        let waited = wrote.and_then(|wrote| {
            if wrote == Wrote::Elsewhere {
                let now = self.look_aside(wire, until)?;
                wire.wait_for_writer(self.patience(now, until));
            }
            Ok(())
        });
        match waited {
            Err(Stopped::Blocked(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Tells the time while nothing is read, so that only the deadlines of output pass. An error if one has, or the
    /// caller's time is over.
    fn look_aside(&mut self, wire: &mut impl Wire, until: Option<Instant>) -> Result<Instant, Stopped> {
        let now = wire.stream().now();
        self.inbound.set_reading(false);
        self.inbound.handle_timeout(now, wire);
        if self.inbound.is_ending(wire) {
            Err(Stopped::GivenUp)
        } else if until.is_some_and(|until| until <= now) {
            Err(Stopped::late())
        } else {
            Ok(now)
        }
    }

    /// Before a read: looks at the clock, and has the stream wait no longer than until the next deadline. `Ok(false)`:
    /// a deadline has passed and something is to be done first.
    ///
    /// When a deadline is seen to have passed, the caller may have been elsewhere for so long, and what has come
    /// meanwhile may be what was waited for: so the core is told only after one more read.
    #[cold]
    fn look(&mut self, wire: &mut impl Wire, wait: &mut Wait) -> Result<bool, Error> {
        let now = wire.stream().now();
        let due = self.inbound.poll_timeout().is_some_and(|at| at <= now);
        if due && !self.may_tell {
            (self.may_tell, wait.tried) = (true, true);
            self.arm_reads(wire, Some(LEAST_WAIT), true);
            return Ok(true);
        }
        self.may_tell = false;
        self.inbound.set_reading(true);
        self.inbound.handle_timeout(now, wire);
        if due {
            wait.vain = None; // there may be a ping or a Close frame to write
            return Ok(false);
        }
        let given_up = wire.deadline(now);
        if given_up.is_some_and(|at| at <= now) {
            wire.tell_end(&mut self.inbound);
            return Ok(false);
        }
        let vain = wait.vain.take();
        if wait.tried && wait.until.is_some_and(|until| until <= now) {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        wait.tried = true;
        let exactly = vain.is_some();
        if let Some(kind) = vain.filter(|_| !self.reads.waited(now)) {
            return Err(io::Error::from(kind).into());
        }
        self.arm_reads(wire, self.patience(now, wait.until.into_iter().chain(given_up).min()), exactly);
        Ok(true)
    }

    /// How long to wait: until the next deadline, or until the caller's time is over.
    fn patience(&self, now: Instant, until: Option<Instant>) -> Option<Duration> {
        left(now, self.inbound.poll_timeout().into_iter().chain(until).min())
    }

    pub(super) fn arm_reads(&mut self, wire: &mut impl Wire, within: Option<Duration>, exactly: bool) {
        self.reads.arm(within, exactly, |timeout| wire.stream().set_read_timeout(timeout));
    }

    /// Reads once.
    #[inline]
    fn read(&mut self, wire: &mut impl Wire, wait: &mut Wait) -> Result<(), Error> {
        self.inbound.rest();
        self.inbound.begin_turn();
        match fill(self.inbound.read_buf(), wire.stream()) {
            Ok(0) => self.inbound.receive_eof(),
            Ok(_) => self.reads.moved(),
            Err(error) => return self.not_read(wire, wait, error),
        }
        Ok(())
    }

    #[cold]
    fn not_read(&mut self, wire: &mut impl Wire, wait: &mut Wait, error: io::Error) -> Result<(), Error> {
        self.may_tell = true;
        if error.kind() == io::ErrorKind::Interrupted {
        } else if would_wait(&error) {
            wait.vain = Some(error.kind());
        } else if self.inbound.state() == RecvState::Open {
            self.end(wire);
            return Err(error.into());
        } else {
            self.inbound.abort(); // after a Close frame or a violation it is known already how the connection ends
        }
        Ok(())
    }
}

/// Reads once, straight into a machine's input. No other code of this adapter reads.
#[inline]
pub(super) fn fill(mut buf: ReadBuf<'_>, stream: &mut impl Read) -> io::Result<usize> {
    let n = stream.read(buf.room())?;
    buf.filled(n);
    Ok(n)
}
