//! `host:port`, as `Host`, origins and request targets have it (RFC 3986 §3.2).
use std::net::Ipv4Addr;

/// The port that a scheme has if none is written; `None` for schemes that are not of HTTP.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        http if http.eq_ignore_ascii_case("http") => Some(80),
        https if https.eq_ignore_ascii_case("https") => Some(443),
        _ => None,
    }
}

/// Whether a host, with brackets if it has them, is this machine itself (RFC 6761 §6.3).
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    last.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// A host, with brackets if it has them, and a port (RFC 3986 §3.2.2, §3.2.3); no user.
pub(crate) fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
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
