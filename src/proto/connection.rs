//! [`Connection`]: both directions.
use super::{
    decoding::Decoding,
    established::{Established, Subprotocol},
    event::Event,
    inbound::Inbound,
    outbound::{Encoding, Outbound},
    read_buf::ReadBuf,
    state::{ReadyState, Role},
    transmit::Transmit,
};
use crate::{
    close::CloseFrame,
    config::Config,
    error::SendError,
    extension::{Agreement, ExtensionOffer},
    message::Outgoing,
};
use std::sync::Arc;

/// A WebSocket after its opening handshake. It holds no socket, starts no thread and reads no clock.
///
/// Drive it, as the [module](super#the-loop-of-a-driver) shows:
///
/// 1. take events out until there are none: [`poll_event`](Self::poll_event);
/// 2. write bytes: [`transmit`](Self::transmit);
/// 3. do what [`next_step`](Self::next_step) says. Bytes that are read are put in by [`receive`](Self::receive) or
///    [`read_buf`](Self::read_buf), and the end of the transport by [`receive_eof`](Self::receive_eof); once the
///    transport is shut down for writing, say so: [`shut_down`](Self::shut_down);
/// 4. when a read has found nothing, tell the time: [`handle_timeout`](Self::handle_timeout); go round once more, then
///    wait, but no longer than until [`poll_timeout`](Self::poll_timeout).
///
/// A step done too often costs little. None may be left out for ever. [`Event::Closed`] is the end.
///
/// An idle connection holds no buffer. It leaves empty buffers to its thread, which keeps one of at most 256 KiB for each
/// direction, and two more if an extension is used.
#[derive(Debug)]
pub struct Connection {
    pub(crate) inbound: Inbound,
    pub(crate) outbound: Outbound,
    pub(crate) subprotocol: Option<Subprotocol>,
}

impl Connection {
    /// A connection whose opening handshake happened elsewhere: in this crate's
    /// [`handshake`](crate::handshake), in an HTTP server, on a stream of HTTP/2.
    pub fn new(established: Established, config: impl Into<Arc<Config>>) -> Self {
        let Established { role, subprotocol, agreement } = established;
        let config = config.into();
        let (mut decoding, mut encoding) = (None, None);
        if let Some(Agreement { answer, rsv, encoder, decoder }) = agreement {
            decoding = Some(Box::new(Decoding::new(decoder, rsv)));
            encoding = Some(Box::new(Encoding::new(encoder, answer)));
        }
        Self {
            inbound: Inbound::new(role, config.clone(), decoding),
            outbound: Outbound::new(role, config, encoding),
            subprotocol,
        }
    }

    /// A connection that begins with the bytes that came after the handshake, and with a response that has not left yet.
    pub(crate) fn begin(established: Established, config: Arc<Config>, received: &[u8], head: &[u8]) -> Self {
        let mut connection = Self::new(established, config);
        connection.inbound.receive(received);
        connection.outbound.transmit().cork(head.len()).extend_from_slice(head);
        connection
    }

    /// Takes bytes from the transport, copying them.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.inbound.receive(bytes);
    }
    /// Where the transport may put bytes itself, with room for a read: 64 KiB if nothing waits.
    pub fn read_buf(&mut self) -> ReadBuf<'_> {
        self.inbound.read_buf()
    }
    /// The transport ended. What it brought is still delivered, then [`Event::Closed`].
    pub fn receive_eof(&mut self) {
        self.inbound.receive_eof();
    }

    /// The next thing that happened. `None`: there is nothing until bytes come or leave, or time passes.
    ///
    /// To answer an event while it lives, take the [`halves`](Self::halves).
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event<'_>> {
        self.inbound.poll_event(&mut self.outbound)
    }
    /// Both directions, each on its own: what one lends does not keep the other from sending.
    #[inline]
    pub fn halves(&mut self) -> (&mut Inbound, &mut Outbound) {
        (&mut self.inbound, &mut self.outbound)
    }

    /// Queues a message: see [`Outbound::send`].
    ///
    /// # Errors
    /// [`SendError::Closing`], [`SendError::Unfinished`]; nothing has been queued then.
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        self.outbound.send(message)
    }
    /// Queues a chunk of a message: see [`Outbound::send_chunk`].
    ///
    /// # Errors
    /// [`SendError::Closing`], [`SendError::KindMismatch`]; nothing has been queued then.
    pub fn send_chunk<'m>(&mut self, chunk: impl Into<Outgoing<'m>>, fin: bool) -> Result<(), SendError> {
        self.outbound.send_chunk(chunk, fin)
    }
    /// Queues a ping with up to 125 bytes (RFC 6455 §5.5.2).
    ///
    /// # Errors
    /// [`SendError::Closing`], [`SendError::LongControl`].
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.outbound.ping(payload)
    }
    /// Begins the closing handshake, after the messages queued: see [`Outbound::close`].
    pub fn close(&mut self, frame: impl Into<Option<CloseFrame>>) {
        self.outbound.close(frame);
    }
    /// Gives up, without a Close frame (RFC 6455 §7.1.7): nothing more is waited for, what has come and has not been
    /// read is dropped, and [`Event::Closed`] is next.
    pub fn abort(&mut self) {
        self.inbound.abort();
    }

    /// The bytes to write next. Write what the transport takes and [`advance`](bytes::Buf::advance) by that much.
    #[inline]
    pub fn transmit(&mut self) -> &mut Transmit {
        self.outbound.transmit()
    }
    /// Bytes queued that the transport has not taken: see [`Outbound::buffered_amount`].
    pub fn buffered_amount(&self) -> usize {
        self.outbound.buffered_amount()
    }
    /// The transport has been shut down for writing.
    pub fn shut_down(&mut self) {
        self.outbound.shut_down();
    }

    /// What a browser calls `WebSocket.readyState`; never [`Connecting`](ReadyState::Connecting).
    pub fn state(&self) -> ReadyState {
        self.inbound.ready_state(&self.outbound)
    }
    /// The limits and deadlines.
    pub fn config(&self) -> &Arc<Config> {
        self.inbound.config()
    }
    /// Which end this is.
    pub fn role(&self) -> Role {
        self.inbound.role()
    }
    /// What a browser calls `WebSocket.protocol`.
    pub fn subprotocol(&self) -> Option<&Subprotocol> {
        self.subprotocol.as_ref()
    }

    /// What a browser calls `WebSocket.extensions`: see [`Outbound::extension`].
    pub fn extension(&self) -> Option<&ExtensionOffer> {
        self.outbound.extension()
    }

    /// Takes the directions apart, for a thread or task each. They share nothing: the driver carries what [`Inbound`]
    /// asks for ([`Control`](super::Control)) to wherever [`Outbound`] is. See [two threads](super#two-threads).
    pub fn split(self) -> (Inbound, Outbound) {
        (self.inbound, self.outbound)
    }
}
