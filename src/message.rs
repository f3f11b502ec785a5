//! What applications exchange: [`Message`], which is owned, and [`Outgoing`], which may be borrowed.
mod prepared;

pub(crate) use prepared::Frame;
pub use prepared::{Prepared, Profile};

use crate::text::Utf8Bytes;
use bytes::Bytes;
use std::borrow::Cow;

/// Text or binary: the first frame's opcode decides, and holds for the whole message (RFC 6455 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// A whole data message, owned. Pings, pongs and closes are not messages: see [`Event`](crate::proto::Event).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// UTF-8 text.
    Text(Utf8Bytes),
    /// Any bytes.
    Binary(Bytes),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }
    /// A binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }
    /// Text or binary.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }
    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }
    /// Whether the message has no bytes. An empty message is still a message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The text; `None` if the message is binary.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }
    /// The bytes, whether text or binary.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
    /// The bytes, whether text or binary, without copying them.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// A message on its way out, borrowed or owned: what every `send` and `feed` takes.
///
/// It is made `From` text (`&str`, `String`, `Cow<str>`, [`Utf8Bytes`]), from bytes (`&[u8]`, `Vec<u8>`, [`Bytes`]),
/// from a [`Message`], from references to these, from a reference to a [`Prepared`] message, and from a
/// [`Lent`](crate::Lent) message. A short payload is copied next to its header. A long one that is owned is sent from
/// where it lies.
#[derive(Debug)]
pub struct Outgoing<'m> {
    pub(crate) kind: Kind,
    pub(crate) payload: Payload<'m>,
    /// Whether the message is to be sent as it is, without the extension.
    pub(crate) plain: bool,
}

/// Where the bytes of an [`Outgoing`] message lie.
#[derive(Debug)]
pub(crate) enum Payload<'m> {
    Borrowed(&'m [u8]),
    Shared(Bytes),
    Prepared(&'m Prepared),
}

impl Payload<'_> {
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Prepared(prepared) => prepared.as_bytes(),
        }
    }
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes,
            Self::Prepared(prepared) => prepared.share(),
        }
    }
}

impl<'m> Outgoing<'m> {
    /// Sends the message as it is, even if an extension was agreed on. Do so with a message that
    ///
    /// - holds a secret beside text that an attacker can choose: the compressed length would give the secret away
    ///   (RFC 7692 §8, CRIME, BREACH);
    /// - is compressed already, such as a picture.
    ///
    /// The first chunk of a message decides for all of it.
    ///
    /// ```
    /// # use sansocket::{Config, Outgoing, Role, proto::{Connection, Established}};
    /// # let mut connection = Connection::new(Established::bare(Role::Server), Config::server());
    /// connection.send(Outgoing::from("token=…").uncompressed())?;
    /// # Ok::<(), sansocket::SendError>(())
    /// ```
    pub fn uncompressed(self) -> Self {
        Self { plain: true, ..self }
    }

    /// A message of borrowed bytes. The caller ensures that text is UTF-8.
    #[inline]
    pub(crate) fn borrowed(kind: Kind, bytes: &'m [u8]) -> Self {
        Self { kind, payload: Payload::Borrowed(bytes), plain: false }
    }
    fn shared(kind: Kind, bytes: Bytes) -> Self {
        Self { kind, payload: Payload::Shared(bytes), plain: false }
    }
}

impl<'m> From<&'m str> for Outgoing<'m> {
    #[inline]
    fn from(text: &'m str) -> Self {
        Self::borrowed(Kind::Text, text.as_bytes())
    }
}
impl<'m> From<&'m String> for Outgoing<'m> {
    fn from(text: &'m String) -> Self {
        text.as_str().into()
    }
}
impl<'m> From<&'m [u8]> for Outgoing<'m> {
    #[inline]
    fn from(bytes: &'m [u8]) -> Self {
        Self::borrowed(Kind::Binary, bytes)
    }
}
impl<'m, const N: usize> From<&'m [u8; N]> for Outgoing<'m> {
    fn from(bytes: &'m [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}
impl<'m> From<Cow<'m, str>> for Outgoing<'m> {
    fn from(text: Cow<'m, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}
impl<'m> From<&'m Vec<u8>> for Outgoing<'m> {
    fn from(bytes: &'m Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}
/// Shares the bytes. Only short ones are copied when they are sent.
impl From<&Bytes> for Outgoing<'_> {
    fn from(bytes: &Bytes) -> Self {
        bytes.clone().into()
    }
}
impl From<String> for Outgoing<'_> {
    fn from(text: String) -> Self {
        Self::shared(Kind::Text, text.into())
    }
}
impl From<Utf8Bytes> for Outgoing<'_> {
    fn from(text: Utf8Bytes) -> Self {
        Self::shared(Kind::Text, text.into_bytes())
    }
}
impl From<Vec<u8>> for Outgoing<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::shared(Kind::Binary, bytes.into())
    }
}
impl From<Bytes> for Outgoing<'_> {
    fn from(bytes: Bytes) -> Self {
        Self::shared(Kind::Binary, bytes)
    }
}
impl From<Message> for Outgoing<'_> {
    fn from(message: Message) -> Self {
        Self::shared(message.kind(), message.into_bytes())
    }
}
/// Sends the frame that has been prepared, where that fits the connection.
impl<'m> From<&'m Prepared> for Outgoing<'m> {
    fn from(prepared: &'m Prepared) -> Self {
        Self { kind: prepared.kind(), payload: Payload::Prepared(prepared), plain: false }
    }
}
/// Shares the message's bytes. Only short ones are copied when they are sent.
impl From<&Message> for Outgoing<'_> {
    fn from(message: &Message) -> Self {
        message.clone().into()
    }
}

macro_rules! message_from {
    ($($from:ty => $make:ident),* $(,)?) => {$(
        impl From<$from> for Message {
            fn from(value: $from) -> Self {
                Self::$make(value)
            }
        }
    )*};
}
message_from!(&str => text, String => text, Utf8Bytes => text, Bytes => binary, Vec<u8> => binary);
