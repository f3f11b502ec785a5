//! Extensions (RFC 6455 §9): what they offer and accept, and how they change messages on their way.
//!
//! An [`Extension`] is a value in [`Config::extensions`](crate::Config::extensions), shared by all connections.
//! Negotiation knows nothing of HTTP: it sees [offers](ExtensionOffer), and its outcome is an [`Agreement`] with two
//! codecs of the connection's own, one for each direction. A connection has at most one agreement.
//!
//! ```text
//! client                                     server
//! offers() ──── Sec-WebSocket-Extensions ──▶ accept(offer) ─▶ Agreement { encoder, decoder }
//! confirm(answer) ◀─ Sec-WebSocket-Extensions ─┘
//!    └─▶ Agreement { encoder, decoder }
//! ```
//!
//! One that turns every bit around, on both ends:
//!
//! ```
//! use sansocket::{
//!     Config, Violation,
//!     bytes::BytesMut,
//!     extension::{Agreement, Decoder, Encoder, Extension, ExtensionOffer, InvalidAnswer, Output},
//!     frame::Rsv,
//! };
//!
//! #[derive(Clone, Copy, Debug)]
//! struct Inverse;
//!
//! impl Extension for Inverse {
//!     fn name(&self) -> &str {
//!         "x-inverse"
//!     }
//!     fn offers(&self) -> Vec<ExtensionOffer> {
//!         self.name().parse().into_iter().collect()
//!     }
//!     fn accept(&self, offer: &ExtensionOffer) -> Option<Agreement> {
//!         let plain = offer.params().next().is_none(); // it has no parameters
//!         plain.then(|| Agreement::new(offer.clone(), Rsv::RSV2, *self, *self))
//!     }
//!     fn confirm(&self, answer: &ExtensionOffer) -> Result<Agreement, InvalidAnswer> {
//!         self.accept(answer).ok_or(InvalidAnswer)
//!     }
//! }
//!
//! impl Encoder for Inverse {
//!     fn begin(&mut self, _len: Option<usize>) -> Rsv {
//!         Rsv::RSV2 // that of every message
//!     }
//!     fn encode(&mut self, chunk: &[u8], _fin: bool, out: &mut BytesMut) {
//!         out.extend(chunk.iter().map(|byte| !byte));
//!     }
//! }
//!
//! impl Decoder for Inverse {
//!     fn begin(&mut self, _rsv: Rsv) -> Result<(), Violation> {
//!         Ok(())
//!     }
//!     fn decode(&mut self, input: &[u8], _fin: bool, out: &mut Output<'_>) -> Result<usize, Violation> {
//!         let taken = input.len().min(out.room());
//!         out.add(&input[..taken].iter().map(|byte| !byte).collect::<Vec<_>>());
//!         Ok(taken)
//!     }
//! }
//!
//! let config = Config::server().extension(Inverse);
//! ```
#![cfg_attr(feature = "deflate", doc = "\npermessage-deflate (RFC 7692) is [`Deflate`].")]
#![cfg_attr(
    not(feature = "deflate"),
    doc = "\npermessage-deflate (RFC 7692) is there with the feature `deflate`."
)]
#[cfg(feature = "deflate")]
#[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
pub mod deflate;
mod negotiation;
mod offer;
mod output;

#[cfg(feature = "deflate")]
#[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
pub use deflate::Deflate;
pub use negotiation::{accept, confirm, offers};
pub use offer::{ExtensionOffer, InvalidExtension};
pub use output::Output;

pub use crate::message::Profile;

use crate::{error::Violation, frame::Rsv, sentence::debug_as_display};
use bytes::BytesMut;
use std::fmt::Debug;

/// An extension, and how it is negotiated.
pub trait Extension: Debug + Send + Sync {
    /// The name under which the extension is registered (RFC 6455 §11.4): an HTTP token.
    fn name(&self) -> &str;

    /// Client: what to offer, best first. An empty list offers nothing.
    fn offers(&self) -> Vec<ExtensionOffer>;

    /// Server: accepts an offer that has the extension's name. `None` declines it, and the client's next offer is tried.
    fn accept(&self, offer: &ExtensionOffer) -> Option<Agreement>;

