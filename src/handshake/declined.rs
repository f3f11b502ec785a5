//! What an answer other than 101 says of its reason, in the words of an error: the place that it redirects to, or the
//! first line of its body.
use crate::quote::{Quoted, first_line, without_query};
use bytes::Bytes;
use http::{Response, StatusCode, header};
use std::fmt;

/// The text of an error for this answer.
pub(super) struct Declined<'a>(pub(super) &'a Response<Bytes>);

impl fmt::Display for Declined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(response) = self;
        let status = response.status();
        let location = response.headers().get(header::LOCATION).filter(|_| status.is_redirection());
        match location {
            Some(place) => {
                let place = Quoted(without_query(place.as_bytes()));
                return write!(
                    f,
                    "the server redirects with {status} to {place}; connect to that place instead"
                );
            }
            None if status.is_success() => write!(
                f,
                "the server answered with {status}: {}, not a WebSocket; check the path",
                if is_html(response) { "an ordinary web page" } else { "an ordinary response" }
            )?,
            None => write!(f, "the server refused the upgrade with {status}")?,
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            if let Some(upgrade) = response.headers().get(header::UPGRADE) {
                write!(f, "; it offers {}", Quoted(upgrade.as_bytes()))?;
            }
        }
        match said(response) {
            Some(said) => write!(f, "; it says {}", Quoted(said)),
            None => Ok(()),
        }
    }
}

fn is_html(response: &Response<Bytes>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_ascii_lowercase());
    kind.is_some_and(|kind| kind.starts_with(b"text/html")) || response.body().trim_ascii().starts_with(b"<")
}

/// The title of a page; else the first line of a body that is text.
fn said(response: &Response<Bytes>) -> Option<&[u8]> {
    let body = response.body().trim_ascii();
    let said = if is_html(response) { title(body)? } else { first_line(body) };
    let is_text =
        std::str::from_utf8(said).is_ok() && !response.headers().contains_key(header::CONTENT_ENCODING);
    (is_text && !said.is_empty()).then_some(said)
}

fn title(page: &[u8]) -> Option<&[u8]> {
    let page = &page[..page.len().min(4096)];
    let at =
        |text: &[u8], tag: &[u8]| text.windows(tag.len()).position(|part| part.eq_ignore_ascii_case(tag));
    let after = &page[at(page, b"<title>")? + b"<title>".len()..];
    Some(after[..at(after, b"</title>")?].trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(status: u16, fields: &[(&str, &str)], body: &[u8]) -> String {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        Declined(&response.body(Bytes::copy_from_slice(body)).unwrap()).to_string()
    }

    #[test]
    fn the_first_line_of_the_body_is_told_and_no_more() {
        let unauthorized = "the server refused the upgrade with 401 Unauthorized";
        assert_eq!(text(401, &[], b""), unauthorized);
        assert_eq!(text(401, &[], b"\r\n"), unauthorized);
        let expired = format!("{unauthorized}; it says \"token expired\"");
        assert_eq!(text(401, &[], b"\ntoken expired\r\nsecond line"), expired);
        assert_eq!(text(401, &[], b"\xff\xfe\x00"), unauthorized, "not text");
        assert_eq!(text(401, &[("content-encoding", "gzip")], b"\x1f"), unauthorized, "not to be read");
        let long = text(401, &[], &[b'x'; 10_000]);
        assert!(long.len() < 200 && long.ends_with("x\"…"), "{long}");
        assert!(text(401, &[], b"\x1b[31mred").ends_with(r#"it says "\u{1b}[31mred""#));
    }

    #[test]
    fn of_a_page_its_title_is_told() {
        let page = b"<!DOCTYPE html>\n<html><head><TITLE>\n502 Bad Gateway </title></head>";
        assert_eq!(
            text(502, &[("content-type", "text/html; charset=utf-8")], page),
            "the server refused the upgrade with 502 Bad Gateway; it says \"502 Bad Gateway\""
        );
        assert_eq!(
            text(200, &[], b"<html>no title"),
            "the server answered with 200 OK: an ordinary web page, not a WebSocket; check the path"
        );
        assert_eq!(
            text(200, &[("content-type", "application/json")], b"{}\n"),
            "the server answered with 200 OK: an ordinary response, not a WebSocket; check the path; it says \"{}\""
        );
    }

    #[test]
    fn a_redirect_names_its_place() {
        assert_eq!(
            text(301, &[("location", "https://example.com/chat/")], b"<html>"),
            "the server redirects with 301 Moved Permanently to \"https://example.com/chat/\"; connect to that place instead"
        );
        assert_eq!(text(302, &[], b""), "the server refused the upgrade with 302 Found");
        assert_eq!(
            text(426, &[("upgrade", "TLS/1.2")], b""),
            "the server refused the upgrade with 426 Upgrade Required; it offers \"TLS/1.2\""
        );
    }
}
