//! Clocks that are told the time, and executors that tell it: a runtime of the tests' own, and Tokio's paused one.
use crate::stream::Stream;
use futures_util::{
    StreamExt,
    io::{AsyncRead, AsyncWrite},
    stream::FuturesUnordered,
};
use sansocket::{
    aio::{Alarm, Runtime},
    proto::ReadBuf,
};
use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

thread_local! {
    static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
    static ALARMS: RefCell<Vec<(usize, Instant, Waker)>> = const { RefCell::new(vec![]) };
}
static NEXT_ALARM: AtomicUsize = AtomicUsize::new(0);

/// It is so late, for this thread.
pub(crate) fn tell(now: Instant) {
    NOW.set(Some(now));
}
/// Someone keeps the thread for so long of Tokio's paused clock.
pub(crate) fn hogged(time: Duration) {
    let _ = pin!(tokio::time::advance(time)).poll(&mut Context::from_waker(Waker::noop()));
}

/// The tests' own runtime: the streams of `futures`, and a clock that is told the time.
#[derive(Debug)]
pub(crate) struct ToldTime {
    id: usize,
    at: Instant,
}
impl ToldTime {
    fn cancel(&self) {
        let _ = ALARMS.try_with(|alarms| alarms.borrow_mut().retain(|alarm| alarm.0 != self.id));
    }
}
impl Drop for ToldTime {
    fn drop(&mut self) {
        self.cancel();
    }
}
impl Alarm for ToldTime {
    fn now() -> Instant {
        NOW.get().unwrap()
    }
    fn new(at: Instant) -> Self {
        Self { id: NEXT_ALARM.fetch_add(1, SeqCst), at }
    }
    fn set(&mut self, at: Instant) {
        if at < self.at || self.at <= Self::now() {
            self.at = at;
        }
    }
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.cancel();
        if self.at <= Self::now() {
            return Poll::Ready(());
        }
        ALARMS.with_borrow_mut(|alarms| alarms.push((self.id, self.at, cx.waker().clone())));
        Poll::Pending
    }
}
impl Runtime<Stream> for ToldTime {
    fn poll_read(stream: &mut Stream, cx: &mut Context<'_>, mut buf: ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = vec![0; (buf.capacity() - buf.len()).max(4096)];
        let read = AsyncRead::poll_read(Pin::new(stream), cx, &mut bytes);
        read.map_ok(|n| {
            buf.extend_from_slice(&bytes[..n]);
            n
        })
    }
    fn poll_write(stream: &mut Stream, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(stream), cx, bytes)
    }
    fn poll_write_vectored(
        stream: &mut Stream,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write_vectored(Pin::new(stream), cx, bytes)
    }
    fn poll_flush(stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(stream), cx)
    }
    fn poll_shutdown(stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_close(Pin::new(stream), cx)
    }
}

struct Woken(AtomicBool);
impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// No run lasts longer.
pub(crate) const LONG: Duration = Duration::from_secs(24 * 3600);

/// Polls a future when it is woken, and lets the clock go on when it is not. Says how often it was polled.
pub(crate) fn run_told<T>(stream: &Stream, future: impl Future<Output = T>) -> (T, usize) {
    let mut future = pin!(future);
    let woken = Arc::new(Woken(true.into()));
    let waker = woken.clone().into();
    let mut polls = 0;
    loop {
        while woken.0.swap(false, SeqCst) {
            polls += 1;
            assert!(polls < 2_000_000, "it is polled again and again");
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return (output, polls);
            }
        }
        let alarm = ALARMS.with_borrow(|alarms| alarms.iter().map(|alarm| alarm.1).min());
        let mut state = stream.state();
        let next = alarm.into_iter().chain(state.next_event()).min().expect("it waits for ever");
        assert!(next < state.start + LONG, "it waits for ever");
        state.advance(next);
        state.happened += 1;
        drop(state);
        due(next).into_iter().for_each(Waker::wake);
    }
}
/// Those whose alarm has gone off.
fn due(now: Instant) -> Vec<Waker> {
    let all = ALARMS.take();
    let (due, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|alarm| alarm.1 <= now);
    ALARMS.set(later);
    due.into_iter().map(|alarm| alarm.2).collect()
}

/// The same on Tokio, whose clock is paused. The stream is made within.
pub(crate) fn run_tokio<T>(run: impl AsyncFnOnce() -> (T, usize)) -> (T, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async { tokio::time::timeout(LONG, run()).await.expect("it waits for ever") })
}
/// Polls a future, and lets happen what is due at the stream's far end. Says how often it was polled.
pub(crate) async fn with_events<T>(stream: &Stream, future: impl Future<Output = T>) -> (T, usize) {
    let mut world = pin!(async {
        loop {
            let Some(next) = stream.state().next_event() else { pending().await };
            let _ = tokio::time::timeout_at(next.into(), pending::<()>()).await;
            stream.state().apply_due();
        }
    });
    let mut future = pin!(future);
    let (mut polls, mut last) = (0, stream.state().now());
    let output = poll_fn(|cx| {
        let _: Poll<()> = world.as_mut().poll(cx);
        polls += 1;
        assert!(polls < 2_000_000, "it is polled again and again");
        let now = stream.state().now();
        // That time has passed is something that happened.
        stream.state().happened += usize::from(std::mem::replace(&mut last, now) != now);
        future.as_mut().poll(cx)
    })
    .await;
    (output, polls)
}

/// Two tasks, each polled only when it is woken itself; until both have ended.
pub(crate) async fn both<'a>(one: impl Future<Output = ()> + 'a, other: impl Future<Output = ()> + 'a) {
    let mut tasks = FuturesUnordered::<Pin<Box<dyn Future<Output = ()> + 'a>>>::new();
    tasks.push(Box::pin(one));
    tasks.push(Box::pin(other));
    while tasks.next().await.is_some() {}
}
