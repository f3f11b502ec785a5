//! [`ReadBuf`]: where a transport puts bytes. Bytes can only be added: those before may be text that has been validated,
//! and must not change.
use bytes::{BufMut, BytesMut};

/// If less room than this is left, more of the buffer's memory becomes room.
const LEAST_ROOM: usize = 16 * 1024;

/// A buffer without memory gets this much.
const LEAST: usize = 1024;

/// How much of its memory a buffer initialises at a time: within the first [`KEPT`] bytes, which it often keeps for long,
/// and behind them, in memory that nearly always leaves with one long message. That is half as much, so that it is
/// still in the cache when a read fills it.
const STEP: usize = 64 * 1024;
const STEP_BEHIND: usize = 32 * 1024;
const KEPT: usize = 128 * 1024;

/// Where a transport puts the bytes that it reads, behind those that wait already.
///
/// A transport that can append to a [`BufMut`] is given [`append`](Self::append). One that reads into a slice is given
/// [`room`](Self::room), and tells how much it has [`filled`](Self::filled):
///
/// ```
/// # use std::io::Read;
/// # use sansocket::{Config, proto::{Connection, Established, Role}};
/// # let mut connection = Connection::new(Established::bare(Role::Client), Config::client());
/// # let mut stream = &b"\x81\x05Hello"[..];
/// let mut buf = connection.read_buf();
/// let n = stream.read(buf.room())?;
/// buf.filled(n);
/// # assert_eq!((n, buf.len()), (7, 7));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ReadBuf<'a> {
    buf: &'a mut BytesMut,
    /// How many bytes at the end of `buf` are initialised and not filled. They stay when nothing is read, so that
    /// memory is initialised once.
    room: &'a mut usize,
    /// A read brings no more than this.
    most: usize,
}

impl<'a> ReadBuf<'a> {
    #[inline(always)]
    pub(crate) fn new(buf: &'a mut BytesMut, room: &'a mut usize) -> Self {
        Self { buf, room, most: usize::MAX }
    }

    /// Limits the read to `most` bytes.
    #[inline(always)]
    pub(super) fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Room for a read, of at least 1 KiB. It is initialised, and holds arbitrary bytes. It stays initialised for later
    /// reads, so none of them pays for that again. Bytes written there count once they are [`filled`](Self::filled).
    #[inline]
    pub fn room(&mut self) -> &mut [u8] {
        if *self.room < LEAST_ROOM {
            self.make_room();
        }
        let from = self.len();
        let room = &mut self.buf[from..];
        let most = room.len().min(self.most);
        &mut room[..most]
    }

    /// Initialises more of the memory.
    #[cold]
    fn make_room(&mut self) {
        let filled = self.len();
        let step = if filled < KEPT { STEP } else { STEP_BEHIND };
        let room = (self.buf.capacity() - filled).clamp(LEAST, step);
        if room > *self.room {
            self.buf.resize(filled + room, 0);
            *self.room = room;
        }
    }

    /// The first `n` bytes of the [`room`](Self::room) have been read into.
    #[inline]
    pub fn filled(&mut self, n: usize) {
        *self.room = self.room.saturating_sub(n);
    }

    /// Appends bytes, copying them.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let from = self.len();
        match self.buf[from..].get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                *self.room -= bytes.len();
            }
            None => {
                self.cut_room();
                self.buf.extend_from_slice(bytes);
            }
        }
    }

    /// Makes memory for `more` bytes, in one piece.
    pub fn reserve(&mut self, more: usize) {
        if self.buf.capacity() - self.len() < more {
            self.cut_room();
            self.buf.reserve(more);
        }
    }

    /// The buffer, for a read that fills a [`BufMut`]: all that one can do is append.
    #[inline(always)]
    pub fn append(mut self) -> impl BufMut + 'a {
        self.cut_room();
        self.buf.limit(self.most)
    }

    /// Forgets that memory behind the bytes has been initialised: there is no [`room`](Self::room) any more.
    #[inline(always)]
    fn cut_room(&mut self) {
        self.buf.truncate(self.len());
        *self.room = 0;
    }

    /// How many bytes the buffer holds: they have not been read yet, or belong to a message that has not ended.
    #[inline]
    pub fn len(&self) -> usize {
        self.buf.len() - *self.room
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// How many bytes the buffer can hold in all before more memory is taken.
    pub fn capacity(&self) -> usize {
        self.buf.capacity()
    }
}
