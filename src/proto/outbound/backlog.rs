//! [`Backlog`]: messages, and chunks of them, that the transport has no room for yet.
use super::put_frame;
use crate::frame::{Header, MAX_HEADER_LEN, MaskKey, Opcode, Rsv};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;

/// The messages that wait. It is empty most of the time, and then takes no more than a pointer.
#[derive(Debug, Default)]
pub(super) struct Backlog(Option<Box<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Entry>,
    /// How many messages, or chunks of them, wait.
    messages: usize,
    /// How many bytes these take once they have been framed.
    bytes: usize,
}

#[derive(Debug)]
enum Entry {
    Long(Waiting),
    Run(Run),
}

/// A long payload: it becomes frames when there is room for them.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The opcode and the reserved bits of its next frame: `Continuation` and none, once its first frame has gone out.
    opcode: Opcode,
    rsv: Rsv,
    /// Whether the message ends with it.
    fin: bool,
    payload: Bytes,
    /// How many bytes at the front of `payload` belong to a frame whose header has gone out; and that frame's key.
    begun: usize,
    mask: Option<MaskKey>,
    /// Whether the payload behind that frame has been dropped.
    cut: bool,
}

impl Waiting {
    #[inline]
    pub(super) fn new(opcode: Opcode, rsv: Rsv, fin: bool, payload: Bytes) -> Self {
        Self { opcode, rsv, fin, payload, begun: 0, mask: None, cut: false }
    }
}

/// Short messages that were queued one after the other behind a long one, framed together. An entry of its own would take
/// many times the length of such a message.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) frames: Vec<u8>,
    pub(super) messages: u32,
}

/// Part of a frame whose header has gone out.
pub(super) enum Piece<'b> {
    /// To be masked.
    Masked(&'b [u8], MaskKey),
    /// As it leaves.
    Plain(Bytes),
}

/// How many bytes a run of short messages takes at most. Control frames pass between two runs.
const RUN: usize = 32 * 1024;

/// An empty queue keeps its room if that is for no more than this many entries.
const FEW: usize = 64;

