//! Tasks: a thread that polls one future, and sleeps until it is woken.
use loom::{
    sync::{Condvar, Mutex},
    thread,
};
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

/// Whether a task may wake itself: only because the stream has woken meanwhile, which some programs never have it do.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Itself {
    MayWake,
    MustNotWake,
}

struct Task {
    woken: Mutex<bool>,
    wakes: Condvar,
    thread: thread::ThreadId,
    itself: Itself,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let own = thread::current().id() == self.thread;
        assert!(!own || self.itself == Itself::MayWake, "a task wakes itself");
        *self.woken.lock().unwrap() = true;
        self.wakes.notify_one();
    }
}

/// Polls it to its end. If nobody ever wakes this thread, loom finds that all threads wait, and fails.
pub(crate) fn run<F: Future>(itself: Itself, future: F) -> F::Output {
    let mut future = pin!(future);
    let (woken, wakes) = (Mutex::new(false), Condvar::new());
    let task = Arc::new(Task { woken, wakes, thread: thread::current().id(), itself });
    let waker = Waker::from(task.clone());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut woken = task.woken.lock().unwrap();
        while !std::mem::take(&mut *woken) {
            woken = task.wakes.wait(woken).unwrap();
        }
    }
}

/// Polls it once, and drops it.
pub(crate) fn abandon(future: impl Future) {
    let waker = Waker::noop();
    let _ = pin!(future).poll(&mut Context::from_waker(waker));
}
