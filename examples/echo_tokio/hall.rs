//! Who is connected, so that all can be told when the server goes. Being in it costs a guest a few bytes, and no time.
use crate::guest::House;
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
pub struct Hall {
    closing: AtomicBool,
    guests: Mutex<Guests>,
    left: Notify,
}

#[derive(Default)]
struct Guests {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Guests {
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

/// A task's place in the hall of a house, left when dropped.
pub struct Place {
    house: Arc<House>,
    number: usize,
}

impl Hall {
    /// The server goes: everyone is woken to learn it. Says how many that are, and nothing if asked before.
    pub fn begin_closing(&self) -> Option<usize> {
        if self.closing.swap(true, Ordering::SeqCst) {
            return None;
        }
        let wakers: Vec<Waker> = self.guests().wakers.iter().flatten().cloned().collect();
        let told = wakers.len();
        wakers.into_iter().for_each(Waker::wake);
        Some(told)
    }

    /// Waits until everyone has gone.
    pub async fn wait_until_empty(&self) {
        while !self.guests().is_empty() {
            self.left.notified().await;
        }
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Takes a place for the task that asks.
    pub fn enter(house: Arc<House>) -> impl Future<Output = Self> {
        let mut house = Some(house);
        poll_fn(move |cx| {
            let Some(house) = house.take() else { return Poll::Pending };
            let mut guests = house.hall.guests();
            let number = guests.add(cx.waker().clone());
            drop(guests);
            Poll::Ready(Self { house, number })
        })
    }

    pub fn house(&self) -> &House {
        &self.house
    }

    /// What `wanted` comes to; nothing if the server goes before.
    pub fn unless_closing<F: Future + Unpin>(
        &self,
        mut wanted: F,
    ) -> impl Future<Output = Option<F::Output>> {
        poll_fn(move |cx| match Pin::new(&mut wanted).poll(cx) {
            Poll::Pending if self.house.hall.closing.load(Ordering::SeqCst) => Poll::Ready(None),
            polled => polled.map(Some),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.house.hall.guests().remove(self.number);
        self.house.hall.left.notify_one();
    }
}
