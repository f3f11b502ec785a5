//! [`Transmit`]: bytes on their way out. Short frames are copied together into a cork; long payloads leave from where they
//! lie.
use crate::per_thread;
use bytes::{Buf, Bytes};
use std::{collections::VecDeque, io::IoSlice};

/// Bytes ready to be written, in order, read through [`Buf`]: write what the transport takes of
/// [`chunk`](Buf::chunk) or [`chunks_vectored`](Buf::chunks_vectored), then [`advance`](Buf::advance) by that much.
#[derive(Debug, Default)]
pub struct Transmit {
    /// Headers, short payloads and masked payloads, one after the other.
    cork: Vec<u8>,
    /// How many bytes at the front of `cork` have been taken.
    start: usize,
    /// Long payloads where they lie. Each leaves after some bytes of the cork.
    long: VecDeque<Long>,
    /// How many bytes of the cork go before the last of `long`.
    placed: usize,
    /// How many bytes there are in `long`.
    long_len: usize,
    /// How many bytes the transport has taken, ever.
    taken: u64,
}

#[derive(Debug)]
struct Long {
    /// Bytes of the cork that go between the long payload before this one and this one.
    before: usize,
    payload: Bytes,
}

/// An empty list of long payloads keeps its room if that is for no more than this many.
const FEW: usize = 16;

impl Transmit {
    /// The cork, with room for `more` bytes.
    #[inline]
    pub(crate) fn cork(&mut self, more: usize) -> &mut Vec<u8> {
        if self.cork.capacity() - self.cork.len() < more {
            self.make_room(more);
        }
        &mut self.cork
    }

    /// An empty cork takes the thread's spare, which nearly always has room.
    #[inline(never)]
    fn make_room(&mut self, more: usize) {
        if self.cork.capacity() == 0 {
            per_thread::swap_in_output(&mut self.cork);
            if self.cork.capacity() >= more {
                return;
            }
        }
        self.grow(more);
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let left = self.corked();
        if self.start > 0 && self.start >= left && self.cork.capacity() - left >= more {
            self.cork.drain(..self.start); // no more bytes are moved than have been taken, so the time is bounded
        } else if self.start > 0 {
            let mut larger = Vec::with_capacity(left + left.max(more));
            larger.extend_from_slice(&self.cork[self.start..]);
            self.cork = larger;
        } else {
            return self.cork.reserve(more);
        }
        self.start = 0;
    }

    /// Before a wait for the transport: gives back the memory that waiting output does not need.
    pub(super) fn shrink(&mut self) {
        let waits = self.corked();
        if self.cork.capacity() / 2 > waits || self.cork.capacity() - waits > 16 * 1024 {
            self.cork.drain(..self.start);
            self.start = 0;
            self.cork.shrink_to_fit();
        }
    }

    /// How many bytes of the cork are left.
    #[inline]
    fn corked(&self) -> usize {
        self.cork.len() - self.start
    }

    /// Adds a payload where it lies, behind what has been corked so far.
    pub(crate) fn push_long(&mut self, payload: Bytes) {
        if payload.is_empty() {
            return;
        }
        let before = self.corked() - self.placed;
        self.placed = self.corked();
        self.long_len += payload.len();
        self.long.push_back(Long { before, payload });
    }

    /// Adds a payload: where it lies, or copied to the cork if it is shorter than `long`.
    pub(super) fn push(&mut self, payload: Bytes, long: usize) {
        if payload.len() < long {
            self.cork(payload.len()).extend_from_slice(&payload);
        } else {
            self.push_long(payload);
        }
    }

    /// The transport has taken bytes that had been [taken away](super::Outbound::take_transmit).
    pub(super) fn count_taken(&mut self, bytes: u64) {
        self.taken += bytes;
    }

    /// Takes over how many bytes the transport has taken from the `Transmit` whose place this one takes.
    #[inline]
    pub(super) fn count_on_from(&mut self, other: &Self) {
        self.taken = other.taken;
    }

