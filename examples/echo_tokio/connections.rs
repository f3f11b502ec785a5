//! The open connections, so that all can be closed when the server shuts down. An entry costs a connection a few bytes,
//! and no time while messages are echoed.
use crate::connection::Server;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
};
use tokio::sync::Notify;

#[derive(Default)]
pub struct Connections {
    shutting_down: AtomicBool,
    tasks: Mutex<Tasks>,
    removed: Notify,
}

/// The wakers of the tasks, and the entries that are free.
#[derive(Default)]
struct Tasks {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Tasks {
    fn add(&mut self, waker: Waker) -> usize {
        match self.free.pop() {
            Some(number) => {
                self.wakers[number] = Some(waker);
                number
            }
            None => {
                self.wakers.push(Some(waker));
                self.wakers.len() - 1
            }
        }
    }

    fn remove(&mut self, number: usize) {
        self.wakers[number] = None;
        self.free.push(number);
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.wakers.len()
    }
}

/// A task's entry among the connections of a server. It is removed when this is dropped.
pub struct Entry {
    server: Arc<Server>,
    number: usize,
}

impl Connections {
    /// Wakes every task, which then sees that the server shuts down. Gives how many there are, and `None` if the server
    /// is shutting down already.
    pub fn shut_down(&self) -> Option<usize> {
        if self.shutting_down.swap(true, Ordering::SeqCst) {
            return None;
        }
        let wakers: Vec<Waker> = self.tasks().wakers.iter().flatten().cloned().collect();
        let count = wakers.len();
        wakers.into_iter().for_each(Waker::wake);
        Some(count)
    }

    /// Waits until every entry is removed.
    pub async fn wait(&self) {
        while !self.tasks().is_empty() {
            self.removed.notified().await;
        }
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Adds an entry for the task that awaits this.
    pub fn add(server: Arc<Server>) -> impl Future<Output = Self> {
        let mut server = Some(server);
        poll_fn(move |cx| {
            let Some(server) = server.take() else { return Poll::Pending };
            let mut tasks = server.connections.tasks();
            let number = tasks.add(cx.waker().clone());
            drop(tasks);
            Poll::Ready(Self { server, number })
        })
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The output of `future`; `None` if the server shuts down first.
    pub fn until_shutdown<F: Future + Unpin>(
        &self,
        mut future: F,
    ) -> impl Future<Output = Option<F::Output>> {
        poll_fn(move |cx| match Pin::new(&mut future).poll(cx) {
            Poll::Pending if self.server.connections.shutting_down.load(Ordering::SeqCst) => {
                Poll::Ready(None)
            }
            polled => polled.map(Some),
        })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.server.connections.tasks().remove(self.number);
        self.server.connections.removed.notify_one();
    }
}
