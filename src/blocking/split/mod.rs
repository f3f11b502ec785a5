//! Two threads and more: [`WebSocket::split`] takes a connection apart, [`Receiver::reunite`] puts it together.
mod ends;
mod receiver;
mod sender;
mod shared;

pub use receiver::Receiver;
pub use sender::Sender;

use super::{
    driver::{Driver, Wire},
    link::Link,
    output::Output,
    timing::Timing,
    transport::Split,
    websocket::WebSocket,
};
use crate::proto::{RecvState, Subprotocol};
use shared::Shared;
use std::{fmt, sync::Arc};

/// What a [`Receiver`] has for itself: the receiving half and the end of the stream that it reads.
#[derive(Debug)]
struct ReadSide<H> {
    driver: Driver,
    stream: H,
    subprotocol: Option<Subprotocol>,
}

impl<S: Split> WebSocket<S> {
    /// Takes the directions apart, for one thread that receives and others that send: a [`Sender`], to be cloned for
    /// each of those, and the [`Receiver`].
    ///
    /// Keep the receiver receiving: it answers pings, hears the peer's Close frame and finishes closing. If only the
    /// senders are of use, let it [`discard`](Receiver::discard) in a thread of its own.
    pub fn split(self) -> (Sender<S>, Receiver<S>) {
        let Self { driver, link: Link { output: Output { stream, mut timing, .. }, outbound }, subprotocol } =
            self;
        let (stream, writer) = stream.split();
        // A write that waits looks this often at what other threads have decided.
        timing.longest = driver.inbound.config().close_timeout;
        let output = Output::new(writer, timing);
        let shared = Shared::new(outbound, output, driver.inbound.config());
        Self::ends(Arc::new(shared), ReadSide { driver, stream, subprotocol })
    }

    fn ends(shared: Arc<Shared<S::Half>>, mut side: ReadSide<S::Half>) -> (Sender<S>, Receiver<S>) {
        let (driver, mut ends) = side.with(&shared);
        // Senders wait at the high-water mark by themselves.
        driver.inbound.set_pausing(false);
        // A sender cannot wake a thread that reads, so that thread looks this often at what senders have decided.
        let config = driver.inbound.config();
        let looks = [driver.reads.longest, config.close_timeout, config.write_timeout];
        driver.reads.longest = looks.into_iter().flatten().min();
        driver.arm_reads(&mut ends, None, false);
        (Sender { shared: shared.clone() }, Receiver { side: Some(Box::new(side)), shared })
    }

    fn unite(shared: Arc<Shared<S::Half>>, side: ReadSide<S::Half>) -> Result<Self, ReuniteError<S>> {
        let ReadSide { driver: Driver { mut inbound, reads, .. }, stream, subprotocol } = side;
        let apart = |shared, inbound, stream, subprotocol| {
            let driver = Driver::new(inbound, Timing::default());
            let (sender, receiver) = Self::ends(shared, ReadSide { driver, stream, subprotocol });
            Err(ReuniteError { sender, receiver })
        };
        let (outbound, Output { stream: writer, mut timing, .. }) = match shared.into_parts() {
            Ok(parts) => parts,
            Err(shared) => return apart(shared, inbound, stream, subprotocol),
        };
        match S::unite(stream, writer) {
            Ok(stream) => {
                inbound.set_pausing(true);
                timing.longest = None;
                let link = Link { output: Output::new(stream, timing), outbound };
                Ok(Self { driver: Driver::new(inbound, reads), link, subprotocol })
            }
            Err((stream, writer)) => {
                let shared = Shared::new(outbound, Output::new(writer, timing), inbound.config());
                apart(Arc::new(shared), inbound, stream, subprotocol)
            }
        }
    }
}

impl<S: Split> Receiver<S> {
    /// Puts both ends together again.
    ///
    /// # Errors
    /// [`ReuniteError`], with both ends in it: they are not of one connection; or there are other senders; or the
    /// stream cannot be put together ([`Split::unite`]); or a write has stopped midway, with an error that [is
    /// resumable](crate::Error::is_resumable): [`flush`](Sender::flush) first.
    pub fn reunite(mut self, sender: Sender<S>) -> Result<WebSocket<S>, ReuniteError<S>> {
        // There are no other ends than these two, so no other can be made meanwhile.
        let last_two = Arc::ptr_eq(&self.shared, &sender.shared) && Arc::strong_count(&self.shared) == 2;
        let Some(mut side) = self.side.take_if(|_| last_two && sender.shared.is_whole()) else {
            return Err(ReuniteError { sender, receiver: self });
        };
        let (driver, ends) = side.with(&self.shared);
        if driver.inbound.state() != RecvState::Ended {
            ends.tell_end(&mut driver.inbound);
        }
        let shared = self.shared.clone();
        drop((self, sender));
        WebSocket::unite(shared, *side)
    }
}

/// Two ends that cannot be put together, and both of them.
#[derive(thiserror::Error)]
#[error("not the two ends of one connection, or not the only sender of it")]
pub struct ReuniteError<S: Split> {
    /// The sending end.
    pub sender: Sender<S>,
    /// The receiving end.
    pub receiver: Receiver<S>,
}
impl<S: Split> fmt::Debug for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
