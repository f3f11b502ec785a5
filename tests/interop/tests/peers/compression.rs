//! permessage-deflate: both ends compress, each reads what the other made; and the wire shows it.
use crate::{
    case::{Case, Opened, Ours, Role, finish, recv},
    puppet::{Command, Options, Saw, Theirs},
    tap::{Passed, Tap},
};
use sansocket::{CloseCode, Config, Deflate, Error, Kind, Message, extension::deflate::Context};
use std::{io::Write, sync::Arc};

/// Whether each end would keep its contexts (they are kept if both would), and its windows.
const TERMS: [(Context, Context); 6] = [
    (terms(false, 12), terms(true, 15)),
    (terms(false, 12), terms(false, 15)),
    (terms(true, 15), terms(true, 15)),
    (terms(true, 15), terms(false, 15)),
    (terms(true, 15), terms(true, 12)),
    (terms(true, 9), terms(true, 9)),
];

const fn terms(takeover: bool, window_bits: u8) -> Context {
    Context { window_bits, takeover }
}

fn compressing(context: Context) -> Config {
    let mut deflate = Deflate::default();
    (deflate.min_size, deflate.send, deflate.receive) = (0, context, Some(context));
    let mut config = Ours::default().config;
    config.extensions = vec![Arc::new(deflate)];
    config
}

fn open(case: Case, (ours, theirs): (Context, Context), echo: bool) -> (Opened, Tap) {
    let tap = Tap::default();
    let ours = Ours { config: compressing(ours), tap: Some(tap.clone()), ..Ours::default() };
    let deflate = Theirs { takeover: theirs.takeover, window_bits: theirs.window_bits };
    let opened = case.open_with(&ours, &Options { echo, deflate: Some(deflate), ..Options::default() });
    assert_eq!(opened.socket.extension().unwrap().name(), "permessage-deflate");
    (opened, tap)
}

/// As random as they come, and the same each time.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

/// 1 KiB and a bit, with little to compress in itself.
fn json() -> String {
    let fields = noise(180)
        .chunks(4)
        .enumerate()
        .map(|(n, bytes)| format!("\"{n}\":\"{bytes:02x?}\""))
        .collect::<Vec<_>>();
    format!("{{{}}}", fields.join(","))
}

/// 1 MiB, in characters of every length.
fn text() -> String {
    let words = ["grüße, ", "世界 ", "🦀 ", "hello ", "κόσμε "];
    let mut text: String =
        noise(200_000).iter().map(|&byte| words[usize::from(byte) % words.len()]).collect();
    while text.len() > 1 << 20 {
        text.pop();
    }
    text
}

/// The JSON twice, and nothing in between, so that the wire tells whether the second was compressed by the first.
fn messages() -> Vec<Message> {
    vec![
        Message::text(json()),
        Message::text(json()),
        Message::text(""),
        Message::text("ü"),
        Message::text(text()),
        Message::binary(noise(100_000)),
        Message::binary(vec![]),
        Message::binary(vec![0; 1 << 20]),
    ]
}

/// Every message was compressed, the JSON the second time by what had been sent before if contexts are kept.
fn saw(tap: &Tap, from_client: bool, sent: &[Message], kept: bool) {
    let passed = tap.messages(from_client);
    assert_eq!(passed.len(), sent.len());
    assert!(passed.iter().all(|message| message.compressed()), "from the client: {from_client}: {passed:?}");
    let len = |at: usize| passed[at].len;
    assert!(len(4) < sent[4].len() / 5, "1 MiB of text: {passed:?}");
    let worst = |message: &Message| message.len() + message.len() / 100 + 16;
    assert!(passed.iter().zip(sent).all(|(Passed { len, .. }, sent)| *len <= worst(sent)), "{passed:?}");
    if kept {
        assert!(len(1) < len(0) / 2, "contexts are kept: {passed:?}");
    } else {
        assert_eq!(len(0), len(1), "contexts are not kept: {passed:?}");
    }
}

