//! [`Backlog`]: messages, and pieces of them, that have not been framed.
use crate::frame::{Opcode, Rsv};
use bytes::Bytes;
use std::collections::VecDeque;

/// Empty, most of the time, and then it takes a pointer.
#[derive(Debug, Default)]
pub(super) struct Backlog(Option<Box<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// How many bytes of payload those are.
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Waiting {
    /// Of the next frame of it: `Continuation`, and no reserved bits, once one has gone out.
    pub(super) opcode: Opcode,
    pub(super) rsv: Rsv,
    /// Whether the message ends with it.
    pub(super) fin: bool,
    pub(super) payload: Bytes,
}

/// Room for so many is kept when there are none.
const FEW: usize = 64;

impl Backlog {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|queue| queue.waiting.is_empty())
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.waiting.len())
    }

    /// How many bytes of payload wait.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.bytes)
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        let queue = self.0.get_or_insert_default();
        queue.bytes += waiting.payload.len();
        queue.waiting.push_back(waiting);
    }

    /// Takes the next frame's worth, of at most so many bytes, off what has waited longest; says whether that was its last.
    pub(super) fn take(&mut self, at_most: usize) -> Option<(Waiting, bool)> {
        let queue = self.0.as_mut()?;
        let next = queue.waiting.front_mut()?;
        let payload = next.payload.split_to(next.payload.len().min(at_most.max(1)));
        let last = next.payload.is_empty();
        let opcode = std::mem::replace(&mut next.opcode, Opcode::Continuation);
        let piece = Waiting { opcode, rsv: std::mem::take(&mut next.rsv), fin: last && next.fin, payload };
        queue.bytes -= piece.payload.len();
        if last {
            queue.waiting.pop_front();
            if queue.waiting.is_empty() && queue.waiting.capacity() > FEW {
                self.0 = None; // a long one has gone, and its room with it
            }
        }
        Some((piece, last))
    }
}
