//! Any answer to our request, cut in two ways: one outcome, in bounded memory. It becomes a connection only if it is
//! the 101 that answers the key; and no byte after the head is lost.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sansocket::{
    handshake::{ClientHandshake, ClientRequest, HandshakeError},
    proto::Role,
};
use sansocket_fuzz::{
    cuts::{Cut, LIMITS, check_buffer, drain, tell},
    http::{self, Head},
    memory,
    model::{self, Item},
};

/// Flags. Subprotocols are offered; one of them must be chosen.
const OFFER: u8 = 1;
const REQUIRE: u8 = 2;

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
    refused: Option<(u16, Vec<u8>)>,
    /// What the connection made of the bytes after the head, if it came to be.
    opened: Option<(Vec<Item>, bool)>,
    subprotocol: Option<String>,
    accept: String,
}

impl Outcome {
    fn of(input: Cut<'_>, cut: bool) -> Self {
        let config = input.config();
        let mut request = ClientRequest::try_from("ws://example.com/chat").expect("a URL");
        if input.flags & OFFER != 0 {
            for name in ["chat", "superchat"] {
                request = request.subprotocol(name.try_into().expect("a token"));
            }
        }
        if input.flags & REQUIRE != 0 {
            request = request.require_subprotocol();
        }
        let mut client = ClientHandshake::new(request, config.clone());
        let asked = Head::read(&drain(client.transmit())).expect("a request");
        let accept = http::accept(asked.one("sec-websocket-key").expect("a key"));
        let mut pieces = input.pieces(cut).into_iter();
        let mut most = 0;
        let outcome = loop {
            let Some(piece) = pieces.next() else {
                client.receive_eof();
                break client.poll().map(|upgraded| upgraded.expect("an outcome"));
            };
            most = most.max(piece.len());
            memory::forget();
            client.receive(piece);
            match client.poll() {
                Ok(None) => check_buffer(client.read_buf(), most, &config),
                Ok(Some(upgraded)) => break Ok(upgraded),
                Err(error) => break Err(error),
            }
        };
        assert!(matches!(client.poll(), Err(HandshakeError::Spent)));
        assert!(drain(client.transmit()).is_empty(), "more than a request");
        let mut story = Self { said: String::new(), refused: None, opened: None, subprotocol: None, accept };
        match outcome {
            Ok(mut upgraded) => {
                story.said = format!("{:?}", upgraded.response);
                story.subprotocol = upgraded.connection.subprotocol().map(|name| name.as_str().to_owned());
                story.opened = Some(tell(&mut upgraded.connection, pieces));
            }
            Err(error) => {
                story.said = http::failure(&error);
                if let HandshakeError::Declined(response) = &error {
                    story.refused = Some((response.status().as_u16(), response.body().to_vec()));
                }
            }
        }
        story
    }

    fn check(&self, input: Cut<'_>) {
        // Past the informational ones.
        let (mut at, mut heads, mut head) = (0, 0, None);
        while let Some(next) = Head::read(&input.bytes[at..]) {
            at += next.size;
            heads += 1;
            let informational = next.line.get(8..10) == Some(" 1") && next.line.get(9..12) != Some("101");
            head = Some(next);
            if !informational {
                break;
            }
        }
        let rest = &input.bytes[at..];
        if let Some((status, body)) = &self.refused {
            let head = head.as_ref().expect("what is refused has a head");
            assert!(*status >= 200 && head.line.get(9..12) == Some(&*status.to_string()));
            let limit = input.config().max_refusal_body;
            assert!(body.len() <= limit);
            let length = head.one("content-length").and_then(|length| length.parse::<usize>().ok());
            let chunked = !head.all("transfer-encoding").is_empty();
            if [204, 304].contains(status) {
                assert!(body.is_empty());
            } else if !chunked && (length.is_some() || head.all("content-length").is_empty()) {
                let due = rest.len().min(limit).min(length.unwrap_or(usize::MAX));
                assert_eq!(body, &rest[..due], "another body");
            }
        }
        let Some((items, failed)) = &self.opened else {
            if input.limits == 0 && input.flags & REQUIRE == 0 {
                let refused = head.filter(|head| self.is_beyond_doubt(head) && heads == 1 && at < 8000);
                assert!(refused.is_none(), "{refused:?}: {}", self.said);
            }
            return;
        };
        let head = head.expect("what opens has a head");
        assert!(self.is_acceptable(&head), "opened: {head:?}");
        match (&self.subprotocol, head.one("sec-websocket-protocol")) {
            (None, None) => assert!(input.flags & REQUIRE == 0 || input.flags & OFFER == 0),
            (Some(chosen), Some(named)) => {
                assert!(chosen == named && input.flags & OFFER != 0);
                assert!(["chat", "superchat"].contains(&named));
            }
            other => panic!("{other:?}"),
        }
        let reading = model::read(Role::Client, rest, LIMITS);
        assert_eq!((items, *failed), (&reading.items, reading.error.is_some()), "after the head");
    }

    /// RFC 6455 §4.1.
    fn is_acceptable(&self, head: &Head) -> bool {
        head.line.starts_with("HTTP/1.1 101")
            && !head.line[12..].starts_with(|c: char| c != ' ')
            && head.lists("upgrade", "websocket")
            && head.lists("connection", "upgrade")
            && head.one("sec-websocket-accept") == Some(&self.accept)
            && head.all("sec-websocket-extensions").is_empty()
            && head.all("sec-websocket-protocol").len() < 2
    }

    /// Acceptable, and with nothing in it that anybody could refuse.
    fn is_beyond_doubt(&self, head: &Head) -> bool {
        const NAMES: [&str; 5] = ["upgrade", "connection", "sec-websocket-accept", "server", "set-cookie"];
        self.is_acceptable(head)
            && head.is_plain(&NAMES)
            && head.line == "HTTP/1.1 101 Switching Protocols"
            && head.one("upgrade") == Some("websocket")
    }
}
