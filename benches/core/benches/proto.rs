//! Messages in and out of a `Connection`, each role on its own, and UTF-8 as the receiving half checks it.
use core_bench::{KEY, SIZES, ascii, frame, mixed};
use divan::{Bencher, black_box, counter::BytesCount};
use sansocket::{
    Config, Message,
    bytes::Buf,
    proto::{Connection, Established, Event, Role},
};

fn main() {
    divan::main();
}

fn connection(role: Role) -> Connection {
    let config = if role == Role::Client { Config::client() } else { Config::server() };
    Connection::new(Established::bare(role), config)
}

/// Bytes in, one message out, lent or made to last.
fn parse(bencher: Bencher<'_, '_>, role: Role, text: &str, owned: bool) {
    let frame = frame(text, (role == Role::Server).then_some(KEY));
    let mut connection = connection(role);
    bencher.counter(BytesCount::new(text.len())).bench_local(|| {
        connection.receive(black_box(&frame));
        while let Some(event) = connection.poll_event() {
            match event {
                Event::Message(message) if owned => drop(black_box(message.into_message())),
                Event::Message(message) => _ = black_box(message.as_str()),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[divan::bench(args = SIZES)]
fn parse_server_lent(bencher: Bencher<'_, '_>, size: usize) {
    parse(bencher, Role::Server, &ascii(size), false);
}
#[divan::bench(args = SIZES)]
fn parse_server_owned(bencher: Bencher<'_, '_>, size: usize) {
    parse(bencher, Role::Server, &ascii(size), true);
}
#[divan::bench(args = SIZES)]
fn parse_client_lent(bencher: Bencher<'_, '_>, size: usize) {
    parse(bencher, Role::Client, &ascii(size), false);
}
#[divan::bench(args = SIZES)]
fn parse_client_owned(bencher: Bencher<'_, '_>, size: usize) {
    parse(bencher, Role::Client, &ascii(size), true);
}

/// What `parse_server_lent` costs when the text is not ASCII, so that it must be validated in a pass of its own.
#[divan::bench(args = SIZES)]
fn utf8(bencher: Bencher<'_, '_>, size: usize) {
    parse(bencher, Role::Server, &mixed(size), false);
}

/// A message in, all its bytes out: lent to `send`, or shared with it.
fn encode(bencher: Bencher<'_, '_>, role: Role, size: usize, shared: bool) {
    let text = ascii(size);
    let message = Message::text(text.as_str());
    let mut connection = connection(role);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let sent = if shared { connection.send(&message) } else { connection.send(text.as_str()) };
        assert_eq!(sent, Ok(()));
        while connection.transmit().has_remaining() {
            let transmit = connection.transmit();
            let taken = black_box(transmit.chunk()).len();
            transmit.advance(taken);
        }
    });
}

#[divan::bench(args = SIZES)]
fn encode_server_lent(bencher: Bencher<'_, '_>, size: usize) {
    encode(bencher, Role::Server, size, false);
}
#[divan::bench(args = SIZES)]
fn encode_server_shared(bencher: Bencher<'_, '_>, size: usize) {
    encode(bencher, Role::Server, size, true);
}
#[divan::bench(args = SIZES)]
fn encode_client_lent(bencher: Bencher<'_, '_>, size: usize) {
    encode(bencher, Role::Client, size, false);
}
#[divan::bench(args = SIZES)]
fn encode_client_shared(bencher: Bencher<'_, '_>, size: usize) {
    encode(bencher, Role::Client, size, true);
}
