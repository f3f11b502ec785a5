//! [`Output`]: where a decoder puts decoded bytes, with a limit for each call.
use bytes::BytesMut;

/// Room for the bytes that a [`Decoder`](super::Decoder) decodes. Bytes can only be added: those before have been
/// validated already, if the message is text.
#[derive(Debug)]
pub struct Output<'a> {
    buf: &'a mut BytesMut,
    /// Where the bytes of this call begin, and where they must end at the latest.
    start: usize,
    end: usize,
}

impl<'a> Output<'a> {
    pub(crate) fn new(buf: &'a mut BytesMut, room: usize) -> Self {
        Self { start: buf.len(), end: buf.len().saturating_add(room), buf }
    }

    /// How many more bytes may be added in this call.
    pub fn room(&self) -> usize {
        self.end - self.buf.len()
    }

    /// The bytes added in this call.
    pub fn added(&self) -> &[u8] {
        &self.buf[self.start..]
    }

    /// Adds as many of `bytes` as there is room for, from the front, and returns how many.
    pub fn add(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(self.room());
        self.reserve(len);
        self.buf.extend_from_slice(&bytes[..len]);
        len
    }

    /// Lends `fill` a slice of zeros: `len` bytes, or as many as there is room for. Then adds the first bytes of the slice,
    /// as many as `fill` returns.
    pub fn fill(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> usize) {
        let len = len.min(self.room());
        self.reserve(len);
        let from = self.buf.len();
        self.buf.resize(from + len, 0);
        let filled = fill(&mut self.buf[from..]).min(len);
        self.buf.truncate(from + filled);
    }

    /// Capacity for `more` bytes. It doubles, but is capped at the room: [`BytesMut::reserve`] would overshoot, and a
    /// decompression bomb would fill the excess.
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
