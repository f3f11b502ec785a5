//! The buffer that bytes arrive in, and the messages [`Lent`] out of it.
//!
//! ```text
//!            start        end     cursor          filled     len
//! ┌──────────┬────────────┬───────┬───────────────┬──────────┐
//! │ consumed │ message    │ gap   │ not yet read  │ room     │
//! └──────────┴────────────┴───────┴───────────────┴──────────┘
//! ```
//! Payloads are joined in place: the payload of a continuation is moved down, once, over the header before it. So a
//! message always lies in one piece.
use super::read_buf::ReadBuf;
use crate::{
    message::{Kind, Message, Outgoing},
    per_thread::Buffer,
    text::{Utf8Bytes, validated},
};
use bytes::{Buf, Bytes, BytesMut};
use std::fmt;

/// Payloads of fewer bytes are copied when they become owned, so that no short message keeps a large buffer alive.
const SHARE_FROM: usize = 4 * 1024;

/// How much room there is for a read if the buffer is empty, and the least room for any read.
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
    /// How many bytes at the end of `buf` are room: initialised, and not filled. See [`ReadBuf::room`].
    room: usize,
    /// Where in the stream `buf` begins, less what has been cut out of it since.
    base: u64,
    /// How much memory lies in front of `buf`, at most. It was cut off when a message took it, and is freed with `buf`.
    /// Saturates at 4 GiB.
    cut: u32,
    /// Whether a message shares this buffer's memory. Then it must not become a spare.
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
        self.base + self.filled() as u64
    }

    /// Where in `buf` the bytes that have come end, and the room begins.
    #[inline]
    fn filled(&self) -> usize {
        self.buf.len() - self.room
    }

    /// The bytes that have come and have not been read.
    #[inline]
    pub(super) fn unread(&self) -> &[u8] {
        &self.buf[self.cursor..self.filled()]
    }

    /// The same, to be unmasked in place.
    #[inline]
    pub(super) fn unread_mut(&mut self) -> &mut [u8] {
        let filled = self.filled();
        &mut self.buf[self.cursor..filled]
    }

    /// The bytes of the message so far.
    #[inline]
    pub(super) fn message(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// The last `len` bytes before the cursor: the payload of a control frame.
    pub(super) fn just_read(&self, len: usize) -> &[u8] {
        &self.buf[self.cursor - len..self.cursor]
    }

    /// Whether nothing is left to be read.
    pub(super) fn is_drained(&self) -> bool {
        self.cursor + self.room == self.buf.len()
    }

    /// Whether nothing in it is needed any more.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.is_drained() && self.start == self.end
    }

    /// Forgets the message. All bytes that have been read are consumed.
    #[inline]
    pub(super) fn consume(&mut self) {
        (self.start, self.end) = (self.cursor, self.cursor);
    }

    /// Forgets all bytes. The whole buffer is room.
    #[inline]
    pub(super) fn discard(&mut self) {
        self.base += self.filled() as u64;
        (self.start, self.end, self.cursor) = (0, 0, 0);
        self.room = self.buf.len();
    }

    /// Cuts the room off the end of `buf`, so that `buf` can be appended to.
    #[inline]
    pub(super) fn cut_room(&mut self) {
        self.buf.truncate(self.filled());
        self.room = 0;
    }

    /// Takes away the bytes that have not been read, and forgets all others.
    pub(super) fn take_unread(&mut self) -> Bytes {
        self.cut_room();
        let unread = self.buf.split_off(self.cursor).freeze();
        self.discard();
        unread
    }

    /// Leaves the memory to the thread. Call it only when no byte in it is needed.
    #[inline(always)]
    pub(super) fn release(&mut self, to: Buffer) {
        self.discard();
        self.room = 0;
        let memory = self.buf.capacity();
        if self.shared || self.cut > 0 {
            self.leave_rest(to);
        } else if memory > 0 {
            to.swap_out(&mut self.buf, memory);
        }
    }

    /// [`release`](Self::release) where a message shares the memory, or its front has been cut off.
    #[cold]
    #[inline(never)]
    fn leave_rest(&mut self, to: Buffer) {
        let memory = self.memory();
        self.forget_shared();
        self.cut = 0;
        if self.buf.capacity() > 0 {
            to.swap_out(&mut self.buf, memory);
        }
    }

    #[cold]
    #[inline(never)]
    fn forget(&mut self) {
        self.buf = BytesMut::new();
    }

    /// If a message shares the memory, leaves it to that message and starts again from an empty buffer.
    #[inline]
    pub(super) fn forget_shared(&mut self) {
        if std::mem::take(&mut self.shared) {
            self.forget();
            (self.cut, self.room) = (0, 0);
        }
    }

    /// Takes the thread's spare buffer; this one is empty or shared. Bytes that are initialised there are room.
    #[inline(always)]
    pub(super) fn take_spare(&mut self, from: Buffer) {
        self.forget_shared();
        from.swap_in(&mut self.buf);
        self.room = self.buf.len();
    }

    /// Cuts what has been consumed out of the buffer, so that it can be given more bytes.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if self.buf.capacity() == 0 {
            self.take_spare(Buffer::Input);
        } else if self.is_empty() {
            self.discard();
        } else {
            self.cut_consumed();
        }
    }

    /// As [`fill`](Self::fill), with room for a read. The room grows with the bytes that have arrived, not with the length
    /// that a header announces.
    #[inline(always)]
    pub(super) fn read_buf(&mut self, most: usize) -> ReadBuf<'_> {
        self.fill();
        if self.buf.capacity() - self.filled() < LEAST_READ {
            self.make_room(most);
        }
        ReadBuf::new(&mut self.buf, &mut self.room).at_most(most)
    }

    #[cold]
    fn make_room(&mut self, most: usize) {
        let few = self.filled() <= READ / 4 && !self.shared && most >= READ;
        if few && self.buf.capacity() > 0 {
            // A few bytes waited in memory of their size. They move to the front of the thread's buffer.
            self.cut_room();
            let waited = std::mem::take(&mut self.buf);
            self.cut = 0;
            self.take_spare(Buffer::Input);
            if self.buf.capacity() < READ {
                // Not by `reserve`, which would only double the little that there is.
                (self.buf, self.room) = (BytesMut::with_capacity(READ + waited.len()), 0);
            }
            self.append(&waited);
        } else {
            self.grow(self.filled().max(READ.min(most)));
        }
    }

    /// Appends bytes, copying them.
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.buf.capacity() - self.filled() < bytes.len() {
            self.grow(bytes.len());
        }
        ReadBuf::new(&mut self.buf, &mut self.room).extend_from_slice(bytes);
    }

    /// Makes room for `more` bytes, and keeps `cut` and `shared` right.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&mut self, more: usize) {
        self.cut_room();
        let memory = self.memory();
        if self.buf.try_reclaim(more) {
            self.cut = to_u32(memory.saturating_sub(self.buf.capacity())); // it is the same memory
        } else if self.shared {
            // The buffer gets memory of its own. The old memory goes with the messages that share it.
            let mut buf = BytesMut::with_capacity(self.buf.len() + more);
            buf.extend_from_slice(&self.buf);
            (self.buf, self.cut, self.shared) = (buf, 0, false);
        } else {
            self.buf.reserve(more); // the memory that was cut off may remain in front: `cut` is at most
        }
    }

    /// To be called when a decoder has added to the buffer, whose capacity was `before`. If the capacity has grown, the
    /// buffer has new memory, or has got its front back.
    pub(super) fn has_grown(&mut self, before: usize) {
        if self.buf.capacity() > before {
            (self.cut, self.shared) = (0, false);
        }
    }

    /// If only a few bytes wait in a large buffer, moves them to memory of their size and leaves the large one to the
    /// thread.
    pub(super) fn shrink(&mut self) {
        self.cut_consumed();
        let (memory, filled) = (self.memory(), self.filled());
        if self.memory_at_rest() == memory {
            return;
        }
        let few = BytesMut::from(&self.buf[..filled]);
        let mut large = std::mem::replace(&mut self.buf, few);
        (self.cut, self.room) = (0, 0);
        if std::mem::take(&mut self.shared) {
            return; // the large buffer goes with the message that shares it
        }
        Buffer::Input.swap_out(&mut large, memory);
    }

    /// How much memory the bytes in hand take once the buffer has been [shrunk](Self::shrink).
    pub(super) fn memory_at_rest(&self) -> usize {
        let (memory, filled) = (self.memory(), self.filled());
        if memory < LEAST_READ || memory / 4 < filled { memory } else { filled }
    }

    /// Moves the bytes that are needed to the front, over those that are not, to make room behind them. It does so only
    /// if that moves no more bytes than it frees. So in all, no more bytes are moved than have been consumed.
    #[inline(never)]
    pub(super) fn cut_consumed(&mut self) {
        let (filled, gap) = (self.filled(), self.cursor - self.end);
        if gap > 0 && filled - self.cursor <= gap && self.start < self.end {
            self.buf.copy_within(self.cursor..filled, self.end);
            self.room += gap;
            self.base += gap as u64;
            self.cursor = self.end;
        }
        if self.start == self.end {
            self.consume();
        }
        let (start, filled) = (self.start, self.filled());
        if start > 0 && filled - start <= start {
            self.buf.copy_within(start..filled, 0);
            self.room += start;
            self.base += start as u64;
            (self.start, self.end, self.cursor) = (0, self.end - start, self.cursor - start);
        }
    }

    /// How much memory the buffer keeps alive, at most. Memory that was cut off its front counts: [`BytesMut`] may take it
    /// back, but does not tell.
    pub(super) fn memory(&self) -> usize {
        self.buf.capacity() + self.cut as usize
    }

    /// Whether the message is long enough, in itself and beside the buffer, to share memory with it.
    fn is_worth_sharing(&self) -> bool {
        let len = self.end - self.start;
        // Memory that was initialised for reads is worth more: new memory would have to be initialised again.
        let part = if self.room > 0 { 2 } else { 4 };
        len >= SHARE_FROM && len >= self.memory() / part
    }

    /// The message's bytes, owned. This is the one place where a lent message becomes an owned one.
    fn own(&mut self) -> Bytes {
        if !self.is_worth_sharing() {
            return Bytes::copy_from_slice(self.message());
        }
        self.shared = true;
        let memory = self.memory();
        self.buf.advance(self.start);
        let message = self.buf.split_to(self.end - self.start).freeze();
        self.cut = to_u32(memory.saturating_sub(self.buf.capacity()));
        self.base += self.end as u64;
        self.cursor -= self.end;
        (self.start, self.end) = (0, 0);
        message
    }
}

