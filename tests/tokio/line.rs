//! A stream whose other end is the test: what comes, what is taken and when either has to be waited for is as it says.
pub(crate) use crate::support::chance::draw;
use crate::support::*;
use sansocket::{
    Config,
    proto::{Connection, Established, Role},
    tokio::WebSocket,
};
use std::{
    collections::VecDeque,
    future::Future,
    io::{self, ErrorKind, IoSlice},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes move at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As many as there are.
    Free,
    /// One, and each other time none yet.
    Dribble,
    /// Any, and sometimes none yet: by chance with this seed.
    Random(u64),
}
impl Pace {
    /// How many at most, of so many; `None` not yet.
    fn step(&mut self, turn: &mut bool, len: usize) -> Option<usize> {
        *turn = !*turn;
        match self {
            Self::Free => Some(len),
            Self::Dribble => turn.then_some(len.min(1)),
            Self::Random(seed) => match draw(seed) {
                n if n % 3 == 0 => None,
                n if n % 3 == 1 => Some(len.min(1 + (n >> 8) as usize % 8)),
                n => Some(len.min(1 + (n >> 8) as usize % 40_000)),
            },
        }
    }
}

pub(crate) struct Ends {
    pub(crate) pace: Pace,
    pub(crate) incoming: VecDeque<u8>,
    /// Comes again and again when there is nothing else.
    pub(crate) flood: Vec<u8>,
    pub(crate) flood_at: usize,
    /// How many bytes have been read.
    pub(crate) read: usize,
    /// How often it may still be read: a stream that never has to be waited for finds out who does not give way.
    pub(crate) reads: usize,
    /// How the reading side ends, once all is read; an error is told once.
    pub(crate) end: Option<Result<(), ErrorKind>>,
    pub(crate) outgoing: Vec<u8>,
    /// Whether that is kept.
    pub(crate) keeps: bool,
    /// How many more bytes are taken.
    pub(crate) room: usize,
    pub(crate) write_fails: bool,
    /// What was taken does not leave.
    pub(crate) flush_waits: bool,
    pub(crate) shut: bool,
    turns: (bool, bool),
    reader: Option<Waker>,
    writer: Option<Waker>,
}
#[derive(Clone)]
pub(crate) struct Line(Arc<Mutex<Ends>>);

impl Line {
    pub(crate) fn new(pace: Pace) -> Self {
        Self(Arc::new(Mutex::new(Ends {
            pace,
            incoming: VecDeque::new(),
            flood: vec![],
            flood_at: 0,
            read: 0,
            reads: usize::MAX,
            end: None,
            outgoing: vec![],
            keeps: true,
            room: usize::MAX,
            write_fails: false,
            flush_waits: false,
            shut: false,
            turns: (false, false),
            reader: None,
            writer: None,
        })))
    }
    pub(crate) fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap()
    }
    /// A socket on it, with the defaults of the role and known chance.
    pub(crate) fn socket(&self, role: Role, tweak: impl FnOnce(&mut Config)) -> WebSocket<Self> {
        let mut config = config(role);
        tweak(&mut config);
        WebSocket::new(Connection::new(Established::bare(role), config), self.clone())
    }
    /// These bytes come.
    pub(crate) fn feed(&self, bytes: impl AsRef<[u8]>) {
        let mut ends = self.ends();
        ends.incoming.extend(bytes.as_ref());
        ends.reader.take().into_iter().for_each(Waker::wake);
    }
    /// The reading side ends.
    pub(crate) fn end(&self, how: Result<(), ErrorKind>) {
        let mut ends = self.ends();
        ends.end = Some(how);
        ends.reader.take().into_iter().for_each(Waker::wake);
    }
    /// So many more bytes are taken, and then none.
    pub(crate) fn take(&self, room: usize) {
        let mut ends = self.ends();
        ends.room = room;
        ends.writer.take().into_iter().for_each(Waker::wake);
    }
    /// The frames that have left.
    pub(crate) fn sent(&self) -> Vec<Frame> {
        frames(&self.ends().outgoing)
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let ends = &mut *self.ends();
        ends.reads = ends.reads.checked_sub(1).expect("others never have their turn");
        if ends.incoming.is_empty() && ends.flood.is_empty() {
            return match ends.end {
                Some(Ok(())) => Poll::Ready(Ok(())),
                Some(Err(kind)) => {
                    ends.end = Some(Ok(()));
                    Poll::Ready(Err(kind.into()))
                }
                None => {
                    ends.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        let Some(most) = ends.pace.step(&mut ends.turns.0, buf.remaining()) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let (front, _) = ends.incoming.as_slices();
        let n = if front.is_empty() {
            let flood = &ends.flood[ends.flood_at..];
            let n = most.min(flood.len());
            buf.put_slice(&flood[..n]);
            ends.flood_at = (ends.flood_at + n) % ends.flood.len();
            n
        } else {
            let n = most.min(front.len());
            buf.put_slice(&front[..n]);
            ends.incoming.drain(..n);
            n
        };
        ends.read += n;
        Poll::Ready(Ok(()))
    }
}
impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let ends = &mut *self.ends();
        if ends.write_fails {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        if ends.room == 0 {
            ends.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let all = bytes.iter().map(|slice| slice.len()).sum::<usize>();
        let Some(most) = ends.pace.step(&mut ends.turns.1, all.min(ends.room)) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let mut left = most;
        for slice in bytes {
            let n = left.min(slice.len());
            if ends.keeps {
                ends.outgoing.extend_from_slice(&slice[..n]);
            }
            left -= n;
        }
        ends.room -= most;
        Poll::Ready(Ok(most))
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ends = &mut *self.ends();
        if ends.flush_waits {
            ends.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ends().shut = true;
        Poll::Ready(Ok(()))
    }
}

/// Polls it once, and drops it; or polls it on, if it is a reference.
pub(crate) fn once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The mask that the peer of this role must use.
pub(crate) fn peer_key(role: Role) -> Option<[u8; 4]> {
    (role == Role::Server).then_some(PEER_KEY)
}
/// So much time has passed, to the clock's tick.
#[track_caller]
pub(crate) fn took(since: tokio::time::Instant, expected: Duration) {
    let passed = since.elapsed();
    assert!(
        passed >= expected && passed - expected < Duration::from_millis(5),
        "{passed:?}: not {expected:?}"
    );
}
/// Waits for it, but not for ever: what waits for ever is said to.
#[track_caller]
pub(crate) fn within<F: Future>(limit: Duration, future: F) -> impl Future<Output = F::Output> {
    let timeout = tokio::time::timeout(limit, future);
    async { timeout.await.expect("it waits for ever") }
}
/// Someone keeps the thread for so long: the time has passed, and the runtime has not looked what happened meanwhile.
pub(crate) fn hogged(time: Duration) {
    let _ = once(tokio::time::advance(time));
}
/// Lets so much of the paused clock pass.
pub(crate) async fn passes(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
