//! [`Url`]: a `ws://` or `wss://` address (RFC 6455 §3), and what is wrong with one that is not.
use crate::{authority, sentence::debug_as_display};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;
use std::{fmt, net::Ipv6Addr, str::FromStr};

/// Plain, or over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `ws:`, port 80.
    Ws,
    /// `wss:`, over TLS, port 443.
    Wss,
}
impl Scheme {
    /// The scheme as it is written, without the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }
    /// The port of an address that names none.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

/// The address of a WebSocket, checked and ready to be dialled and asked for.
///
/// ```
/// use sansocket::handshake::{Scheme, Url};
///
/// let url: Url = "wss://example.com/chat/été?room=1".parse()?;
/// assert_eq!((url.scheme(), url.host(), url.port()), (Scheme::Wss, "example.com", 443));
/// assert_eq!(url.target(), "/chat/%C3%A9t%C3%A9?room=1");
/// # Ok::<(), sansocket::handshake::InvalidUrl>(())
/// ```
///
/// Credentials (`ws://user:password@host/`) become an `Authorization` header field; neither `Display` nor
/// `Debug` shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    host: String,
    port: u16,
    target: String,
    authorization: Option<HeaderValue>,
}

impl Url {
    /// Plain, or over TLS.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
    /// The name to resolve and to check a certificate against, or an address: ASCII, lower case, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }
    /// The port: the one written, or the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }
    /// Path and query, as in the request line: never empty, always ASCII.
    pub fn target(&self) -> &str {
        &self.target
    }
    /// Host and port as in the `Host` header field: the port only if it is not the scheme's own, and brackets
    /// around an IPv6 address (RFC 6455 §4.1).
    pub fn authority(&self) -> String {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let host = &self.host;
        if self.port == self.scheme.default_port() {
            format!("{open}{host}{close}")
        } else {
            format!("{open}{host}{close}:{}", self.port)
        }
    }
    /// `Authorization: Basic …`, if there were credentials.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// Shows the URL without its credentials.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority(), self.target)
    }
}

/// Why a text is not the address of a WebSocket.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// Neither `ws:` nor `wss:`, or relative.
    #[error("a WebSocket URL begins with ws:// or, over TLS, wss://, as in \"wss://example.com/chat\"")]
    Scheme,
    /// `http:` or `https:`: only the first letters differ.
    #[error("an http URL is not dialled as a WebSocket: write ws:// for http://, and wss:// for https://")]
    Http,
    /// A fragment has no meaning here (RFC 6455 §3).
    #[error("a WebSocket URL has no #fragment: leave it out, or write %23 for a # in the path or the query")]
    Fragment,
    /// A space, a control character (CR, LF and NUL too) or a backslash.
    #[error("{0:?} cannot stand in a URL: percent-encode it, as in \"ws://example.com/a%20b\"")]
    Character(char),
    /// `%` without two hexadecimal digits.
    #[error("a % in a URL is followed by two hexadecimal digits, as in \"ws://example.com/100%25\"")]
    PercentEncoding,
    /// More than one `@`, a colon within the name, a control character, or what would end the host in front of an `@`:
    /// `/`, `?` or `#`.
    #[error(
        "the credentials are not \"user:password@\": percent-encode @, :, /, ? and # in them, as in \"ws://me:p%40ss%23@example.com/\""
    )]
    Credentials,
    /// No host, or one that no name or address looks like.
    #[error(
        "{0:?} is not a host: give a name or an address, as in \"ws://example.com/\", \"ws://127.0.0.1/\" or \"ws://[::1]/\""
    )]
    Host(Box<str>),
    /// An IPv6 address with a zone, which no request can name.
    #[error(
        "{0:?} names a zone, which a URL cannot: dial that address, and pass the stream to connect_over with a URL without the zone, as in \"ws://[fe80::1]/\""
    )]
    Zone(Box<str>),
    /// A host that is not ASCII, and that IDNA does not allow.
    #[error("{0:?} is not an international domain name; this is one: \"ws://bücher.example/\"")]
    Idna(Box<str>),
    /// A host that is not ASCII, in a build that cannot translate it.
    #[error(
        "the host {0:?} is not ASCII: write it as DNS has it, as in \"ws://xn--bcher-kva.example/\", or enable the feature \"idna\" of sansocket"
    )]
    IdnaDisabled(Box<str>),
    /// Not a number from 1 to 65535.
    #[error("{0:?} is not a port: give a number from 1 to 65535, as in \"ws://example.com:8080/\"")]
    Port(Box<str>),
    /// Path and query are longer than 65,534 bytes, the most that an [`http::Uri`] holds.
    #[error("path and query are longer than 65,534 bytes: send what is long in a message")]
    TooLong,
}
debug_as_display!(InvalidUrl);

/// The most bytes of path and query, as an [`http::Uri`] can hold them.
const MAX_TARGET: usize = 65_534;

