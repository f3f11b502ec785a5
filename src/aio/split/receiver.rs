//! [`Receiver`]: the receiving end of a split connection.
use super::{ends::Ends, half::Half, shared::Shared};
use crate::{
    adapter::{Error, outcome},
    aio::{Runtime, receive},
    extension::ExtensionOffer,
    message::Message,
    proto::{Closed, Event, Lent, Ready, ReadyState, Subprotocol},
};
use futures_core::{FusedStream, Stream};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// The receiving end of a split [`WebSocket`](crate::aio::WebSocket). While it waits for a message, pings are
/// answered, the closing handshake is done, deadlines pass and what senders queue is written, whether or not any
/// sender waits.
///
/// When it is dropped before the senders, they do that while they wait, and what still comes is discarded. While none
/// waits nobody does it, and the stream is dropped only with the last of them: [close](super::Sender::close) it.
///
/// However much the senders have queued, it goes on reading: they wait at the
/// [`high_water_mark`](crate::Config::high_water_mark), and it does not.
#[derive(Debug)]
pub struct Receiver<S, R> {
    /// There, until it is moved elsewhere as this goes.
    pub(super) half: Option<Box<Half<R>>>,
    pub(super) shared: Arc<Shared<S, R>>,
}

impl<S, R: Runtime<S>> Receiver<S, R> {
    /// The next message (RFC 6455 §6.2), owned; `None` once the peer has closed: see
    /// [`WebSocket::recv`](crate::aio::WebSocket::recv).
    ///
    /// # Errors
    /// As [`WebSocket::recv`](crate::aio::WebSocket::recv). [`Error::TimedOut`] also tells of a deadline that a
    /// sender has seen pass.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call goes on where it stopped.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
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
        let Some(fin) = poll_fn(|cx| self.poll_data(cx)).await? else { return Ok(None) };
        Ok(self.lend(Ready::Data { fin }).and_then(|event| match event {
            Event::Message(message) | Event::Chunk { data: message, .. } => Some(message),
            _ => None,
        }))
    }

    /// The next event of any kind, pings, pongs and the peer's Close frame among them; `None` once the connection has
    /// ended, however it did: [`closed`](Self::closed) tells.
    ///
    /// # Errors
    /// [`Error::Io`]. What the peer did wrong is an [`Event::Error`] here, and a deadline that passed is told by
    /// `closed`.
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv).
    pub async fn recv_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        let ready = poll_fn(|cx| match ready!(self.poll_ready(cx))? {
            Some(Ready::Closed(closed)) => {
                self.end(&closed);
                Poll::Ready(Ok::<_, Error>(None))
            }
            ready => Poll::Ready(Ok(ready)),
        });
        let Some(ready) = ready.await? else { return Ok(None) };
        Ok(self.lend(ready))
    }

    #[inline]
    fn lend(&mut self, ready: Ready) -> Option<Event<'_>> {
        Some(self.half.as_mut()?.inbound.lend(ready))
    }

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Ready>, Error>> {
        let Some(half) = &mut self.half else { return Poll::Ready(Ok(None)) };
        half.poll_ready(cx, &mut Ends { shared: &self.shared, left: false })
    }

    /// The next message, or piece of one, is ready to be lent: whether it is the last piece.
    #[inline]
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<bool>, Error>> {
        // However many control frames come without a pause, other tasks get their turn.
        for _ in 0..receive::TURNS {
            match ready!(self.poll_ready(cx))? {
                Some(Ready::Data { fin }) => return Poll::Ready(Ok(Some(fin))),
                None => return Poll::Ready(Ok(None)),
                Some(Ready::Closed(closed)) => {
                    let outcome = outcome(&closed);
                    self.end(&closed);
                    return Poll::Ready(outcome.map(|()| None));
                }
                Some(_) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn end(&mut self, closed: &Closed) {
        if let Some(half) = &mut self.half {
            half.end(&mut Ends { shared: &self.shared, left: false }, closed);
        }
    }
}

impl<S, R> Receiver<S, R> {
    /// What a browser calls `WebSocket.readyState`.
    pub fn state(&self) -> ReadyState {
        let ends = Ends { shared: &*self.shared, left: false };
        self.half.as_ref().map_or(ReadyState::Closed, |half| half.inbound.ready_state(&ends))
    }

    /// How the connection ended (RFC 6455 §7.1.4 to §7.1.6), once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.half.as_ref()?.inbound.closed()
    }

    /// The subprotocol agreed on, if any (RFC 6455 §1.9): what a browser calls `WebSocket.protocol`.
    pub fn subprotocol(&self) -> Option<&Subprotocol> {
        self.half.as_ref()?.subprotocol.as_ref()
    }

    /// The extension that the connection uses, with what was agreed on (RFC 6455 §9): what a browser calls
    /// `WebSocket.extensions`. A copy: the sending half, which has it, is shared with the senders.
    pub fn extension(&self) -> Option<ExtensionOffer> {
        self.shared.look(|link| link.outbound.extension().cloned())
    }

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken.
    pub fn buffered_amount(&self) -> usize {
        self.shared.buffered_amount()
    }
}

impl<S, R> Drop for Receiver<S, R> {
    fn drop(&mut self) {
        if let Some(half) = self.half.take() {
            self.shared.leave_behind(half);
        }
    }
}

/// As [`recv`](Receiver::recv); an error ends it.
impl<S, R: Runtime<S>> Stream for Receiver<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let receiver = self.get_mut();
        let Some(fin) = ready!(receiver.poll_data(cx)?) else { return Poll::Ready(None) };
        Poll::Ready(match receiver.lend(Ready::Data { fin }) {
            Some(Event::Message(message) | Event::Chunk { data: message, .. }) => {
                Some(Ok(message.into_message()))
            }
            _ => None,
        })
    }
}

impl<S, R: Runtime<S>> FusedStream for Receiver<S, R> {
    fn is_terminated(&self) -> bool {
        self.closed().is_some()
    }
}
