//! [`Origins`]: which pages may connect to a server (RFC 6455 §10.2).
use crate::{
    authority::{default_port, host_port, is_loopback},
    sentence::debug_as_display,
};
use std::{convert::Infallible, fmt, str::FromStr};

/// Which pages may connect to a server. A browser lets any page connect to any server, with the user's cookies, and says
/// in `Origin` where the page is from (RFC 6455 §10.2). A request without `Origin` is not a browser's, and may always
/// connect.
///
/// ```
/// use sansocket::{Config, Origins};
///
/// let origins = Origins::one_of(["https://example.com", "https://*.example.com", "http://localhost:5173"])?;
/// let config = Config::server().origins(origins);
/// # let _ = config;
/// # Ok::<(), sansocket::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// Pages whose host and port are those of the request's `Host`. Where `Host` is a loopback host (`localhost`,
    /// `127.0.0.1`, `[::1]`), also pages of a loopback host at any port, such as those of a development server: cookies
    /// do not tell ports apart either. `null`, which a page opened from a file has, is no origin of a host.
    ///
    /// A proxy that rewrites `Host` makes every page a stranger. Name the public origin then, by [`one_of`](Self::one_of).
    #[default]
    Same,
    /// All pages: the server holds nothing secret, or tells its clients apart in another way than by cookies.
    Any,
    /// Pages of these origins: see [`one_of`](Self::one_of). The server's own is not among them unless it is listed.
    OneOf(Vec<OriginPattern>),
}

impl Origins {
    /// Pages of these origins. The server's own is not among them unless it is listed: so a list also keeps out pages that
    /// reach this server under a host name of their own (DNS rebinding). Each is one of:
    ///
    /// | | lets in |
    /// |---|---|
    /// | `https://example.com`, `http://example.com:8080` | pages of this scheme, host and port |
    /// | `https://*.example.com` | pages of all its subdomains, but not of `example.com` |
    /// | `example.com`, `*.example.com:8080` | the same with `http` and with `https` |
    /// | `null` | pages opened from a file, and all others without an origin |
    /// | `chrome-extension://abc` | pages of another scheme, compared as text |
    ///
    /// A slash at the end is ignored.
    ///
    /// # Errors
    /// [`InvalidOrigin`] if one of them is none that a page could have.
    pub fn one_of<O>(origins: impl IntoIterator<Item = O>) -> Result<Self, InvalidOrigin>
    where
        O: TryInto<OriginPattern>,
        InvalidOrigin: From<O::Error>,
    {
        let patterns: Result<_, O::Error> = origins.into_iter().map(TryInto::try_into).collect();
        Ok(Self::OneOf(patterns?))
    }

    /// Whether a page of this origin may connect to this `Host`. Some programs that are not browsers end an origin with a
    /// slash.
    pub(crate) fn allows(&self, origin: &str, host: Option<&str>) -> bool {
        let origin = without_slash(origin);
        match self {
            Self::Any => true,
            Self::Same => {
                let page = Page::parse(origin);
                page.zip(host.and_then(host_port)).is_some_and(|(page, host)| page.is_at(host))
            }
            Self::OneOf(patterns) => patterns.iter().any(|pattern| pattern.0.matches(origin)),
        }
    }
}

/// What a server lets in, in the words of an error: how many of a list are named.
const NAMED: usize = 8;

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("only pages of the same host and port"),
            Self::Any => f.write_str("all pages"),
            Self::OneOf(patterns) if patterns.is_empty() => f.write_str("no pages"),
            Self::OneOf(patterns) => {
                f.write_str("only pages of ")?;
                for (at, pattern) in patterns.iter().take(NAMED).enumerate() {
                    write!(f, "{}{pattern}", if at == 0 { "" } else { ", " })?;
                }
                match patterns.len().saturating_sub(NAMED) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
        }
    }
}

/// An origin has no slash at its end. `file://` is one all the same, of some old browsers' pages.
fn without_slash(origin: &str) -> &str {
    origin.strip_suffix('/').filter(|_| !origin.ends_with("://")).unwrap_or(origin)
}

/// Where a page of HTTP is from.
struct Page<'a> {
    scheme: &'a str,
    host: &'a str,
    port: u16,
}

impl<'a> Page<'a> {
    /// `None` for origins of other schemes, `null`, and what is no origin.
    fn parse(origin: &'a str) -> Option<Self> {
        let (scheme, authority) = origin.split_once("://")?;
        let (host, port) = host_port(authority)?;
        let default = default_port(scheme)?;
        Some(Self { scheme, host, port: port.unwrap_or(default) })
    }

