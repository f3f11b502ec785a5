//! One driver moves the bytes of every machine: `Machine`.
use bytes::Buf;
use sansocket::{
    Config,
    handshake::{Acceptance, ClientHandshake, ClientRequest, ServerHandshake},
    proto::{Connection, Established, Machine, ReadyState, Role},
    session::{Session, SessionEvent},
};
use std::time::Duration;

fn client() -> ClientRequest {
    ClientRequest::try_from("ws://example.com/").unwrap()
}

/// Carries what waits from one machine to the other. `by_room`: without `receive`.
fn carry(from: &mut impl Machine, to: &mut impl Machine, by_room: bool) {
    while from.transmit().has_remaining() {
        let chunk = from.transmit().chunk().to_vec();
        from.transmit().advance(chunk.len());
        if by_room {
            to.read_buf().extend_from_slice(&chunk);
        } else {
            to.receive(&chunk);
        }
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "an epoch to count from")]
fn every_machine_wants_the_time_once_and_then_has_a_deadline() {
    let machines: [(&str, Box<dyn Machine>, Duration); 5] = [
        ("client", Box::new(ClientHandshake::new(client(), Config::client())), Duration::from_secs(10)),
        ("server", Box::new(ServerHandshake::new(Config::server())), Duration::from_secs(10)),
        (
            "session of a client",
            Box::new(Session::client(client(), Config::client())),
            Duration::from_secs(10),
        ),
        ("session of a server", Box::new(Session::server(Config::server())), Duration::from_secs(10)),
        (
            "connection",
            Box::new(Connection::new(Established::bare(Role::Server), Config::server())),
            Duration::from_secs(20),
        ),
    ];
    for (name, mut machine, until) in machines {
        let began = crate::support::epoch();
        assert!(machine.wants_time() && machine.poll_timeout().is_none(), "{name}");
        machine.handle_timeout(began);
        // A client's request has not left, which is no matter to the deadline of a handshake.
        assert!(!machine.wants_time(), "{name}");
        assert_eq!(machine.poll_timeout(), Some(began + until), "{name}");
    }
}

#[test]
fn one_driver_opens_and_runs_a_connection() {
    for by_room in [false, true] {
        let mut handshake = ServerHandshake::new(Config::server());
        let mut session = Session::client(client(), Config::client());
        carry(&mut session, &mut handshake, by_room);
        let upgrade = handshake.poll().unwrap().expect("the request has come");
        let mut connection = upgrade.accept(Acceptance::new()).unwrap();
        connection.send("hello").unwrap();
        carry(&mut connection, &mut session, by_room);
        assert!(matches!(session.poll_event(), Some(SessionEvent::Open(_))));
        let Some(SessionEvent::Message(message)) = session.poll_event() else { panic!("a message") };
        assert_eq!(message.as_text(), Some("hello"));
    }
}

#[test]
fn the_end_of_the_transport_reaches_every_machine() {
    fn end(machine: &mut impl Machine) {
        machine.receive_eof();
    }
    let mut handshake = ClientHandshake::new(client(), Config::client());
    end(&mut handshake);
    assert!(handshake.poll().is_err());
    let mut handshake = ServerHandshake::new(Config::server());
    end(&mut handshake);
    assert!(handshake.poll().is_err());
    let mut session = Session::server(Config::server());
    end(&mut session);
    assert!(matches!(session.poll_event(), Some(SessionEvent::Error(_))));
    let mut connection = Connection::new(Established::bare(Role::Client), Config::client());
    end(&mut connection);
    assert!(connection.poll_event().is_some());
}

/// Moves all that can be moved between two machines, by what they ask for. `false`: there was nothing.
fn drive(machine: &mut dyn Machine, peer: &mut dyn Machine) -> bool {
    let mut moved = false;
    if peer.wants_read() {
        while machine.transmit().has_remaining() {
            let chunk = machine.transmit().chunk().to_vec();
            machine.transmit().advance(chunk.len());
            peer.receive(&chunk);
            moved = true;
        }
        if machine.wants_shutdown() {
            machine.shut_down();
            assert!(!machine.wants_shutdown());
            peer.receive_eof();
            assert!(!peer.wants_read());
            moved = true;
        }
    }
    moved
}

#[test]
fn one_driver_ends_a_connection_and_a_session() {
    let mut handshake = ServerHandshake::new(Config::server());
    let mut client = Session::client(client(), Config::client());
    assert!(Machine::wants_read(&handshake) && Machine::wants_read(&client));
    assert!(drive(&mut client, &mut handshake));
    assert!(!drive(&mut handshake, &mut client), "a handshake has nothing to write, and shuts nothing down");
    let mut server = handshake.poll().unwrap().expect("a request").accept(Acceptance::new()).unwrap();
    assert!(drive(&mut server, &mut client));
    assert!(matches!(client.poll_event(), Some(SessionEvent::Open(_))));
    client.close(None::<sansocket::CloseFrame>);
    for _ in 0..3 {
        drive(&mut client, &mut server);
        while server.poll_event().is_some() {}
        drive(&mut server, &mut client);
        while client.poll_event().is_some() {}
    }
    assert_eq!([client.state(), server.state()], [ReadyState::Closed; 2]);
}

/// A transport ends once: a driver that has told a handshake does not tell the connection again.
#[test]
fn an_end_that_a_handshake_was_told_reaches_the_connection() {
    let (mut asking, mut asked) =
        (ClientHandshake::new(client(), Config::client()), ServerHandshake::new(Config::server()));
    carry(&mut asking, &mut asked, false);
    asked.receive_eof();
    let mut server = asked.poll().unwrap().expect("a request").accept(Acceptance::new()).unwrap();
    assert!(!server.wants_read());
    carry(&mut server, &mut asking, false);
    asking.receive_eof();
    let mut client = asking.poll().unwrap().expect("a response").connection;
    assert!(!client.wants_read());
    assert!(server.poll_event().is_some() && client.poll_event().is_some(), "the end");
}
