//! What a peer sent, as an error quotes it: short, and without a character that could act on a terminal or a log.
use std::fmt::{self, Write};

/// The most that is quoted, in bytes.
const MAX_BYTES: usize = 80;

/// Bytes of a peer: in quotes, each control character escaped, and cut after 80 bytes. Bytes that are not UTF-8 are
/// written as `\xff`.
pub(crate) struct Quoted<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(MAX_BYTES)];
        f.write_char('"')?;
        let mut chunks = shown.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            Escaped(chunk.valid()).fmt(f)?;
            // The cut may have split a character: that is not the peer's doing.
            if shown.len() == self.0.len() || chunks.peek().is_some() {
                write!(f, "{}", chunk.invalid().escape_ascii())?;
            }
        }
        f.write_char('"')?;
        if shown.len() < self.0.len() { f.write_char('…') } else { Ok(()) }
    }
}

/// Text of a peer, whole, each control character and quotation mark escaped.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\'' => f.write_char(c), // an apostrophe ends no quotation here
            _ => write!(f, "{}", c.escape_debug()),
        })
    }
}

/// A URL or the first line of a request up to the `?`. A query often has a token in it, which no log should have.
pub(crate) fn without_query(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| byte == b'?');
    &text[..end.map_or(text.len(), |at| at + 1)]
}

/// The first line of a text, without its line end. A line end at the very front belongs to it.
pub(crate) fn first_line(text: &[u8]) -> &[u8] {
    let end = text.iter().skip(1).position(|byte| matches!(byte, b'\r' | b'\n'));
    &text[..end.map_or(text.len(), |end| end + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_short_and_harmless() {
        let quoted = |bytes: &[u8]| Quoted(bytes).to_string();
        assert_eq!(quoted(b""), "\"\"");
        assert_eq!(quoted("été".as_bytes()), "\"été\"");
        assert_eq!(quoted(b"You can't"), "\"You can't\"");
        assert_eq!(quoted(b"\x1b[31m\r\n\"\xff"), r#""\u{1b}[31m\r\n\"\xff""#);
        assert_eq!(quoted("\u{202e}".as_bytes()), r#""\u{202e}""#, "text that would run backwards");
        assert_eq!(quoted(&[b'x'; 80]), format!("\"{}\"", "x".repeat(80)));
        assert_eq!(quoted(&[b'x'; 81]), format!("\"{}\"…", "x".repeat(80)));
        let cut = format!("{}é", "x".repeat(79));
        assert_eq!(quoted(cut.as_bytes()), format!("\"{}\"…", "x".repeat(79)));
    }

    #[test]
    fn no_query_is_quoted() {
        for (text, shown) in [("", ""), ("/a", "/a"), ("GET /a?token=x HTTP/2", "GET /a?"), ("?", "?")] {
            assert_eq!(without_query(text.as_bytes()), shown.as_bytes());
        }
    }

    #[test]
    fn a_first_line_ends_at_either_line_end() {
        for (text, line) in [("", ""), ("a", "a"), ("a\r\nb", "a"), ("a\nb", "a"), ("\nb\nc", "\nb")] {
            assert_eq!(first_line(text.as_bytes()), line.as_bytes(), "{text:?}");
        }
    }
}
