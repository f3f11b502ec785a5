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
//!     fn encode(&mut self, piece: &[u8], _fin: bool, out: &mut BytesMut) {
//!         out.extend(piece.iter().map(|byte| !byte));
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

/// An extension, and how it is to be negotiated.
pub trait Extension: Debug + Send + Sync {
    /// The name that it is registered under (RFC 6455 §11.4): an HTTP token.
    fn name(&self) -> &str;

    /// Client: what to ask for, best first. Empty: nothing, this time.
    fn offers(&self) -> Vec<ExtensionOffer>;

    /// Server: takes up an offer of that name, or declines it with `None`; the client's next offer is tried then.
    fn accept(&self, offer: &ExtensionOffer) -> Option<Agreement>;

    /// Client: what the server's answer means. It has the extension's name, and that was [offered](Self::offers).
    ///
    /// # Errors
    /// [`InvalidAnswer`] fails the handshake: it is not an answer to any of the offers (RFC 6455 §4.1).
    fn confirm(&self, answer: &ExtensionOffer) -> Result<Agreement, InvalidAnswer>;
}

/// The server's answer is not one to what was offered.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's answer is not one to what was offered")]
pub struct InvalidAnswer;
debug_as_display!(InvalidAnswer);

/// The outcome of negotiating one extension: what one connection does.
#[derive(Debug)]
pub struct Agreement {
    pub(crate) answer: ExtensionOffer,
    pub(crate) rsv: Rsv,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) decoder: Box<dyn Decoder>,
}

impl Agreement {
    /// `answer` is what the server says to the client, or has said; `rsv` are the reserved bits that the extension gives a
    /// meaning in the first frame of a message.
    pub fn new(
        answer: ExtensionOffer,
        rsv: Rsv,
        encoder: impl Encoder + 'static,
        decoder: impl Decoder + 'static,
    ) -> Self {
        Self { answer, rsv, encoder: Box::new(encoder), decoder: Box::new(decoder) }
    }
    /// What the server says to the client.
    pub fn answer(&self) -> &ExtensionOffer {
        &self.answer
    }
}

/// Changes messages that are sent, one after the other, whole or in pieces. Control frames never come here.
pub trait Encoder: Debug + Send + Sync {
    /// A message begins. `len` is its length in bytes, unless it is sent in pieces.
    ///
    /// Returns the reserved bits of its first frame, of those that the agreement names; with [`Rsv::NONE`] it is sent as it is, and
    /// [`encode`](Self::encode) not called.
    fn begin(&mut self, len: Option<usize>) -> Rsv;

    /// Takes the next piece of the message and appends to `out` what is to be sent for it. `fin`: it is the last; and the
    /// peer should be able to decode what has been appended even if it is not.
    fn encode(&mut self, piece: &[u8], fin: bool, out: &mut BytesMut);

    /// `Some` if what it makes of a whole message depends on that message alone: two encoders with the same profile then
    /// make the same of it, whenever, and a [`Prepared`](crate::Prepared) message is encoded for one of them only.
    fn profile(&self) -> Option<Profile> {
        None
    }
}

/// Turns what is received back into the messages that were sent, one after the other, in pieces. Control frames never come
/// here.
pub trait Decoder: Debug + Send + Sync {
    /// A message begins whose first frame has some of the extension's bits set. (One without them is delivered as it is.)
    ///
    /// # Errors
    /// A [`Violation`] fails the connection.
    fn begin(&mut self, rsv: Rsv) -> Result<(), Violation>;

    /// Takes bytes from the front of `input`, the next of the message, and adds what they mean to `out`. `fin`: nothing of
    /// the message comes after `input`. Returns how many bytes of `input` it took.
    ///
    /// It is called again, with what it left, as long as it leaves something or fills the room: so it is done when it has
    /// taken all of `input` and left some room. There is always room for a byte; `input` may be empty.
    ///
    /// # Errors
    /// A [`Violation`] fails the connection: [`Encoding`](Violation::Encoding) if the bytes make no sense, or end too soon.
    fn decode(&mut self, input: &[u8], fin: bool, out: &mut Output<'_>) -> Result<usize, Violation>;

    /// A part of the message has come, and what has been decoded of it is kept until the rest comes: `bytes` of memory.
    /// For a decoder that keeps account of what many connections hold together. It is called after
    /// [`decode`](Self::decode) unless that has ended the message; and when a part has been handed out, with what is left.
    ///
    /// # Errors
    /// A [`Violation`] fails the connection: [`OverBudget`](Violation::OverBudget). When `bytes` are fewer than before,
    /// the error is ignored.
    fn hold(&mut self, bytes: usize) -> Result<(), Violation> {
        let _ = bytes;
        Ok(())
    }
}
