//! [`Output`]: where a decoder puts what it makes of a message, a call's worth at a time.
use bytes::BytesMut;

/// Room for what a [`Decoder`](super::Decoder) makes of a message. It can only be added to: what has been added has
/// been looked at, and text is known to be UTF-8.
#[derive(Debug)]
pub struct Output<'a> {
    buf: &'a mut BytesMut,
    /// Where what this call adds begins, and must end.
    start: usize,
    end: usize,
}

impl<'a> Output<'a> {
    pub(crate) fn new(buf: &'a mut BytesMut, room: usize) -> Self {
        Self { start: buf.len(), end: buf.len().saturating_add(room), buf }
    }

    /// How many bytes there is room for, before the decoder is called again.
    pub fn room(&self) -> usize {
        self.end - self.buf.len()
    }

    /// What has been added since the decoder was called.
    pub fn added(&self) -> &[u8] {
        &self.buf[self.start..]
    }

    /// Adds as many bytes as there is room for, from the front, and returns how many those are.
    pub fn add(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(self.room());
        self.reserve(len);
        self.buf.extend_from_slice(&bytes[..len]);
        len
    }

    /// Lends room for `len` bytes, or as many as there is, all zero; then adds as many of them, from the front, as `fill`
    /// returns.
    pub fn fill(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> usize) {
        let len = len.min(self.room());
        self.reserve(len);
        let from = self.buf.len();
        self.buf.resize(from + len, 0);
        let filled = fill(&mut self.buf[from..]).min(len);
        self.buf.truncate(from + filled);
    }

    /// Capacity for `more` bytes: doubled, but no further than by the room. A buffer would go past it by itself, and a bomb
    /// has its way with what is over.
    fn reserve(&mut self, more: usize) {
        let (len, capacity) = (self.buf.len(), self.buf.capacity());
        if capacity - len >= more || self.buf.try_reclaim(more) {
            return;
        }
        let most = len.saturating_add(self.room());
        let mut larger = BytesMut::with_capacity(capacity.saturating_mul(2).clamp(len + more, most));
        larger.extend_from_slice(self.buf);
        *self.buf = larger;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_much_and_memory_for_no_more() {
        let mut buf = BytesMut::from(&b"before"[..]);
        let mut out = Output::new(&mut buf, 10);
        assert_eq!((out.add(b"1234"), out.room(), out.added()), (4, 6, &b"1234"[..]));
        out.fill(100, |room| {
            assert_eq!(room, [0; 6]);
            room[..2].copy_from_slice(b"56");
            2
        });
        out.fill(1, |_| 9);
        assert_eq!((out.add(b"789abc"), out.room(), out.added()), (3, 0, &b"123456\x00789"[..]));
        assert_eq!(out.add(b"x"), 0);
        assert_eq!((&buf[..], buf.capacity()), (&b"before123456\x00789"[..], 16));
    }
}
