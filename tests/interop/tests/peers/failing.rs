//! What one end may not send, or the other will not take: both see the code that says so.
use crate::{
    case::{Case, Opened, Ours, recv},
    puppet::{Command, Options, Puppet, Saw, pattern},
};
use sansocket::{CloseCode, Error};

const LIMIT: usize = 1_000;

fn saw_code(puppet: &Puppet, expected: CloseCode) {
    let saw = puppet.saw();
    assert!(matches!(&saw, Saw::Closed { code, .. } if *code == expected.get()), "{saw:?}");
}

pub fn text_that_is_not_utf8_ends_with_1007(case: Case) {
    let (mut socket, mut puppet) = case.open();
    puppet.tell(Command::NotUtf8);
    let error = socket.recv().unwrap_err();
    let expected = CloseCode::INVALID_PAYLOAD;
    assert!(matches!(&error, Error::Protocol(error) if error.close_code() == expected), "{error:?}");
    saw_code(&puppet, expected);
}

pub fn a_message_too_big_for_us_ends_with_1009(case: Case) {
    let mut ours = Ours::default();
    ours.config.max_message_size = LIMIT;
    for pieces in [1, 3] {
        let Opened { mut socket, mut puppet, .. } = case.open_with(&ours, &Options::default());
        puppet.tell(Command::Binary { size: LIMIT });
        assert_eq!(recv(&mut socket).len(), LIMIT);
        let message = pattern(LIMIT + 1);
        let pieces = message.chunks(LIMIT.div_ceil(pieces) + 1).map(<[u8]>::to_vec).collect();
        puppet.tell(Command::Fragments { text: false, pieces, ping: None });
        let error = socket.recv().unwrap_err();
        let expected = CloseCode::MESSAGE_TOO_BIG;
        assert!(matches!(&error, Error::Protocol(error) if error.close_code() == expected), "{error:?}");
        saw_code(&puppet, expected);
    }
}

pub fn a_message_too_big_for_the_peer_ends_with_1009(case: Case) {
    let theirs = Options { max_size: Some(LIMIT), ..Options::default() };
    let Opened { mut socket, puppet, .. } = case.open_with(&Ours::default(), &theirs);
    socket.send(pattern(LIMIT)).unwrap();
    puppet.saw_binary(LIMIT);
    socket.send(pattern(LIMIT + 1)).unwrap();
    assert!(matches!(socket.recv().unwrap_err(), Error::Closed(_)));
    let closed = socket.closed().unwrap();
    assert_eq!(closed.code(), CloseCode::MESSAGE_TOO_BIG.get());
    assert!(closed.by_peer, "{closed:?}");
}