    /// Whether the page is this host's own. A server behind a proxy that ends TLS cannot tell which scheme its clients used,
    /// so a `Host` without a port has the port that the page's scheme gives it.
    fn is_at(&self, (host, port): (&str, Option<u16>)) -> bool {
        let same =
            self.host.eq_ignore_ascii_case(host) && Some(self.port) == port.or(default_port(self.scheme));
        same || is_loopback(self.host) && is_loopback(host)
    }
}

/// One entry of [`Origins::OneOf`]: an origin, or all subdomains of a host. [`Origins::one_of`] says how it is written.
#[derive(Clone, PartialEq, Eq)]
pub struct OriginPattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Http {
        /// `None`: `http` or `https`.
        scheme: Option<&'static str>,
        /// Hosts that end in a dot and `host`, instead of `host`.
        subdomains: bool,
        host: Box<str>,
        /// `None`: that of the scheme.
        port: Option<u16>,
    },
    /// `null`, and origins of other schemes.
    Text(Box<str>),
}

impl Pattern {
    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Text(text) => text.eq_ignore_ascii_case(origin),
            Self::Http { scheme, subdomains, host, port } => Page::parse(origin).is_some_and(|page| {
                let under = |host: &str| {
                    let at = page.host.len().checked_sub(host.len());
                    let (name, end) = at.and_then(|at| page.host.split_at_checked(at)).unwrap_or_default();
                    name.ends_with('.') && name.len() > 1 && end.eq_ignore_ascii_case(host)
                };
                scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case(page.scheme))
                    && Some(page.port) == port.or(default_port(page.scheme))
                    && if *subdomains { under(host) } else { host.eq_ignore_ascii_case(page.host) }
            }),
        }
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidOrigin;
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let wrong = |why| Err(InvalidOrigin { origin: text.into(), why });
        let origin = text.trim();
        if origin.is_empty() {
            return wrong("write one as in https://example.com");
        }
        if origin == "*" {
            return wrong("to let in all pages, use Origins::Any");
        }
        if origin.eq_ignore_ascii_case("null") {
            return Ok(Self(Pattern::Text("null".into())));
        }
        let (scheme, rest) = match origin.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, origin),
        };
        let known = match scheme.map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("http") => Some("http"),
            Some("https") => Some("https"),
            Some("ws" | "wss") => {
                return wrong(
                    "it is the origin of a page, so write http:// for ws:// and https:// for wss://",
                );
            }
            Some(_) => return Ok(Self(Pattern::Text(without_slash(origin).into()))),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return wrong("an origin is scheme, host and port, without a path");
        }
        if authority.contains('@') {
            return wrong("an origin is scheme, host and port, without a user");
        }
        if !authority.is_ascii() {
            return wrong("browsers send such a host in its ASCII form, as in https://xn--bcher-kva.example");
        }
        let (subdomains, authority) = match authority.strip_prefix("*.") {
            Some(host) => (true, host),
            None => (false, authority),
        };
        if authority.contains('*') {
            return wrong("a * stands for subdomains only, as in https://*.example.com");
        }
        let Some((host, port)) = host_port(authority) else {
            return wrong("its host or its port is none that there could be");
        };
        Ok(Self(Pattern::Http { scheme: known, subdomains, host: host.into(), port }))
    }
}

impl TryFrom<&str> for OriginPattern {
    type Error = InvalidOrigin;
    fn try_from(text: &str) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}
impl TryFrom<String> for OriginPattern {
    type Error = InvalidOrigin;
    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}
impl TryFrom<&String> for OriginPattern {
    type Error = InvalidOrigin;
    fn try_from(text: &String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}

/// As it is written.
impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Text(text) => f.write_str(text),
            Pattern::Http { scheme, subdomains, host, port } => {
                if let Some(scheme) = scheme {
                    write!(f, "{scheme}://")?;
                }
                write!(f, "{}{host}", if *subdomains { "*." } else { "" })?;
                port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
        }
    }
}
impl fmt::Debug for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Not an origin that a page could have, for [`Origins::one_of`].
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin:?} is not an origin: {why}")]
pub struct InvalidOrigin {
    origin: Box<str>,
    why: &'static str,
}
debug_as_display!(InvalidOrigin);

impl From<Infallible> for InvalidOrigin {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
