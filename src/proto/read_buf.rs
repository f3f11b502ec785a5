//! [`ReadBuf`]: where a transport puts bytes. What lies there already may be text that has been found to be UTF-8, so
//! it can be appended to and nothing else.
use bytes::{BufMut, BytesMut};

/// Where a transport puts the bytes that it reads: they go behind those that wait.
#[derive(Debug)]
pub struct ReadBuf<'a>(&'a mut BytesMut);

impl<'a> ReadBuf<'a> {
    pub(crate) fn new(buf: &'a mut BytesMut) -> Self {
        Self(buf)
    }
    /// Appends bytes, copying them.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    /// Makes room for so many more bytes, in one piece.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }
    /// What a read that fills a [`BufMut`] wants: all it can do is append.
    pub fn append(self) -> impl BufMut + 'a {
        self.0
    }
    /// How many bytes wait to be looked at, or are a message that has not ended.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// How many bytes fit, those that wait included, before more memory is taken.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }
}