    /// How many bytes the transport has taken, ever.
    #[inline]
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// All of the cork has been taken: leaves its memory to the thread.
    #[inline]
    fn leave_cork(&mut self) {
        self.cork.clear();
        self.start = 0;
        per_thread::swap_out_output(&mut self.cork);
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = self.start;
        let long = self.long.iter().flat_map(move |long| {
            let corked = &self.cork[at..at + long.before];
            at += long.before;
            [corked, &long.payload]
        });
        long.chain([&self.cork[self.start + self.placed..]]).filter(|slice| !slice.is_empty())
    }
}

impl Buf for Transmit {
    #[inline]
    fn remaining(&self) -> usize {
        self.corked() + self.long_len
    }
    #[inline]
    fn chunk(&self) -> &[u8] {
        match self.long.front() {
            Some(Long { before: 0, payload }) => payload,
            Some(Long { before, .. }) => &self.cork[self.start..][..*before],
            None => &self.cork[self.start..],
        }
    }
    fn chunks_vectored<'a>(&'a self, dst: &mut [IoSlice<'a>]) -> usize {
        dst.iter_mut().zip(self.slices()).map(|(slot, slice)| *slot = IoSlice::new(slice)).count()
    }
    #[inline(always)]
    fn advance(&mut self, n: usize) {
        // The usual case: the transport has taken everything, and there is no long payload.
        if self.long.is_empty() && n == self.corked() {
            self.count_taken(n as u64);
            self.leave_cork();
        } else {
            self.advance_some(n);
        }
    }
}

impl Transmit {
    #[inline(never)]
    fn advance_some(&mut self, n: usize) {
        assert!(n <= self.remaining(), "advanced past the end");
        self.count_taken(n as u64);
        let mut left = n;
        while let Some(Long { before, payload }) = self.long.front_mut() {
            let corked = left.min(*before);
            self.start += corked;
            *before -= corked;
            self.placed -= corked;
            left -= corked;
            let long = left.min(payload.len());
            payload.advance(long);
            self.long_len -= long;
            left -= long;
            if payload.is_empty() && *before == 0 {
                self.long.pop_front();
            } else {
                return;
            }
        }
        if self.long.capacity() > FEW {
            self.long = VecDeque::new(); // a backlog has left, so its room is freed
        }
        self.start += left;
        if self.start == self.cork.len() {
            self.leave_cork();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_frames() -> Transmit {
        let mut out = Transmit::default();
        out.cork(9).extend_from_slice(b"1 short, ");
        out.cork(2).extend_from_slice(b"2:");
        out.push_long(Bytes::from_static(b"a payload where it lies"));
        out.push_long(Bytes::from_static(b", another"));
        out.push_long(Bytes::new());
        out.cork(3).extend_from_slice(b", 3");
        out
    }

    #[test]
    fn partial_writes_never_lose_or_repeat() {
        for step in 1..60 {
            let mut out = three_frames();
            let mut got = Vec::new();
            while out.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 8];
                let n = out.chunks_vectored(&mut slices);
                assert_eq!(&*slices[0], out.chunk());
                let all: Vec<u8> = slices[..n].iter().flat_map(|slice| slice.to_vec()).collect();
                assert_eq!(all.len(), out.remaining());
                let n = step.min(all.len());
                got.extend_from_slice(&all[..n]);
                out.advance(n);
            }
            assert_eq!(got, b"1 short, 2:a payload where it lies, another, 3", "step {step}");
            assert_eq!(
                (out.taken(), out.cork.capacity()),
                (got.len() as u64, 0),
                "drained, it holds no buffer"
            );
        }
    }

    #[test]
    fn a_backlog_takes_its_room_with_it() {
        for step in [3, 2999] {
            let mut out = Transmit::default();
            for _ in 0..100 {
                out.cork(4).extend_from_slice(b"head");
                out.push_long(Bytes::from_static(&[7; 100]));
            }
            out.cork(4).extend_from_slice(b"tail");
            while out.has_remaining() {
                out.advance(step.min(out.remaining()));
            }
            assert_eq!((out.long.capacity(), out.cork.capacity()), (0, 0), "step {step}");
        }
    }

    #[test]
    fn few_slices_take_the_first_bytes() {
        let out = three_frames();
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(out.chunks_vectored(&mut slices), 2);
        assert_eq!(&*slices[1], b"a payload where it lies");
    }

    #[test]
    #[should_panic(expected = "past the end")]
    fn advancing_past_the_end_is_the_callers_mistake() {
        three_frames().advance(99);
    }
}
