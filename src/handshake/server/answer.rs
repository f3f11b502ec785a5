//! Writes answers other than 101.
use super::super::field::put;
use crate::proto::Transmit;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// An answer with this status, whose body names it in plain text.
pub(super) fn status_page(status: StatusCode) -> Response<Bytes> {
    text(status, format!("{status}\n"))
}

/// An answer with this status, whose body says in plain text why.
pub(super) fn plain(status: StatusCode, why: &str) -> Response<Bytes> {
    text(status, format!("{status}: {why}\n"))
}

fn text(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// A body of at most this many bytes is written together with its head, in one segment: some clients read no more.
const SHORT_BODY: usize = 1024;

/// Writes an answer, after which the connection ends. Fields of the application that announce a length or a connection
/// are replaced by the true ones.
pub(super) fn put_response(out: &mut Transmit, response: &Response<Bytes>, to_head: bool) {
    const OURS: [HeaderName; 3] = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION];
    let (status, headers, body) = (response.status(), response.headers(), response.body());
    let head = out.cork(256);
    let line = format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default());
    head.extend_from_slice(line.as_bytes());
    // RFC 9110 §7.8: a sender of Upgrade names it in Connection.
    let upgrade = headers.contains_key(header::UPGRADE);
    put(head, "Connection", if upgrade { b"close, Upgrade" } else { b"close" });
    // RFC 9110 §8.6, §15.4.5: a response with one of these two statuses has no body.
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    if !bodiless {
        put(head, "Content-Length", body.len().to_string().as_bytes());
    }
    for (name, value) in headers.iter().filter(|(name, _)| !OURS.contains(name)) {
        put(head, name.as_str(), value.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    match body.len() {
        _ if bodiless || to_head => {}
        ..=SHORT_BODY => head.extend_from_slice(body),
        _ => out.push_long(body.clone()),
    }
}
