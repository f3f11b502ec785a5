//! [`Handshake`]: both opening handshakes, as the code that moves their bytes sees them.
use super::Error;
use crate::{
    handshake::{ClientHandshake, HandshakeError, ServerHandshake, Upgrade, Upgraded},
    proto::{ReadBuf, Transmit},
};
use std::{io, time::Instant};

/// The most bytes that are read and dropped from a peer that has been refused. A TCP stream that is closed with unread
/// bytes resets the connection, and the peer might lose the refusal.
pub(crate) const LINGER_BYTES: usize = 1 << 20;

/// What both handshakes have in common.
pub(crate) trait Handshake {
    /// The outcome: a connection, or a request to answer.
    type Outcome;
    fn read_buf(&mut self) -> ReadBuf<'_>;
    fn receive_eof(&mut self);
    fn transmit(&mut self) -> &mut Transmit;
    fn handle_timeout(&mut self, now: Instant);
    fn poll_timeout(&self) -> Option<Instant>;
    #[cfg_attr(
        not(any(feature = "tokio", feature = "futures")),
        allow(dead_code, reason = "the asynchronous adapter's")
    )]
    fn poll(&mut self) -> Result<Option<Self::Outcome>, HandshakeError>;
}

macro_rules! handshake {
    ($($machine:ty => $outcome:ty),*) => {$(
        impl Handshake for $machine {
            type Outcome = $outcome;
            fn read_buf(&mut self) -> ReadBuf<'_> {
                self.read_buf()
            }
            fn receive_eof(&mut self) {
                self.receive_eof();
            }
            fn transmit(&mut self) -> &mut Transmit {
                self.transmit()
            }
            fn handle_timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }
            fn poll_timeout(&self) -> Option<Instant> {
                self.poll_timeout()
            }
            fn poll(&mut self) -> Result<Option<$outcome>, HandshakeError> {
                self.poll()
            }
        }
    )*};
}
handshake!(ClientHandshake => Upgraded, ServerHandshake => Upgrade);

/// A `wss://` URL cannot be dialled: there is no TLS in this crate.
pub(crate) fn needs_tls() -> Error {
    let message = "wss:// needs TLS: connect a TLS stream and pass it to connect_over, or use a ws:// URL";
    io::Error::new(io::ErrorKind::Unsupported, message).into()
}