impl Backlog {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|queue| queue.waiting.is_empty())
    }

    /// How many messages, or chunks of them, wait.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.messages)
    }

    /// How many bytes wait, those of the headers to come included.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.bytes)
    }

    /// Queues a long payload. It will become frames of at most `fragment_size` bytes.
    #[inline]
    pub(super) fn push(&mut self, waiting: Waiting, masked: bool, fragment_size: usize) {
        let queue = self.0.get_or_insert_default();
        queue.bytes += framed_len(waiting.payload.len(), masked, fragment_size);
        queue.messages += 1;
        queue.waiting.push_back(Entry::Long(waiting));
    }

    /// Queues a short payload, framed, behind what waits already.
    pub(super) fn push_short(&mut self, header: Header, payload: &[u8]) {
        let queue = self.0.get_or_insert_default();
        let room = MAX_HEADER_LEN + payload.len();
        if !matches!(queue.waiting.back(), Some(Entry::Run(run)) if run.frames.len() + room <= RUN) {
            queue.waiting.push_back(Entry::Run(Run::default()));
        }
        let Some(Entry::Run(Run { frames, messages })) = queue.waiting.back_mut() else { return };
        let before = frames.len();
        if frames.capacity() - before < room {
            frames.reserve_exact((before + room).max(512).min(RUN - before));
        }
        put_frame(frames, header, payload);
        queue.bytes += frames.len() - before;
        (*messages, queue.messages) = (*messages + 1, queue.messages + 1);
    }

    /// Takes the run of short messages at the front, if there is one.
    #[inline]
    pub(super) fn take_run(&mut self) -> Option<Run> {
        let queue = self.0.as_mut()?;
        let Entry::Run(run) = queue.waiting.front_mut()? else { return None };
        let run = std::mem::take(run);
        queue.bytes -= run.frames.len();
        queue.messages -= run.messages as usize;
        self.pop();
        Some(run)
    }

    /// Whether the header of a frame has gone out, and not yet all of its payload.
    #[inline]
    pub(super) fn is_within_frame(&self) -> bool {
        self.front().is_some_and(|front| front.begun > 0)
    }

    /// The long payload at the front, if there is one.
    fn front(&self) -> Option<&Waiting> {
        match self.0.as_ref()?.waiting.front()? {
            Entry::Long(waiting) => Some(waiting),
            Entry::Run(_) => None,
        }
    }

    /// Takes the long payload at the front, if it fits in one frame of `at_most` bytes that has not begun. Returns what its
    /// header says, and the payload.
    #[inline]
    pub(super) fn take_whole(&mut self, at_most: usize, masked: bool) -> Option<(Opcode, Rsv, bool, Bytes)> {
        let queue = self.0.as_mut()?;
        let Entry::Long(next) = queue.waiting.front_mut()? else { return None };
        if next.begun > 0 || next.payload.len() > at_most {
            return None;
        }
        let payload = std::mem::take(&mut next.payload);
        let whole = (next.opcode, next.rsv, next.fin, payload);
        queue.bytes -= header_len(whole.3.len(), masked) + whole.3.len();
        queue.messages -= 1;
        self.pop();
        Some(whole)
    }

    /// Begins the next frame of the long payload at the front, of at most `fragment_size` bytes.
    pub(super) fn begin_frame(
        &mut self,
        fragment_size: usize,
        mask: impl FnOnce() -> Option<MaskKey>,
    ) -> Option<Header> {
        let queue = self.0.as_mut()?;
        let Entry::Long(next) = queue.waiting.front_mut()? else { return None };
        let len = next.payload.len().min(fragment_size.max(1));
        let fin = next.fin && len == next.payload.len();
        (next.begun, next.mask) = (len, mask());
        queue.bytes -= header_len(len, next.mask.is_some());
        let opcode = std::mem::replace(&mut next.opcode, Opcode::Continuation);
        let rsv = std::mem::take(&mut next.rsv);
        Some(Header { fin, rsv, opcode, mask: next.mask, len: len as u64 })
    }

    /// Takes the rest of the frame that has begun; at most `at_most` bytes of it, if they are to be masked. Returns whether
    /// that ended a message, or a chunk.
    pub(super) fn take(&mut self, at_most: usize, take: impl FnOnce(Piece<'_>)) -> bool {
        let Some(queue) = &mut self.0 else { return false };
        let Some(Entry::Long(next)) = queue.waiting.front_mut() else { return false };
        let mut len = next.begun;
        match &mut next.mask {
            Some(key) => {
                len = len.min(at_most);
                take(Piece::Masked(&next.payload[..len], *key));
                key.turn(len);
                next.payload.advance(len);
            }
            None => take(Piece::Plain(next.payload.split_to(len))),
        }
        next.begun -= len;
        queue.bytes -= len;
        if !next.payload.is_empty() {
            return false;
        }
        let whole = !next.cut;
        queue.messages -= 1;
        self.pop();
        whole
    }

    #[inline]
    fn pop(&mut self) {
        let Some(queue) = &mut self.0 else { return };
        queue.waiting.pop_front();
        if queue.waiting.is_empty() && queue.waiting.capacity() > FEW {
            self.0 = None; // a long queue has left, so its room is freed
        }
    }

    /// Drops all but the rest of a frame whose header has gone out: the peer takes the bytes that follow for its payload.
    pub(super) fn drop_unframed(&mut self) {
        if !self.is_within_frame() {
            return *self = Self::default();
        }
        let Some(queue) = &mut self.0 else { return };
        queue.waiting.truncate(1);
        if let Some(Entry::Long(rest)) = queue.waiting.front_mut() {
            rest.cut = rest.cut || rest.begun < rest.payload.len();
            rest.payload.truncate(rest.begun);
            (queue.messages, queue.bytes) = (1, rest.begun);
        }
    }
}

/// How many bytes a payload takes in frames of at most `fragment_size` bytes.
fn framed_len(payload: usize, masked: bool, fragment_size: usize) -> usize {
    if payload <= fragment_size {
        return header_len(payload, masked) + payload; // most are one frame, and division is slow
    }
    let size = fragment_size.max(1);
    let (whole, rest) = (payload / size, payload % size);
    let last = if rest > 0 { header_len(rest, masked) } else { 0 };
    payload + whole * header_len(size, masked) + last
}

/// How many bytes the header of a frame takes (RFC 6455 §5.2).
fn header_len(payload: usize, masked: bool) -> usize {
    let len = match payload {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    };
    len + if masked { 4 } else { 0 }
}
