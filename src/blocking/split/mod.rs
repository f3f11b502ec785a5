//! Two threads and more: [`WebSocket::split`] takes a connection apart, [`Receiver::reunite`] puts it together.
mod ends;
mod receiver;
mod sender;
mod shared;

pub use receiver::Receiver;
pub use sender::Sender;

use super::{driver::Driver, link::Link, output::Output, transport::Split, websocket::WebSocket};
use crate::proto::Subprotocol;
use shared::Shared;
use std::sync::Arc;

/// What a [`Receiver`] has for itself: the receiving half and the end of the stream that it reads.
#[derive(Debug)]
struct ReadSide<H> {
    driver: Driver,
    stream: H,
    subprotocol: Option<Subprotocol>,
}

impl<S: Split> WebSocket<S> {
    /// Takes the directions apart, for one thread that receives and others that send.
    pub fn split(self) -> (Sender<S>, Receiver<S>) {
        let Self { mut driver, link: Link { output, outbound }, subprotocol } = self;
        let Output { stream, timing, look } = output;
        let (stream, writer) = stream.split();
        let shared = Shared::new(outbound, Output { stream: writer, timing, look }, driver.inbound.config());
        // Senders wait at the high-water mark by themselves.
        driver.inbound.set_pausing(false);
        Self::ends(Arc::new(shared), ReadSide { driver, stream, subprotocol })
    }

    fn ends(shared: Arc<Shared<S::Half>>, mut side: ReadSide<S::Half>) -> (Sender<S>, Receiver<S>) {
        side.bound_waits(&shared);
        (Sender { shared: shared.clone() }, Receiver { side: Some(Box::new(side)), shared })
    }
}

impl<S: Split> Receiver<S> {
    /// Puts both ends together again.
    ///
    /// # Errors
    /// [`ReuniteError`], with both ends in it: they are not of one connection, or there are other senders, or bytes have
    /// been begun to be written and wait (after an error that [is resumable](crate::Error::is_resumable)):
    /// [`flush`](Sender::flush) first.
    pub fn reunite(mut self, sender: Sender<S>) -> Result<WebSocket<S>, ReuniteError<S>> {
        // No other than these two: so none can be made while this looks.
        let last_two = Arc::ptr_eq(&self.shared, &sender.shared) && Arc::strong_count(&self.shared) == 2;
        let (Some(side), true) = (self.side.take_if(|_| last_two && sender.shared.is_whole()), last_two)
        else {
            return Err(ReuniteError { sender, receiver: self });
        };
        let shared = self.shared.clone();
        drop((self, sender));
        let ReadSide { mut driver, stream, subprotocol } = *side;
        let apart = |shared, driver, stream, subprotocol| {
            let (sender, receiver) = WebSocket::ends(shared, ReadSide { driver, stream, subprotocol });
            Err(ReuniteError { sender, receiver })
        };
        let (outbound, Output { stream: writer, timing, look }) = match Shared::into_parts(shared) {
            Ok(parts) => parts,
            Err(shared) => return apart(shared, driver, stream, subprotocol),
        };
        match S::unite(stream, writer) {
            Ok(stream) => {
                driver.inbound.set_pausing(true);
                Ok(WebSocket {
                    driver,
                    link: Link { output: Output { stream, timing, look }, outbound },
                    subprotocol,
                })
            }
            Err((stream, writer)) => {
                let output = Output { stream: writer, timing, look };
                let shared = Arc::new(Shared::new(outbound, output, driver.inbound.config()));
                apart(shared, driver, stream, subprotocol)
            }
        }
    }
}

/// Two ends that cannot be put together, and both of them.
#[derive(Debug, thiserror::Error)]
#[error("not the two ends of one connection, or not the only sender of it")]
pub struct ReuniteError<S: Split> {
    /// The sending end.
    pub sender: Sender<S>,
    /// The receiving end.
    pub receiver: Receiver<S>,
}
