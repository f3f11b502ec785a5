//! Any request, cut in two ways: one outcome, in bounded memory. What is refused is refused in good HTTP; what is
//! accepted deserved it, and is answered with the key's own answer; and no byte after the head is lost.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sansocket::{
    Origins,
    bytes::Bytes,
    handshake::{Acceptance, HandshakeError, ServerHandshake, Upgrade},
    http::{Response, StatusCode},
    proto::Role,
};
use sansocket_fuzz::{
    cuts::{Cut, LIMITS, check_buffer, drain, tell},
    http::{self, Head},
    memory,
    model::{self, Item},
};

/// Flags. Accept with a subprotocol: none, one of two, or one that may not be offered.
const SELECT: u8 = 1;
const UNASKED: u8 = 2;
/// Reject, with a status out of the limits.
const REJECT: u8 = 4;
/// Pages of any origin.
const ANY_ORIGIN: u8 = 8;

fuzz_target!(|input: &[u8]| {
    let Some(input) = Cut::new(input) else { return };
    let whole = Outcome::of(input, false);
    let cut = Outcome::of(input, true);
    assert_eq!(whole, cut, "it depends on the cuts");
    whole.check(input);
});

/// All that is to be seen.
#[derive(Debug, PartialEq)]
struct Outcome {
    said: String,
    answer: Vec<u8>,
    /// What the connection made of the bytes after the head, if it came to be.
    accepted: Option<(Vec<Item>, bool)>,
    to_head: bool,
}

impl Outcome {
    fn of(input: Cut<'_>, cut: bool) -> Self {
        let mut config = input.config();
        if input.flags & ANY_ORIGIN != 0 {
            config.origins = Origins::Any;
        }
        let mut server = ServerHandshake::new(config.clone());
        let mut pieces = input.pieces(cut).into_iter();
        let mut most = 0;
        let outcome = loop {
            let Some(piece) = pieces.next() else {
                server.receive_eof();
                break server.poll().map(|upgrade| upgrade.expect("an outcome"));
            };
            most = most.max(piece.len());
            memory::forget();
            server.receive(piece);
            match server.poll() {
                Ok(None) => check_buffer(server.read_buf(), most, &config),
                Ok(Some(upgrade)) => break Ok(upgrade),
                Err(error) => break Err(error),
            }
        };
        assert!(matches!(server.poll(), Err(HandshakeError::Spent)));
        let answer = drain(server.transmit());
        match outcome {
            Ok(upgrade) => {
                assert!(answer.is_empty(), "an answer before the application's");
                Self::of_upgrade(upgrade, input, pieces)
            }
            Err(error) => Self { said: http::failure(&error), answer, accepted: None, to_head: false },
        }
    }

    fn of_upgrade<'a>(upgrade: Upgrade, input: Cut<'a>, rest: impl Iterator<Item = &'a [u8]>) -> Self {
        let said = format!("{upgrade:?}").split(", received: ").next().map(str::to_owned);
        let said = said.expect("the parts that the head alone decides");
        let to_head = upgrade.request().method() == "HEAD";
        if input.flags & REJECT != 0 {
            let status = StatusCode::from_u16(100 + u16::from(input.limits) * 2).expect("under 1000");
            let mut response = Response::new(Bytes::from_static(b"no, thank you"));
            *response.status_mut() = status;
            let mut rejection = upgrade.reject(response);
            return Self { said, answer: drain(rejection.transmit()), accepted: None, to_head };
        }
        let mut acceptance = Acceptance::new().header("X-Own", "1").expect("a field");
        if input.flags & UNASKED != 0 {
            acceptance = acceptance.subprotocol("superchat".try_into().expect("a token"));
        } else if let Some(chosen) = upgrade.select(&["v2", "chat"]).filter(|_| input.flags & SELECT != 0) {
            acceptance = acceptance.subprotocol(chosen);
        }
        match upgrade.accept(acceptance) {
            Ok(mut connection) => {
                let answer = drain(connection.transmit());
                let told = tell(&mut connection, rest);
                Self { said, answer, accepted: Some(told), to_head }
            }
            Err(mut rejection) => {
                let said = format!("{said} {:?}", rejection.error());
                Self { said, answer: drain(rejection.transmit()), accepted: None, to_head }
            }
        }
    }

    fn check(&self, input: Cut<'_>) {
        let head = Head::read_request(input.bytes);
        let Some((items, failed)) = &self.accepted else {
            if self.said == "Eof" {
                assert_eq!(self.answer.is_empty(), input.bytes.is_empty());
            }
            if !self.answer.is_empty() {
                let status = http::check_refusal(&self.answer, self.to_head);
                assert!(input.flags & REJECT != 0 || (400..600).contains(&status), "{status}");
            } else {
                assert_eq!(self.said, "Eof", "no answer");
            }
            if input.flags & (REJECT | UNASKED) == 0 && input.limits == 0 {
                assert!(!head.as_ref().is_some_and(is_beyond_doubt), "refused: {}", self.said);
            }
            return;
        };
        let head = head.expect("what is accepted has a head");
        assert!(is_acceptable(&head), "accepted: {head:?}");
        let answer = Head::read(&self.answer).expect("a head");
        let key = head.one("sec-websocket-key").expect("one key");
        assert_eq!(answer.line, "HTTP/1.1 101 Switching Protocols");
        assert_eq!(answer.one("sec-websocket-accept"), Some(&*http::accept(key)));
        assert!(answer.one("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")));
        assert!(answer.lists("connection", "upgrade"));
        assert!(answer.all("sec-websocket-extensions").is_empty());
        assert!(answer.all("content-length").is_empty() && answer.all("transfer-encoding").is_empty());
        match answer.all("sec-websocket-protocol")[..] {
            [] => assert_eq!(input.flags & UNASKED, 0),
            [chosen] => {
                let mut offered = head.all("sec-websocket-protocol").into_iter().flat_map(http::elements);
                assert!(offered.any(|offered| offered == chosen));
            }
            ref many => panic!("{many:?}"),
        }
        // The connection has sent nothing before the 101 but that.
        let reading = model::read(Role::Server, &input.bytes[head.size..], LIMITS);
        assert_eq!(self.answer.len(), answer.size);
        assert_eq!((items, *failed), (&reading.items, reading.error.is_some()), "after the head");
    }
}

/// RFC 6455 §4.2.1.
fn is_acceptable(head: &Head) -> bool {
    let version = head.one("sec-websocket-version");
    head.line.starts_with("GET ")
        && head.line.ends_with(" HTTP/1.1")
        && head.one("host").is_some_and(|host| !host.is_empty())
        && head.lists("upgrade", "websocket")
        && head.lists("connection", "upgrade")
        && version == Some("13")
        && head.one("sec-websocket-key").is_some_and(http::is_key)
        && head.all("transfer-encoding").is_empty()
        && head.all("content-length").iter().all(|length| *length == "0")
        && head.all("sec-websocket-protocol").into_iter().flat_map(http::elements).all(http::is_token)
}

/// Acceptable, and with nothing in it that anybody could refuse.
fn is_beyond_doubt(head: &Head) -> bool {
    const NAMES: [&str; 7] = [
        "host",
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
        "cookie",
        "user-agent",
    ];
    let host = head.one("host").unwrap_or_default();
    is_acceptable(head)
        && head.is_plain(&NAMES)
        && ["GET / HTTP/1.1", "GET /chat HTTP/1.1"].contains(&&*head.line)
        && (host == "example.com" || host == "localhost")
        && head.size < 8000
}
