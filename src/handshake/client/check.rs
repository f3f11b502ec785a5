//! Checks a server's 101 against what was asked (RFC 6455 §4.1).
use super::super::{
    field::{self, InvalidField},
    key::Key,
};
use crate::{
    config::Config,
    extension::{self, Agreement, ExtensionOffer},
    proto::{Established, Role, Subprotocol},
    sentence::debug_as_display,
};
use http::{HeaderValue, Response, Version, header};

/// What a request asked for, for its response to be checked against.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) key: Key,
    pub(super) subprotocols: Vec<Subprotocol>,
    pub(super) extensions: Vec<ExtensionOffer>,
    pub(super) requires_subprotocol: bool,
}

impl Asked {
    /// The extension that the server chose (RFC 6455 §4.1, rule 5, and §9.1).
    fn agree(&self, value: &HeaderValue, config: &Config) -> Result<Agreement, InvalidResponse> {
        let answers = ExtensionOffer::parse_fields([value.as_bytes()]);
        let answers = answers.map_err(|_| InvalidResponse::MalformedExtensions)?;
        let offered =
            |answer: &ExtensionOffer| self.extensions.iter().any(|offer| offer.name() == answer.name());
        match &answers[..] {
            answers if !answers.iter().all(offered) => Err(InvalidResponse::ExtensionNotOffered),
            [answer] => extension::confirm(&config.extensions, &self.extensions, answer)
                .map_err(|_| InvalidResponse::InvalidExtensionAnswer),
            _ => Err(InvalidResponse::ManyExtensions),
        }
    }

    /// Checks a 101 (RFC 6455 §4.1, the six rules for the server's response; §4.2.2).
    pub(super) fn check(
        &self,
        response: &Response<()>,
        config: &Config,
    ) -> Result<Established, InvalidResponse> {
        let headers = response.headers();
        if response.version() != Version::HTTP_11 {
            return Err(InvalidResponse::HttpVersion);
        }
        match field::single(headers, &header::UPGRADE) {
            Ok(value) if value.as_bytes().eq_ignore_ascii_case(b"websocket") => {}
            Err(InvalidField::Missing) => return Err(InvalidResponse::NoUpgrade),
            _ => return Err(InvalidResponse::OtherUpgrade),
        }
        if !field::has_token(headers, &header::CONNECTION, "upgrade") {
            return Err(InvalidResponse::NoConnection);
        }
        match field::single(headers, &header::SEC_WEBSOCKET_ACCEPT) {
            Ok(value) if value.as_bytes() == self.key.accept() => {}
            Ok(_) => return Err(InvalidResponse::WrongAccept),
            Err(InvalidField::Missing) => return Err(InvalidResponse::NoAccept),
            Err(_) => return Err(InvalidResponse::RepeatedAccept),
        }
        let mut established = Established::bare(Role::Client);
        match field::single(headers, &header::SEC_WEBSOCKET_EXTENSIONS) {
            Ok(value) => established = established.with_extension(self.agree(value, config)?),
            Err(InvalidField::Missing) => {}
            Err(_) => return Err(InvalidResponse::RepeatedExtensions),
        }
        match field::single(headers, &header::SEC_WEBSOCKET_PROTOCOL) {
            Ok(value) if value.is_empty() => Err(InvalidResponse::EmptySubprotocol),
            Ok(_) if self.subprotocols.is_empty() => Err(InvalidResponse::UnaskedSubprotocol),
            Ok(value) => field::subprotocol(value.as_bytes())
                .filter(|chosen| self.subprotocols.contains(chosen))
                .map(|chosen| established.with_subprotocol(chosen))
                .ok_or(InvalidResponse::SubprotocolNotOffered),
            Err(InvalidField::Missing) if self.requires_subprotocol && !self.subprotocols.is_empty() => {
                Err(InvalidResponse::NoSubprotocol)
            }
            Err(InvalidField::Missing) => Ok(established),
            Err(_) => Err(InvalidResponse::RepeatedSubprotocol),
        }
    }
}

/// Which rule a server's 101 response breaks (RFC 6455 §4.1, §4.2.2).
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidResponse {
    /// 101 is HTTP/1.1 only (RFC 6455 §4.2.2).
    #[error("its version is not HTTP/1.1")]
    HttpVersion,
    /// RFC 6455 §4.1, rule 2.
    #[error("it has no Upgrade header field")]
    NoUpgrade,
    /// RFC 6455 §4.1, rule 2.
    #[error("its Upgrade header field is not \"websocket\"")]
    OtherUpgrade,
    /// RFC 6455 §4.1, rule 3.
    #[error("its Connection header field does not have the token \"Upgrade\"")]
    NoConnection,
    /// RFC 6455 §4.1, rule 4.
    #[error("it has no Sec-WebSocket-Accept header field")]
    NoAccept,
    /// RFC 6455 §11.3.3.
    #[error("it has more than one Sec-WebSocket-Accept header field")]
    RepeatedAccept,
    /// RFC 6455 §4.1, rule 4: the answer belongs to another handshake, and perhaps comes from a cache.
    #[error("its Sec-WebSocket-Accept does not answer the key that was sent")]
    WrongAccept,
    /// RFC 6455 §11.3.2.
    #[error("it has more than one Sec-WebSocket-Extensions header field")]
    RepeatedExtensions,
    /// RFC 6455 §9.1.
    #[error("its Sec-WebSocket-Extensions header field is malformed")]
    MalformedExtensions,
    /// RFC 6455 §4.1, rule 5.
    #[error("it accepts an extension that was not offered (Config::extensions)")]
    ExtensionNotOffered,
    /// RFC 6455 §9.1, RFC 7692 §7.1: not an answer to what was offered.
    #[error(
        "it accepts an extension with parameters that do not answer what was offered (Config::extensions)"
    )]
    InvalidExtensionAnswer,
    /// RFC 6455 §9.1: more than was offered, or the same twice. A connection has one extension at most.
    #[error("it accepts more than one extension")]
    ManyExtensions,
    /// RFC 6455 §11.3.4.
    #[error("it has more than one Sec-WebSocket-Protocol header field")]
    RepeatedSubprotocol,
    /// RFC 6455 §4.1, rule 6: a server that chooses no subprotocol leaves the field out.
    #[error("its Sec-WebSocket-Protocol header field is empty: to choose none, a server leaves it out")]
    EmptySubprotocol,
    /// RFC 6455 §4.1, rule 6.
    #[error("it chooses a subprotocol, and none was offered (ClientRequest::subprotocol)")]
    UnaskedSubprotocol,
    /// RFC 6455 §4.1, rule 6.
    #[error("it chooses a subprotocol that was not offered")]
    SubprotocolNotOffered,
    /// WHATWG: browsers fail here; a client of ours does if
    /// [`require_subprotocol`](super::ClientRequest::require_subprotocol) says so.
    #[error("it chooses no subprotocol, and require_subprotocol was asked for")]
    NoSubprotocol,
}
debug_as_display!(InvalidResponse);