    /// Client: what the server's answer means. The answer has the extension's name, and an extension of that name was
    /// [offered](Self::offers).
    ///
    /// # Errors
    /// [`InvalidAnswer`] if the answer fits none of the offers. It fails the handshake (RFC 6455 §4.1).
    fn confirm(&self, answer: &ExtensionOffer) -> Result<Agreement, InvalidAnswer>;
}

/// The server's answer is not one to what was offered.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's answer is not one to what was offered")]
pub struct InvalidAnswer;
debug_as_display!(InvalidAnswer);

/// The outcome of negotiating one extension for one connection.
#[derive(Debug)]
pub struct Agreement {
    pub(crate) answer: ExtensionOffer,
    pub(crate) rsv: Rsv,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) decoder: Box<dyn Decoder>,
}

impl Agreement {
    /// `answer` is the server's answer to the client. `rsv` are the reserved bits to which the extension gives a meaning, in
    /// the first frame of a message.
    pub fn new(
        answer: ExtensionOffer,
        rsv: Rsv,
        encoder: impl Encoder + 'static,
        decoder: impl Decoder + 'static,
    ) -> Self {
        Self { answer, rsv, encoder: Box::new(encoder), decoder: Box::new(decoder) }
    }
    /// The server's answer to the client.
    pub fn answer(&self) -> &ExtensionOffer {
        &self.answer
    }
}

/// Encodes the messages that a connection sends, one after the other, whole or in chunks. Control frames are not encoded.
pub trait Encoder: Debug + Send + Sync {
    /// A message begins. `len` is its length in bytes; `None` if it is sent in chunks.
    ///
    /// Returns the reserved bits to set in the message's first frame, out of those that the agreement names. With
    /// [`Rsv::NONE`] the message is sent as it is, and [`encode`](Self::encode) is not called.
    fn begin(&mut self, len: Option<usize>) -> Rsv;

    /// Encodes the next chunk of the message, and appends the result to `out`. `fin` marks the last chunk. Flush after
    /// every chunk: the peer must be able to decode all that has been appended so far, `fin` or not.
    fn encode(&mut self, chunk: &[u8], fin: bool, out: &mut BytesMut);

    /// `Some` if the encoding of a whole message depends on that message alone. Encoders with equal profiles encode a
    /// message alike, so a [`Prepared`](crate::Prepared) message is encoded once for all of them. Default: `None`.
    fn profile(&self) -> Option<Profile> {
        None
    }
}

/// Decodes the messages that a connection receives, one after the other, in chunks. Control frames are not decoded.
pub trait Decoder: Debug + Send + Sync {
    /// A message begins, and its first frame has some of the extension's bits set. (A message without them is delivered as
    /// it is.)
    ///
    /// # Errors
    /// A [`Violation`] fails the connection.
    fn begin(&mut self, rsv: Rsv) -> Result<(), Violation>;

    /// Takes bytes from the front of `input`, which are the next bytes of the message, and adds to `out` what they decode
    /// to. `fin` says that the message ends with `input`. Returns how many bytes of `input` were taken.
    ///
    /// The call is repeated with the bytes that were left, as long as some were left or the room was filled. So the decoder
    /// is done when it has taken all of `input` and left some room. There is always room for a byte; `input` may be empty.
    ///
    /// # Errors
    /// A [`Violation`] fails the connection: [`Encoding`](Violation::Encoding) if the bytes make no sense, or end too soon.
    fn decode(&mut self, input: &[u8], fin: bool, out: &mut Output<'_>) -> Result<usize, Violation>;

    /// The message has not ended, and what has been decoded of it takes `bytes` of memory until the rest comes. It is for
    /// decoders that keep an account of what many connections hold together. Default: does nothing.
    ///
    /// It is called after each [`decode`](Self::decode) that did not end the message; and after a chunk has been handed
    /// out, with what is left.
    ///
    /// # Errors
    /// A [`Violation`] fails the connection: [`OverBudget`](Violation::OverBudget). When `bytes` are fewer than before,
    /// the error is ignored.
    fn hold(&mut self, bytes: usize) -> Result<(), Violation> {
        let _ = bytes;
        Ok(())
    }
}
