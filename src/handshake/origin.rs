//! Which pages may connect (RFC 6455 §10.2): a request's `Origin` and `Host` against [`Config::origins`].
//!
//! [`Config::origins`]: crate::Config::origins
use super::field::{InvalidField, single};
use crate::{
    authority::{default_port, host_port},
    config::Origins,
    quote::Quoted,
    sentence::debug_as_display,
};
use http::{HeaderMap, HeaderName, header};

/// A page that may not connect, and what its origin was compared with.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the server refuses pages of {}: Host is {}, and Config::origins lets in {origins}",
    Quoted(.origin.as_bytes()), Quoted(.host.as_bytes())
)]
pub struct ForbiddenOrigin {
    origin: Box<str>,
    host: Box<str>,
    origins: Origins,
}
debug_as_display!(ForbiddenOrigin);

impl ForbiddenOrigin {
    pub(super) fn new(origins: &Origins, headers: &HeaderMap) -> Self {
        let all = |name: HeaderName| {
            let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
            values.collect::<Vec<_>>().join(", ").into_boxed_str()
        };
        Self { origin: all(header::ORIGIN), host: all(header::HOST), origins: origins.clone() }
    }
    /// The request's `Origin`: where the page is from, as the browser says.
    pub fn origin(&self) -> &str {
        &self.origin
    }
    /// The request's `Host`: what the page connected to, unless a proxy has written something else.
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// Whether a request with these fields may become a WebSocket. A client that sends no `Origin` is not a browser, and could
/// have sent any.
pub(super) fn is_allowed(origins: &Origins, headers: &HeaderMap) -> bool {
    let origin = match single(headers, &header::ORIGIN) {
        Err(InvalidField::Missing) => return true,
        Ok(value) => value.to_str().ok(),
        Err(_) => None,
    };
    let host = single(headers, &header::HOST).ok().and_then(|value| value.to_str().ok());
    match origin {
        Some(origin) => origins.allows(origin, host),
        None => *origins == Origins::Any,
    }
}

/// Whether the authority of a request target that is a whole URL is this `Host`. `None`: not the scheme of a WebSocket.
/// Clients write the URL that they were given, `ws://`, or that of the HTTP request that it is (RFC 9112 §3.2.2).
pub(super) fn same_host(scheme: &str, authority: &str, host: &str) -> Option<bool> {
    let default = match scheme {
        ws if ws.eq_ignore_ascii_case("ws") => 80,
        wss if wss.eq_ignore_ascii_case("wss") => 443,
        other => default_port(other)?,
    };
    let same = host_port(authority).zip(host_port(host)).is_some_and(|(target, host)| {
        target.0.eq_ignore_ascii_case(host.0) && target.1.unwrap_or(default) == host.1.unwrap_or(default)
    });
    Some(same)
}