/// A message, or a chunk of one, lent out of the buffer that it arrived in. Dropping it consumes it.
///
/// Looking at it costs nothing. Sending it on does not allocate if it is short.
/// [`into_message`](Self::into_message) makes it owned.
pub struct Lent<'a> {
    pub(super) input: &'a mut Input,
    pub(super) kind: Kind,
    pub(super) fin: bool,
}

impl<'a> Lent<'a> {
    /// Text or binary.
    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// Whether the message ends with this: always, unless it is a chunk ([`Delivery::Chunks`](crate::Delivery::Chunks))
    /// and others follow.
    #[inline]
    pub fn fin(&self) -> bool {
        self.fin
    }
    /// Whether it is text.
    pub fn is_text(&self) -> bool {
        self.kind == Kind::Text
    }
    /// Whether it is binary.
    pub fn is_binary(&self) -> bool {
        self.kind == Kind::Binary
    }
    /// The text, of a text message.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        match self.kind {
            Kind::Text => Some(validated(self.input.message())),
            Kind::Binary => None,
        }
    }
    /// The text, of a text message: another name of [`as_str`](Self::as_str).
    #[inline]
    pub fn as_text(&self) -> Option<&str> {
        self.as_str()
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
    /// The message, owned. It shares the buffer's memory if it has at least 4 KiB and at least a quarter of that
    /// memory, or half where memory was [initialised](ReadBuf::room) for reads. Else it is copied, so that a short
    /// message does not keep a large buffer alive.
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

/// Sends a lent message on. A long one is shared; a short one is copied once, from the input to the output.
impl<'m> From<Lent<'m>> for Outgoing<'m> {
    #[inline]
    fn from(lent: Lent<'m>) -> Self {
        if lent.input.is_worth_sharing() {
            return lent.into_message().into();
        }
        let Lent { input, kind, .. } = lent;
        let input: &'m Input = input;
        Self::borrowed(kind, input.message())
    }
}

#[cfg(test)]
mod tests;
