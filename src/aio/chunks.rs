//! Messages of any length in constant memory: a [`MessageReader`] is an `AsyncRead`, a [`MessageWriter`] an
//! `AsyncWrite`.
use super::{Runtime, websocket::WebSocket};
use crate::{
    adapter::{Error, into_io, not_text},
    error::SendError,
    frame::Utf8Validator,
    message::{Kind, Outgoing},
};
use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
};

/// How many bytes a write takes at most. So no more bytes wait than the high-water mark and this.
const MOST: usize = 64 * 1024;

/// A received message as a stream of bytes, readable while it comes: the runtime's `AsyncRead` and `AsyncBufRead`.
///
/// Text is valid UTF-8 as a whole; a read may end within a character. Dropped before the end, it skips the rest.
///
/// # Cancel safety
/// A read that is dropped has taken nothing. The reader itself is not to be dropped for waiting: keep it, and read on.
#[derive(Debug)]
pub struct MessageReader<'a, S, R> {
    socket: &'a mut WebSocket<S, R>,
    kind: Kind,
    /// How much of the chunk in hand has been read, and whether that chunk is the last.
    read: usize,
    fin: bool,
    /// Whether there is a chunk in hand. There is none while the next is waited for.
    in_hand: bool,
}

impl<S, R: Runtime<S>> WebSocket<S, R> {
    /// Waits for the next message (RFC 6455 §6.2) and reads it while it comes; `None` after a normal end. Meant
    /// for [`Delivery::Chunks`](crate::Delivery::Chunks): with whole messages it works as well, in as much memory as
    /// they take.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; dropping the reader skips the rest of its message.
    pub async fn message_reader(&mut self) -> Result<Option<MessageReader<'_, S, R>>, Error> {
        let Some(fin) = poll_fn(|cx| self.poll_data(cx)).await? else { return Ok(None) };
        let kind = self.inbound.kind();
        Ok(Some(MessageReader { socket: self, kind, read: 0, fin, in_hand: true }))
    }

    /// Begins a message of any length, to be written in chunks (RFC 6455 §5.4) and ended with
    /// [`finish`](MessageWriter::finish). Nothing else can be sent before it is; received messages wait. Control
    /// frames pass.
    ///
    /// Nothing is sent until the first write. If another message was left unfinished, every write fails, and so
    /// does `finish`: [`SendError::Unfinished`].
    ///
    /// An extension that was agreed on compresses it, however short, unless it is
    /// [`uncompressed`](MessageWriter::uncompressed): nobody knows how long it will be.
    pub fn message_writer(&mut self, kind: Kind) -> MessageWriter<'_, S, R> {
        let may_begin = !self.link.outbound.is_unfinished();
        MessageWriter {
            socket: self,
            kind,
            utf8: Utf8Validator::default(),
            may_begin,
            plain: false,
            ended: false,
        }
    }
}

impl<S, R> MessageReader<'_, S, R> {
    /// Text or binary.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The bytes in hand that have not been read.
    fn rest(&self) -> &[u8] {
        let chunk = if self.in_hand { self.socket.inbound.lent() } else { &[] };
        chunk.get(self.read..).unwrap_or_default()
    }

    /// Marks `read` of the bytes that [`poll_fill_buf`](Self::poll_fill_buf) gave as read, at most all of them.
    pub fn consume(&mut self, read: usize) {
        self.read += read.min(self.rest().len());
    }
}

impl<S, R: Runtime<S>> MessageReader<'_, S, R> {
    /// What has come and has not been read, where it lies; nothing at the end of the message.
    ///
    /// # Errors
    /// Of the kind [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the connection ends within the message, however
    /// it does; [`TimedOut`](io::ErrorKind::TimedOut) after a deadline, [`InvalidData`](io::ErrorKind::InvalidData)
    /// when the peer breaks the protocol, and the transport's.
    pub fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        while self.rest().is_empty() && !(self.in_hand && self.fin) {
            self.in_hand = false;
            match ready!(self.socket.poll_data(cx)).map_err(into_io)? {
                Some(fin) => (self.read, self.fin, self.in_hand) = (0, fin, true),
                None => {
                    let error = io::Error::new(io::ErrorKind::UnexpectedEof, "closed within a message");
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(self.rest()))
    }

    /// Copies what has come, as much as there is room for, and says how much: nothing at the end of the message.
    ///
    /// # Errors
    /// As [`poll_fill_buf`](Self::poll_fill_buf).
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let rest = ready!(self.poll_fill_buf(cx))?;
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        self.read += n;
        Poll::Ready(Ok(n))
    }
}

