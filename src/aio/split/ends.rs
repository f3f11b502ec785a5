//! [`Ends`]: a split connection as the receiving loop sees it.
use super::shared::Shared;
use crate::{
    aio::{Runtime, link::Wire},
    close::CloseFrame,
    proto::{Control, ControlSink, Inbound, Sending},
};
use std::{
    io,
    task::{Context, Poll},
};

/// The receiving loop's view of a split connection.
pub(super) struct Ends<'a, S, R> {
    pub(super) shared: &'a Shared<S, R>,
    /// No receiver runs the loop, but a sender: whom to wake is known already.
    pub(super) left: bool,
}

impl<S, R> ControlSink for Ends<'_, S, R> {
    fn control(&mut self, control: Control<'_>) {
        self.shared.change(|inner, due| {
            due.senders = !matches!(control, Control::Ping | Control::Pong(_));
            inner.link.control(control);
        });
    }
    fn sending(&self) -> Sending {
        self.shared.look(|link| link.sending())
    }
    fn close_sent(&self) -> Option<Option<CloseFrame>> {
        self.shared.look(|link| link.close_sent())
    }
}

impl<S, R: Runtime<S>> Wire for Ends<'_, S, R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, inbound: &mut Inbound) -> Poll<io::Result<usize>> {
        let receiver = (!self.left).then(|| cx.waker());
        self.shared.poll(receiver, |inner, cx, due| {
            let read = inner.link.poll_read(cx, inbound);
            inner.parked = read.is_pending();
            // What came to be queued after this end last wrote relies on it, and so does who gave up since it was told.
            let queued = !inner.paused && !inner.link.outbound.is_flushed();
            due.receiver = inner.parked && (queued || self.shared.has_given_up());
            read
        })
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let receiver = (!self.left).then(|| cx.waker());
        self.shared.poll(receiver, |inner, cx, due| {
            let flushed = inner.flush(cx, due);
            // The loop may have waited for this a moment ago, and a stream need not tell who has found out.
            due.receiver |= std::mem::replace(&mut inner.paused, flushed.is_pending()) && flushed.is_ready();
            flushed
        })
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let receiver = (!self.left).then(|| cx.waker());
        self.shared.poll(receiver, |inner, cx, due| {
            let shut = inner.link.poll_shutdown(cx);
            inner.ending = shut.is_pending();
            due.senders |= shut.is_ready();
            shut
        })
    }

    #[inline]
    fn buffered_amount(&self) -> usize {
        self.shared.buffered_amount()
    }

    fn owes_pong(&self) -> bool {
        self.shared.look(|link| link.outbound.owes_pong())
    }
}
