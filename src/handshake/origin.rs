//! Which pages may connect (RFC 6455 §10.2), and the hosts and ports that decide it.
use super::field::{InvalidField, single};
use crate::config::Origins;
use http::{HeaderMap, header};

/// Whether a request with these fields may become a WebSocket. Who sends no `Origin` is not a browser, and could
/// have sent any.
pub(super) fn is_allowed(origins: &Origins, headers: &HeaderMap) -> bool {
    let origin = match single(headers, &header::ORIGIN) {
        Err(InvalidField::Missing) => return true,
        Ok(value) => value.to_str().ok(),
        Err(_) => None,
    };
    match (origins, origin) {
        (Origins::Any, _) => true,
        (_, None) => false,
        (Origins::Same, Some(origin)) => Origin::parse(origin).is_some_and(|origin| origin.is_of(headers)),
        (Origins::OneOf(list), Some(origin)) => list.iter().any(|allowed| is_same(allowed, origin)),
    }
}

/// Scheme, host and port alike; or the same text, for those that have none, such as `null`.
fn is_same(allowed: &str, origin: &str) -> bool {
    match (Origin::parse(allowed), Origin::parse(origin)) {
        (Some(a), Some(b)) => {
            a.scheme.eq_ignore_ascii_case(b.scheme) && a.host.eq_ignore_ascii_case(b.host) && a.port == b.port
        }
        _ => allowed == origin,
    }
}

struct Origin<'a> {
    scheme: &'a str,
    host: &'a str,
    /// Written, or the scheme's.
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let (host, port) = host_port(authority)?;
        Some(Self { scheme, host, port: port.or(default_port(scheme)) })
    }

    /// Whether a page of this origin is the host's own.
    fn is_of(&self, headers: &HeaderMap) -> bool {
        let host = single(headers, &header::HOST).ok().and_then(|value| value.to_str().ok());
        host.and_then(host_port).is_some_and(|host| self.is_at(host))
    }

    /// Whether it is this host's, under the origin's own scheme. A server behind a proxy that ends TLS cannot tell
    /// which scheme its clients used, so a `Host` without a port has the port that the origin's scheme gives it.
    fn is_at(&self, (host, port): (&str, Option<u16>)) -> bool {
        let default = default_port(self.scheme);
        default.is_some() && self.host.eq_ignore_ascii_case(host) && self.port == port.or(default)
    }
}

/// Whether the authority of a request target that is a whole URL is this `Host`. `None`: not the scheme of a WebSocket.
/// Clients write the URL that they were given, `ws://`, or that of the HTTP request that it is (RFC 9112 §3.2.2).
pub(super) fn same_host(scheme: &str, authority: &str, host: &str) -> Option<bool> {
    let scheme = match scheme {
        ws if ws.eq_ignore_ascii_case("ws") => "http",
        wss if wss.eq_ignore_ascii_case("wss") => "https",
        other => other,
    };
    let default = default_port(scheme)?;
    let target =
        host_port(authority).map(|(host, port)| Origin { scheme, host, port: port.or(Some(default)) });
    Some(target.zip(host_port(host)).is_some_and(|(target, host)| target.is_at(host)))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        http if http.eq_ignore_ascii_case("http") => Some(80),
        https if https.eq_ignore_ascii_case("https") => Some(443),
        _ => None,
    }
}

/// A host, with brackets if it has them, and a port (RFC 3986 §3.2.2, §3.2.3); no user.
pub(super) fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let end = match text.strip_prefix('[') {
        Some(address) => address.find(']')? + 2,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(end);
    let port = match rest.strip_prefix(':') {
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) => return None,
        Some("") => None,
        Some(port) => Some(port.parse().ok()?),
        None if rest.is_empty() => None,
        None => return None,
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match inner {
        Some(address) => address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte)),
    };
    (is_host && !inner.unwrap_or(host).is_empty()).then_some((host, port))
}
