//! [`Established`]: what an opening handshake has agreed on, for a connection to start from.
use super::state::Role;
use crate::{extension::Agreement, sentence::debug_as_display, text::is_token};
use std::fmt;

/// The outcome of an opening handshake: all that a [`Connection`](super::Connection) needs of it.
#[derive(Debug)]
pub struct Established {
    pub(crate) role: Role,
    pub(crate) subprotocol: Option<Subprotocol>,
    pub(crate) agreement: Option<Agreement>,
}

impl Established {
    /// No subprotocol and no extension has been agreed on.
    pub fn bare(role: Role) -> Self {
        Self { role, subprotocol: None, agreement: None }
    }
    /// With the subprotocol that both ends agreed on.
    pub fn with_subprotocol(self, subprotocol: Subprotocol) -> Self {
        Self { subprotocol: Some(subprotocol), ..self }
    }
    /// With the extension that both ends agreed on: see [`extension::accept`](crate::extension::accept) and
    /// [`extension::confirm`](crate::extension::confirm).
    pub fn with_extension(self, agreement: Agreement) -> Self {
        Self { agreement: Some(agreement), ..self }
    }
}

/// The name of an application protocol (RFC 6455 §1.9): an HTTP token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subprotocol(Box<str>);

impl Subprotocol {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl TryFrom<&str> for Subprotocol {
    type Error = InvalidSubprotocol;
    fn try_from(name: &str) -> Result<Self, InvalidSubprotocol> {
        if is_token(name) { Ok(Self(name.into())) } else { Err(InvalidSubprotocol(name.into())) }
    }
}
impl fmt::Display for Subprotocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not a token: empty, or with a character outside 0x21–0x7E or a separator (RFC 6455 §4.1).
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a subprotocol name: letters, digits and !#$%&'*+-.^_`|~ only, as in \"chat.v2\"")]
pub struct InvalidSubprotocol(pub String);
debug_as_display!(InvalidSubprotocol);
