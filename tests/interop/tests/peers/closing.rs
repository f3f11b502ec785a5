//! The closing handshake, begun by either end; and ends without one.
use crate::{
    case::Case,
    puppet::{Command, Puppet, pattern},
};
use sansocket::{CloseCode, CloseFrame, Closed, Error, close::CloseSeen};

const CODE: u16 = 4_321;
const REASON: &str = "tschüß, 再见";

fn frame() -> CloseFrame {
    CloseFrame::truncate(CloseCode::new(CODE).unwrap(), REASON)
}

fn clean(closed: &Closed, code: u16, by_peer: bool, puppet: &Puppet, reason: &str) {
    assert!(closed.was_clean(), "{closed:?}");
    assert_eq!((closed.code(), closed.by_peer), (code, by_peer), "{closed:?}");
    assert_eq!((&closed.error, &closed.timed_out), (&None, &None));
    puppet.saw_closed(code, reason, true);
}

pub fn we_close_with_code_and_reason(case: Case) {
    let (mut socket, puppet) = case.open();
    let closed = socket.close(frame()).unwrap();
    assert_eq!(closed.sent, CloseSeen::Frame(frame()));
    clean(&closed, CODE, false, &puppet, REASON);
}

pub fn we_close_with_an_empty_frame(case: Case) {
    let (mut socket, puppet) = case.open();
    let closed = socket.close(None).unwrap();
    assert!(closed.was_clean() && !closed.by_peer, "{closed:?}");
    assert_eq!(closed.sent, CloseSeen::Empty);
    puppet.saw_closed(1005, "", true);
}

pub fn the_peer_closes_with_code_and_reason(case: Case) {
    let (mut socket, mut puppet) = case.open();
    puppet.tell(Command::Close { code: CODE, reason: REASON.into() });
    assert!(matches!(socket.recv().unwrap_err(), Error::Closed(_)), "{CODE} is no normal end");
    let closed = socket.closed().unwrap().clone();
    assert_eq!(closed.received, CloseSeen::Frame(frame()));
    assert_eq!(closed.reason(), REASON);
    let answered = closed.sent.frame().unwrap();
    assert_eq!(answered.code.get(), CODE);
    clean(&closed, CODE, true, &puppet, answered.reason.as_str());
}

pub fn the_peer_closes_with_an_empty_frame(case: Case) {
    let (mut socket, mut puppet) = case.open();
    puppet.tell(Command::CloseEmpty);
    assert_eq!(socket.recv().unwrap(), None);
    let closed = socket.closed().unwrap();
    assert_eq!((&closed.received, &closed.sent), (&CloseSeen::Empty, &CloseSeen::Empty));
    clean(closed, 1005, true, &puppet, "");
}

pub fn what_is_queued_arrives_before_the_close(case: Case) {
    let (mut socket, puppet) = case.open();
    (0..100).for_each(|n| socket.feed(format!("message {n}")).unwrap());
    socket.feed(pattern(200_000)).unwrap();
    let closed = socket.close(frame()).unwrap();
    (0..100).for_each(|n| puppet.saw_text(&format!("message {n}")));
    puppet.saw_binary(200_000);
    clean(&closed, CODE, false, &puppet, REASON);
}

pub fn the_peer_breaks_off(case: Case) {
    let (mut socket, mut puppet) = case.open();
    puppet.tell(Command::BreakOff);
    let error = socket.recv().unwrap_err();
    assert!(matches!(&error, Error::Lost(closed) if closed.code() == 1006), "{error:?}");
    let closed = socket.closed().unwrap();
    assert!(!closed.was_clean() && closed.received.is_none(), "{closed:?}");
}

pub fn we_break_off(case: Case) {
    let (mut socket, puppet) = case.open();
    socket.abort();
    assert_eq!(socket.closed().unwrap().code(), 1006);
    drop(socket);
    puppet.saw_closed(1006, "", false);
}
