//! [`Outgoing`]: a message that is only passed on, borrowed or owned.
use super::{Kind, Message, Prepared};
use crate::text::Utf8Bytes;
use bytes::Bytes;
use std::{borrow::Cow, sync::Arc};

/// A message on its way out, borrowed or owned: what every `send` and `feed` takes.
///
/// It is made `From` text (`&str`, `String`, `Cow<str>`, `Arc<str>`, [`Utf8Bytes`]), from bytes (`&[u8]`, `Vec<u8>`,
/// arrays, [`Bytes`]), from a [`Message`], from a [`Prepared`] message, from references to these, and from a
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
    Prepared(Cow<'m, Prepared>),
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
    /// # use sansocket::{Config, Outgoing, proto::{Connection, Established, Role}};
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
/// Shares the text; copies none that is long.
impl From<Arc<str>> for Outgoing<'_> {
    fn from(text: Arc<str>) -> Self {
        Utf8Bytes::from(text).into()
    }
}
impl<'m> From<&'m Arc<str>> for Outgoing<'m> {
    fn from(text: &'m Arc<str>) -> Self {
        text.as_ref().into()
    }
}
impl From<Box<str>> for Outgoing<'_> {
    fn from(text: Box<str>) -> Self {
        String::from(text).into()
    }
}
/// Shares the text; copies none that is long.
impl From<&Utf8Bytes> for Outgoing<'_> {
    fn from(text: &Utf8Bytes) -> Self {
        text.clone().into()
    }
}
impl<const N: usize> From<[u8; N]> for Outgoing<'_> {
    fn from(bytes: [u8; N]) -> Self {
        bytes.to_vec().into()
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
        Self { kind: prepared.kind(), payload: Payload::Prepared(Cow::Borrowed(prepared)), plain: false }
    }
}
/// Sends what has been prepared. For many receivers, pass a reference.
impl From<Prepared> for Outgoing<'_> {
    fn from(prepared: Prepared) -> Self {
        Self { kind: prepared.kind(), payload: Payload::Prepared(Cow::Owned(prepared)), plain: false }
    }
}
/// Shares the message's bytes. Only short ones are copied when they are sent.
impl From<&Message> for Outgoing<'_> {
    fn from(message: &Message) -> Self {
        message.clone().into()
    }
}
