//! What applications exchange: [`Message`], which is owned, and [`Outgoing`], which may be borrowed.
mod outgoing;
mod prepared;

pub use outgoing::Outgoing;
pub(crate) use outgoing::Payload;
pub(crate) use prepared::Frame;
pub use prepared::{Prepared, Profile};

use crate::text::Utf8Bytes;
use bytes::Bytes;
use std::{borrow::Cow, fmt, sync::Arc};

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
    /// Whether it is text.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
    /// Whether it is binary.
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }
    /// The text, of a text message: another name of [`as_str`](Self::as_str).
    pub fn as_text(&self) -> Option<&str> {
        self.as_str()
    }
    /// The text, of a text message, without copying.
    ///
    /// # Errors
    /// A binary message comes back as it was.
    pub fn into_text(self) -> Result<Utf8Bytes, Self> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(_) => Err(self),
        }
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

/// The text of a text message; of a binary one, its length: `3 bytes`.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Binary(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}
impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
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
message_from!(
    &str => text, String => text, &String => text, Cow<'_, str> => text, Utf8Bytes => text, Arc<str> => text,
    Bytes => binary, Vec<u8> => binary,
);
impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}
impl<const N: usize> From<&[u8; N]> for Message {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.as_slice().into()
    }
}
impl<const N: usize> From<[u8; N]> for Message {
    fn from(bytes: [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}
