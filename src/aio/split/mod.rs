//! Two tasks and more: [`WebSocket::split`] takes a connection apart, [`Receiver::reunite`] puts it together.
mod receiver;
mod room;
mod sender;
mod shared;
#[cfg(test)]
mod tests;
mod wakers;

/// What `room` and `wakers` are made of. `tests/loom` has its own module in place of this one.
mod sync {
    pub(super) use crate::proto::ControlSink;
    pub(super) use std::sync::{Mutex, MutexGuard, PoisonError, atomic};
}

pub use receiver::Receiver;
pub use sender::Sender;
pub(super) use sender::end_of_queue;

use super::{Runtime, websocket::WebSocket};
use shared::{More, Shared};
use std::{fmt, sync::Arc};

impl<S, R: Runtime<S>> WebSocket<S, R> {
    /// Takes the directions apart, for one task that receives and others that send: a [`Sender`], to be cloned for each
    /// of those, and the [`Receiver`]. `StreamExt::split` is not needed.
    ///
    /// Keep the receiver receiving: it answers pings, hears the peer's Close frame and finishes closing. If only the
    /// senders are of use, let it [`discard`](Receiver::discard) in a task of its own.
    ///
    /// ```
    /// # use sansocket::{Error, aio::{Runtime, WebSocket}};
    /// # async fn relay<S, R: Runtime<S>>(socket: WebSocket<S, R>) -> Result<(), Error> {
    /// let (sender, mut receiver) = socket.split();
    /// let greeting = sender.clone(); // for another task
    /// # async fn spawn<S, R: Runtime<S>>(greeting: sansocket::aio::Sender<S, R>) -> Result<(), Error> {
    /// greeting.send("hello").await?;
    /// # Ok(())
    /// # }
    /// # spawn(greeting).await?;
    /// while let Some(message) = receiver.recv().await? {
    ///     sender.send(message).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn split(self) -> (Sender<S, R>, Receiver<S, R>) {
        let Self { mut inbound, link, subprotocol, alarm } = self;
        inbound.set_pausing(false); // senders wait at the high-water mark by themselves
        let shared = Arc::new(Shared::new(link, More::new(inbound.config().clone())));
        let inbound = Some(Box::new(inbound));
        (Sender::new(shared.clone()), Receiver { inbound, alarm, subprotocol, shared })
    }
}

impl<S, R> Receiver<S, R> {
    /// Puts the connection together again, with its last sender.
    ///
    /// # Errors
    /// [`ReuniteError`], with both ends in it: they are not of one connection, or there are other senders.
    pub fn reunite(mut self, sender: Sender<S, R>) -> Result<WebSocket<S, R>, ReuniteError<S, R>> {
        // There are no other ends than these two, so no other can be made meanwhile.
        if !Arc::ptr_eq(&self.shared, &sender.shared) || Arc::strong_count(&self.shared) != 2 {
            return Err(ReuniteError { sender, receiver: self });
        }
        let Some(mut inbound) = self.inbound.take() else {
            return Err(ReuniteError { sender, receiver: self });
        };
        self.shared.tell(&mut inbound);
        inbound.set_pausing(true);
        let (alarm, subprotocol, shared) = (self.alarm.take(), self.subprotocol.take(), self.shared.clone());
        drop((self, sender));
        match Arc::try_unwrap(shared) {
            Ok(shared) => Ok(WebSocket { inbound: *inbound, link: shared.into_link(), subprotocol, alarm }),
            Err(shared) => {
                let sender = Sender::new(shared.clone());
                let receiver = Self { inbound: Some(inbound), alarm, subprotocol, shared };
                Err(ReuniteError { sender, receiver })
            }
        }
    }
}

/// Two ends that cannot be put together, and both of them.
#[derive(thiserror::Error)]
#[error("not the two ends of one connection, or not the only sender of it")]
pub struct ReuniteError<S, R> {
    /// The sending end.
    pub sender: Sender<S, R>,
    /// The receiving end.
    pub receiver: Receiver<S, R>,
}
impl<S, R> fmt::Debug for ReuniteError<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
