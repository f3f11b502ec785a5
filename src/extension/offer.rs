//! All of the grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1), in one pass over the bytes.
//!
//! ```text
//! extension-list = 1#extension
//! extension      = token *( ";" token [ "=" ( token | quoted-string ) ] )
//! ```
use crate::{sentence::debug_as_display, text::is_token};
use std::{fmt, str::FromStr};

/// The name of an extension with its parameters, in order: one offer of a client's, or one answer of a server's.
///
/// ```
/// use sansocket::extension::ExtensionOffer;
///
/// let offers = ExtensionOffer::parse_list("permessage-deflate; client_max_window_bits, x-own; a=\"b\"")?;
/// assert_eq!(offers[0].name(), "permessage-deflate");
/// assert_eq!(offers[0].params().next(), Some(("client_max_window_bits", None)));
/// assert_eq!(offers[1].to_string(), "x-own; a=b");
/// # Ok::<(), sansocket::extension::InvalidExtension>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExtensionOffer {
    name: Box<str>,
    params: Vec<(Box<str>, Option<Box<str>>)>,
}

impl ExtensionOffer {
    /// The name that the extension is registered under.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// An extension of this crate. The name is a token. (Names of other extensions are parsed, which checks them.)
    #[cfg(feature = "deflate")]
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.into(), params: Vec::new() }
    }
    /// Adds a parameter. Its name and value are tokens.
    #[cfg(feature = "deflate")]
    pub(crate) fn with(mut self, name: &str, value: Option<u8>) -> Self {
        self.params.push((name.into(), value.map(|value| value.to_string().into())));
        self
    }
    /// The parameters, in order. A name may appear more than once.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.params.iter().map(|(name, value)| (&**name, value.as_deref()))
    }
    /// Parses the value of a header field. Elements of the list may be empty, but not all of them.
    ///
    /// # Errors
    /// [`InvalidExtension`] if any part is malformed: then the meaning of the rest is not certain (RFC 6455 §9.1).
    pub fn parse_list(value: &str) -> Result<Vec<Self>, InvalidExtension> {
        Self::parse_fields([value.as_bytes()])
    }

    /// Parses several fields, which together are one list (RFC 6455 §9.1).
    pub(crate) fn parse_fields<'a>(
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<Self>, InvalidExtension> {
        let mut offers = Vec::new();
        for value in values {
            let mut rest = Rest(value);
            loop {
                while rest.eat(b',') {}
                if rest.is_empty() {
                    break;
                }
                offers.push(rest.extension().ok_or(InvalidExtension)?);
                if !rest.is_empty() && !rest.eat(b',') {
                    return Err(InvalidExtension);
                }
            }
        }
        if offers.is_empty() { Err(InvalidExtension) } else { Ok(offers) }
    }
}

/// Parses one extension.
impl FromStr for ExtensionOffer {
    type Err = InvalidExtension;
    fn from_str(text: &str) -> Result<Self, InvalidExtension> {
        let mut rest = Rest(text.as_bytes());
        let extension = rest.extension().ok_or(InvalidExtension)?;
        if rest.is_empty() { Ok(extension) } else { Err(InvalidExtension) }
    }
}

/// Formats as in a header field.
impl fmt::Display for ExtensionOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in self.params() {
            write!(f, "; {name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Not the value of a `Sec-WebSocket-Extensions` header field.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a list of extensions, as in \"permessage-deflate; client_max_window_bits=10, x-own\"")]
pub struct InvalidExtension;
debug_as_display!(InvalidExtension);

/// The bytes that are left to be parsed. Spaces and tabs may stand anywhere but within a token.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn skip_spaces(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }
    fn is_empty(&mut self) -> bool {
        self.skip_spaces();
        self.0.is_empty()
    }
    fn eat(&mut self, byte: u8) -> bool {
        self.skip_spaces();
        let found = self.0.first() == Some(&byte);
        self.0 = &self.0[usize::from(found)..];
        found
    }

    fn extension(&mut self) -> Option<ExtensionOffer> {
        let name = self.token()?;
        let mut params = Vec::new();
        while self.eat(b';') {
            let name = self.token()?;
            let value = if self.eat(b'=') { Some(self.value()?) } else { None };
            params.push((name, value));
        }
        Some(ExtensionOffer { name, params })
    }

    fn token(&mut self) -> Option<Box<str>> {
        self.skip_spaces();
        let ends = |&byte: &u8| matches!(byte, b',' | b';' | b'=' | b'"' | b' ' | b'\t');
        let (text, rest) = self.0.split_at(self.0.iter().position(ends).unwrap_or(self.0.len()));
        self.0 = rest;
        token(text).map(Box::from)
    }

    /// A token, or a quoted-string whose unescaped content is a token.
    fn value(&mut self) -> Option<Box<str>> {
        if !self.eat(b'"') {
            return self.token();
        }
        let mut text = Vec::new();
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return token(&text).map(Box::from),
                b'\\' => {
                    let (&escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    text.push(escaped);
                }
                _ => text.push(byte),
            }
        }
    }
}

/// These bytes as text, if they are a token.
fn token(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok().filter(|text| is_token(text))
}
