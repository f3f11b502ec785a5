//! The opening handshake: what a client is told, what a server is told, and what is wrong with what they were given.
use crate::page::{Page, told};
use sansocket::{
    Config, Error, InvalidOrigin, LooksLike, Origins, blocking,
    entropy::Entropy,
    handshake::*,
    http::{Response, StatusCode},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The nonce of RFC 6455 §1.3.
#[derive(Debug)]
struct SampleNonce;
impl Entropy for SampleNonce {
    fn fill(&self, dest: &mut [u8]) {
        dest.copy_from_slice(&b"the sample nonce"[..dest.len()]);
    }
}

pub(crate) const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    \r\n";

pub(crate) fn config() -> Config {
    let mut config = Config::client();
    config.entropy = Arc::new(SampleNonce);
    config
}

/// What a client comes to that is answered so; a server that has said this much ends.
fn answered(answer: impl AsRef<[u8]>) -> Error {
    asking(ClientRequest::try_from("ws://example.com/chat").unwrap(), answer)
}
fn asking(request: ClientRequest, answer: impl AsRef<[u8]>) -> Error {
    let mut handshake = ClientHandshake::new(request, config());
    handshake.receive(answer.as_ref());
    match handshake.poll() {
        Err(error) => return error.into(),
        Ok(Some(_)) => panic!("it opens"),
        Ok(None) => handshake.receive_eof(),
    }
    handshake.poll().unwrap_err().into()
}
fn offering() -> ClientRequest {
    ClientRequest::try_from("ws://example.com/chat").unwrap().subprotocol("chat.v2".try_into().unwrap())
}
/// The good answer with another line, or with one more.
fn but(line: &str) -> String {
    let name = line.split(':').next().unwrap();
    let others = GOOD.split_inclusive("\r\n").filter(|other| !other.starts_with(name));
    let head: String = others.collect();
    head.trim_end().to_owned() + "\r\n" + line + "\r\n\r\n"
}
fn with(line: &str) -> String {
    GOOD.trim_end().to_owned() + "\r\n" + line + "\r\n\r\n"
}

pub(crate) fn clients(page: &mut Page) {
    page.section("A client connects", "The server is something else, or its answer is not 101.");
    told!(page, "An SSH server listens at that port" => Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::Ssh), .. }), answered("SSH-2.0-OpenSSH_9.6\r\n"));
    told!(page, "A mail server listens at that port" => Error::Handshake(HandshakeError::NotHttp { looks_like: None, .. }), answered("220 mail.example.com ESMTP\x1b[31m\r\n"));
    told!(page, "The URL has ws://, and the server wants TLS" => Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::TlsAlert), .. }), answered(b"\x15\x03\x01\x00\x02\x02\x46"));
    told!(page, "The server speaks HTTP/2 only" => Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::Http2), .. }), answered(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64"));
    told!(page, "The answer has a NUL in it" => Error::Handshake(HandshakeError::Malformed(_)), answered("HTTP/1.1 101 X\r\nUpgrade: web\0socket\r\n\r\n"));
    told!(page, "A line of the answer never ends" => Error::Handshake(HandshakeError::HeadTooLarge(HeadLimit::Line(_))), answered(format!("HTTP/1.1 101 X\r\nX: {}", "y".repeat(50_000))));
    told!(page, "The answer has more header fields than anyone needs" => Error::Handshake(HandshakeError::HeadTooLarge(HeadLimit::Fields(_))), answered(format!("HTTP/1.1 101 X\r\n{}", "X: y\r\n".repeat(2_000))));
    told!(page, "The answer never ends" => Error::Handshake(HandshakeError::HeadTooLarge(HeadLimit::Size(_))), answered(format!("HTTP/1.1 101 X\r\n{}", format!("X: {}\r\n", "y".repeat(9_000)).repeat(90))));
    told!(page, "The server hangs up" => Error::Handshake(HandshakeError::Eof), answered(""));
    let mut late = ClientHandshake::new(offering(), config());
    let start = Instant::now();
    late.handle_timeout(start);
    late.handle_timeout(start + Duration::from_secs(60));
    told!(page, "The server says nothing for long" => Error::Handshake(HandshakeError::TimedOut), Error::from(late.poll().unwrap_err()));
    told!(page, "The handshake is polled again" => Error::Handshake(HandshakeError::Spent), Error::from(late.poll().unwrap_err()));

    told!(page, "The token is not accepted" => Error::Handshake(HandshakeError::Declined(_)), answered("HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\n\r\ntoken expired\nask for another one\n"));
    told!(page, "The path is a page's" => Error::Handshake(HandshakeError::Declined(_)), answered("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><title>Welcome</title>"));
    told!(page, "The path has moved" => Error::Handshake(HandshakeError::Declined(_)), answered("HTTP/1.1 301 Moved Permanently\r\nLocation: https://example.com/chat/\r\n\r\n"));
    told!(page, "The server behind the proxy is down" => Error::Handshake(HandshakeError::Declined(_)), answered("HTTP/1.1 502 Bad Gateway\r\n\r\n<html>\r\n<head><title>502 Bad Gateway</title></head>"));
    told!(page, "The answer is hostile" => Error::Handshake(HandshakeError::Declined(_)), answered(format!("HTTP/1.1 400 Bad Request\r\n\r\n\x1b]0;title\x07{}", "\u{202e}".repeat(200))));
    told!(page, "The URL has wss://, and no TLS stream is given" => Error::Io(_), blocking::connect("wss://example.com/").map(drop).unwrap_err());

    page.section("The server's 101 breaks a rule", "The connection is not opened.");
    told!(page, "HTTP/1.0" => Error::Handshake(HandshakeError::Response(InvalidResponse::HttpVersion)), answered(GOOD.replace("HTTP/1.1", "HTTP/1.0")));
    told!(page, "No Upgrade" => Error::Handshake(HandshakeError::Response(InvalidResponse::NoUpgrade)), answered(GOOD.replace("Upgrade: websocket\r\n", "")));
    told!(page, "Upgrade: h2c" => Error::Handshake(HandshakeError::Response(InvalidResponse::OtherUpgrade)), answered(but("Upgrade: h2c")));
    told!(page, "Connection: close" => Error::Handshake(HandshakeError::Response(InvalidResponse::NoConnection)), answered(but("Connection: close")));
    told!(page, "No Sec-WebSocket-Accept" => Error::Handshake(HandshakeError::Response(InvalidResponse::NoAccept)), answered(GOOD.replace("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "")));
    told!(page, "Sec-WebSocket-Accept twice" => Error::Handshake(HandshakeError::Response(InvalidResponse::RepeatedAccept)), answered(with("Sec-WebSocket-Accept: x")));
    told!(page, "The answer of another handshake, from a cache" => Error::Handshake(HandshakeError::Response(InvalidResponse::WrongAccept)), answered(but("Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=")));
    told!(page, "Two fields of extensions" => Error::Handshake(HandshakeError::Response(InvalidResponse::RepeatedExtensions)), answered(with("Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b")));
    told!(page, "Extensions that are no list" => Error::Handshake(HandshakeError::Response(InvalidResponse::MalformedExtensions)), answered(with("Sec-WebSocket-Extensions: a;;b")));
    told!(page, "An extension that nobody asked for" => Error::Handshake(HandshakeError::Response(InvalidResponse::ExtensionNotOffered)), answered(with("Sec-WebSocket-Extensions: x-own")));
    told!(page, "An extension with a parameter that nobody asked for" => Error::Handshake(HandshakeError::Response(InvalidResponse::InvalidExtensionAnswer)), answered(with("Sec-WebSocket-Extensions: permessage-deflate; x=1")));
    told!(page, "The same extension twice" => Error::Handshake(HandshakeError::Response(InvalidResponse::ManyExtensions)), answered(with("Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate")));
    told!(page, "Sec-WebSocket-Protocol twice" => Error::Handshake(HandshakeError::Response(InvalidResponse::RepeatedSubprotocol)), asking(offering(), with("Sec-WebSocket-Protocol: chat.v2\r\nSec-WebSocket-Protocol: chat.v2")));
    told!(page, "An empty Sec-WebSocket-Protocol" => Error::Handshake(HandshakeError::Response(InvalidResponse::EmptySubprotocol)), answered(with("Sec-WebSocket-Protocol:")));
    told!(page, "A subprotocol, and none was offered" => Error::Handshake(HandshakeError::Response(InvalidResponse::UnaskedSubprotocol)), answered(with("Sec-WebSocket-Protocol: mqtt")));
    told!(page, "Another subprotocol than those offered" => Error::Handshake(HandshakeError::Response(InvalidResponse::SubprotocolNotOffered)), asking(offering(), with("Sec-WebSocket-Protocol: mqtt")));
    told!(page, "No subprotocol, and the client insists" => Error::Handshake(HandshakeError::Response(InvalidResponse::NoSubprotocol)), asking(offering().require_subprotocol(), GOOD));
}

const ASK: &str = "GET /chat HTTP/1.1\r\n\
    Host: example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

/// What a server comes to that is asked so, and accepts it if it can.
fn asked(request: impl AsRef<[u8]>) -> Error {
    accepted(request, Acceptance::new())
}
fn accepted(request: impl AsRef<[u8]>, acceptance: Acceptance) -> Error {
    let mut handshake = ServerHandshake::new(Config::server());
    handshake.receive(request.as_ref());
    match handshake.poll() {
        Ok(Some(upgrade)) => return upgrade.accept(acceptance).map(drop).unwrap_err().into_error().into(),
        Err(error) => return error.into(),
        Ok(None) => handshake.receive_eof(),
    }
    handshake.poll().map(drop).unwrap_err().into()
}
fn replaced(line: &str, other: &str) -> String {
    assert!(ASK.contains(line), "{line}");
    ASK.replace(&format!("{line}\r\n"), other)
}
fn added(line: &str) -> String {
    ASK.trim_end().to_owned() + "\r\n" + line + "\r\n\r\n"
}

pub(crate) fn servers(page: &mut Page) {
    page.section(
        "A server is connected to",
        "By something else, or by a request that cannot become a WebSocket.",
    );
    told!(page, "The client uses wss://, and no TLS is in front" => Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::Tls), .. }), asked(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"));
    told!(page, "The client speaks HTTP/2 at once" => Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::Http2), .. }), asked("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    told!(page, "The load balancer sends the PROXY protocol" => Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::Proxy), .. }), asked("PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\n"));
    told!(page, "The load balancer sends version 2 of it" => Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::Proxy), .. }), asked(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"));
    told!(page, "An SSH client connects" => Error::Handshake(HandshakeError::NotHttp { looks_like: Some(LooksLike::Ssh), .. }), asked("SSH-2.0-OpenSSH_9.6\r\n"));
    told!(page, "A port scanner connects" => Error::Handshake(HandshakeError::NotHttp { looks_like: None, .. }), asked(b"\x01\x02\xff\r\n"));
    told!(page, "The query has a quote in it" => Error::Handshake(HandshakeError::TargetCharacter(_)), asked(replaced("GET /chat HTTP/1.1", "GET /x?filter={\"a\":1} HTTP/1.1\r\n")));
    told!(page, "The client hangs up" => Error::Handshake(HandshakeError::Eof), asked("GET / HT"));
    told!(page, "POST" => Error::Handshake(HandshakeError::Request(InvalidRequest::Method)), asked(ASK.replace("GET", "POST")));
    told!(page, "HTTP/1.0, as from a proxy" => Error::Handshake(HandshakeError::Request(InvalidRequest::HttpVersion)), asked(ASK.replace("HTTP/1.1", "HTTP/1.0")));
    told!(page, "Another scheme" => Error::Handshake(HandshakeError::Request(InvalidRequest::Target)), asked(ASK.replace("/chat", "ftp://example.com/")));
    told!(page, "No Host" => Error::Handshake(HandshakeError::Request(InvalidRequest::Host(InvalidField::Missing))), asked(replaced("Host: example.com", "")));
    told!(page, "Host twice" => Error::Handshake(HandshakeError::Request(InvalidRequest::Host(InvalidField::Repeated))), asked(added("Host: example.com")));
    told!(page, "A Host that is none" => Error::Handshake(HandshakeError::Request(InvalidRequest::Host(InvalidField::Malformed))), asked(replaced("Host: example.com", "Host: a b\r\n")));
    told!(page, "A URL of another host" => Error::Handshake(HandshakeError::Request(InvalidRequest::OtherHost)), asked(ASK.replace("/chat", "http://other.example/")));
    told!(page, "A browser opens the address as a page" => Error::Handshake(HandshakeError::Request(InvalidRequest::NoUpgrade)), asked("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"));
    told!(page, "A proxy drops Connection: Upgrade" => Error::Handshake(HandshakeError::Request(InvalidRequest::NoConnection)), asked(replaced("Connection: Upgrade", "Connection: keep-alive\r\n")));
    told!(page, "A request with a body" => Error::Handshake(HandshakeError::Request(InvalidRequest::Body)), asked(added("Content-Length: 5")));
    told!(page, "A draft of WebSocket" => Error::Handshake(HandshakeError::Request(InvalidRequest::Version)), asked(replaced("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8\r\n")));
    told!(page, "Two versions" => Error::Handshake(HandshakeError::Request(InvalidRequest::RepeatedVersion)), asked(added("Sec-WebSocket-Version: 13")));
    told!(page, "A key of the wrong length" => Error::Handshake(HandshakeError::Request(InvalidRequest::Key(InvalidField::Malformed))), asked(ASK.replace("dGhlIHNhbXBsZSBub25jZQ==", "abc")));
    told!(page, "A subprotocol with a space in it" => Error::Handshake(HandshakeError::Request(InvalidRequest::Subprotocols)), asked(added("Sec-WebSocket-Protocol: my chat")));
    told!(page, "Extensions that are no list" => Error::Handshake(HandshakeError::Request(InvalidRequest::Extensions)), asked(added("Sec-WebSocket-Extensions: a;;b")));
    told!(page, "A page of another site" => Error::Handshake(HandshakeError::Origin(_)), asked(added("Origin: https://evil.example")));
    told!(page, "A page opened from a file" => Error::Handshake(HandshakeError::Origin(_)), asked(added("Origin: null")));
    let Error::Handshake(HandshakeError::Origin(forbidden)) = asked(added("Origin: https://evil.example"))
    else {
        panic!("the page may connect")
    };
    told!(page, "The same, alone" => ForbiddenOrigin { .. }, *forbidden);
    let mut handshake = ServerHandshake::new(Config::server());
    handshake.receive(added("Origin: https://evil.example").as_bytes());
    let refusal = handshake.poll().unwrap().unwrap().refusal().unwrap();
    told!(page, "The application asks why it cannot accept such a page" => InvalidRequest::Origin, refusal);
    told!(page, "The application allows an origin that is none" => InvalidOrigin { .. }, Origins::one_of(["https://example.com/chat"]).unwrap_err());
    told!(page, "The application accepts with another subprotocol than those offered" => Error::Handshake(HandshakeError::NotOffered(_)), accepted(added("Sec-WebSocket-Protocol: mqtt"), Acceptance::new().subprotocol("chat.v2".try_into().unwrap())));
    let mut handshake = ServerHandshake::new(Config::server());
    handshake.receive(ASK.as_bytes());
    let mut forbidden = Response::new(sansocket::bytes::Bytes::new());
    *forbidden.status_mut() = StatusCode::FORBIDDEN;
    let rejection = handshake.poll().unwrap().unwrap().reject(forbidden);
    told!(page, "The application rejects the request" => Error::Handshake(HandshakeError::Rejected(_)), Error::from(rejection.into_error()));
}

