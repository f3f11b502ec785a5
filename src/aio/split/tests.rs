//! What a sender does at the worst moment: when the receiver has seen that there is nothing to be done, and has not begun to
//! wait.
use super::{
    Sender,
    shared::{Ends, Shared},
};
use crate::{
    adapter::Error,
    aio::{Alarm, Runtime, WebSocket, link::Wire, receive},
    config::{Config, Keepalive},
    proto::{Connection, Control, ControlSink, Established, Inbound, ReadBuf, Ready, Role, Sending, Sent},
};
use std::{
    cell::Cell,
    io::{self, IoSlice},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

thread_local! {
    static EPOCH: Instant = epoch();
    /// When the alarm that was set last goes off.
    static ALARM: Cell<Option<Instant>> = const { Cell::new(None) };
}

#[allow(clippy::disallowed_methods, reason = "an epoch to count from")]
fn epoch() -> Instant {
    Instant::now()
}

/// A clock that stands still.
struct Still;

impl Alarm for Still {
    fn now() -> Instant {
        EPOCH.with(|epoch| *epoch)
    }
    fn new(at: Instant) -> Self {
        ALARM.set(Some(at));
        Self
    }
    fn set(&mut self, at: Instant) {
        ALARM.set(ALARM.get().into_iter().chain([at]).min());
    }
    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A peer that sends nothing, and takes nothing.
struct Stuck;

impl Runtime<Stuck> for Still {
    fn poll_read(_: &mut Stuck, _: &mut Context<'_>, _: ReadBuf<'_>) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn poll_write(_: &mut Stuck, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn poll_write_vectored(_: &mut Stuck, _: &mut Context<'_>, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn poll_flush(_: &mut Stuck, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(_: &mut Stuck, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The receiver's view, where a sender does something just before each read.
struct Before<'a, F>(Ends<'a, Stuck, Still>, F);

impl<F: FnMut()> ControlSink for Before<'_, F> {
    fn control(&mut self, control: Control<'_>) {
        self.0.control(control);
    }
    fn sending(&self) -> Sending {
        self.0.sending()
    }
    fn buffered_amount(&self) -> usize {
        self.0.buffered_amount()
    }
    fn end(&mut self) -> Sent {
        self.0.end()
    }
}

impl<F: FnMut()> Wire for Before<'_, F> {
    fn poll_read(&mut self, cx: &mut Context<'_>, inbound: &mut Inbound) -> Poll<io::Result<usize>> {
        (self.1)();
        self.0.poll_read(cx, inbound)
    }
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }
    fn rest(&mut self) {
        self.0.rest();
    }
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// What a receiver that has waited once, for which there is an alarm, comes to when a sender does this as it waits again; and
/// whether it has been woken by then.
fn waits_while(does: impl FnOnce(&Sender<Stuck, Still>)) -> (Poll<Result<Option<Ready>, Error>>, bool) {
    let mut config = Config::server();
    config.keepalive =
        Some(Keepalive { interval: Duration::from_secs(3600), timeout: config.close_timeout.unwrap() });
    let connection = Connection::new(Established::bare(Role::Server), config);
    let (sender, mut receiver) = WebSocket::<_, Still>::new(connection, Stuck).split();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let shared: Arc<Shared<Stuck, Still>> = sender.shared.clone();
    let inbound = receiver.inbound.as_mut().unwrap();
    let mut does = Some(does);
    assert!(receive::poll_ready(&mut cx, inbound, &mut Ends(&shared), &mut receiver.alarm).is_pending());
    let before = || {
        let _ = does.take().map(|does| does(&sender));
    };
    // It is polled because it was woken, as for a byte that is no whole frame: it has to be woken anew.
    shared.leave(&mut Some(super::wakers::RECEIVER));
    let mut wire = Before(Ends(&shared), before);
    let ready = receive::poll_ready(&mut cx, inbound, &mut wire, &mut receiver.alarm);
    (ready, woken.0.load(SeqCst))
}

#[test]
fn a_connection_that_is_cut_as_the_receiver_begins_to_wait_has_ended() {
    let (ready, woken) = waits_while(|sender| sender.abort());
    assert!(matches!(ready, Poll::Ready(Ok(Some(Ready::Closed(_))))) || woken, "{ready:?}");
}

#[test]
fn output_that_begins_to_wait_as_the_receiver_does_has_its_deadline() {
    let (ready, woken) = waits_while(|sender| sender.try_feed("a message").unwrap());
    assert!(ready.is_pending());
    let patience = Config::server().write_timeout.unwrap();
    let set = ALARM.get().is_some_and(|at| at <= Still::now() + patience);
    assert!(set || woken, "the alarm is for {:?} from now", ALARM.get().map(|at| at - Still::now()));
}
