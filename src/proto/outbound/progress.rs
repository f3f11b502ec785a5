//! Which bytes the transport has taken, which it has let go of, and which never left.
//!
//! A transport *takes* bytes when a write returns, and *lets go* of them when they are on their way to the peer. For a
//! socket that is the same moment. A buffered writer or a TLS stream may hold bytes back until it is flushed.
use super::{Backlog, Outbound};
use crate::proto::transmit::Transmit;
use bytes::Buf;

/// Bytes that a transport has taken and may not have let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Nothing,
    /// Some: the transport's flush is pending.
    Some,
    /// As much as the transport has room for: it took no more.
    Full,
}

impl Outbound {
    /// Whether the transport has taken all there is to send, and let go of it.
    #[inline]
    pub fn is_flushed(&self) -> bool {
        self.is_written() && self.hold == Hold::Nothing
    }

    /// Whether the transport has taken all there is to send.
    #[inline]
    pub fn is_written(&self) -> bool {
        !self.transmit.has_remaining() && self.is_framed() && self.away == 0
    }

    /// Whether there are bytes to write, or bytes that the transport has taken and not let go of: write
    /// [`transmit`](Self::transmit), then flush the transport.
    #[inline]
    pub fn wants_write(&self) -> bool {
        !self.is_flushed()
    }

    /// Says that the transport has let go of all that it has taken: its flush is done. Only bytes that have left are
    /// progress for [`write_timeout`](crate::Config::write_timeout). Call this after each flush of a transport that
    /// buffers; for one that never holds bytes back, such as a socket, it need not be called.
    #[inline]
    pub fn flushed(&mut self) {
        self.hold = Hold::Nothing;
        self.released = self.transmit.taken();
    }

    /// Says that the transport may hold bytes that it has taken: its flush is pending. They are no progress before
    /// [`flushed`](Self::flushed), or before a transport that was [full](Self::write_pending) takes more.
    #[inline]
    pub fn flush_pending(&mut self) {
        if self.hold == Hold::Full {
            self.count_behind_full();
        } else {
            self.hold = Hold::Some;
        }
    }

    /// Says that the transport takes no more bytes now: it is full. If it takes more later, it has let go of as many.
    /// Flush it, so that it can. For a transport that never holds bytes back it need not be called.
    pub fn write_pending(&mut self) {
        if self.hold == Hold::Full {
            self.count_behind_full();
        } else {
            (self.hold, self.full_at) = (Hold::Full, self.transmit.taken() as u32);
        }
    }

    /// Gives back the memory that waiting output does not need. Call it before waiting for nothing but the transport to
    /// take output ([`Step::Wait`](crate::proto::Step::Wait)).
    pub fn rest(&mut self) {
        self.transmit.shrink();
    }

    fn count_behind_full(&mut self) {
        self.released = self.released_behind_full();
        self.full_at = self.transmit.taken() as u32;
    }

    /// Bytes that a transport took after it had been full have made as many others leave.
    fn released_behind_full(&self) -> u64 {
        let taken = self.transmit.taken();
        let more = (taken as u32).wrapping_sub(self.full_at);
        (self.released + u64::from(more)).min(taken)
    }

    /// Whether the transport has taken bytes since it last let go of all it had: a flush is to follow.
    #[inline]
    pub fn wants_flush(&self) -> bool {
        self.released != self.transmit.taken()
    }

    /// Whether the transport holds bytes back: see [`flush_pending`](Self::flush_pending).
    #[inline]
    pub fn is_holding(&self) -> bool {
        self.hold != Hold::Nothing
    }

    /// How many bytes the transport has let go of, ever.
    #[inline]
    pub(super) fn released(&self) -> u64 {
        match self.hold {
            Hold::Nothing => self.transmit.taken(),
            Hold::Some => self.released,
            Hold::Full => self.released_behind_full(),
        }
    }

    /// Takes the bytes to write next away, to be written without a lock that keeps others from sending. They count as
    /// [buffered](Self::buffered_amount) until [`written`](Self::written) says that the transport took them. Write them
    /// before any that are taken later.
    pub fn take_transmit(&mut self) -> Transmit {
        let mut taken = Transmit::default();
        self.swap_transmit(&mut taken);
        taken
    }

    /// As [`take_transmit`](Self::take_transmit), into a [`Transmit`] that has run empty: its memory is used again. One
    /// that still has bytes is left as it is.
    #[inline]
    pub fn swap_transmit(&mut self, empty: &mut Transmit) {
        if !empty.has_remaining() {
            std::mem::swap(self.transmit(), empty);
            self.transmit.count_on_from(empty);
            self.away += empty.remaining();
        }
    }

    /// Says that the transport took this many of the bytes that were [taken away](Self::take_transmit).
    pub fn written(&mut self, bytes: usize) {
        let bytes = bytes.min(self.away);
        self.away -= bytes;
        self.transmit.count_taken(bytes as u64);
    }

    /// Where in the stream the bytes framed so far end.
    pub(super) fn framed_to(&self) -> u64 {
        self.transmit.taken() + (self.away + self.transmit.remaining()) as u64
    }

    /// How many framed bytes have not left, without those of the control frames at the end.
    fn unsent_framed(&self) -> usize {
        let framed = (self.framed_to() - self.released()) as usize;
        let tail = if self.framed_to() as u32 == self.tail_end { self.tail as usize } else { 0 };
        framed.saturating_sub(tail)
    }

    /// Bytes of messages, headers included, that were queued and dropped, because the connection ended or was failed
    /// before they had left. [`Closed::unsent`](crate::Closed::unsent) says the same at the end.
    pub fn unsent(&self) -> usize {
        self.controls.as_ref().map_or(0, |controls| controls.unsent)
    }

    /// Says that the transport will never take a byte again: all there is to send is forgotten and counted as
    /// [`unsent`](Self::unsent), and nothing can be sent any more. Reading may go on: the peer's Close frame may have
    /// come. For a transport that buffers, call [`flush_pending`](Self::flush_pending) first: what it took since its last
    /// flush may never have left.
    pub fn write_failed(&mut self) {
        let (unsent, released) = (self.unsent_framed() + self.backlog.bytes(), self.released());
        self.backlog = Backlog::default();
        self.drop_unframed();
        self.state.on_close();
        let cut_off = !self.is_flushed();
        (self.transmit, self.away, self.hold) = (Transmit::default(), 0, Hold::Nothing);
        self.transmit.count_taken(released);
        if cut_off || unsent > 0 {
            let controls = self.controls();
            controls.cut_off |= cut_off;
            controls.unsent += unsent;
        }
        if let Some(close) = self.controls.as_mut().and_then(|controls| controls.close.as_mut()) {
            close.framed = true;
        }
    }

    /// Drops what waits and has not been framed, but for the rest of a frame that has begun.
    pub(super) fn drop_unframed(&mut self) {
        let waiting = self.backlog.bytes();
        self.backlog.drop_unframed();
        self.chunked = None;
        let unsent = waiting - self.backlog.bytes();
        if unsent > 0 {
            self.controls().unsent += unsent;
        }
        if let Some(controls) = &mut self.controls {
            let (ping, pong) = (controls.ping.take(), controls.pong.take());
            controls.dropped |= ping.is_some() || pong.is_some();
        }
    }
}
