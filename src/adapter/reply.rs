//! [`Reply`]: what a received message is lent with, to answer it.
use crate::{
    close::IntoCloseFrame,
    error::SendError,
    message::Outgoing,
    proto::{Outbound, SendState},
};

/// Queues answers. `recv_ref` and `recv_event` lend it beside each message or event.
///
/// Its methods queue, and never wait or write. The next call that receives, sends or flushes writes the queue. A receiving
/// call writes only when no whole message is left in the buffer, so answers to messages that came together leave together.
///
/// ```
/// # fn echo(mut socket: sansocket::blocking::WebSocket<std::net::TcpStream>) -> Result<(), sansocket::Error> {
/// while let Some((message, mut reply)) = socket.recv_ref()? {
///     reply.feed(message)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reply<'a>(&'a mut Outbound);

impl<'a> Reply<'a> {
    #[inline(always)]
    pub(crate) fn new(outbound: &'a mut Outbound) -> Self {
        Self(outbound)
    }

    /// Queues a message, however much is queued.
    ///
    /// # Errors
    /// [`SendError::Closing`] after a Close frame of either end or the end of the transport;
    /// [`SendError::Unfinished`] within a message sent in chunks. Nothing is queued then.
    #[inline]
    pub fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        self.0.send(message)
    }

    /// Queues a message, unless more than [`high_water_mark`](crate::Config::high_water_mark) is queued already.
    ///
    /// # Errors
    /// [`SendError::Full`]; else as [`feed`](Self::feed). Nothing is queued then.
    pub fn try_feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        self.0.try_send(message)
    }

    /// Queues a chunk of a message (RFC 6455 §5.4); `fin` ends the message. No other message can be sent before it has
    /// ended. An empty chunk that does not end the message sends nothing. The caller cuts text: the message as a whole
    /// must be valid UTF-8.
    ///
    /// # Errors
    /// [`SendError::Closing`] as [`feed`](Self::feed); [`SendError::KindMismatch`] if the message was begun with a
    /// chunk of the other kind. Nothing is queued then.
    pub fn feed_chunk<'m>(&mut self, chunk: impl Into<Outgoing<'m>>, fin: bool) -> Result<(), SendError> {
        self.0.send_chunk(chunk, fin)
    }

    /// Queues a ping with up to 125 bytes (RFC 6455 §5.5.2). It passes messages that have not been framed, and takes
    /// the place of a ping that has not.
    ///
    /// # Errors
    /// [`SendError::Closing`]; [`SendError::LongControl`]. Nothing is queued then.
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.0.ping(payload)
    }

    /// Queues a pong with up to 125 bytes (RFC 6455 §5.5.3). Pings are answered without it, unless
    /// [`auto_pong`](crate::Config::auto_pong) is off.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.0.pong(payload)
    }

    /// Queues the Close frame, behind what is queued (RFC 6455 §7.1.2): the closing handshake begins. It is done while
    /// the application goes on receiving, or with the socket's `close`. `None` sends an empty frame. If a Close frame
    /// has been queued, sent or answered already, nothing changes.
    ///
    /// # Errors
    /// [`SendError::InvalidCloseFrame`]: the code may not be sent, or the reason is too long. Nothing is queued then.
    pub fn close(&mut self, frame: impl IntoCloseFrame) -> Result<(), SendError> {
        self.0.close(frame.into_close_frame()?);
        Ok(())
    }

    /// What a browser calls `WebSocket.bufferedAmount`: bytes queued that the transport has not taken.
    #[inline]
    pub fn buffered_amount(&self) -> usize {
        self.0.buffered_amount()
    }

    /// Whether nothing more can be sent: a Close frame has been queued, sent or received, or the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.0.state() != SendState::Open
    }
}
