//! The server's half of the opening handshake, for what has none of its own: it believes a complete request.
use base64::{Engine, engine::general_purpose::STANDARD};
use sha1_smol::Sha1;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What to answer to a request, once it is complete.
pub fn upgrade_response(request: &[u8]) -> Option<Vec<u8>> {
    if !request.ends_with(b"\r\n\r\n") {
        return None;
    }
    let mut fields = str::from_utf8(request).ok()?.lines().filter_map(|line| line.split_once(':'));
    let (_, key) = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))?;
    let mut sha1 = Sha1::from(key.trim());
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(sha1.digest().bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    Some(response.into_bytes())
}

pub async fn upgrade_tokio(stream: &mut tokio::net::TcpStream) -> io::Result<()> {
    let mut request = Vec::with_capacity(512);
    loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(response) = upgrade_response(&request) {
            return stream.write_all(&response).await;
        }
    }
}
