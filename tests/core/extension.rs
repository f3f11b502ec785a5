//! An extension that is not the library's own: negotiated by name, its codecs used in both directions, whatever the cuts.
//!
//! `x-runs` sends each run of a byte as its length and the byte, so that a little may become much.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use crate::support::*;
use proptest::prelude::*;
use sansocket::{
    Config, Delivery, Kind, Outgoing, Prepared, Violation,
    bytes::{Buf, BufMut, Bytes, BytesMut},
    extension::{
        self, Agreement, Decoder, Encoder, Extension, ExtensionOffer, InvalidAnswer, Output, Profile,
    },
    frame::Rsv,
    handshake::{Acceptance, ClientHandshake, ClientRequest, InvalidResponse, ServerHandshake},
    proto::{Connection, Established, Event, Role},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// How often a message has been encoded.
type Count = Arc<AtomicUsize>;

#[derive(Debug, Default)]
struct Runs {
    encoded: Count,
}

impl Runs {
    fn agreement(&self) -> Agreement {
        let answer = "x-runs".parse().unwrap();
        Agreement::new(
            answer,
            Rsv::RSV2,
            RunsEncoder { encoded: self.encoded.clone() },
            RunsDecoder::default(),
        )
    }
}

impl Extension for Runs {
    fn name(&self) -> &str {
        "x-runs"
    }
    fn offers(&self) -> Vec<ExtensionOffer> {
        vec!["x-runs; max=255".parse().unwrap(), "x-runs".parse().unwrap()]
    }
    fn accept(&self, offer: &ExtensionOffer) -> Option<Agreement> {
        (offer.params().count() == 0).then(|| self.agreement())
    }
    fn confirm(&self, answer: &ExtensionOffer) -> Result<Agreement, InvalidAnswer> {
        if answer.params().count() == 0 { Ok(self.agreement()) } else { Err(InvalidAnswer) }
    }
}

#[derive(Debug)]
struct RunsEncoder {
    encoded: Count,
}

impl Encoder for RunsEncoder {
    fn begin(&mut self, len: Option<usize>) -> Rsv {
        if len.is_some_and(|len| len < 4) { Rsv::NONE } else { Rsv::RSV2 }
    }
    fn encode(&mut self, chunk: &[u8], _fin: bool, out: &mut BytesMut) {
        self.encoded.fetch_add(1, Ordering::Relaxed);
        for run in chunk.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(255)) {
            out.put_slice(&[run.len() as u8, run[0]]);
        }
    }
    fn profile(&self) -> Option<Profile> {
        Some(Profile { extension: "x-runs", settings: 0 })
    }
}

#[derive(Debug, Default)]
struct RunsDecoder {
    run: Option<u8>,
    left: Option<(u8, u8)>,
}

impl Decoder for RunsDecoder {
    fn begin(&mut self, rsv: Rsv) -> Result<(), Violation> {
        assert_eq!(rsv, Rsv::RSV2);
        assert_eq!((self.run, self.left), (None, None));
        Ok(())
    }
    fn decode(&mut self, input: &[u8], fin: bool, out: &mut Output<'_>) -> Result<usize, Violation> {
        assert!(out.room() > 0, "there is always room for a byte");
        let mut taken = 0;
        while out.room() > 0 {
            if let Some((len, byte)) = self.left.take() {
                let rest = len - out.add(&vec![byte; len.into()]) as u8;
                self.left = (rest > 0).then_some((rest, byte));
                continue;
            }
            let Some(&byte) = input.get(taken) else { break };
            taken += 1;
            match self.run.take() {
                None => self.run = Some(byte),
                Some(len) => self.left = Some((len, byte)),
            }
        }
        let ended = fin && taken == input.len() && self.left.is_none();
        if ended && self.run.take().is_some() { Err(Violation::Encoding) } else { Ok(taken) }
    }
}

fn config(role: Role) -> Config {
    let mut config = if role == Role::Client { Config::client() } else { Config::server() };
    config.extensions = vec![Arc::new(Runs::default())];
    config
}

fn connection(role: Role, config: Config) -> Connection {
    Connection::new(Established::bare(role).with_extension(Runs::default().agreement()), config)
}

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    wire(first, payload, Some(PEER_KEY))
}
const RSV2: u8 = 0x20;

