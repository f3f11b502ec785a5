//! Whatever comes, in whatever pieces: the same outcome, and never a panic.
use crate::{ACCEPT, Head, answer_with, client_config, drain};
use proptest::prelude::*;
use sansocket::{
    Config,
    extension::ExtensionOffer,
    handshake::{Acceptance, ClientHandshake, ClientRequest, ServerHandshake, Url},
    proto::{Connection, Event},
};

fn messages(connection: &mut Connection) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(event) = connection.poll_event() {
        if let Event::Message(message) = event {
            texts.push(message.as_str().unwrap_or_default().to_owned());
        }
    }
    texts
}

/// What comes of these pieces on a server: the answer and the messages, or the error and the answer.
fn serve(pieces: &[&[u8]]) -> String {
    let mut handshake = ServerHandshake::new(Config::server());
    let mut pieces = pieces.iter();
    let upgrade = loop {
        match handshake.poll() {
            Ok(Some(upgrade)) => break upgrade,
            Ok(None) => match pieces.next() {
                Some(piece) => handshake.receive(piece),
                None => handshake.receive_eof(),
            },
            Err(error) => return format!("{error}\n{}", drain(handshake.transmit())),
        }
    };
    match upgrade.accept(Acceptance::new()) {
        Ok(mut connection) => {
            pieces.for_each(|piece| connection.receive(piece));
            format!("{}{:?}", drain(connection.transmit()), messages(&mut connection))
        }
        Err(mut rejection) => format!("{}\n{}", drain(rejection.transmit()), rejection.into_error()),
    }
}

/// What comes of these pieces on a client.
fn connect(pieces: &[&[u8]]) -> String {
    let mut handshake = ClientHandshake::new(ClientRequest::try_from("ws://a").unwrap(), client_config());
    let mut pieces = pieces.iter();
    loop {
        match handshake.poll() {
            Ok(Some(mut upgraded)) => {
                pieces.for_each(|piece| upgraded.connection.receive(piece));
                return format!("{:?}{:?}", upgraded.response, messages(&mut upgraded.connection));
            }
            Ok(None) => match pieces.next() {
                Some(piece) => handshake.receive(piece),
                None => handshake.receive_eof(),
            },
            Err(error) => return format!("{error:?}"),
        }
    }
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// Heads that are right, nearly right and wrong, each with something after it.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let good = Head::request;
    let heads = [
        good().bytes(),
        good().with("Origin: http://evil.example").bytes(),
        good().without("Host").bytes(),
        good().first("POST / HTTP/1.1").with("Content-Length: 5").bytes(),
        good().with(&"x".repeat(9000)).bytes(),
        b"GET / HTTP/1.1\nHost: a\n\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost".to_vec(),
    ];
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    (prop::sample::select(heads.to_vec()), 0..4usize)
        .prop_map(move |(head, n)| [head, hello.repeat(n)].concat())
}

fn responses() -> impl Strategy<Value = Vec<u8>> {
    let heads = [
        Head::response().bytes(),
        [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), Head::response().bytes()].concat(),
        Head::response().without("Connection").bytes(),
        b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n".to_vec(),
        b"HTTP/1.1 403 No\r\n\r\n".to_vec(),
        b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n"
            .to_vec(),
        format!("HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n", "0".repeat(300)).into_bytes(),
    ];
    (prop::sample::select(heads.to_vec()), 0..4usize)
        .prop_map(|(head, n)| [head, b"\x81\x05Hello".repeat(n)].concat())
}

proptest! {
    #[test]
    fn a_request_means_the_same_however_it_is_cut(
        bytes in requests(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)
    ) {
        let pieces = cut(&bytes, &cuts);
        let whole = serve(&[&bytes]);
        prop_assert_eq!(serve(&pieces), whole.clone());
        prop_assert_eq!(serve(&bytes.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn a_response_means_the_same_however_it_is_cut(
        bytes in responses(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)
    ) {
        let pieces = cut(&bytes, &cuts);
        let whole = connect(&[&bytes]);
        prop_assert_eq!(connect(&pieces), whole.clone());
        prop_assert_eq!(connect(&bytes.chunks(1).collect::<Vec<_>>()), whole);
    }

    /// Noise, and noise within a head, on either side: an outcome, and an answer that is HTTP.
    #[test]
    fn noise_never_panics(
        noise in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()
    ) {
        for (good, run) in [
            (Head::request().bytes(), serve as fn(&[&[u8]]) -> String),
            (Head::response().bytes(), connect),
        ] {
            let (before, after) = good.split_at(at.index(good.len()));
            run(&[&noise]);
            run(&[before, &noise, after]);
            run(&[before, &noise, b"\r\n\r\n"]);
        }
        let (text, result) = answer_with(&[&noise[..], b"\r\n\r\n\n"].concat(), Config::server());
        prop_assert!(result.is_ok() || text.starts_with("HTTP/1.1 4"), "{}", text);
    }

    #[test]
    fn a_changed_byte_never_panics(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut request = Head::request().with("Sec-WebSocket-Protocol: a, b").with("Sec-WebSocket-Extensions: a; b=\"c\"").bytes();
        let mut response = Head::response().with(&format!("X: {ACCEPT}")).bytes();
        for (at, byte) in flips {
            let (in_request, in_response) = (at.index(request.len()), at.index(response.len()));
            (request[in_request], response[in_response]) = (byte, byte);
        }
        serve(&[&request]);
        connect(&[&response]);
    }

    /// Whatever parses as a URL makes a request of which every byte is where it should be.
    #[test]
    fn any_url_makes_a_request_that_a_server_understands(
        text in "wss?://([a-z0-9]{1,9}(:[a-z%4]{0,3})?@)?[a-zé0-9.-]{1,12}(:[0-9]{1,5})?(/[ -~é☃]{0,20})?(\\?[!-~é]{0,20})?"
    ) {
        if let Ok(url) = Url::try_from(&*text) {
            let mut client = ClientHandshake::new(ClientRequest::new(url.clone()), client_config());
            let sent = drain(client.transmit());
            let mut server = ServerHandshake::new(Config::server());
            server.receive(sent.as_bytes());
            let upgrade = server.poll().unwrap().unwrap();
            prop_assert_eq!(upgrade.refusal(), None);
            prop_assert_eq!(upgrade.request().uri().to_string(), url.target());
            prop_assert_eq!(Url::try_from(&*url.to_string()).unwrap().authority(), url.authority());
        }
    }

    #[test]
    fn any_text_is_a_url_or_an_error(text in "\\PC{0,40}", scheme in "(wss?:)?/{0,3}") {
        let _ = Url::try_from(&*format!("{scheme}{text}"));
    }

    #[test]
    fn what_parses_as_extensions_displays_as_the_same(text in "[ab;=,\" \\\\]{0,20}") {
        if let Ok(offers) = ExtensionOffer::parse_list(&text) {
            let shown = offers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            prop_assert_eq!(ExtensionOffer::parse_list(&shown), Ok(offers));
        }
    }
}
