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
/// use sansocket::{Config, Prepared, proto::{Connection, Established, Role}};
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

/// The message as encoders have made it, once for each profile, as a linked list in the order of their first use. A peer
/// can choose between few profiles, so the list stays short. No entry is ever replaced, so no peer can undo work done for
/// others.
#[derive(Debug, Default)]
struct Encoded(OnceLock<Box<(Profile, Frame, Encoded)>>);

/// Names an encoding whose result depends on the message alone. Connections with equal profiles can share the encoded
/// message: see [`Encoder::profile`](crate::extension::Encoder::profile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// The extension's name. Equal settings of different extensions are different profiles.
    pub extension: &'static str,
    /// The extension's settings, as a number that the extension chooses.
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
    /// Prepares a message for many connections. It is framed and encoded when it is first sent.
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
    /// The bytes, whether text or binary.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.payload
    }
    /// Length in bytes, uncompressed.
    pub fn len(&self) -> usize {
        self.0.payload.len()
    }
    /// Whether the message has no bytes. An empty message is still a message.
    pub fn is_empty(&self) -> bool {
        self.0.payload.is_empty()
    }

    /// The bytes, shared.
    pub(crate) fn share(&self) -> Bytes {
        self.0.payload.clone()
    }
    /// The message as it is, in a frame. `make` makes the frame at the first call.
    pub(crate) fn plain(&self, make: impl FnOnce() -> Frame) -> &Frame {
        self.0.plain.get_or_init(make)
    }
    /// The message encoded for this profile, in a frame. `make` makes the frame at the profile's first call.
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
