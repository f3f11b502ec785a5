//! permessage-deflate (RFC 7692): [`Deflate`], what it is set to, and how it is negotiated.
use super::{Agreement, Extension, ExtensionOffer, InvalidAnswer};

/// permessage-deflate (RFC 7692): messages are compressed on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deflate {
    /// How hard to compress, 0 to 9. 3.
    pub level: u8,
    /// Messages of fewer bytes are sent as they are. 256.
    pub min_size: usize,
    /// What this end sends with.
    pub send: Context,
    /// What this end asks its peer to send with.
    pub receive: Context,
    /// Bytes that contexts may take in the whole process; new connections keep none once they do. 256 MiB.
    pub memory_budget: usize,
}

/// What one direction remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The window is of so many bits, at most: 9 to 15. 12.
    pub window_bits: u8,
    /// Whether it is kept from one message to the next. No.
    pub takeover: bool,
}

impl Default for Deflate {
    fn default() -> Self {
        let context = Context { window_bits: 12, takeover: false };
        Self { level: 3, min_size: 256, send: context, receive: context, memory_budget: 256 << 20 }
    }
}

impl Extension for Deflate {
    fn name(&self) -> &str {
        "permessage-deflate"
    }
    fn offers(&self) -> Vec<ExtensionOffer> {
        Vec::new()
    }
    fn accept(&self, _offer: &ExtensionOffer) -> Option<Agreement> {
        None
    }
    fn confirm(&self, _answer: &ExtensionOffer) -> Result<Agreement, InvalidAnswer> {
        Err(InvalidAnswer)
    }
}
