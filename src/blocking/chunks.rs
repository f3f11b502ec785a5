//! Messages of any length in constant memory: a [`MessageReader`] is a `Read`, a [`MessageWriter`] a `Write`.
use super::{transport::Transport, websocket::WebSocket};
use crate::{
    adapter::{Error, into_io, not_text},
    error::SendError,
    frame::Utf8Validator,
    message::{Kind, Outgoing},
};
use std::io::{self, Read, Write};

/// A received message as a stream of bytes, readable while it comes.
///
/// Text is valid UTF-8 as a whole; a read may end within a character. Dropped before the end, it skips the rest.
#[derive(Debug)]
pub struct MessageReader<'a, S: Transport> {
    socket: &'a mut WebSocket<S>,
    kind: Kind,
    /// How much of the chunk in hand has been read, and whether that chunk is the last.
    read: usize,
    fin: bool,
    /// Whether there is a chunk in hand. There is none while the next is waited for.
    in_hand: bool,
    /// Whether all of the last chunk has been read.
    done: bool,
}

impl<S: Transport> WebSocket<S> {
    /// Waits for the next message (RFC 6455 §6.2) and reads it while it comes; `None` after a normal end. Meant for
    /// [`Delivery::Chunks`](crate::Delivery::Chunks): with whole messages it works as well, in as much memory as they
    /// take.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn message_reader(&mut self) -> Result<Option<MessageReader<'_, S>>, Error> {
        let Some(fin) = self.driver.data(&mut self.link, None)? else { return Ok(None) };
        let kind = self.driver.inbound.kind();
        Ok(Some(MessageReader { socket: self, kind, read: 0, fin, in_hand: true, done: false }))
    }

    /// Begins a message of any length, to be written in chunks and ended with [`finish`](MessageWriter::finish).
    /// Nothing else can be sent before it is; received messages wait. Control frames pass.
    ///
    /// An extension that was agreed on compresses it, however short, unless it is
    /// [`uncompressed`](MessageWriter::uncompressed): nobody knows how long it will be.
    pub fn message_writer(&mut self, kind: Kind) -> MessageWriter<'_, S> {
        let may_begin = !self.link.outbound.is_unfinished();
        MessageWriter { socket: self, kind, utf8: Utf8Validator::default(), may_begin, plain: false }
    }
}

impl<S: Transport> MessageReader<'_, S> {
    /// Text or binary.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl<S: Transport> Read for MessageReader<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.done && !buf.is_empty() {
            if !self.in_hand {
                self.next_chunk()?;
            }
            let rest = self.socket.driver.inbound.lent().get(self.read..).unwrap_or_default();
            if !rest.is_empty() {
                let n = rest.len().min(buf.len());
                buf[..n].copy_from_slice(&rest[..n]);
                self.read += n;
                return Ok(n);
            }
            (self.done, self.in_hand) = (self.fin, false);
        }
        Ok(0)
    }
}

impl<S: Transport> MessageReader<'_, S> {
    fn next_chunk(&mut self) -> io::Result<()> {
        self.in_hand = false;
        let WebSocket { driver, link, .. } = &mut *self.socket;
        let Some(fin) = driver.data(link, None).map_err(into_io)? else {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed within a message"));
        };
        (self.read, self.fin, self.in_hand) = (0, fin, true);
        Ok(())
    }
}

impl<S: Transport> Drop for MessageReader<'_, S> {
    fn drop(&mut self) {
        if !self.fin {
            self.socket.driver.inbound.skip_message();
        }
    }
}

/// How many bytes a write takes at most, so that a long write does not take as much memory.
const MOST: usize = 64 * 1024;

/// A message being sent in chunks: each write is one, so put a `BufWriter` around it for small ones.
///
/// [`finish`](Self::finish) ends the message. Dropped without, it leaves the message unfinished, and the connection fit
/// only for [`close`](WebSocket::close): a message cut short must not look like a whole one.
#[derive(Debug)]
#[must_use = "a message that is not finished keeps all others from being sent"]
pub struct MessageWriter<'a, S: Transport> {
    socket: &'a mut WebSocket<S>,
    kind: Kind,
    utf8: Utf8Validator,
    /// Whether this is the only unfinished message: no other was left before it.
    may_begin: bool,
    /// Whether no extension may encode the message.
    plain: bool,
}

impl<S: Transport> MessageWriter<'_, S> {
    /// Sends the message as it is, whatever extension was agreed on: see [`Outgoing::uncompressed`]. Before the first
    /// write: the first chunk decides for the message.
    pub fn uncompressed(self) -> Self {
        Self { plain: true, ..self }
    }

    fn chunk<'m>(&self, bytes: &'m [u8]) -> Outgoing<'m> {
        Outgoing { plain: self.plain, ..Outgoing::borrowed(self.kind, bytes) }
    }

    /// What was left unfinished must not be taken for the beginning of this message.
    fn check(&self) -> Result<(), SendError> {
        if self.may_begin { Ok(()) } else { Err(SendError::Unfinished) }
    }

    /// Ends the message, and sends all of it that has not been.
    ///
    /// # Errors
    /// [`Error::Io`] of the kind [`InvalidData`](io::ErrorKind::InvalidData) if text ends within a character; else as
    /// [`send`](WebSocket::send).
    pub fn finish(mut self) -> Result<(), Error> {
        self.check()?;
        self.utf8.finish().map_err(not_text)?;
        let last = self.chunk(&[]);
        self.socket.link.outbound.send_chunk(last, true)?;
        self.socket.flush()
    }
}

impl<S: Transport> Write for MessageWriter<'_, S> {
    /// Takes at most 64 KiB.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = bytes.get(..MOST).unwrap_or(bytes);
        self.check().map_err(|error| into_io(error.into()))?;
        let mut utf8 = self.utf8;
        if self.kind == Kind::Text {
            utf8.feed(bytes).map_err(not_text)?;
        }
        // Wait for room first. After an error, the caller would write a chunk again that is queued already.
        if self.socket.is_above_mark() {
            self.flush()?;
        }
        let chunk = self.chunk(bytes);
        self.socket.link.outbound.send_chunk(chunk, false).map_err(|error| into_io(error.into()))?;
        self.utf8 = utf8;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush().map_err(into_io)
    }
}
