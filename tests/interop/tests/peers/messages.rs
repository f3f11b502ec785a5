//! Data messages: of every length, in one frame or many, in a row.
use crate::{
    case::{Case, Opened, Ours, echo, finish, recv},
    puppet::{Command, Options, pattern},
};
use sansocket::{Kind, Message};
use std::io::Write;

const SIZES: [usize; 8] = [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 5 << 20];
const BURST: usize = 1_000;

fn texts() -> Vec<String> {
    let long = "grüße, 世界 🦀 ".repeat(5_000);
    ["", "hello", "ü", "κόσμε", "\u{0}", "🦀", "\u{10ffff}\u{ffff}\u{7ff}", &long].map(String::from).to_vec()
}

pub fn text_is_echoed_by_the_peer(case: Case) {
    let (mut socket, puppet) = case.open_echoing();
    for text in texts() {
        socket.send(&text).unwrap();
        assert_eq!(recv(&mut socket), Message::text(text));
    }
    finish(socket, puppet);
}

pub fn text_is_echoed_by_us(case: Case) {
    let (mut socket, mut puppet) = case.open();
    for text in texts() {
        puppet.tell(Command::Text { text: text.clone() });
        echo(&mut socket);
        puppet.saw_text(&text);
    }
    finish(socket, puppet);
}

pub fn binary_of_every_size_is_echoed_by_the_peer(case: Case) {
    let (mut socket, puppet) = case.open_echoing();
    for size in SIZES {
        socket.send(pattern(size)).unwrap();
        let message = recv(&mut socket);
        assert_eq!((message.kind(), message.len()), (Kind::Binary, size));
        assert!(message.as_bytes() == pattern(size), "{size} bytes came back changed");
    }
    finish(socket, puppet);
}

pub fn binary_of_every_size_is_echoed_by_us(case: Case) {
    let (mut socket, mut puppet) = case.open();
    for size in SIZES {
        puppet.tell(Command::Binary { size });
        echo(&mut socket);
        puppet.saw_binary(size);
    }
    finish(socket, puppet);
}

pub fn fragments_of_the_peer_are_one_message(case: Case) {
    let (mut socket, mut puppet) = case.open();
    // Each character of more than one byte is in two frames or more.
    let text = "grüße, 世界 🦀".repeat(20);
    for size in [1, 3, 100] {
        let pieces = text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        puppet.tell(Command::Fragments { text: true, pieces, ping: None });
        assert_eq!(recv(&mut socket), Message::text(text.clone()));
    }
    for size in [1_000, 70_000] {
        let pieces: Vec<_> = pattern(150_000).chunks(size).map(<[u8]>::to_vec).collect();
        puppet.tell(Command::Fragments { text: false, pieces, ping: None });
        let message = recv(&mut socket);
        assert_eq!(message.kind(), Kind::Binary);
        assert!(message.as_bytes() == pattern(150_000), "{size} bytes a frame: the message is changed");
    }
    finish(socket, puppet);
}

pub fn chunks_that_we_write_are_one_message(case: Case) {
    let (mut socket, puppet) = case.open();
    let text = "grüße, 世界 🦀".repeat(20);
    for size in [1, 3, 100] {
        let mut writer = socket.message_writer(Kind::Text);
        text.as_bytes().chunks(size).for_each(|piece| writer.write_all(piece).unwrap());
        writer.finish().unwrap();
        puppet.saw_text(&text);
    }
    for size in [1_000, 70_000] {
        let mut writer = socket.message_writer(Kind::Binary);
        pattern(150_000).chunks(size).for_each(|piece| {
            writer.write_all(piece).unwrap();
            writer.flush().unwrap();
        });
        writer.finish().unwrap();
        puppet.saw_binary(150_000);
    }
    // A message without any chunk.
    socket.message_writer(Kind::Text).finish().unwrap();
    puppet.saw_text("");
    finish(socket, puppet);
}

pub fn a_message_that_we_send_in_many_frames_is_one(case: Case) {
    let mut ours = Ours::default();
    ours.config.fragment_size = 1_000;
    let Opened { mut socket, puppet, .. } = case.open_with(&ours, &Options::default());
    let text = "grüße, 世界 🦀".repeat(3_000);
    socket.send(&text).unwrap();
    puppet.saw_text(&text);
    socket.send(pattern(1 << 20)).unwrap();
    puppet.saw_binary(1 << 20);
    finish(socket, puppet);
}

pub fn a_burst_of_ours_arrives_in_order(case: Case) {
    let (mut socket, puppet) = case.open();
    (0..BURST).for_each(|n| socket.feed(format!("message {n}")).unwrap());
    socket.flush().unwrap();
    (0..BURST).for_each(|n| puppet.saw_text(&format!("message {n}")));
    finish(socket, puppet);
}

pub fn a_burst_of_the_peers_arrives_in_order(case: Case) {
    let (mut socket, mut puppet) = case.open();
    puppet.tell(Command::Burst { count: BURST });
    (0..BURST).for_each(|n| assert_eq!(recv(&mut socket), Message::text(format!("message {n}"))));
    finish(socket, puppet);
}
