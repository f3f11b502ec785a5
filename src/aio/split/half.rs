//! [`Half`]: the receiving half of a split connection, whoever drives it.
use super::{ends::Ends, shared::Shared};
use crate::{
    adapter::Error,
    aio::{Runtime, link::Wire, receive},
    proto::{Closed, Inbound, Ready, Subprotocol},
};
use std::task::{Context, Poll, Waker, ready};

/// What a receiver has to itself; and what it leaves to the senders when it goes before them.
#[derive(Debug)]
pub(super) struct Half<R> {
    pub(super) inbound: Inbound,
    pub(super) alarm: Option<R>,
    pub(super) subprotocol: Option<Subprotocol>,
}

impl<R> Half<R> {
    /// The next thing ready; `None` after the end.
    ///
    /// However much the senders have queued, it goes on reading: they have a high-water mark of their own, and a peer
    /// that must be read before it reads would wait for ever.
    #[inline]
    pub(super) fn poll_ready<S>(
        &mut self,
        cx: &mut Context<'_>,
        ends: &mut Ends<'_, S, R>,
    ) -> Poll<Result<Option<Ready>, Error>>
    where
        R: Runtime<S>,
    {
        if self.inbound.is_over() {
            return Poll::Ready(Ok(None));
        }
        ends.shared.tell(&mut self.inbound);
        match ready!(receive::poll_next(cx, &mut self.inbound, ends, &mut self.alarm, usize::MAX)) {
            Ok(ready) => Poll::Ready(Ok(Some(ready))),
            Err(error) => Poll::Ready(Err(self.failed(ends, error))),
        }
    }

    /// The stream failed: how the connection ended is told by the error, and kept for `closed`.
    #[cold]
    fn failed<S>(&mut self, ends: &mut Ends<'_, S, R>, error: Error) -> Error
    where
        R: Runtime<S>,
    {
        while !self.inbound.is_over() {
            match self.inbound.advance(ends) {
                Some(Ready::Closed(closed)) => self.end(ends, &closed),
                Some(_) => {}
                None => break,
            }
        }
        error
    }

    /// This is the end, for the senders too.
    #[cold]
    pub(super) fn end<S>(&mut self, ends: &mut Ends<'_, S, R>, closed: &Closed)
    where
        R: Runtime<S>,
    {
        // The peer is told as well as it can be; nothing depends on whether it hears.
        if closed.timed_out.is_none() {
            let _ = ends.poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
        ends.shared.end(closed.timed_out);
        self.alarm = None;
    }

    /// Does what a receiver would, for nobody to hear: answers pings, keeps deadlines, finishes closing. Says how the
    /// connection ended, once it has.
    pub(super) fn drive<S>(&mut self, shared: &Shared<S, R>) -> Option<&Closed>
    where
        R: Runtime<S>,
    {
        let mut cx = Context::from_waker(&shared.proxy);
        let mut ends = Ends { shared, left: true };
        for _ in 0..receive::TURNS {
            if self.inbound.is_over() {
                return self.inbound.closed();
            }
            match self.poll_ready(&mut cx, &mut ends) {
                Poll::Ready(Ok(Some(Ready::Closed(closed)))) => self.end(&mut ends, &closed),
                Poll::Ready(_) => {} // what failed has ended the transport: `Closed` is next, or has been
                Poll::Pending => return None,
            }
        }
        shared.proxy.wake_by_ref();
        None
    }
}
