//! [`Shared`]: what the ends of a split connection share, and which end may wait for which.
use super::ReadSide;
use crate::{
    adapter::{Error, would_wait},
    blocking::{
        driver::Wrote,
        link::{note_flush, note_shutdown, note_write},
        output::Output,
        timing::{LEAST_WAIT, left},
        transport::Transport,
    },
    config::Config,
    error::SendError,
    proto::{ControlSink, Deadline, Outbound, Position, Transmit},
};
use bytes::Buf;
use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What the ends of a split connection share.
///
/// | of [`Inner`] | says |
/// |---|---|
/// | `outbound` | what is queued; its [away](Outbound::take_transmit) bytes are in the writer's hands |
/// | `writer` | the end of the stream that writes; `None` while a thread writes with it |
/// | `left_over` | whether somebody left what is queued to the thread that writes, since that took what it writes |
/// | `waiting` | how many threads wait on `changed`; it is not notified for none, since that is a system call |
/// | `stalled` | since when a sender waits for the stream: the receiver, which nobody wakes, looks at that |
/// | `end` | why nothing more is written; the receiver is told by [`Ends`](super::ends::Ends) |
/// | `left` | what a dropped receiver left, for the sender that closes; `None` while that sender has it |
///
/// The one lock is held while a message is queued, and compressed: the compressor must see messages in the order in
/// which they leave. It is never held during a system call or while a thread waits. So:
///
/// - No thread waits for the lock for long. A thread that writes takes the writer out, and puts it back after each
///   write.
/// - A sender waits for the stream, or on `changed` for the thread that writes. The thread that puts the writer back
///   wakes all that wait, so no sender is left with bytes that nobody writes.
/// - A sender is done when its own message has left, however much others feed meanwhile. It goes on only for what was
///   left to it: by a receiver that reads again instead of waiting for the writer.
/// - The receiver writes only if no sender does. It waits on `changed` only while nothing is to be read before output
///   has left.
#[derive(Debug)]
pub(super) struct Shared<H> {
    inner: Mutex<Inner<H>>,
    changed: Condvar,
    pub(super) high_water: usize,
    /// How long output may wait and none of it leave: `write_timeout`, or without one `close_timeout`.
    patience: Option<Duration>,
}

/// What is behind the lock.
#[derive(Debug)]
pub(super) struct Inner<H> {
    pub(super) outbound: Outbound,
    pub(super) writer: Option<Box<Writer<H>>>,
    left_over: bool,
    waiting: usize,
    /// Since when a sender has seen nothing leave, and how many bytes had left by then.
    stalled: Option<(Instant, u32)>,
    pub(super) end: Option<End>,
    pub(super) left: Option<Box<ReadSide<H>>>,
}

/// The end of the stream that writes, and the bytes that are being written.
#[derive(Debug)]
pub(super) struct Writer<H> {
    pub(super) output: Output<H>,
    pending: Transmit,
}

/// Why nothing more is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// The connection has ended.
    Over,
    /// A sender saw nothing leave for too long.
    TimedOut,
    /// The stream failed.
    Failed(io::ErrorKind),
    /// A sender aborted the connection.
    Aborted,
}

pub(super) type Guard<'a, H> = MutexGuard<'a, Inner<H>>;

