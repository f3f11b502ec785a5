//! Cases 4.3, 4.4 and 4.8: errors say what happened, once, and so that it can be read.
use crate::{app::*, model::*, stream::*, support::*};
use sansocket::{Closed, Deadline, Error, SendError, Violation, handshake::HandshakeError, proto::Role};
use std::{error::Error as _, io};

fn first_error(role: Role, adapter: Adapter, bytes: &[u8]) -> (Error, Closed, Outcome) {
    let script = |stream: &Stream| {
        comes(stream, bytes);
        stream.act_end();
    };
    let case = Case { role, compressed: false, config: &quiet, script: &script, steps: &[Do::Listen] };
    let mut run = case.run(adapter);
    let place = run.said.iter().position(|(_, said)| said.is_err()).expect("an error");
    let Err(error) = run.said.remove(place).1 else { unreachable!() };
    let closed = run.closed.clone().unwrap();
    (error, closed, run)
}

/// 4.3: what is wrong is the Close frame's reason, and its code is known.
#[test]
fn case_4_3_a_reason_that_is_not_utf_8_is_called_so_and_the_code_is_kept() {
    let payload = [&[0x03, 0xF3][..], &[b'x'; 122], &[0xC3]].concat();
    assert_eq!(wire(CLOSE, &payload, None)[..4], [0x88, 0x7D, 0x03, 0xF3]);
    for (role, adapter) in BOTH.into_iter().flat_map(|role| ALL.map(|adapter| (role, adapter))) {
        let (error, closed, run) = first_error(role, adapter, &from_peer_of(role, CLOSE, &payload));
        let Error::Protocol(error) = error else { panic!("{error:?}") };
        assert_eq!(error.close_code().get(), 1007, "{role:?} {adapter:?}");
        let text = error.to_string();
        assert!(text.contains("Close") && text.contains("reason"), "{role:?} {adapter:?}: {text}");
        assert_eq!(error.violation, Violation::CloseReason(1011), "{role:?} {adapter:?}");
        assert_eq!(closed.error.as_ref(), Some(&error));
        assert_eq!(run.stream.state().left_shape().1.unwrap()[..2], [0x03, 0xEF]);
    }
}

/// 4.4: a code that may not be sent is still a violation, and what the peer said beside it is kept.
#[test]
fn case_4_4_the_reason_beside_a_forbidden_code_is_kept() {
    for code in [1005_u16, 1006, 1015, 999, 0, 5000, 65_535] {
        for (role, adapter) in BOTH.into_iter().flat_map(|role| ALL.map(|adapter| (role, adapter))) {
            let frame = from_peer_of(role, CLOSE, body(code, "session expired"));
            let (error, closed, run) = first_error(role, adapter, &frame);
            let Error::Protocol(violation) = &error else { panic!("{error:?}") };
            assert_eq!(violation.close_code().get(), 1002);
            assert_eq!(run.stream.state().left_shape().1.unwrap()[..2], [0x03, 0xEA]);
            let told = [error.to_string(), closed.to_string(), format!("{closed:?}")];
            let kept = told.iter().any(|text| text.contains("session expired"));
            assert!(kept, "{code}, {role:?} {adapter:?}: {told:?}");
        }
    }
}

/// 4.4: also when it answers our own Close frame.
#[test]
fn case_4_4_the_reason_of_an_answer_with_a_forbidden_code_is_kept() {
    for (role, adapter) in BOTH.into_iter().flat_map(|role| ALL.map(|adapter| (role, adapter))) {
        let answer = Some(from_peer_of(role, CLOSE, body(1005, "session expired")));
        let script = |stream: &Stream| {
            stream.state().peer = Peer { answer: answer.clone(), ends: true, ends_after_us: true };
        };
        let steps = [Do::Close(0)]; // no code
        let case = Case { role, compressed: false, config: &quiet, script: &script, steps: &steps };
        let run = case.run(adapter);
        let closed = run.closed.as_ref().unwrap();
        let told = [closed.to_string(), format!("{closed:?}")];
        let kept = told.iter().any(|text| text.contains("session expired"));
        assert!(kept, "{role:?} {adapter:?}: {told:?}");
    }
}

/// One of each kind.
fn all_errors() -> Vec<Error> {
    let role = Role::Server;
    let frame = |first, payload: &[u8]| from_peer_of(role, first, payload);
    let of = |bytes: &[u8]| first_error(role, Adapter::Blocking, bytes).0;
    vec![
        io::Error::from(io::ErrorKind::ConnectionReset).into(),
        io::Error::other("the cable is out").into(),
        SendError::Closing.into(),
        SendError::LongControl(126).into(),
        Error::TimedOut(Deadline::Write),
        Error::TimedOut(Deadline::Keepalive),
        of(&[]),
        of(&frame(TEXT, b"\xFF")),
        of(&wire(TEXT, "x", None)),
        of(&frame(CLOSE, &body(1006, "session expired"))),
        of(&frame(TEXT, &vec![b'x'; (1 << 20) + 1])),
        HandshakeError::TimedOut.into(),
    ]
}

/// 4.8: `fn main() -> Result<(), Box<dyn Error>>` prints with `Debug`, and that is for people.
#[test]
fn case_4_8_debug_of_an_error_reads_as_its_display() {
    for error in all_errors() {
        let (debug, display) = (format!("{error:?}"), error.to_string());
        assert!(debug.contains(&display), "{debug}\ninstead of {display}");
        assert!(!debug.contains("Closed {") && !debug.contains("None"), "{debug}");
    }
}

/// 4.8: an error and its sources, one after the other as `anyhow` prints them, say nothing twice.
#[test]
fn case_4_8_an_error_and_its_sources_say_nothing_twice() {
    for error in all_errors() {
        let mut texts = vec![error.to_string()];
        let mut source = error.source();
        while let Some(error) = source {
            let text = error.to_string();
            let told = texts.iter().any(|before| before.contains(&text) || text.contains(before));
            assert!(!told, "{texts:?}, and then {text:?}");
            texts.push(text);
            source = error.source();
        }
    }
}

/// 4.8: whether another connection may fare better.
#[test]
fn case_4_8_an_error_says_whether_to_try_again() {
    assert!(Error::TimedOut(Deadline::Keepalive).is_retryable());
    assert!(Error::from(io::Error::from(io::ErrorKind::ConnectionReset)).is_retryable());
    assert!(first_error(Role::Server, Adapter::Blocking, &[]).0.is_retryable());
    assert!(!Error::from(SendError::LongControl(126)).is_retryable());
}
