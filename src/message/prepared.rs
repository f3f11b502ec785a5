//! [`Prepared`]: one message for many receivers, compressed and framed once.
use super::{Kind, Message};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};

/// A message for many connections: it is compressed once for all whose [profile](crate::extension::Encoder::profile) is the
/// same, and framed once for all that are servers'. Send it by reference, over any adapter.
///
/// A connection whose compressor remembers earlier messages (context takeover) compresses it for itself. Cloning is cheap
/// and shares what has been prepared.
///
/// ```
/// use sansocket::{Config, Prepared, Role, proto::{Connection, Established}};
///
/// let news = Prepared::from("{\"headline\": \"…\"}");
/// let mut connections: Vec<_> =
///     (0..3).map(|_| Connection::new(Established::bare(Role::Server), Config::server())).collect();
/// for connection in &mut connections {
///     connection.send(&news)?;
/// }
/// # Ok::<(), sansocket::SendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prepared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    payload: Bytes,
    plain: OnceLock<Frame>,
    encoded: Encoded,
}

/// What encoders have made of the message, one for each profile, in the order that they came in. A peer can choose between
/// few profiles, so the list is short; and as none gives way to another, nobody can undo the work done for the rest.
#[derive(Debug, Default)]
struct Encoded(OnceLock<Box<(Profile, Frame, Encoded)>>);

/// What the encoder of an extension makes of a message, if that depends on the message alone: see
/// [`Encoder::profile`](crate::extension::Encoder::profile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// The extension's name: the numbers of different extensions have nothing to do with each other.
    pub extension: &'static str,
    /// Its settings, in a number.
    pub settings: u64,
}

/// The message in one frame, unmasked.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Header and payload.
    pub(crate) bytes: Bytes,
    /// Where the payload begins.
    pub(crate) payload: usize,
}

impl Prepared {
    /// The same message for many.
    pub fn new(message: impl Into<Message>) -> Self {
        let message = message.into();
        Self(Arc::new(Inner {
            kind: message.kind(),
            payload: message.into_bytes(),
            plain: OnceLock::new(),
            encoded: Encoded::default(),
        }))
    }
    /// Text or binary.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
    /// The bytes, of either kind.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.payload
    }
    /// Length in bytes, uncompressed.
    pub fn len(&self) -> usize {
        self.0.payload.len()
    }
    /// Whether it holds no byte. (An empty message is still a message.)
    pub fn is_empty(&self) -> bool {
        self.0.payload.is_empty()
    }

    /// The bytes, shared.
    pub(crate) fn share(&self) -> Bytes {
        self.0.payload.clone()
    }
    /// As it is, in a frame, which `make` makes if that has not been done.
    pub(crate) fn plain(&self, make: impl FnOnce() -> Frame) -> &Frame {
        self.0.plain.get_or_init(make)
    }
    /// Encoded in this way, in a frame, which `make` makes if that has not been done.
    pub(crate) fn encoded(&self, profile: Profile, mut make: impl FnMut() -> Frame) -> &Frame {
        let mut list = &self.0.encoded;
        loop {
            let (of, frame, rest) = &**list.0.get_or_init(|| Box::new((profile, make(), Encoded::default())));
            if *of == profile {
                return frame;
            }
            list = rest;
        }
    }
}

impl<M: Into<Message>> From<M> for Prepared {
    fn from(message: M) -> Self {
        Self::new(message)
    }
}
