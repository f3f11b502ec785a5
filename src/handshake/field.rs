//! Header fields: lists of tokens in them, and which ones an application may add.
use crate::{proto::Subprotocol, quote::Quoted, sentence::debug_as_display};

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The elements of a comma-separated list, over all the fields of that name; empty ones are left out
/// (RFC 9110 §5.6.1).
pub(super) fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().flat_map(|value| split(value.as_bytes()))
}

fn split(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Whether `token` is in the list, whatever the case of its letters.
pub(super) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    elements(headers, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// The one field of that name.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a HeaderValue, InvalidField> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(InvalidField::Missing),
        _ => Err(InvalidField::Repeated),
    }
}

/// The value of `Sec-WebSocket-Protocol` in a request: names, each once (RFC 6455 §4.1). `None` if it is malformed.
pub(super) fn subprotocols(headers: &HeaderMap) -> Option<Vec<Subprotocol>> {
    let name = &header::SEC_WEBSOCKET_PROTOCOL;
    let names: Option<Vec<_>> = elements(headers, name).map(subprotocol).collect();
    let names = names?;
    let mut sorted: Vec<_> = names.iter().map(Subprotocol::as_str).collect();
    sorted.sort_unstable();
    let unique = sorted.windows(2).all(|pair| pair[0] != pair[1]);
    (unique && (!names.is_empty() || !headers.contains_key(name))).then_some(names)
}

pub(super) fn subprotocol(name: &[u8]) -> Option<Subprotocol> {
    Subprotocol::try_from(std::str::from_utf8(name).ok()?).ok()
}

/// What is wrong with a header field of which there should be exactly one.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidField {
    /// The field is missing.
    #[error("is missing")]
    Missing,
    /// The field is there more than once.
    #[error("is there more than once")]
    Repeated,
    /// Its value is not what it should be.
    #[error("is malformed")]
    Malformed,
}
debug_as_display!(InvalidField);

/// A header field that an application may not add. The names in it are as they were given.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// Not a token (RFC 9110 §5.1).
    #[error(
        "{} is not the name of a header field: letters, digits and !#$%&'*+-.^_`|~ only, as in \"X-Request-Id\"",
        Quoted(.0.as_bytes())
    )]
    Name(Box<str>),
    /// The value has a control character. CR, LF or NUL would end the field, or the head.
    #[error("the value of {0} has a control character in it")]
    Value(Box<str>),
    /// Written by the handshake itself. The text says which method or setting does what was meant.
    #[error("{0} is written by the handshake and cannot be added{instead}", instead = instead_of(.0))]
    Reserved(Box<str>),
    /// More than a [`HeaderMap`] holds.
    #[error("more header fields than can be sent")]
    TooMany,
}
debug_as_display!(InvalidHeader);

/// Adds a field for the application, if the application may set it.
pub(super) fn add<N, V>(headers: &mut HeaderMap, name: N, value: V) -> Result<(), InvalidHeader>
where
    N: AsRef<str>,
    V: TryInto<HeaderValue>,
{
    let written = name.as_ref();
    let name = HeaderName::try_from(written).map_err(|_| InvalidHeader::Name(written.into()))?;
    let mut value: HeaderValue = value.try_into().map_err(|_| InvalidHeader::Value(written.into()))?;
    if is_reserved(&name) {
        return Err(InvalidHeader::Reserved(written.into()));
    }
    value.set_sensitive(value.is_sensitive() || is_secret(&name));
    headers.try_append(name, value).map(drop).map_err(|_| InvalidHeader::TooMany)
}

/// Whether the values of a field are secrets, which the `Debug` of a request or a response must not show.
fn is_secret(name: &HeaderName) -> bool {
    use header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};
    [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE].contains(name)
}

fn is_reserved(name: &HeaderName) -> bool {
    use header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
    [HOST, UPGRADE, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name)
        || name.as_str().starts_with("sec-websocket-")
}

/// What does what an application meant with a field that it may not add.
fn instead_of(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "sec-websocket-protocol" => {
            ": ClientRequest::subprotocol offers a subprotocol, and Acceptance::subprotocol chooses one"
        }
        "sec-websocket-extensions" => ": Config::extensions says what is offered and accepted",
        "host" => {
            ": it is the host and the port of the URL; connect_over takes a stream that is connected to somewhere else"
        }
        "content-length" | "transfer-encoding" => ": an opening handshake has no body",
        _ => "",
    }
}

/// Writes one field, its name in the usual case, as in `User-Agent`: some servers compare names by case, and a
/// [`HeaderName`] is in lower case.
pub(super) fn put(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let from = out.len();
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
    capitalize(&mut out[from..from + name.len()]);
}

/// Appends one field that a handshake has made. Its name and value are a field's by how they are made.
pub(super) fn append(headers: &mut HeaderMap, name: &str, value: &[u8]) {
    let name = HeaderName::from_bytes(name.as_bytes());
    let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_bytes(value)) else { return };
    value.set_sensitive(is_secret(&name));
    headers.append(name, value);
}

/// Words of names that are not written with one capital letter.
const WORDS: [&str; 6] = ["DNT", "ETag", "MD5", "TE", "WebSocket", "WWW"];

/// Puts a name of a field, in lower case, into the usual case.
fn capitalize(name: &mut [u8]) {
    for word in name.split_mut(|&byte| byte == b'-') {
        match WORDS.iter().find(|usual| word.eq_ignore_ascii_case(usual.as_bytes())) {
            Some(usual) => word.copy_from_slice(usual.as_bytes()),
            None => word.iter_mut().take(1).for_each(u8::make_ascii_uppercase),
        }
    }
}