/// All that comes of these pieces: messages, whole; or in chunks, each with its end.
fn received(config: Config, pieces: &[&[u8]]) -> (Vec<(Kind, Vec<u8>)>, Option<Violation>) {
    let chunks = config.delivery == Delivery::Chunks;
    let mut connection = connection(Role::Server, config);
    let (mut messages, mut begun, mut failed) = (vec![], None::<Vec<u8>>, None);
    for piece in pieces {
        connection.receive(piece);
        while let Some(event) = connection.poll_event() {
            match event {
                Event::Message(message) => {
                    assert!(!chunks);
                    messages.push((message.kind(), message.as_bytes().to_vec()));
                }
                Event::Chunk { data, fin } => {
                    assert!(chunks && data.len() <= 64 << 10);
                    let kind = data.kind();
                    assert!(kind == Kind::Binary || std::str::from_utf8(data.as_bytes()).is_ok());
                    begun.get_or_insert_default().extend_from_slice(data.as_bytes());
                    if fin {
                        messages.push((kind, begun.take().unwrap_or_default()));
                    }
                }
                Event::Error(error) => failed = Some(error.violation),
                _ => {}
            }
        }
    }
    (messages, failed)
}

#[test]
fn section_9_1_it_is_negotiated_and_used_both_ways() {
    let request = ClientRequest::try_from("ws://example.com/").unwrap();
    let mut client = ClientHandshake::new(request, config(Role::Client));
    let mut server = ServerHandshake::new(config(Role::Server));
    let wire = client.transmit();
    let head = wire.copy_to_bytes(wire.remaining());
    assert!(String::from_utf8_lossy(&head).contains("Sec-WebSocket-Extensions: x-runs; max=255, x-runs\r\n"));
    server.receive(&head);
    let mut server =
        server.poll().unwrap().unwrap().accept(Acceptance::new()).map_err(|r| r.into_error()).unwrap();
    let wire = server.transmit();
    client.receive(&wire.copy_to_bytes(wire.remaining()));
    let mut client = client.poll().unwrap().unwrap().connection;
    for end in [&client, &server] {
        assert_eq!(end.extension().unwrap().to_string(), "x-runs");
    }
    client.send("aaaaaaaaaa").unwrap();
    let sent = written(&mut client);
    assert_eq!(frames(&sent)[0].first, TEXT | RSV2);
    assert_eq!(frames(&sent)[0].payload, [10, b'a']);
    server.receive(&sent);
    let (inbound, outbound) = server.halves();
    let Some(Event::Message(message)) = inbound.poll_event(outbound) else { panic!() };
    assert_eq!(message.as_str(), Some("aaaaaaaaaa"));
    outbound.send(message).unwrap(); // it is lent, and sent on
    let sent = written(&mut server);
    assert_eq!(sent, [TEXT | RSV2, 2, 10, b'a']);
}

#[test]
fn section_9_1_a_server_may_decline_and_a_client_fails_what_was_not_offered() {
    let offers = ExtensionOffer::parse_list("x-runs; a, y, x-runs; b").unwrap();
    assert!(extension::accept(&config(Role::Server).extensions, &offers).is_none());
    for (answer, fault) in [
        ("x-other", InvalidResponse::ExtensionNotOffered),
        ("x-runs; max=255", InvalidResponse::InvalidExtensionAnswer),
        ("x-runs, x-runs", InvalidResponse::ManyExtensions),
        ("x-runs, x-other", InvalidResponse::ExtensionNotOffered),
        ("x-runs;", InvalidResponse::MalformedExtensions),
    ] {
        let offers = extension::offers(&config(Role::Client).extensions);
        let answers = ExtensionOffer::parse_list(answer);
        if let Ok([answer]) = answers.as_deref() {
            let confirmed = extension::confirm(&config(Role::Client).extensions, &offers, answer);
            assert!(confirmed.is_err(), "{fault}");
        }
    }
}

