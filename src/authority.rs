//! `host:port`, as URLs, `Host`, origins and request targets have it (RFC 3986 §3.2).
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

/// An authority without a user, cut where RFC 3986 §3.2 cuts it. Which hosts and which ports there may be is a question
/// for the caller.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split<'a> {
    /// The host as it is written, with brackets if it has them.
    pub(crate) host: &'a str,
    /// The text between the brackets, if the host has them.
    pub(crate) bracketed: Option<&'a str>,
    /// The text after the colon behind the host: empty if there is none.
    pub(crate) port: &'a str,
}

/// Cuts `host`, `host:port`, `[host]` or `[host]:port`. `None`: a bracket without its end, something else than a port after
/// the host, or a second colon, as in an IPv6 address without brackets.
pub(crate) fn split(text: &str) -> Option<Split<'_>> {
    let bracketed = text.strip_prefix('[').map(|rest| rest.split_once(']'));
    let (bracketed, end) = match bracketed {
        Some(Some((address, _))) => (Some(address), address.len() + 2),
        Some(None) => return None,
        None => (None, text.find(':').unwrap_or(text.len())),
    };
    let (host, rest) = text.split_at(end);
    let port = if rest.is_empty() { "" } else { rest.strip_prefix(':')? };
    (bracketed.is_some() || !port.contains(':')).then_some(Split { host, bracketed, port })
}

/// A host, with brackets if it has them, and a port, of the characters that RFC 3986 §3.2.2 and §3.2.3 allow; no user.
pub(crate) fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let Split { host, bracketed, port } = split(text)?;
    let port = match port {
        "" => None,
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        _ => return None,
    };
    let is_host = match bracketed {
        Some(address) => address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte)),
    };
    (is_host && !bracketed.unwrap_or(host).is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_cut_at_the_colon_behind_the_host() {
        for (text, host, bracketed, port) in [
            ("", "", None, ""),
            ("a", "a", None, ""),
            ("a:", "a", None, ""),
            ("a:80", "a", None, "80"),
            ("a:x", "a", None, "x"),
            (":80", "", None, "80"),
            ("a]", "a]", None, ""),
            ("[::1]", "[::1]", Some("::1"), ""),
            ("[::1]:", "[::1]", Some("::1"), ""),
            ("[::1]:80", "[::1]", Some("::1"), "80"),
            ("[::1]:8:0", "[::1]", Some("::1"), "8:0"),
            ("[]:1", "[]", Some(""), "1"),
            ("é:1", "é", None, "1"),
        ] {
            assert_eq!(split(text), Some(Split { host, bracketed, port }), "{text}");
        }
        for text in ["[::1", "[", "[::1]80", "[::1]]", "::1", "a:1:2", "a:[::1]"] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn a_host_header_has_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("example.com", "example.com", None),
            ("example.com:", "example.com", None),
            ("example.com:0", "example.com", Some(0)),
            ("a_b~c:65535", "a_b~c", Some(65535)),
            ("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]", Some(1)),
        ] {
            assert_eq!(host_port(text), Some((host, port)), "{text}");
        }
        for text in
            ["", ":80", "a:+1", "a:65536", "a:1:2", "[]", "[fe80::1%1]", "[::1]:8:0", "a b", "a/", "u@a", "é"]
        {
            assert_eq!(host_port(text), None, "{text}");
        }
    }
}
