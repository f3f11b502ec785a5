//! The opening handshake: header fields, subprotocols, refusals; and many connections at once.
use crate::{
    case::{Case, Opened, Ours, Role, finish, recv},
    puppet::{Options, Refuse, Saw},
};
use sansocket::{
    CloseCode, CloseFrame, Error, Message,
    bytes::Bytes,
    handshake::HandshakeError,
    http::{Response, StatusCode},
};
use std::{collections::BTreeSet, thread};

pub fn header_fields_pass_both_ways(case: Case) {
    let ours = Ours { headers: vec![("X-Ours", "from sansocket; q=1")], ..Ours::default() };
    let headers = [("X-Theirs".to_owned(), "from the peer, \"quoted\"".to_owned())].into();
    let theirs = Options { headers, ..Options::default() };
    let Opened { socket, puppet, headers, seen } = case.open_with(&ours, &theirs);
    assert_eq!(headers["x-theirs"], "from the peer, \"quoted\"");
    assert_eq!(seen.0["x-ours"], "from sansocket; q=1");
    assert_eq!((seen.1, socket.subprotocol()), (None, None));
    finish(socket, puppet);
}

pub fn a_subprotocol_is_agreed(case: Case) {
    // The client prefers one that the server does not know.
    let (many, one) = (["chat.v3", "chat.v2", "chat.v1"], ["chat.v2"]);
    let (ours, theirs) = match case.role {
        Role::we_serve => (one.to_vec(), many.to_vec()),
        Role::we_connect => (many.to_vec(), one.to_vec()),
    };
    let ours = Ours { subprotocols: ours, ..Ours::default() };
    let theirs =
        Options { subprotocols: theirs.into_iter().map(String::from).collect(), ..Options::default() };
    let Opened { socket, puppet, seen, .. } = case.open_with(&ours, &theirs);
    assert_eq!(socket.subprotocol().unwrap().as_str(), "chat.v2");
    assert_eq!(seen.1.as_deref(), Some("chat.v2"));
    finish(socket, puppet);
}

const BODY: &str = "who are you?";

pub fn a_refusal_comes_with_its_body(case: Case) {
    let mut response = Response::new(Bytes::from(BODY));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert("www-authenticate", "Basic".try_into().unwrap());
    let ours = Ours { refusal: Some(response), ..Ours::default() };
    let theirs = Options { refuse: Some(Refuse { status: 401, body: BODY.into() }), ..Options::default() };
    let (mut outcomes, puppet) = case.try_open(&ours, &theirs);
    let error = outcomes.remove(0).unwrap_err();
    match case.role {
        Role::we_serve => {
            let rejected = StatusCode::UNAUTHORIZED;
            assert!(
                matches!(&error, Error::Handshake(HandshakeError::Rejected(status)) if *status == rejected),
                "{error:?}"
            );
            assert_eq!(puppet.saw(), Saw::Refused { status: 401, body: BODY.into() });
        }
        Role::we_connect => {
            let Error::Handshake(HandshakeError::Declined(response)) = error else { panic!("{error:?}") };
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(response.body(), BODY);
        }
    }
}

pub fn a_foreign_origin_is_refused(case: Case) {
    let headers = [("Origin".to_owned(), "https://elsewhere.example".to_owned())].into();
    let theirs = Options { headers, ..Options::default() };
    let (outcomes, puppet) = case.try_open(&Ours::default(), &theirs);
    assert!(outcomes[0].is_err());
    let saw = puppet.saw();
    assert!(
        matches!(&saw, Saw::Refused { status: 403, body } if body.contains("origin")),
        "the peer saw {saw:?}"
    );
}

pub fn several_connections_at_once(case: Case) {
    const COUNT: u16 = 8;
    let theirs = Options { count: COUNT.into(), ..Options::echo() };
    let (outcomes, puppet) = case.try_open(&Ours::default(), &theirs);
    for _ in 0..COUNT {
        let saw = puppet.saw();
        assert!(matches!(saw, Saw::Open { .. }), "{saw:?}");
    }
    let threads = outcomes.into_iter().zip(4_000..).map(|(opened, code)| {
        let (mut socket, _) = opened.unwrap();
        thread::spawn(move || {
            for n in 0..50 {
                let text = format!("{code}: {n} ").repeat(n + 1);
                socket.send(&text).unwrap();
                assert_eq!(recv(&mut socket), Message::text(text));
            }
            let code = CloseCode::new(code).unwrap();
            assert!(socket.close(CloseFrame::from(code)).unwrap().was_clean());
        })
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    let code = |saw| match saw {
        Saw::Closed { code, clean: true, .. } => code,
        other => panic!("the peer saw {other:?}"),
    };
    let seen: BTreeSet<_> = (0..COUNT).map(|_| code(puppet.saw())).collect();
    assert_eq!(seen, (4_000..4_000 + COUNT).collect());
}