impl FromStr for Url {
    type Err = InvalidUrl;
    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        // As browsers do: a line of a file or of a terminal ends with what is no part of the address.
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if let Some(wrong) = text.chars().find(|&c| c <= ' ' || c == '\x7f' || c == '\\') {
            return Err(InvalidUrl::Character(wrong));
        }
        let (scheme, rest) = text.split_once("://").ok_or(InvalidUrl::Scheme)?;
        let scheme = match scheme {
            ws if ws.eq_ignore_ascii_case("ws") => Scheme::Ws,
            wss if wss.eq_ignore_ascii_case("wss") => Scheme::Wss,
            http if http.eq_ignore_ascii_case("http") || http.eq_ignore_ascii_case("https") => {
                return Err(InvalidUrl::Http);
            }
            _ => return Err(InvalidUrl::Scheme),
        };
        if let Some((before, after)) = rest.split_once('#') {
            let in_credentials = !before.contains(['/', '?', '@']) && after.contains('@');
            return Err(if in_credentials { InvalidUrl::Credentials } else { InvalidUrl::Fragment });
        }
        let (host_port, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (authorization, host_port) = match host_port.split_once('@') {
            Some((userinfo, host_port)) => (basic(userinfo)?, host_port),
            None => (None, host_port),
        };
        if host_port.contains('@') {
            return Err(InvalidUrl::Credentials);
        }
        // A password with a slash in it may stand where host and port should. An error must not show any of it.
        let (host, port) = host_and_port(host_port)
            .map_err(|error| if target.contains('@') { InvalidUrl::Credentials } else { error })?;
        let port = port.unwrap_or_else(|| scheme.default_port());
        let target = encode(target)?;
        if target.len() > MAX_TARGET {
            return Err(InvalidUrl::TooLong);
        }
        Ok(Self { scheme, host, port, target, authorization })
    }
}
impl TryFrom<&str> for Url {
    type Error = InvalidUrl;
    fn try_from(text: &str) -> Result<Self, InvalidUrl> {
        text.parse()
    }
}
impl TryFrom<&String> for Url {
    type Error = InvalidUrl;
    fn try_from(text: &String) -> Result<Self, InvalidUrl> {
        text.parse()
    }
}
impl TryFrom<String> for Url {
    type Error = InvalidUrl;
    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        text.parse()
    }
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>), InvalidUrl> {
    let split = authority::split(text).ok_or_else(|| InvalidUrl::Host(text.into()))?;
    let host = match split.bracketed {
        Some(address) => ipv6(address)?,
        None => name(split.host)?,
    };
    let port = if split.port.is_empty() { None } else { Some(port(split.port)?) };
    Ok((host, port))
}

fn port(text: &str) -> Result<u16, InvalidUrl> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(InvalidUrl::Port(text.into())),
    }
}

fn ipv6(text: &str) -> Result<String, InvalidUrl> {
    let written = || format!("[{text}]").into();
    let address = |text: &str| text.parse::<Ipv6Addr>();
    match text.split_once('%') {
        Some((front, _)) if address(front).is_ok() => Err(InvalidUrl::Zone(written())),
        _ => address(text).map(|address| address.to_string()).map_err(|_| InvalidUrl::Host(written())),
    }
}

/// A name or an IPv4 address: labels of letters, digits, `-` and `_`.
fn name(text: &str) -> Result<String, InvalidUrl> {
    // A name of the DNS has at most 253 characters; what is longer need not be translated to be refused.
    let wrong = || InvalidUrl::Host(text.chars().take(64).collect());
    if text.len() > 1024 {
        return Err(wrong());
    }
    let ascii = if text.is_ascii() { text.to_ascii_lowercase() } else { to_ascii(text)? };
    let label = |label: &str| {
        matches!(label.len(), 1..=63)
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let labels = ascii.strip_suffix('.').unwrap_or(&ascii);
    if labels.len() <= 253 && labels.split('.').all(label) { Ok(ascii) } else { Err(wrong()) }
}

#[cfg(feature = "idna")]
fn to_ascii(host: &str) -> Result<String, InvalidUrl> {
    idna::domain_to_ascii(host).map_err(|_| InvalidUrl::Idna(host.into()))
}
#[cfg(not(feature = "idna"))]
fn to_ascii(host: &str) -> Result<String, InvalidUrl> {
    Err(InvalidUrl::IdnaDisabled(host.into()))
}

/// Path and query as RFC 3986 allows them: what it does not allow is percent-encoded.
fn encode(text: &str) -> Result<String, InvalidUrl> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() + 1);
    if !text.starts_with('/') {
        out.push('/');
    }
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'%' if decode_at(text.as_bytes(), at).is_none() => return Err(InvalidUrl::PercentEncoding),
            b'%' => out.push('%'),
            _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) => {
                out.push(char::from(byte));
            }
            _ => {
                let hex = |digit: u8| char::from(HEX[usize::from(digit)]);
                out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
            }
        }
    }
    Ok(out)
}

/// The byte that `%` and the two digits after it at `at` stand for.
fn decode_at(text: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(at + 1)? << 4 | digit(at + 2)?).ok()
}

/// `user:password`, percent-decoded, as the value of `Authorization` (RFC 7617).
fn basic(userinfo: &str) -> Result<Option<HeaderValue>, InvalidUrl> {
    if userinfo.is_empty() {
        return Ok(None);
    }
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut plain = decode(user)?;
    if plain.contains(&b':') {
        return Err(InvalidUrl::Credentials);
    }
    plain.push(b':');
    plain.extend(decode(password)?);
    if plain.iter().any(u8::is_ascii_control) {
        return Err(InvalidUrl::Credentials);
    }
    let value = format!("Basic {}", BASE64_STANDARD.encode(plain));
    let mut value = HeaderValue::try_from(value).map_err(|_| InvalidUrl::Credentials)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn decode(text: &str) -> Result<Vec<u8>, InvalidUrl> {
    let text = text.as_bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte == b'%' {
            out.push(decode_at(text, at).ok_or(InvalidUrl::PercentEncoding)?);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    Ok(out)
}