impl<S, R> Drop for MessageReader<'_, S, R> {
    fn drop(&mut self) {
        if !self.fin {
            self.socket.inbound.skip_message();
        }
    }
}

/// A message being sent in chunks, the runtime's `AsyncWrite`: each write is one, so put a `BufWriter` around it
/// for small ones.
///
/// [`finish`](Self::finish) ends the message, and so does shutting it down. Dropped without, it leaves the message
/// unfinished, and the connection fit only for [`close`](WebSocket::close): a message cut short must not look like a
/// whole one.
///
/// # Cancel safety
/// A write that is dropped has queued nothing. The next call of any kind writes what is queued.
#[derive(Debug)]
#[must_use = "a message that is not finished keeps all others from being sent"]
pub struct MessageWriter<'a, S, R> {
    socket: &'a mut WebSocket<S, R>,
    kind: Kind,
    utf8: Utf8Validator,
    /// Whether this is the only unfinished message: no other was left before it.
    may_begin: bool,
    /// Whether no extension may encode the message.
    plain: bool,
    /// Whether the last chunk is queued.
    ended: bool,
}

impl<S, R> MessageWriter<'_, S, R> {
    /// Sends the message as it is, whatever extension was agreed on: see [`Outgoing::uncompressed`]. Before the first
    /// write: the first chunk decides for the message.
    pub fn uncompressed(self) -> Self {
        Self { plain: true, ..self }
    }

    fn chunk<'m>(&self, bytes: &'m [u8]) -> Outgoing<'m> {
        Outgoing { plain: self.plain, ..Outgoing::borrowed(self.kind, bytes) }
    }

    /// See [`WebSocket::buffered_amount`], in bytes: no more than the high-water mark and one write of 64 KiB.
    pub fn buffered_amount(&self) -> usize {
        self.socket.buffered_amount()
    }
}

impl<S, R: Runtime<S>> MessageWriter<'_, S, R> {
    /// What was left unfinished must not be taken for the beginning of this message.
    fn check(&self) -> Result<(), SendError> {
        if self.may_begin { Ok(()) } else { Err(SendError::Unfinished) }
    }

    /// Ends the message, and sends all of it that has not been.
    ///
    /// # Errors
    /// [`Error::Io`] of the kind [`InvalidData`](io::ErrorKind::InvalidData) if text ends within a character; else as
    /// [`send`](WebSocket::send).
    ///
    /// # Cancel safety
    /// When the future is dropped after it began, the message has ended, and its rest is sent by whatever is called
    /// next; before, it is unfinished.
    pub async fn finish(mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    /// As [`finish`](Self::finish); once the message has ended it only writes.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.ended {
            self.check()?;
            let mut utf8 = self.utf8; // asked again, it is to fail again
            utf8.finish().map_err(not_text)?;
            let last = self.chunk(&[]);
            self.socket.link.outbound.send_chunk(last, true)?;
            self.ended = true;
        }
        self.poll_flush(cx)
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// As [`flush`](WebSocket::flush).
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket.poll_written(cx, |_| false)
    }

    /// Queues a chunk, and says how many of the bytes it is: up to 64 KiB. It waits while more than
    /// [`high_water_mark`](crate::Config::high_water_mark) is queued.
    ///
    /// # Errors
    /// Of the kind [`InvalidData`](io::ErrorKind::InvalidData) if it is not text and should be, and
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) once the message has ended; else as [`send`](WebSocket::send). Nothing
    /// of it has been queued then.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check().map_err(|error| into_io(error.into()))?;
        if self.ended {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, "the message has ended")));
        }
        let bytes = &bytes[..bytes.len().min(MOST)];
        let mut utf8 = self.utf8;
        if self.kind == Kind::Text {
            utf8.feed(bytes).map_err(not_text)?;
        }
        // Wait for room first. Once the chunk is queued, nothing may fail or wait, or the caller would write it twice.
        if !self.socket.has_room() {
            ready!(self.socket.poll_room(cx)).map_err(into_io)?;
        }
        let chunk = self.chunk(bytes);
        self.socket.link.outbound.send_chunk(chunk, false).map_err(|error| into_io(error.into()))?;
        self.utf8 = utf8;
        Poll::Ready(Ok(bytes.len()))
    }
}
