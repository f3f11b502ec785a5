//! What differs between runtimes: [`Runtime`], the polls of a stream, and [`Alarm`], a clock that wakes.
use crate::proto::ReadBuf;
use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
    time::Instant,
};

/// How to poll streams of type `S` on one runtime. Its only value is the [`Alarm`] of a connection.
pub trait Runtime<S>: Alarm {
    /// Appends what has come to `buf`, as much as it has room for, and says how many bytes; `Ok(0)` is the end.
    ///
    /// # Errors
    /// The stream's own. After one of the kind [`Interrupted`](io::ErrorKind::Interrupted) the stream is polled again;
    /// any other ends the connection.
    fn poll_read(stream: &mut S, cx: &mut Context<'_>, buf: ReadBuf<'_>) -> Poll<io::Result<usize>>;
    /// Writes some of `bytes`, and says how many.
    ///
    /// # Errors
    /// The stream's own, kinds as for [`poll_read`](Self::poll_read). `Ok(0)` counts as one. Nothing more is written
    /// after it.
    fn poll_write(stream: &mut S, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
    /// Writes some of `bytes`, which lie in several places (64 at most), and says how many.
    ///
    /// # Errors
    /// As [`poll_write`](Self::poll_write).
    fn poll_write_vectored(
        stream: &mut S,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;
    /// Has the stream let go of what it holds back: ready once all of it is on its way. Also called when there is
    /// nothing to write.
    ///
    /// # Errors
    /// As [`poll_write`](Self::poll_write).
    fn poll_flush(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Ends the writing side only: FIN, or TLS `close_notify` (RFC 6455 §7.1.1).
    ///
    /// # Errors
    /// The stream's own. The stream is taken to have ended then.
    fn poll_shutdown(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// The clock of a runtime, and one alarm that goes by it.
pub trait Alarm: Unpin {
    /// The time, on the clock that the alarm goes by.
    fn now() -> Instant;
    /// An alarm that goes off at that time.
    fn new(at: Instant) -> Self;
    /// Sets the alarm again, for `at`. It may be left as it is if it has not gone off and is set for an earlier time,
    /// or if it has gone off for this very time. An alarm may go off too early, never too late.
    fn set(&mut self, at: Instant);
    /// Ready once the alarm has gone off; until then it wakes the task when it does. A task that has to give way to
    /// others first gets `Pending` all the same. Polled each time that a connection waits, so it should cost next to
    /// nothing when the task is the same as before.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}
