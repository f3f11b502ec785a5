//! What is queued between the moment that a sender queues and the moment that it writes is left to nobody.
use super::*;
use crate::{
    aio::{Alarm, link::Link, split::shared::Shared},
    config::Config,
    proto::{Connection, Established, ReadBuf, Role},
};
use std::{
    io::{self, IoSlice},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Wake, Waker},
};

/// A clock that stands still.
struct Still;

impl Alarm for Still {
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    fn now() -> Instant {
        Instant::now()
    }
    fn new(_: Instant) -> Self {
        Self
    }
    fn set(&mut self, _: Instant) {}
    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A stream that takes so many bytes.
struct Room(usize);

impl Runtime<Room> for Still {
    fn poll_read(_: &mut Room, _: &mut Context<'_>, _: ReadBuf<'_>) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn poll_write(room: &mut Room, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let n = bytes.len().min(room.0);
        room.0 -= n;
        if n == 0 { Poll::Pending } else { Poll::Ready(Ok(n)) }
    }
    fn poll_write_vectored(
        room: &mut Room,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Self::poll_write(room, cx, bytes.first().map_or(&[], |bytes| bytes))
    }
    fn poll_flush(_: &mut Room, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(_: &mut Room, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn a_sender_that_need_not_wait_leaves_what_others_queued_to_the_receiver() -> Result<(), SendError> {
    let Connection { inbound, outbound, .. } =
        Connection::new(Established::bare(Role::Server), Config::server());
    let shared: Shared<Room, Still> = Shared::new(Link::new(Room(5), outbound), &inbound);
    let woken = Arc::new(Woken::default());
    shared.poll(Some(&Waker::from(woken.clone())), |inner, _, _| inner.parked = true); // the receiver waits
    let mark = shared.queue(&mut Some("own".into()), true, usize::MAX)?;
    // On another thread: not woken for this, since the first is going to write.
    shared.queue(&mut Some("another's".into()), false, usize::MAX)?;
    assert!(!woken.0.load(Relaxed));
    let mut until = mark.map_or(Until::Room, Until::Sent);
    let done = Wait::default().poll(&shared, &mut Context::from_waker(Waker::noop()), &mut until);
    assert!(matches!(done, Poll::Ready(Ok(()))), "{done:?}");
    assert!(shared.buffered_amount() > 0 && woken.0.load(Relaxed), "the rest would never leave");
    Ok(())
}
