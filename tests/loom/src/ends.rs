//! What the ends of a split connection do in the room, over a stream that forgets whom it was to wake.
use crate::{
    room::{Inner, Room},
    sync::{ControlSink, Sending},
    wakers::RECEIVER,
};
use loom::sync::Mutex;
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// The far end of the stream: how many units it still takes, and how many have come; and who waits for either.
#[derive(Default)]
pub(crate) struct Pipe {
    room: usize,
    come: usize,
    writer: Option<Waker>,
    reader: Option<Waker>,
}

/// The stream, and the units that are queued for it.
pub(crate) struct Link {
    pipe: Arc<Mutex<Pipe>>,
    queued: usize,
    released: u32,
    cut: bool,
    /// It wakes whoever polls it, and takes nothing, so many times more.
    pub(crate) yields: usize,
}

impl ControlSink for Link {
    fn sending(&self) -> Sending {
        Sending { waiting: self.queued > 0, released: self.released }
    }
    fn buffered_amount(&self) -> usize {
        self.queued
    }
}

impl Link {
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.queued > 0 {
            if self.yields > 0 {
                self.yields -= 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let mut pipe = self.pipe.lock().unwrap();
            if pipe.room == 0 {
                pipe.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            (pipe.room, pipe.come) = (pipe.room - 1, pipe.come + 1);
            (self.queued, self.released) = (self.queued - 1, self.released + 1);
            pipe.writer = None; // whoever finds room is not told of it
            let reader = pipe.reader.take();
            drop(pipe);
            reader.into_iter().for_each(Waker::wake);
        }
        Poll::Ready(())
    }
}

/// Whether the receiver is gone.
pub(crate) type Connection = Room<Link, bool>;

/// A connection, and its far end.
pub(crate) fn connection(room: usize, yields: usize) -> (Arc<Connection>, Arc<Mutex<Pipe>>) {
    let pipe = Arc::new(Mutex::new(Pipe { room, ..Pipe::default() }));
    let link = Link { pipe: pipe.clone(), queued: 0, released: 0, cut: false, yields };
    (Arc::new(Room::new(link, false)), pipe)
}

/// The peer takes one unit more; and tells so later, unless someone has found out by then.
pub(crate) fn take(pipe: &Mutex<Pipe>) {
    pipe.lock().unwrap().room += 1;
    let writer = pipe.lock().unwrap().writer.take();
    writer.into_iter().for_each(Waker::wake);
}

/// The peer waits until so many units have come.
pub(crate) async fn come(pipe: &Mutex<Pipe>, units: usize) {
    poll_fn(|cx| {
        let mut pipe = pipe.lock().unwrap();
        if pipe.come >= units {
            return Poll::Ready(());
        }
        pipe.reader = Some(cx.waker().clone());
        Poll::Pending
    })
    .await;
}

struct Waiting<'a>(&'a Connection, Option<usize>);
impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.leave(&mut self.1);
    }
}

/// As `Sender::send`.
pub(crate) async fn send(room: &Connection) {
    let (mut waiting, mut end) = (Waiting(room, None), None);
    poll_fn(|cx| {
        room.poll(&mut waiting.1, cx.waker(), |Inner { link, .. }, cx, _| {
            if link.cut {
                return Poll::Ready(());
            }
            let end = *end.get_or_insert_with(|| {
                link.queued += 1;
                link.released + link.queued as u32
            });
            let _ = link.poll_flush(cx);
            if link.released >= end { Poll::Ready(()) } else { Poll::Pending }
        })
    })
    .await;
}

/// As `Sender::feed` with room.
pub(crate) fn feed(room: &Connection) {
    room.enter(|inner, _, _| inner.link.queued += 1);
}

/// As `Sender::abort`.
pub(crate) fn abort(room: &Connection) {
    room.enter(|inner, _, due| {
        (inner.link.queued, inner.link.cut) = (0, true);
        room.cut(due);
    });
}

/// As a `Sender::close` that has begun with a receiver: it goes on when that is dropped.
pub(crate) async fn close(room: &Connection) {
    let mut waiting = Waiting(room, None);
    poll_fn(|cx| {
        room.poll(
            &mut waiting.1,
            cx.waker(),
            |Inner { more, .. }, _, _| {
                if *more { Poll::Ready(()) } else { Poll::Pending }
            },
        )
    })
    .await;
}

/// As the drop of a `Receiver`.
pub(crate) fn leave(room: &Connection) {
    room.leave(&mut Some(RECEIVER));
    room.enter(|inner, _, due| (inner.more, due.wake) = (true, true));
}

/// As `Receiver::recv`, which finds nothing to read until the connection is cut.
pub(crate) async fn receive(room: &Connection) {
    poll_fn(|cx| {
        if room.take_cut() {
            return Poll::Ready(());
        }
        let _ = room.poll(&mut Some(RECEIVER), cx.waker(), |inner, cx, _| inner.link.poll_flush(cx));
        let _ = room.poll(&mut Some(RECEIVER), cx.waker(), |inner, cx, _| {
            let _ = inner.link.poll_flush(cx);
            Poll::<()>::Pending
        });
        if room.take_cut() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}