impl<H> Shared<H> {
    pub(super) fn new(outbound: Outbound, output: Output<H>, config: &Config) -> Self {
        let writer = Some(Box::new(Writer { output, pending: Transmit::default() }));
        Self {
            inner: Mutex::new(Inner {
                outbound,
                writer,
                left_over: false,
                waiting: 0,
                stalled: None,
                end: None,
                left: None,
            }),
            changed: Condvar::new(),
            high_water: config.high_water_mark,
            patience: config.write_timeout.or(config.close_timeout),
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> Guard<'_, H> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the writer has no bytes in hand.
    pub(super) fn is_whole(&self) -> bool {
        self.lock().writer.as_ref().is_some_and(|writer| !writer.pending.has_remaining())
    }

    /// Takes it apart again, if nobody else has it and nobody writes.
    pub(super) fn into_parts(self: Arc<Self>) -> Result<(Outbound, Output<H>), Arc<Self>> {
        let mut shared = Arc::try_unwrap(self)?;
        let inner = shared.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        match inner.writer.take() {
            Some(writer) => {
                let inner = shared.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
                Ok((inner.outbound, writer.output))
            }
            None => Err(Arc::new(shared)),
        }
    }

    /// Waits until the thread that writes has written, no longer than `within`.
    pub(super) fn wait<'a>(&'a self, mut inner: Guard<'a, H>, within: Option<Duration>) -> Guard<'a, H> {
        inner.waiting += 1;
        let mut inner = match within {
            None => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
            Some(within) => {
                self.changed.wait_timeout(inner, within).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        inner.waiting -= 1;
        inner
    }

    /// Nothing more is written: wakes all threads that wait.
    #[cold]
    pub(super) fn end(&self, inner: &mut Inner<H>, end: End) {
        if matches!(end, End::Failed(_)) {
            inner.outbound.flush_pending(); // what the stream took since its last flush may never have left
        }
        inner.outbound.write_failed();
        inner.end.get_or_insert(end);
        if let Some(writer) = &mut inner.writer {
            writer.pending = Transmit::default();
        }
        self.changed.notify_all();
    }

    /// When a sender that waits is going to give the connection up. If that is now, this does.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        let mut inner = self.lock();
        let at = inner.deadline(self.patience);
        if at.is_some_and(|at| at <= now) {
            self.end(&mut inner, End::TimedOut);
        }
        at
    }

    #[inline(always)]
    fn put_back(&self, inner: &mut Inner<H>, mut writer: Box<Writer<H>>) {
        if inner.end.is_some() {
            writer.pending = Transmit::default();
        }
        inner.writer = Some(writer);
        if inner.waiting > 0 {
            self.changed.notify_all();
        }
    }
}

/// The writer, taken out of [`Inner`]. It goes back when this is dropped: also when the stream panics.
struct Turn<'a, H> {
    shared: &'a Shared<H>,
    writer: Option<Box<Writer<H>>>,
}

impl<H> Drop for Turn<'_, H> {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.shared.put_back(&mut self.shared.lock(), writer);
        }
    }
}

impl<H: Transport> Writer<H> {
    /// Writes what is in hand once, and has the stream let go of it once nothing is left. Says how many bytes the
    /// stream took, and what the flush came to.
    #[inline]
    fn write(&mut self, until: Option<Instant>) -> (io::Result<usize>, Option<io::Result<()>>) {
        let mut wrote = Ok(0);
        if self.pending.has_remaining() {
            wrote = self.output.write(&mut self.pending, until);
            if wrote.is_err() || self.pending.has_remaining() {
                return (wrote, None);
            }
        }
        (wrote, Some(self.output.flush(until)))
    }
}