#[test]
fn section_5_2_its_bits_are_those_of_the_first_frame_of_a_message_only() {
    let plain = frame(BINARY, b"plain");
    let whole = frame(BINARY | RSV2, &[3, 7]);
    let fine = [&plain[..], &whole, &plain].concat();
    let data = |bytes: &[u8]| (Kind::Binary, bytes.to_vec());
    let all = vec![data(b"plain"), data(&[7; 3]), data(b"plain")];
    assert_eq!(received(config(Role::Server), &[&fine]), (all, None));
    for wrong in [
        frame(BINARY | 0x40, &[3, 7]),
        frame(BINARY | 0x60, &[3, 7]),
        frame(PING | RSV2, b""),
        frame(CLOSE | RSV2, b""),
        [frame(2 | RSV2, &[3]), frame(FIN | RSV2, &[7])].concat(),
    ] {
        assert_eq!(received(config(Role::Server), &[&wrong]).1, Some(Violation::ReservedBits), "{wrong:x?}");
    }
}

#[test]
fn what_was_decoded_is_limited_exactly() {
    for (size, ok) in [(255 * 4, true), (255 * 4 + 1, false), (255 * 4 + 2, false)] {
        let mut config = config(Role::Server);
        config.max_message_size = 255 * 4;
        let mut runs = [255, 1].repeat(4);
        runs.extend([(size - 255 * 4) as u8, 1]);
        let (messages, failed) = received(config, &[&frame(BINARY | RSV2, &runs)]);
        let limit = 255 * 4;
        assert_eq!(failed, (!ok).then_some(Violation::MessageTooBig { limit }), "{size}");
        assert_eq!(messages, if ok { vec![(Kind::Binary, vec![1; size])] } else { vec![] });
    }
}

#[test]
fn in_chunks_it_takes_no_more_room_than_a_chunk() {
    let mut config = config(Role::Server);
    (config.delivery, config.max_message_size) = (Delivery::Chunks, 10);
    let much = frame(BINARY | RSV2, &[255, 1].repeat(2000));
    assert_eq!(received(config, &[&much]), (vec![(Kind::Binary, vec![1; 255 * 2000])], None));
}

#[test]
fn text_is_checked_after_decoding_and_at_the_first_wrong_byte() {
    let unfinished = frame(1 | RSV2, &[1, b'a', 1, 0xC3, 1, b'(']);
    assert_eq!(received(config(Role::Server), &[&unfinished]), (vec![], Some(Violation::Utf8)));
    let cut = frame(TEXT | RSV2, &[1, 0xC3]);
    assert_eq!(received(config(Role::Server), &[&cut]), (vec![], Some(Violation::Utf8)));
    let corrupt = frame(TEXT | RSV2, &[1, b'a', 1]);
    assert_eq!(received(config(Role::Server), &[&corrupt]), (vec![], Some(Violation::Encoding)));
}

#[test]
fn a_long_message_can_be_owned_and_what_follows_is_not_lost() {
    let mut connection = connection(Role::Server, config(Role::Server));
    let long = frame(BINARY | RSV2, &[255, 9].repeat(200));
    connection.receive(&[&long[..], &frame(TEXT, b"next"), &long].concat());
    for expected in [Kind::Binary, Kind::Text, Kind::Binary] {
        let Some(Event::Message(message)) = connection.poll_event() else { panic!() };
        assert_eq!(message.kind(), expected);
        let message = message.into_message();
        let bytes =
            if expected == Kind::Text { Bytes::from_static(b"next") } else { vec![9; 255 * 200].into() };
        assert_eq!(message.as_bytes(), &bytes[..]);
    }
    assert!(connection.poll_event().is_none());
}

#[test]
fn a_message_may_ask_to_be_sent_as_it_is() {
    let mut end = connection(Role::Server, config(Role::Server));
    end.send(Outgoing::from("aaaaaaaa").uncompressed()).unwrap();
    end.send("aaa").unwrap(); // too short to be worth it
    assert_eq!(written(&mut end), [&[TEXT, 8][..], b"aaaaaaaa", &[TEXT, 3], b"aaa"].concat());
    end.send_chunk(Outgoing::from("aaaaaaaa").uncompressed(), false).unwrap();
    end.send_chunk("aaaaaaaa", true).unwrap();
    assert_eq!(written(&mut end), [&[1, 8][..], b"aaaaaaaa", &[FIN, 8], b"aaaaaaaa"].concat());
    end.send_chunk("", false).unwrap();
    end.send_chunk("aaaaaaaa", false).unwrap();
    end.send_chunk("b", true).unwrap();
    assert_eq!(written(&mut end), [&[1 | RSV2, 2][..], &[8, b'a'], &[FIN, 2], &[1, b'b']].concat());
}

