//! HTTP/1.1 heads, read naively, to check the opening handshake against.
use base64::{Engine, prelude::BASE64_STANDARD};
use sansocket::handshake::HandshakeError;
use sha1::{Digest, Sha1};

/// The first line, the fields and how many bytes they took.
#[derive(Debug)]
pub struct Head {
    pub line: String,
    /// Names in lower case, values without white space at their ends.
    pub fields: Vec<(String, String)>,
    pub size: usize,
}

impl Head {
    /// The head at the front of `bytes`, if it ends there; bytes that are not ASCII become other characters.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let size = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text: String = bytes[..size - 4].iter().map(|byte| char::from(*byte)).collect();
        let mut lines = text.split("\r\n");
        let line = lines.next()?.to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned())
        };
        Some(Self { line, fields: lines.map(field).collect(), size })
    }

    /// As [`read`](Self::read), for a request: one empty line may come before it (RFC 9112 §2.2).
    pub fn read_request(bytes: &[u8]) -> Option<Self> {
        let request = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
        let head = Self::read(request)?;
        Some(Self { size: head.size + bytes.len() - request.len(), ..head })
    }

    /// All values of that name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The only value of that name.
    pub fn one(&self, name: &str) -> Option<&str> {
        match self.all(name)[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    /// Whether an element of that list is this, in any case of letters.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        let mut elements = self.all(name).into_iter().flat_map(|value| value.split(','));
        elements.any(|element| element.trim_matches([' ', '\t']).eq_ignore_ascii_case(token))
    }

    /// Whether nothing in it needs a second thought: known names in fields of plain characters.
    pub fn is_plain(&self, names: &[&str]) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" /.,=+-_".contains(&byte);
        self.fields.iter().all(|(name, value)| {
            names.contains(&name.as_str()) && !value.is_empty() && value.bytes().all(plain)
        }) && self.fields.iter().map(|(name, _)| name).collect::<std::collections::HashSet<_>>().len()
            == self.fields.len()
    }
}

/// The answer to a key (RFC 6455 §4.2.2).
pub fn accept(key: &str) -> String {
    let mixed = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(Sha1::digest(mixed))
}

/// Whether it is 16 bytes in base64: 22 letters and `==`.
pub fn is_key(value: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    value.len() == 24 && value.ends_with("==") && value.bytes().take(22).all(letter)
}

/// Whether these are exactly one response that a client can read, says no to an upgrade and ends the connection.
/// Gives its status.
pub fn check_refusal(bytes: &[u8], to_head: bool) -> u16 {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let size = match response.parse(bytes) {
        Ok(httparse::Status::Complete(size)) => size,
        other => panic!("{other:?}: {:?}", String::from_utf8_lossy(bytes)),
    };
    let (status, body) = (response.code.expect("a status"), &bytes[size..]);
    assert_eq!(response.version, Some(1));
    assert_ne!(status, 101, "an upgrade after all");
    let head = Head::read(bytes).expect("a head");
    assert_eq!(head.size, size);
    assert!(head.lists("connection", "close"), "{head:?}");
    assert!(head.all("transfer-encoding").is_empty());
    assert!(head.all("sec-websocket-accept").is_empty());
    if [204, 304].contains(&status) {
        assert!(head.all("content-length").is_empty() && body.is_empty(), "a body where none can be");
    } else {
        let length = head.one("content-length").expect("one Content-Length");
        if to_head {
            assert!(body.is_empty(), "a body in the answer to HEAD");
        } else {
            assert_eq!(length, body.len().to_string(), "Content-Length");
        }
    }
    status
}

/// The elements of the list, none of them empty.
pub fn elements(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|element| element.trim_matches([' ', '\t'])).filter(|element| !element.is_empty())
}

/// Whether it is a token (RFC 9110 §5.6.2).
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c))
}

/// Why a handshake failed, in words that do not depend on how its bytes were cut. The error for a peer that speaks something
/// else quotes the bytes that had come by then.
pub fn failure(error: &HandshakeError) -> String {
    match error {
        HandshakeError::NotHttp { .. } => "NotHttp".to_owned(),
        HandshakeError::Eof => "Eof".to_owned(),
        other => other.to_string(),
    }
}
