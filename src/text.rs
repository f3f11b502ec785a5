//! [`Utf8Bytes`]: shared, immutable text; and the crate's one unchecked step from bytes to `str`.
use bytes::Bytes;
use std::{
    borrow::{Borrow, Cow},
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    str::Utf8Error,
    sync::Arc,
};

/// Text that is cheap to clone and to keep: [`Bytes`] known to be UTF-8.
///
/// It can only be made from valid text, so reading it as `&str` costs nothing.
///
/// ```
/// use sansocket::{Utf8Bytes, bytes::Bytes};
///
/// let text = Utf8Bytes::from("héllo");
/// assert_eq!(text.len(), 6);
/// assert!(Utf8Bytes::try_from(Bytes::from_static(b"\xff")).is_err());
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utf8Bytes(Bytes); // invariant: always valid UTF-8

/// Reads bytes as text without validating them again.
///
/// Its callers are [`Utf8Bytes`] and the receiving half, which validates text as it arrives;
/// `tests/architecture.rs` lists them and fails when there is another.
#[expect(unsafe_code, reason = "measured: validating again costs 1 ms a MiB of text that is not ASCII")]
#[inline]
pub(crate) fn validated(bytes: &[u8]) -> &str {
    debug_assert!(std::str::from_utf8(bytes).is_ok());
    // SAFETY: every caller passes bytes that `simdutf8` or `std` accepted as UTF-8, or in which no
    // byte has its high bit set, and that nobody could change since: they are borrowed from an
    // immutable `Bytes`, or from a buffer that is exclusively borrowed for as long as the text lives.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

impl Utf8Bytes {
    /// Wraps a literal, without copying it.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Wraps bytes that the receiving half has validated.
    pub(crate) fn from_validated(bytes: Bytes) -> Self {
        debug_assert!(std::str::from_utf8(&bytes).is_ok());
        Self(bytes)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        validated(&self.0)
    }

    /// The bytes, without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Fails if the bytes are not UTF-8. Does not copy them.
impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;
    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}
impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}
impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}
impl From<&String> for Utf8Bytes {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}
impl From<Cow<'_, str>> for Utf8Bytes {
    fn from(text: Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}
/// Shares the text, without copying it.
impl From<Arc<str>> for Utf8Bytes {
    fn from(text: Arc<str>) -> Self {
        /// [`Bytes`] keeps what can be seen as bytes.
        struct Shared(Arc<str>);
        impl AsRef<[u8]> for Shared {
            fn as_ref(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }
        Self(Bytes::from_owner(Shared(text)))
    }
}
impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}
impl From<Utf8Bytes> for String {
    fn from(text: Utf8Bytes) -> Self {
        text.as_str().to_owned()
    }
}
/// Hashes as `str` does, so that a map with these keys can be asked with a `&str`.
impl Hash for Utf8Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
impl Deref for Utf8Bytes {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}
impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self
    }
}
impl AsRef<[u8]> for Utf8Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
impl Borrow<str> for Utf8Bytes {
    fn borrow(&self) -> &str {
        self
    }
}
impl PartialEq<str> for Utf8Bytes {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}
impl PartialEq<&str> for Utf8Bytes {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// Whether `text` is an HTTP token: one or more of the characters that RFC 9110 §5.6.2 allows (RFC 6455 §4.1).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