/// Others may be of any number of profiles.
#[derive(Debug)]
struct Odd(u64, Count);

impl Encoder for Odd {
    fn begin(&mut self, _: Option<usize>) -> Rsv {
        Rsv::RSV2
    }
    fn encode(&mut self, chunk: &[u8], _fin: bool, out: &mut BytesMut) {
        self.1.fetch_add(1, Ordering::Relaxed);
        out.put_slice(chunk);
    }
    fn profile(&self) -> Option<Profile> {
        Some(Profile { extension: "x-odd", settings: self.0 })
    }
}

#[test]
fn a_prepared_message_is_encoded_once_however_many_others_there_are() {
    let (prepared, count) = (Prepared::from("news"), Count::default());
    for round in 0..3 {
        for settings in 0..100 {
            let odd = Odd(settings, count.clone());
            let agreement = Agreement::new("x-odd".parse().unwrap(), Rsv::RSV2, odd, RunsDecoder::default());
            let established = Established::bare(Role::Server).with_extension(agreement);
            let mut end = Connection::new(established, Config::server());
            end.send(&prepared).unwrap();
            assert_eq!(written(&mut end), b"\xa1\x04news");
            let done = if round == 0 { settings as usize + 1 } else { 100 };
            assert_eq!(count.load(Ordering::Relaxed), done);
        }
    }
}

#[test]
fn a_prepared_message_is_encoded_once() {
    for (text, encoded) in [("aaaaaaaa".to_owned(), 1), ("aa".to_owned(), 0), ("ab".repeat(100_000), 1)] {
        let runs = Runs::default();
        let prepared = Prepared::from(text.as_str());
        for role in [Role::Server, Role::Server, Role::Client, Role::Server] {
            let mut end =
                Connection::new(Established::bare(role).with_extension(runs.agreement()), config(role));
            end.send(&prepared).unwrap();
            let sent = written(&mut end);
            let other = if role == Role::Client { Role::Server } else { Role::Client };
            let mut peer = connection(other, config(Role::Client));
            peer.receive(&sent);
            let Some(Event::Message(message)) = peer.poll_event() else { panic!() };
            assert_eq!(message.as_str(), Some(&text[..]));
            // And to one without the extension, as it is.
            let mut end = Connection::new(Established::bare(role), Config::server());
            end.send(&prepared).unwrap();
            let sent = written(&mut end);
            assert_eq!(frames(&sent).iter().map(|frame| frame.payload.len()).sum::<usize>(), text.len());
            assert_eq!(frames(&sent)[0].first & 0x70, 0);
        }
        assert_eq!(runs.encoded.load(Ordering::Relaxed), encoded, "{} bytes", text.len());
    }
}

proptest! {
    /// Any messages, plain and encoded, fragmented anyhow, with pings between, cut anyhow.
    #[test]
    fn any_cut_gives_the_same(
        messages in prop::collection::vec((any::<bool>(), prop::collection::vec((any::<u8>(), 32..126u8), 0..40), 1..9usize), 1..6),
        cut in 1..700usize,
        chunks in any::<bool>(),
    ) {
        let (mut bytes, mut expected) = (vec![], vec![]);
        for (encoded, runs, pieces) in &messages {
            let plain: Vec<u8> = runs.iter().flat_map(|&(len, byte)| vec![byte; len.into()]).collect();
            let sent: Vec<u8> =
                if *encoded { runs.iter().flat_map(|&(len, byte)| [len, byte]).collect() } else { plain.clone() };
            let size = sent.len().div_ceil(*pieces).max(1);
            let mut parts: Vec<&[u8]> = sent.chunks(size).collect();
            parts.extend(sent.is_empty().then_some(&[][..]));
            for (i, part) in parts.iter().enumerate() {
                let fin = if i + 1 == parts.len() { FIN } else { 0 };
                let first = if i == 0 { 1 | if *encoded { RSV2 } else { 0 } } else { 0 };
                bytes.extend(frame(fin | first, part));
                bytes.extend(frame(PING, b"between"));
            }
            expected.push((Kind::Text, plain));
        }
        let mut config = config(Role::Server);
        config.delivery = if chunks { Delivery::Chunks } else { Delivery::Messages };
        let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
        prop_assert_eq!(received(config, &pieces), (expected, None));
    }
}
