//! The buffer that bytes arrive in, and the messages [`Lent`] out of it.
//!
//! ```text
//!            start        end     cursor          len
//! ┌──────────┬────────────┬───────┬───────────────┐
//! │ consumed │ message    │ gap   │ not yet read  │
//! └──────────┴────────────┴───────┴───────────────┘
//! ```
//! Payloads are joined in place: a continuation is moved down over the headers before it, once, so a
//! message always lies in one piece.
use super::spare;
use crate::{
    message::{Kind, Message, Outgoing},
    text::{Utf8Bytes, validated},
};
use bytes::{Buf, Bytes, BytesMut};
use std::fmt;

/// Payloads of fewer bytes are copied when they become owned, so that nothing short keeps a buffer alive.
const SHARE_FROM: usize = 4 * 1024;

/// How much room there is for a read, with nothing in the way, and at least.
const READ: usize = 64 * 1024;
const LEAST_READ: usize = 2 * 1024;

fn to_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) buf: BytesMut,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) cursor: usize,
    /// Where in the stream `buf` begins, less what has been cut out of it since.
    base: u64,
    /// How much memory the buffer had before its front was cut off, and how much of it was left then. (From 4 GiB on
    /// it matters to nobody.)
    whole: u32,
    left: u32,
    /// A message shares this buffer's memory: it must not become a spare.
    shared: bool,
}

impl Input {
    /// Where in the stream the next byte to be read is.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.base + self.cursor as u64
    }

    /// How many bytes have come, ever.
    pub(super) fn received(&self) -> u64 {
        self.base + self.buf.len() as u64
    }

    /// The bytes of the message so far.
    #[inline]
    pub(super) fn message(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// The last so many bytes before the cursor: the payload of a control frame.
    pub(super) fn just_read(&self, len: usize) -> &[u8] {
        &self.buf[self.cursor - len..self.cursor]
    }

    /// Whether nothing is left to be read.
    pub(super) fn is_drained(&self) -> bool {
        self.cursor == self.buf.len()
    }

    /// Whether nothing in it is needed any more.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.is_drained() && self.start == self.end
    }

    /// Forgets the message: whatever has been read is consumed.
    #[inline]
    pub(super) fn consume(&mut self) {
        (self.start, self.end) = (self.cursor, self.cursor);
    }

    /// Forgets everything.
    #[inline]
    pub(super) fn discard(&mut self) {
        self.base += self.buf.len() as u64;
        (self.start, self.end, self.cursor) = (0, 0, 0);
        self.buf.clear();
    }

    /// Gives away what has not been read, and forgets everything.
    pub(super) fn take_unread(&mut self) -> Bytes {
        let unread = self.buf.split_off(self.cursor).freeze();
        self.discard();
        unread
    }

    /// Leaves the memory to the thread. Only when there is nothing in it.
    #[inline(always)]
    pub(super) fn release(&mut self, to: spare::Of) {
        self.discard();
        if self.buf.capacity() > 0 || self.shared {
            self.leave(to);
        }
    }

    #[inline(always)]
    fn leave(&mut self, to: spare::Of) {
        let memory = self.memory();
        (self.whole, self.left) = (0, 0);
        if std::mem::take(&mut self.shared) {
            self.forget();
        } else if memory > 0 {
            to.put(&mut self.buf, memory);
        }
    }

    #[cold]
    #[inline(never)]
    fn forget(&mut self) {
        self.buf = BytesMut::new();
    }

    /// A buffer without memory, all of which went with a message, is none.
    #[inline]
    pub(super) fn forget_shared(&mut self) {
        if std::mem::take(&mut self.shared) {
            self.forget();
            (self.whole, self.left) = (0, 0);
        }
    }

    /// Cuts what has been consumed out of the buffer, so that it can be given more bytes.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if self.buf.capacity() == 0 {
            self.forget_shared();
            spare::Of::Input.take(&mut self.buf);
        } else if self.is_empty() {
            self.discard();
        } else {
            self.cut_consumed();
        }
    }

    /// As [`fill`](Self::fill), with room for a read. It grows with what has arrived, not with what was announced.
    #[inline(always)]
    pub(super) fn read_space(&mut self) {
        self.fill();
        if self.buf.capacity() - self.buf.len() < LEAST_READ {
            self.make_room();
        }
    }

    #[cold]
    fn make_room(&mut self) {
        let few = self.buf.len() <= READ / 4 && !self.shared;
        if few && self.buf.capacity() > 0 {
            // A few bytes had to wait in memory of their size: on they go, in front of what comes, in the thread's.
            let waited = std::mem::take(&mut self.buf);
            (self.whole, self.left) = (0, 0);
            spare::Of::Input.take(&mut self.buf);
            self.buf.reserve(READ);
            self.buf.extend_from_slice(&waited);
        } else {
            self.grow(self.buf.len().max(READ));
        }
    }

    /// Appends bytes, copying them.
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.buf.capacity() - self.buf.len() < bytes.len() {
            self.grow(bytes.len());
        }
        self.buf.extend_from_slice(bytes);
    }

    /// Room for so many more bytes, and still known how much memory that takes.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&mut self, more: usize) {
        let memory = self.memory();
        if self.buf.try_reclaim(more) {
            let capacity = self.buf.capacity();
            (self.whole, self.left) = (to_u32(memory.max(capacity)), to_u32(capacity)); // it is the same memory
        } else if self.shared {
            // Memory of its own, and the rest goes with the messages that have it too.
            let mut buf = BytesMut::with_capacity(self.buf.len() + more);
            buf.extend_from_slice(&self.buf);
            (self.buf, self.whole, self.left, self.shared) = (buf, 0, 0, false);
        } else {
            self.buf.reserve(more); // what has been cut off its front remains in front of it
        }
    }

    /// The buffer has been added to by another hand, which knows it had room for so many bytes in all: if it has grown, it
    /// has memory of its own, or its front back.
    pub(super) fn has_grown(&mut self, before: usize) {
        if self.buf.capacity() > before {
            (self.whole, self.left, self.shared) = (0, 0, false);
        }
    }

    /// A few bytes wait for more: they do so in memory of their size, and leave a large buffer to the thread.
    pub(super) fn shrink(&mut self) {
        self.cut_consumed();
        let memory = self.memory();
        if memory < LEAST_READ || memory / 4 < self.buf.len() {
            return;
        }
        let few = BytesMut::from(&self.buf[..]);
        let mut large = std::mem::replace(&mut self.buf, few);
        (self.whole, self.left) = (0, 0);
        if std::mem::take(&mut self.shared) {
            return; // the rest of it goes with the message that has it too
        }
        large.clear();
        spare::Of::Input.put(&mut large, memory);
    }

    #[inline(never)]
    pub(super) fn cut_consumed(&mut self) {
        let unread = self.buf.len() - self.cursor;
        let gap = self.cursor - self.end;
        // Closing the gap moves what is unread: done only when that is no more than what it frees.
        if gap > 0 && unread <= gap && self.start < self.end {
            self.buf.copy_within(self.cursor.., self.end);
            self.buf.truncate(self.end + unread);
            self.base += gap as u64;
            self.cursor = self.end;
        }
        if self.start == self.end {
            self.consume();
        }
        if self.start > 0 {
            let consumed = self.start;
            self.whole = to_u32(self.memory());
            self.buf.advance(consumed);
            self.left = to_u32(self.buf.capacity());
            self.base += consumed as u64;
            self.end -= consumed;
            self.cursor -= consumed;
            self.start = 0;
        }
    }

    /// How much memory the buffer has, at most: what has been cut off its front is as much alive as the rest, until
    /// the buffer goes back to the front of its memory; and that it has cannot be seen.
    fn memory(&self) -> usize {
        self.buf.capacity() + (self.whole - self.left) as usize
    }

    /// Whether the message is long enough, in itself and beside the buffer, to share memory with it.
    fn is_worth_sharing(&self) -> bool {
        let len = self.end - self.start;
        len >= SHARE_FROM && len >= self.memory() / 4
    }

    /// The message's bytes, owned: the one place where a lent message becomes one that lasts.
    fn own(&mut self) -> Bytes {
        if !self.is_worth_sharing() {
            return Bytes::copy_from_slice(self.message());
        }
        self.shared = true;
        self.whole = to_u32(self.memory());
        self.buf.advance(self.start);
        let message = self.buf.split_to(self.end - self.start).freeze();
        self.left = to_u32(self.buf.capacity());
        self.base += self.end as u64;
        self.cursor -= self.end;
        (self.start, self.end) = (0, 0);
        message
    }
}

