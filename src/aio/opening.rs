//! Moves the bytes of an opening handshake, for either role, within its deadline; and those of a refusal.
use super::{Alarm, Runtime, receive::TURNS};
use crate::{
    adapter::Error,
    handshake::{HandshakeError, LINGER_BYTES},
    proto::{Machine, ReadBuf, Transmit},
};
use bytes::{Buf, BytesMut};
use std::{
    future::poll_fn,
    io::{self, IoSlice},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

/// How many bytes are read at first. Most heads have a few hundred bytes, and a peer that has not sent any should cost
/// little memory.
const READ_SIZE: usize = 1024;

/// A stream on which a handshake is under way. It lives in a box, which is freed when the handshake is over. In the
/// future itself it would enlarge the task for as long as that lives.
#[derive(Debug)]
pub(super) struct Opening<S, R, M> {
    pub(super) stream: S,
    pub(super) machine: M,
    /// The alarm. The connection takes it over: making a second one costs more than having this one go off too early.
    pub(super) alarm: Option<R>,
}

impl<S, R: Runtime<S>, M: Machine> Opening<S, R, M> {
    pub(super) fn new(stream: S, machine: M) -> Box<Self> {
        Box::new(Self { stream, machine, alarm: None })
    }

    /// Starts the deadline, and goes on to the handshake's outcome, which `poll` takes.
    pub(super) async fn run<T>(
        &mut self,
        poll: impl Fn(&mut M) -> Result<Option<T>, HandshakeError>,
    ) -> Result<T, Error> {
        self.machine.handle_timeout(R::now());
        poll_fn(move |cx| self.poll(cx, &poll)).await
    }

    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl Fn(&mut M) -> Result<Option<T>, HandshakeError>,
    ) -> Poll<Result<T, Error>> {
        for _ in 0..TURNS {
            if let Some(outcome) = poll(&mut self.machine)? {
                return Poll::Ready(Ok(outcome));
            }
            if self.poll_step(cx)?.is_pending() {
                ready!(self.poll_time(cx));
            }
        }
        // A stream that is always ready never waits for the alarm, so the deadline is looked at here, too.
        let _ = self.poll_time(cx);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes what there is to write, then reads once.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(poll_write::<S, R>(&mut self.stream, cx, self.machine.transmit()))?;
        let mut buf = self.machine.read_buf();
        if buf.capacity() == buf.len() {
            buf.reserve(READ_SIZE);
        }
        match ready!(R::poll_read(&mut self.stream, cx, buf)) {
            Ok(0) => self.machine.receive_eof(),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Poll::Ready(Err(error)),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when the deadline has passed and the handshake has been told.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = ready!(poll_until(&mut self.alarm, cx, self.machine.poll_timeout()));
        self.machine.handle_timeout(now);
        Poll::Ready(())
    }
}

/// Ready, with the time, when `until` has passed: `None` never does.
fn poll_until<R: Alarm>(
    alarm: &mut Option<R>,
    cx: &mut Context<'_>,
    until: Option<Instant>,
) -> Poll<Instant> {
    let Some(until) = until else { return Poll::Pending };
    let alarm = alarm.get_or_insert_with(|| R::new(until));
    loop {
        ready!(alarm.poll(cx));
        let now = R::now();
        if now >= until {
            return Poll::Ready(now);
        }
        alarm.set(until);
    }
}

/// Writes all of it.
fn poll_write<S, R: Runtime<S>>(
    stream: &mut S,
    cx: &mut Context<'_>,
    out: &mut Transmit,
) -> Poll<io::Result<()>> {
    while out.has_remaining() {
        match ready!(R::poll_write_vectored(stream, cx, &[IoSlice::new(out.chunk())])) {
            Ok(n) if n > 0 && n <= out.chunk().len() => out.advance(n),
            Ok(_) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
    R::poll_flush(stream, cx)
}

/// A peer that does not get its connection, and is told why.
#[derive(Debug)]
pub(super) struct Refusing<S, R> {
    stream: S,
    alarm: Option<R>,
    timeout: Option<Duration>,
    answer: Transmit,
    error: HandshakeError,
    shut_down: bool,
    /// What still comes from the peer, and how much of that is read.
    dropped: BytesMut,
    left: usize,
}

impl<S, R: Runtime<S>> Refusing<S, R> {
    /// It takes no longer than `timeout`.
    pub(super) fn new(
        stream: S,
        answer: Transmit,
        error: HandshakeError,
        timeout: Option<Duration>,
    ) -> Box<Self> {
        Box::new(Self {
            stream,
            alarm: None,
            timeout,
            answer,
            error,
            shut_down: false,
            dropped: BytesMut::new(),
            left: LINGER_BYTES,
        })
    }

    /// Writes the answer, ends the writing side and reads on until the peer has, and gives the error. A peer that does
    /// not take its refusal has been refused all the same.
    pub(super) async fn run(mut self: Box<Self>) -> Error {
        let until = self.timeout.and_then(|timeout| R::now().checked_add(timeout));
        poll_fn(|cx| self.poll(cx, until)).await;
        self.error.into()
    }

    fn poll(&mut self, cx: &mut Context<'_>, until: Option<Instant>) -> Poll<()> {
        for _ in 0..TURNS {
            match self.poll_step(cx) {
                Poll::Ready(true) => {}
                Poll::Ready(false) => return Poll::Ready(()),
                Poll::Pending => return poll_until(&mut self.alarm, cx, until).map(|_| ()),
            }
        }
        if poll_until(&mut self.alarm, cx, until).is_ready() {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether there is more to do.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if !self.shut_down {
            let written = ready!(poll_write::<S, R>(&mut self.stream, cx, &mut self.answer));
            if written.is_err() || ready!(R::poll_shutdown(&mut self.stream, cx)).is_err() {
                return Poll::Ready(false);
            }
            self.shut_down = true;
        }
        self.dropped.clear();
        self.dropped.reserve(READ_SIZE);
        Poll::Ready(
            match ready!(R::poll_read(&mut self.stream, cx, ReadBuf::new(&mut self.dropped, &mut 0))) {
                Ok(0) => false,
                Ok(n) => {
                    self.left = self.left.saturating_sub(n);
                    self.left > 0
                }
                Err(error) => error.kind() == io::ErrorKind::Interrupted,
            },
        )
    }
}
