//! [`Receiver`]: the receiving end of a split connection.
use super::{
    shared::{Ends, Shared},
    wakers::RECEIVER,
};
use crate::{
    adapter::{Error, check_whole},
    aio::{Runtime, receive},
    extension::ExtensionOffer,
    message::Message,
    proto::{Closed, Event, Inbound, Lent, Ready, ReadyState, RecvState, Subprotocol},
};
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// The receiving end of a split [`WebSocket`](crate::aio::WebSocket). Keep it receiving: while it waits for a message,
/// pings are answered, the closing handshake is done, deadlines pass and what senders queue is written, whether or not
/// any sender waits. A program that only sends lets it [`discard`](Self::discard).
///
/// When the receiver is dropped, the senders still send, and [`Sender::close`](super::Sender::close) still ends the
/// connection. But nothing is read before that: pings are not answered, keepalive does not run, nobody hears the peer's
/// Close frame, and a peer whose messages nobody takes may stop taking ours. The stream is dropped with the last of the
/// ends.
///
/// The receiver goes on reading however much is queued: the senders wait at the
/// [`high_water_mark`](crate::Config::high_water_mark), the receiver does not.
#[derive(Debug)]
pub struct Receiver<S, R> {
    /// There until the receiver is dropped or taken apart.
    pub(in crate::aio) inbound: Option<Box<Inbound>>,
    pub(super) alarm: Option<R>,
    pub(super) subprotocol: Option<Subprotocol>,
    pub(super) shared: Arc<Shared<S, R>>,
}

impl<S, R: Runtime<S>> Receiver<S, R> {
    /// The next message: see [`WebSocket::recv`](crate::aio::WebSocket::recv).
    ///
    /// # Errors
    /// As [`WebSocket::recv`](crate::aio::WebSocket::recv). [`Error::TimedOut`] also tells of a deadline that a sender
    /// has seen pass.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call goes on where it stopped.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        self.check_whole()?;
        Ok(self.recv_ref().await?.map(Lent::into_message))
    }

    /// The next message where it lies: see [`WebSocket::recv_ref`](crate::aio::WebSocket::recv_ref). Pass it to
    /// [`Sender::feed`](super::Sender::feed) to answer with it.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv).
    #[inline]
    pub async fn recv_ref(&mut self) -> Result<Option<Lent<'_>>, Error> {
        let data = poll_fn(|cx| self.poll_data(cx)).await?;
        Ok(data.and_then(|_| Some(self.inbound.as_mut()?.lend_data())))
    }

    /// The next event of any kind; `None` after the end: see
    /// [`WebSocket::recv_event`](crate::aio::WebSocket::recv_event).
    ///
    /// # Errors
    /// As [`WebSocket::recv_event`](crate::aio::WebSocket::recv_event).
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv).
    pub async fn recv_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        match poll_fn(|cx| self.poll_ready(cx)).await? {
            None | Some(Ready::Closed(_)) => Ok(None),
            Some(ready) => Ok(self.inbound.as_mut().map(|inbound| inbound.lend(ready))),
        }
    }

    /// Receives and drops what comes until the connection ends, and says how it did. For a program that only sends: it
    /// answers pings, hears the peer's Close frame and keeps the deadlines.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing but messages that have come.
    pub async fn discard(&mut self) -> Closed {
        poll_fn(|cx| match self.parts() {
            Some((inbound, mut ends, alarm)) => receive::poll_closed(cx, inbound, &mut ends, alarm),
            None => Poll::Ready(Closed::unopened()),
        })
        .await
    }

    /// Ends the transport at once, without a Close frame and without what is queued: see
    /// [`WebSocket::abort`](crate::aio::WebSocket::abort). Senders that wait are told.
    pub fn abort(&mut self) {
        if let Some((inbound, mut ends, alarm)) = self.parts() {
            if inbound.state() != RecvState::Ended {
                receive::give_up(&mut Context::from_waker(Waker::noop()), inbound, &mut ends, alarm);
            }
        }
    }

    /// Whether owned messages may be given.
    pub(in crate::aio) fn check_whole(&self) -> Result<(), Error> {
        self.inbound.as_ref().map_or(Ok(()), |inbound| check_whole(inbound.config()))
    }

    /// What the receiving loop works with.
    #[inline]
    fn parts(&mut self) -> Option<(&mut Inbound, Ends<'_, S, R>, &mut Option<R>)> {
        let inbound = self.inbound.as_mut()?;
        self.shared.tell(inbound);
        Some((inbound, Ends(&self.shared), &mut self.alarm))
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Ready>, Error>> {
        let Some((inbound, mut ends, alarm)) = self.parts() else { return Poll::Ready(Ok(None)) };
        receive::poll_ready(cx, inbound, &mut ends, alarm)
    }

    #[inline]
    pub(in crate::aio) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<bool>, Error>> {
        let Some((inbound, mut ends, alarm)) = self.parts() else { return Poll::Ready(Ok(None)) };
        receive::poll_data(cx, inbound, &mut ends, alarm)
    }
}

impl<S, R> Receiver<S, R> {
    /// What a browser calls `WebSocket.readyState`.
    pub fn state(&self) -> ReadyState {
        let inbound = self.inbound.as_deref();
        inbound.map_or(ReadyState::Closed, |inbound| inbound.ready_state(&Ends(&self.shared)))
    }

    /// How the connection ended (RFC 6455 §7.1.4 to §7.1.6), once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.inbound.as_ref()?.closed()
    }

    /// The subprotocol agreed on, if any (RFC 6455 §1.9): what a browser calls `WebSocket.protocol`.
    pub fn subprotocol(&self) -> Option<&Subprotocol> {
        self.subprotocol.as_ref()
    }

    /// The extension that the connection uses, with what was agreed on (RFC 6455 §9): what a browser calls
    /// `WebSocket.extensions`. A copy: the sending half, which has it, is shared with the senders.
    pub fn extension(&self) -> Option<ExtensionOffer> {
        self.shared.look(|inner| inner.link.outbound.extension().cloned())
    }

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken.
    pub fn buffered_amount(&self) -> usize {
        self.shared.look(|inner| inner.link.outbound.buffered_amount())
    }
}

/// Leaves the receiving half to the senders: one that closes does the whole closing handshake from now on.
impl<S, R> Drop for Receiver<S, R> {
    fn drop(&mut self) {
        if let Some(inbound) = self.inbound.take() {
            self.shared.leave(&mut Some(RECEIVER));
            self.shared.enter(|inner, _, due| {
                inner.more.left = Some(inbound);
                due.wake = true;
            });
        }
    }
}