/// A message, or a piece of one, lent out of the buffer that it arrived in. Dropping it consumes it.
///
/// Looking at it and sending it on costs nothing; [`into_message`](Self::into_message) makes it last.
pub struct Lent<'a> {
    pub(super) input: &'a mut Input,
    pub(super) kind: Kind,
}

impl<'a> Lent<'a> {
    /// Text or binary.
    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// The text, of a text message.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        match self.kind {
            Kind::Text => Some(validated(self.input.message())),
            Kind::Binary => None,
        }
    }
    /// The bytes, of either kind.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.input.message()
    }
    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.input.message().len()
    }
    /// Whether it holds no byte. (An empty message is still a message.)
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Makes it last. It shares the buffer's memory if it is at least 4 KiB and at least a quarter of that
    /// memory; else it is copied, so that nothing short keeps something long alive.
    pub fn into_message(self) -> Message {
        let bytes = self.input.own();
        match self.kind {
            Kind::Text => Message::Text(Utf8Bytes::from_validated(bytes)),
            Kind::Binary => Message::Binary(bytes),
        }
    }
}

impl fmt::Debug for Lent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) => f.debug_tuple("Text").field(&text).finish(),
            None => f.debug_tuple("Binary").field(&self.as_bytes()).finish(),
        }
    }
}

/// Sends it on: shared if it is long, else copied straight from where it lies to where it leaves from.
impl<'m> From<Lent<'m>> for Outgoing<'m> {
    #[inline]
    fn from(lent: Lent<'m>) -> Self {
        if lent.input.is_worth_sharing() {
            return lent.into_message().into();
        }
        let Lent { input, kind } = lent;
        let input: &'m Input = input;
        Self::borrowed(kind, input.message())
    }
}

#[cfg(test)]
mod tests;