pub fn compressed_messages_are_echoed_by_the_peer(case: Case) {
    for terms in TERMS {
        let (Opened { mut socket, puppet, .. }, tap) = open(case, terms, true);
        let sent = messages();
        for message in &sent {
            socket.send(message).unwrap();
            assert!(recv(&mut socket) == *message, "{terms:?}: {} bytes came back changed", message.len());
        }
        finish(socket, puppet);
        // A window of 9 bits does not reach back to the message before.
        let kept = terms.0.takeover && terms.1.takeover;
        if terms.0.window_bits > 9 {
            saw(&tap, true, &sent, kept);
            saw(&tap, false, &sent, kept);
        }
    }
}

pub fn compressed_messages_are_echoed_by_us(case: Case) {
    for terms in TERMS {
        let (Opened { mut socket, mut puppet, .. }, tap) = open(case, terms, false);
        for text in [&json(), "", "ü", &text()] {
            puppet.tell(Command::Text { text: text.to_owned() });
            let message = recv(&mut socket);
            assert!(message.as_str() == Some(text), "{terms:?}");
            socket.send(message).unwrap();
            puppet.saw_text(text);
        }
        puppet.tell(Command::Fragments { text: false, pieces: vec![noise(100_000)], ping: None });
        let message = recv(&mut socket);
        assert!(message.as_bytes() == noise(100_000), "{terms:?}");
        socket.send(message).unwrap();
        assert_eq!(puppet.saw(), Saw::Binary { size: 100_000, intact: false }, "not the pattern");
        finish(socket, puppet);
        for from_client in [true, false] {
            let passed = tap.messages(from_client);
            assert!(passed.len() == 5 && passed.iter().all(|message| message.compressed()), "{passed:?}");
        }
    }
}

pub fn compressed_messages_in_chunks_are_whole(case: Case) {
    for terms in TERMS {
        let (Opened { mut socket, mut puppet, .. }, tap) = open(case, terms, false);
        let text = "grüße, 世界 🦀".repeat(200);
        for size in [1, 3, 1_000] {
            let pieces: Vec<Vec<u8>> = text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
            let mut writer = socket.message_writer(Kind::Text);
            pieces.iter().for_each(|piece| writer.write_all(piece).unwrap());
            writer.finish().unwrap();
            puppet.saw_text(&text);
            puppet.tell(Command::Fragments { text: true, pieces, ping: Some("amid".into()) });
            assert!(recv(&mut socket).as_str() == Some(&text), "{terms:?}");
            puppet.saw_pong("amid");
        }
        let mut writer = socket.message_writer(Kind::Text);
        text.as_bytes().chunks(100).for_each(|piece| {
            writer.write_all(piece).unwrap();
            writer.flush().unwrap();
        });
        writer.finish().unwrap();
        puppet.saw_text(&text);
        finish(socket, puppet);
        let ours = tap.messages(case.role == Role::we_connect);
        assert!(ours.len() == 4 && ours.iter().all(|message| message.compressed()), "{ours:?}");
    }
}

pub fn what_becomes_too_big_when_inflated_ends_with_1009(case: Case) {
    let (mut config, limit) = (compressing(terms(false, 12)), 1 << 20);
    config.max_message_size = limit;
    let theirs = Theirs { takeover: false, window_bits: 15 };
    let theirs = Options { deflate: Some(theirs), ..Options::default() };
    let ours = Ours { config, ..Ours::default() };
    let Opened { mut socket, mut puppet, .. } = case.open_with(&ours, &theirs);
    puppet.tell(Command::Binary { size: limit });
    assert_eq!(recv(&mut socket).len(), limit);
    puppet.tell(Command::Binary { size: limit + 1 });
    let error = socket.recv().unwrap_err();
    let expected = CloseCode::MESSAGE_TOO_BIG;
    assert!(matches!(&error, Error::Protocol(error) if error.close_code() == expected), "{error:?}");
    let saw = puppet.saw();
    assert!(matches!(&saw, Saw::Closed { code, .. } if *code == expected.get()), "{saw:?}");
}
