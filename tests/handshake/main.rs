//! The opening handshake, rule by rule: `Rule of RFC 6455 §…` names a rule of the list in `tests/source/rules.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "a test has to begin at some time")]
mod advisories;
mod client;
mod extensions;
mod http;
mod origins;
mod properties;
mod refusals;
mod server;
mod session;
mod url;

use bytes::Buf;
use sansocket::{
    Config,
    entropy::Entropy,
    handshake::{Acceptance, HandshakeError, ServerHandshake, Upgrade},
    proto::{Connection, Transmit},
};
use sansocket_test_support::http::{ACCEPT, KEY};
use std::{sync::Arc, time::Duration};

/// No chance: the nonce of RFC 6455 §1.3, and nothing else.
#[derive(Debug)]
struct SampleNonce;
impl Entropy for SampleNonce {
    fn fill(&self, dest: &mut [u8]) {
        dest.copy_from_slice(&b"the sample nonce"[..dest.len()]);
    }
}

fn client_config() -> Config {
    let mut config = Config::client();
    config.entropy = Arc::new(SampleNonce);
    config
}

/// A head that is correct until a test changes it.
#[derive(Clone)]
struct Head(Vec<String>);
impl Head {
    fn request() -> Self {
        Self(vec![
            "GET /chat HTTP/1.1".into(),
            "Host: example.com".into(),
            "Upgrade: websocket".into(),
            "Connection: Upgrade".into(),
            format!("Sec-WebSocket-Key: {KEY}"),
            "Sec-WebSocket-Version: 13".into(),
        ])
    }
    fn response() -> Self {
        Self(vec![
            "HTTP/1.1 101 Switching Protocols".into(),
            "Upgrade: websocket".into(),
            "Connection: Upgrade".into(),
            format!("Sec-WebSocket-Accept: {ACCEPT}"),
        ])
    }
    fn first(mut self, line: &str) -> Self {
        self.0[0] = line.into();
        self
    }
    fn without(mut self, name: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|line| !line.starts_with(&format!("{name}:")));
        assert!(self.0.len() < before, "there is no {name}");
        self
    }
    fn with(mut self, line: &str) -> Self {
        self.0.push(line.into());
        self
    }
    /// Another value for a field that is there.
    fn but(self, line: &str) -> Self {
        self.without(line.split(':').next().unwrap()).with(line)
    }
    fn bytes(&self) -> Vec<u8> {
        format!("{}\r\n\r\n", self.0.join("\r\n")).into_bytes()
    }
}

fn drain(transmit: &mut Transmit) -> String {
    let mut bytes = vec![0; transmit.remaining()];
    transmit.copy_to_slice(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// The request as a server sees it, which must be HTTP.
fn ask(head: &Head) -> Upgrade {
    let mut handshake = ServerHandshake::new(Config::server());
    handshake.receive(&head.bytes());
    handshake.poll().unwrap().unwrap()
}

/// What a server that accepts everything answers, and what comes of it.
fn answer_with(bytes: &[u8], config: impl Into<Arc<Config>>) -> (String, Result<Connection, HandshakeError>) {
    let mut handshake = ServerHandshake::new(config);
    handshake.receive(bytes);
    match handshake.poll() {
        Ok(None) => panic!("no outcome"),
        Err(error) => (drain(handshake.transmit()), Err(error)),
        Ok(Some(upgrade)) => match upgrade.accept(Acceptance::new()) {
            Ok(mut connection) => (drain(connection.transmit()), Ok(connection)),
            Err(mut rejection) => (drain(rejection.transmit()), Err(rejection.into_error())),
        },
    }
}

fn answer(head: &Head) -> (String, Result<Connection, HandshakeError>) {
    answer_with(&head.bytes(), Config::server())
}

fn is_accepted(head: &Head) -> bool {
    let (text, result) = answer(head);
    assert_eq!(text.starts_with("HTTP/1.1 101 "), result.is_ok(), "{text}");
    result.is_ok()
}

/// The status, and the fields in lower case, of an answer that ends its connection; its length is checked.
fn parse(answer: &str) -> (u16, Vec<(String, String)>, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
    let fields = lines.map(|line| line.split_once(": ").unwrap());
    let fields: Vec<_> = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    (status, fields, body.to_owned())
}

fn values<'a>(fields: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    fields.iter().filter(|(field, _)| field == name).map(|(_, value)| &**value).collect()
}

const TEN_SECONDS: Duration = Duration::from_secs(10);