impl<H: Transport> Shared<H> {
    /// Writes once if there is anything to write and nobody else does, without the lock.
    #[inline]
    pub(super) fn write<'a>(
        &'a self,
        mut inner: Guard<'a, H>,
        until: Option<Instant>,
    ) -> (Guard<'a, H>, io::Result<Wrote>) {
        let Some(mut writer) = inner.writer.take() else {
            if inner.outbound.is_flushed() {
                return (inner, Ok(Wrote::All));
            }
            inner.left_over = true;
            return (inner, Ok(Wrote::Elsewhere));
        };
        inner.outbound.swap_transmit(&mut writer.pending);
        inner.left_over = false;
        if !writer.pending.has_remaining() && inner.outbound.is_flushed() {
            inner.writer = Some(writer);
            return (inner, Ok(Wrote::All));
        }
        drop(inner);
        let mut turn = Turn { shared: self, writer: Some(writer) };
        let done = turn.writer.as_mut().map(|writer| writer.write(until));
        let mut inner = self.lock();
        let writer = turn.writer.take();
        std::mem::forget(turn); // there is nothing left to be put back
        let (Some(writer), Some((wrote, flushed))) = (writer, done) else {
            return (inner, Ok(Wrote::All));
        };
        if let Ok(n @ 1..) = wrote {
            inner.outbound.written(n);
        }
        let wrote = note_write(&mut inner.outbound, wrote);
        self.put_back(&mut inner, writer);
        let flushed = flushed.map_or(Ok(()), |flushed| note_flush(&mut inner.outbound, flushed));
        let all = inner.outbound.is_flushed();
        let wrote = wrote.and(flushed).map(|()| if all { Wrote::All } else { Wrote::Some });
        (inner, wrote)
    }

    /// Writes until everything up to a position has left, or waits for the thread that does.
    ///
    /// # Errors
    /// As [`WebSocket::flush`](crate::blocking::WebSocket::flush).
    #[inline]
    pub(super) fn flush<'a>(&'a self, mut inner: Guard<'a, H>, mut position: Position) -> Result<(), Error> {
        loop {
            let (held, wrote) = self.write(inner, None);
            inner = held;
            let elsewhere = matches!(wrote, Ok(Wrote::Elsewhere));
            if let Err(error) = wrote {
                self.not_written(&mut inner, error)?;
            }
            let sent = inner.outbound.has_sent(&mut position).map_err(|error| inner.why(error))?;
            if sent && (elsewhere || inner.waiting > 0 || inner.may_stop()) {
                return Ok(());
            }
            if elsewhere {
                inner = self.wait(inner, None);
            }
        }
    }

    /// A write of a sender timed out, would block, or failed. `Ok`: try again. A sender that waits keeps the deadline for
    /// writing, since the receiver may not be receiving.
    #[cold]
    fn not_written(&self, inner: &mut Inner<H>, error: io::Error) -> Result<(), Error> {
        if !would_wait(&error) {
            self.end(inner, End::Failed(error.kind()));
            return Err(error.into());
        }
        let Some(writer) = &inner.writer else { return Ok(()) };
        let now = writer.output.stream.now();
        let released = inner.outbound.sending().released;
        inner.stalled = inner.stalled.filter(|stalled| stalled.1 == released).or(Some((now, released)));
        let deadline = inner.deadline(self.patience);
        if deadline.is_some_and(|at| at <= now) {
            self.end(inner, End::TimedOut);
            return Err(Error::TimedOut(Deadline::Write));
        }
        let waits = |writer: &mut Box<Writer<H>>| writer.output.waits(now, left(now, deadline));
        let again = error.kind() == io::ErrorKind::Interrupted || inner.writer.as_mut().is_none_or(waits);
        if again { Ok(()) } else { Err(error.into()) }
    }

    /// Ends the writing side, and waits no longer than `within` for that. If a thread is writing, this shuts down by
    /// the end of the stream that reads, and the write of that thread fails.
    pub(super) fn shut_down(
        &self,
        mut inner: Guard<'_, H>,
        reader: Option<&mut H>,
        within: Option<Duration>,
    ) -> io::Result<bool> {
        let mut turn = Turn { shared: self, writer: inner.writer.take() };
        drop(inner);
        let done = match (&mut turn.writer, reader) {
            (Some(writer), _) => writer.output.shut_down(within),
            (None, Some(reader)) => {
                let _ = reader.set_write_timeout(Some(LEAST_WAIT));
                reader.shutdown_write()
            }
            (None, None) => return Ok(false),
        };
        drop(turn);
        note_shutdown(&mut self.lock().outbound, done)
    }
}

impl<H> Inner<H> {
    /// When nothing will have left for too long, as far as a sender that waits has seen.
    fn deadline(&self, patience: Option<Duration>) -> Option<Instant> {
        let sending = self.outbound.sending();
        let (since, _) = self.stalled.filter(|stalled| sending.waiting && stalled.1 == sending.released)?;
        since.checked_add(patience?)
    }

    /// Whether senders wait for the writer. Then one of them goes on writing.
    #[inline]
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Whether the thread that writes may stop: nothing is left, or all that it took has left and nobody relies on it for
    /// the rest.
    #[inline]
    fn may_stop(&self) -> bool {
        let in_hand = self.writer.as_ref().is_none_or(|writer| writer.pending.has_remaining());
        self.outbound.is_flushed() || !self.left_over && !in_hand
    }

    /// Why something cannot be sent.
    #[cold]
    pub(super) fn why(&self, error: SendError) -> Error {
        match self.end {
            Some(End::TimedOut) => Error::TimedOut(Deadline::Write),
            Some(End::Failed(kind)) => io::Error::from(kind).into(),
            _ => error.into(),
        }
    }
}