pub(crate) fn urls(page: &mut Page) {
    page.section("A URL that is no WebSocket's", "The text shows one that is.");
    let wrong = |text: &str| Error::from(text.parse::<Url>().unwrap_err());
    told!(page, "`example.com:8080`" => Error::Handshake(HandshakeError::Url(InvalidUrl::Scheme)), wrong("example.com:8080"));
    told!(page, "`https://example.com/`" => Error::Handshake(HandshakeError::Url(InvalidUrl::Http)), wrong("https://example.com/"));
    told!(page, "`ws://example.com/#top`" => Error::Handshake(HandshakeError::Url(InvalidUrl::Fragment)), wrong("ws://example.com/#top"));
    told!(page, "`ws://me:p#ss@example.com/`" => Error::Handshake(HandshakeError::Url(InvalidUrl::Credentials)), wrong("ws://me:p#ss@example.com/"));
    told!(page, "`ws://example.com/a b`" => Error::Handshake(HandshakeError::Url(InvalidUrl::Character(' '))), wrong("ws://example.com/a b"));
    told!(page, "`ws://example.com/100%`" => Error::Handshake(HandshakeError::Url(InvalidUrl::PercentEncoding)), wrong("ws://example.com/100%"));
    told!(page, "`ws:///chat`" => Error::Handshake(HandshakeError::Url(InvalidUrl::Host(_))), wrong("ws:///chat"));
    told!(page, "`ws://[fe80::1%eth0]/`" => Error::Handshake(HandshakeError::Url(InvalidUrl::Zone(_))), wrong("ws://[fe80::1%eth0]/"));
    told!(page, "A host that no name may be" => Error::Handshake(HandshakeError::Url(InvalidUrl::Idna(_))), wrong("ws://ü\u{378}/"));
    told!(page, "An international host, without the feature `idna`" => InvalidUrl::IdnaDisabled(_), InvalidUrl::IdnaDisabled("bücher.example".into()));
    told!(page, "A path of 65,535 bytes" => Error::Handshake(HandshakeError::Url(InvalidUrl::TooLong)), wrong(&format!("ws://a/{}", "x".repeat(65_534))));
    told!(page, "`ws://example.com:http/`" => Error::Handshake(HandshakeError::Url(InvalidUrl::Port(_))), wrong("ws://example.com:http/"));

    page.section(
        "A header field that cannot be added",
        "By `ClientRequest::header` or `Acceptance::header`.",
    );
    let wrong = |name: &str, value: &str| offering().header(name, value).unwrap_err();
    told!(page, "`Sec-WebSocket-Protocol`" => InvalidHeader::Reserved(_), wrong("Sec-WebSocket-Protocol", "chat"));
    told!(page, "`Sec-WebSocket-Extensions`" => InvalidHeader::Reserved(_), wrong("Sec-WebSocket-Extensions", "x"));
    told!(page, "`Host`" => InvalidHeader::Reserved(_), wrong("Host", "example.com"));
    told!(page, "`Upgrade`" => InvalidHeader::Reserved(_), wrong("Upgrade", "websocket"));
    told!(page, "`Content-Length`" => InvalidHeader::Reserved(_), wrong("Content-Length", "0"));
    told!(page, "A name with a space in it" => InvalidHeader::Name(_), wrong("X Request", "1"));
    told!(page, "A value with a line end in it" => InvalidHeader::Value(_), wrong("X-Request", "1\r\nX: y"));
    told!(page, "As the library passes it on" => Error::Handshake(HandshakeError::Header(_)), Error::from(wrong("Host", "example.com")));
    let many = (0..40_000).try_fold(offering(), |request, n| request.header(format!("X-{n}"), "y"));
    told!(page, "Too many" => InvalidHeader::TooMany, many.unwrap_err());
}
