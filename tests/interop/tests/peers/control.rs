//! Pings: answered with what they carry, from either end, also within a message in fragments.
use crate::{
    case::{Case, Socket, finish, recv},
    puppet::{Command, Puppet},
};
use sansocket::{Message, proto::Event};

fn payloads() -> [String; 3] {
    [String::new(), "are you there?".into(), "p".repeat(125)]
}

/// The next event, which has to be this.
fn expect(socket: &mut Socket, what: impl Fn(&Event<'_>) -> bool) {
    let (event, _) = socket.recv_event().unwrap().expect("the connection stays open");
    assert!(what(&event), "{event:?}");
}

/// Sends a chunk of a text message: in answer to a message, because that is when there is something to send it with.
fn send_chunk(socket: &mut Socket, puppet: &mut Puppet, chunk: &str, fin: bool) {
    puppet.tell(Command::Text { text: "go on".into() });
    let (event, mut reply) = socket.recv_event().unwrap().expect("the connection stays open");
    assert!(matches!(&event, Event::Message(message) if message.as_str() == Some("go on")), "{event:?}");
    reply.feed_chunk(chunk, fin).unwrap();
    drop(event);
    socket.flush().unwrap();
}

pub fn our_pings_are_answered(case: Case) {
    let (mut socket, puppet) = case.open();
    for payload in payloads() {
        socket.ping(&payload).unwrap();
        expect(&mut socket, |event| matches!(event, Event::Pong(answer) if *answer == payload.as_bytes()));
    }
    finish(socket, puppet);
}

pub fn the_peers_pings_are_answered(case: Case) {
    let (mut socket, mut puppet) = case.open();
    for payload in payloads() {
        puppet.tell(Command::Ping { payload: payload.clone() });
        expect(&mut socket, |event| matches!(event, Event::Ping(asked) if *asked == payload.as_bytes()));
        socket.flush().unwrap();
        puppet.saw_pong(&payload);
    }
    finish(socket, puppet);
}

pub fn our_ping_amid_our_fragments_is_answered(case: Case) {
    let (mut socket, mut puppet) = case.open();
    send_chunk(&mut socket, &mut puppet, "one, ", false);
    socket.ping("between").unwrap();
    expect(&mut socket, |event| matches!(event, Event::Pong(b"between")));
    send_chunk(&mut socket, &mut puppet, "two", true);
    puppet.saw_text("one, two");
    finish(socket, puppet);
}

pub fn the_peers_ping_amid_its_fragments_is_answered(case: Case) {
    let (mut socket, mut puppet) = case.open();
    let pieces = ["one, ", "two, ", "three"].map(|piece| piece.as_bytes().to_vec()).to_vec();
    // It sends the rest only once it has its answer.
    puppet.tell(Command::Fragments { text: true, pieces, ping: Some("between".into()) });
    assert_eq!(recv(&mut socket), Message::text("one, two, three"));
    puppet.saw_pong("between");
    finish(socket, puppet);
}

pub fn the_peers_ping_amid_our_fragments_is_answered(case: Case) {
    let (mut socket, mut puppet) = case.open();
    send_chunk(&mut socket, &mut puppet, "one, ", false);
    puppet.tell(Command::Ping { payload: "between".into() });
    expect(&mut socket, |event| matches!(event, Event::Ping(b"between")));
    socket.flush().unwrap();
    puppet.saw_pong("between");
    send_chunk(&mut socket, &mut puppet, "two", true);
    puppet.saw_text("one, two");
    finish(socket, puppet);
}
