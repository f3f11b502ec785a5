//! Cases 4.1, 4.2 and 4.5 to 4.7: the account of the end is what happened, once, and everywhere the same.
use crate::{app::*, clocks::*, mix::*, model::*, stream::*, support::*};
use futures_util::{
    SinkExt, StreamExt,
    future::{join, try_join},
};
use sansocket::{
    Deadline, Error,
    aio::{self, Runtime},
    proto::Role,
};
use std::io::ErrorKind;

/// 4.1: nothing was left behind, so there is nothing to complain of.
#[test]
fn case_4_1_flush_after_a_clean_close_is_ok() {
    everywhere(&ALL, |mix| {
        // Not before the message is sent, by whichever thread.
        let script = |stream: &Stream| {
            stream.at(millis(1), Act::Bytes(close_of(mix.role, 1000)));
            stream.at(millis(1), Act::End(Ok(())));
        };
        let run = mix.run(&|_| (), &script, &[Do::Send(noise(1, 100)), Do::Listen, Do::Flush]);
        run.judged(&Expected { takes_all: true, close_leaves: true, ends_within: Some(seconds(1)) });
        assert_eq!(run.errors().count(), 0, "{:?}", run.said);
    });
    for role in BOTH {
        let case = Case { role, compressed: false, config: &quiet, script: &|_| (), steps: &[] };
        let stream = Stream::new(true);
        comes(&stream, close_of(role, 1000));
        stream.act_end();
        run_told(&stream, async {
            let mut whole = aio::WebSocket::<_, ToldTime>::new(case.connection(), stream.clone());
            assert!(whole.recv().await.unwrap().is_none());
            SinkExt::flush(&mut whole).await.expect("whole");
        });
        let stream = Stream::new(true);
        comes(&stream, close_of(role, 1000));
        stream.act_end();
        run_told(&stream, async {
            let socket = aio::WebSocket::<_, ToldTime>::new(case.connection(), stream.clone());
            let (mut sender, mut receiver) = socket.split();
            assert!(receiver.recv().await.unwrap().is_none());
            sender.flush().await.expect("split");
            SinkExt::flush(&mut sender).await.expect("split, as a sink");
        });
    }
}

/// 4.1: what was left behind is told by `flush`, whenever it is asked.
#[test]
fn case_4_1_flush_after_an_end_that_left_something_behind_fails() {
    everywhere(&ALL, |mix| {
        let script = |stream: &Stream| {
            stream.state().write_fails_at = 50;
            stream.state().write_most = 60;
        };
        let run = mix.run(&|_| (), &script, &[Do::Feed(noise(1, 1000)), Do::Listen, Do::Flush]);
        run.judged(&Expected::default());
        assert!(
            matches!(run.said.last(), Some(("flush", Err(_))) | Some(("recv", Err(_)))),
            "{:?}",
            run.said
        );
    });
}

/// 4.1: a relay of two connections ends without an error when one closes as it should.
#[test]
fn case_4_1_a_relay_ends_well_at_a_normal_close() {
    async fn relay<R: Runtime<Stream>>(near: Stream, far: Stream, case: &Case<'_>) -> Result<(), Error> {
        let (sender_a, receiver_a) = aio::WebSocket::<_, R>::new(case.connection(), near).split();
        let (sender_b, receiver_b) = aio::WebSocket::<_, R>::new(case.connection(), far).split();
        try_join(receiver_a.forward(sender_b), receiver_b.forward(sender_a)).await.map(drop)
    }
    for role in BOTH {
        let case = Case { role, compressed: false, config: &quiet, script: &|_| (), steps: &[] };
        // The client of one says something and closes; the other's peer answers our Close frame, later.
        let streams = || {
            let (near, far) = (Stream::new(true), Stream::new(true));
            comes(&near, from_peer_of(role, TEXT, "over"));
            comes(&near, close_of(role, 1000));
            near.state().peer.ends_after_us = true;
            far.at(millis(100), Act::Bytes(close_of(role, 1000)));
            far.at(millis(100), Act::End(Ok(())));
            (near, far)
        };
        let (near, far) = streams();
        let (ended, _) = run_told(&far, relay::<ToldTime>(near.clone(), far.clone(), &case));
        ended.unwrap_or_else(|error| panic!("{role:?}: {error:?}"));
        assert_eq!(far.state().left_shape(), (1, Some(body(1000, ""))));
        assert_eq!(near.state().left_shape(), (0, Some(body(1000, ""))));
    }
}

/// 4.2: that the peer's TCP stayed open is a remark; how it ended is what both Close frames say.
#[test]
fn case_4_2_a_clean_end_displays_its_code_though_tcp_stayed_open() {
    for adapter in ALL {
        let frame = from_peer_of(Role::Client, CLOSE, body(1000, "bye"));
        let script = |stream: &Stream| stream.state().peer.answer = Some(frame.clone());
        let case = Case {
            role: Role::Client,
            compressed: false,
            config: &quiet,
            script: &script,
            steps: &[Do::Close(1000)],
        };
        let run = case.run(adapter);
        let closed = run.closed.as_ref().unwrap();
        assert!(closed.was_clean() && closed.code() == 1000, "{adapter:?}: {closed:?}");
        let text = closed.to_string();
        assert!(text.contains("1000") && text.contains("bye"), "{adapter:?}: {text}");
    }
}

/// 4.5: whatever ended it, a receiver tells it once, and then that there is nothing more; 4.6: and `closed` tells at once.
#[test]
fn case_4_5_and_4_6_an_error_is_told_once_and_closed_tells_at_once() {
    type End = fn(&Stream, Role);
    let ends: [(&str, End); 9] = [
        ("a reset", |stream, _| stream.state().end = Some(Err(ErrorKind::ConnectionReset))),
        ("a reset later", |stream, _| stream.at(seconds(1), Act::End(Err(ErrorKind::ConnectionReset)))),
        ("a time-out of TCP", |stream, _| stream.at(seconds(1), Act::End(Err(ErrorKind::ConnectionAborted)))),
        ("the end", |stream, _| stream.at(seconds(1), Act::End(Ok(())))),
        ("a reset after half a message", |stream, role| {
            comes(stream, &from_peer_of(role, TEXT, "half")[..4]);
            stream.state().end = Some(Err(ErrorKind::ConnectionReset));
        }),
        ("a violation, and a reset", |stream, _| {
            comes(stream, [0x83, 0x80, 0, 0, 0, 0]);
            stream.state().end = Some(Err(ErrorKind::ConnectionReset));
        }),
        ("a violation, and the end", |stream, _| {
            comes(stream, [0x83, 0x80, 0, 0, 0, 0]);
            stream.act_end();
        }),
        ("writing fails, and reading", |stream, _| {
            stream.state().write_fails = Some(ErrorKind::BrokenPipe);
            stream.at(seconds(1), Act::End(Err(ErrorKind::ConnectionReset)));
        }),
        ("nothing is taken", |stream, role| {
            stream.state().room = 0;
            comes(stream, from_peer_of(role, PING, "?"));
        }),
    ];
    for (name, end) in ends {
        everywhere(&ALL, |mix| {
            let run = mix.run(&|_| (), &|stream| end(stream, mix.role), &[Do::Listen]);
            run.judged(&Expected::default());
            let told = run.said.iter().filter(|(what, said)| *what == "recv" && said.is_err()).count();
            assert_eq!(
                (told, run.after_end.as_slice()),
                (1, &["None".to_owned(), "None".to_owned()][..]),
                "{name}"
            );
            assert!(run.closed_then.is_some(), "{name}: `closed` did not tell at once: {:?}", run.said);
            assert_eq!(run.closed_then, run.closed, "{name}");
        });
    }
}

/// 4.6: after an error of sending, too: at once on a whole socket; on a split one a sender has met it, and the receiver,
/// whose account it is, has it with its next call.
#[test]
fn case_4_6_closed_tells_at_once_after_an_error_of_sending() {
    for (takes, error) in [(0, Some(ErrorKind::BrokenPipe)), (10, None)] {
        let broken = |stream: &Stream| {
            stream.state().room = takes;
            stream.state().write_fails = error;
        };
        everywhere(&WHOLE, |mix| {
            let run = mix.run(&|_| (), &broken, &[Do::Send(noise(1, 1000))]);
            assert!(run.errors().next().is_some());
            assert!(run.closed_then.is_some(), "{:?}", run.said);
        });
        let case =
            Case { role: Role::Server, compressed: false, config: &quiet, script: &broken, steps: &[] };
        let stream = Stream::new(true);
        broken(&stream);
        run_told(&stream, async {
            let socket = aio::WebSocket::<_, ToldTime>::new(case.connection(), stream.clone());
            let (sender, mut receiver) = socket.split();
            let said = sender.send(noise(1, 1000)).await;
            let _ = receiver.recv().await;
            assert!(said.is_err() && receiver.closed().is_some(), "split: {said:?} {:?}", receiver.closed());
        });
        let stream = Stream::new(true);
        broken(&stream);
        let connection = case.connection();
        let (sender, mut receiver) = sansocket::blocking::WebSocket::new(connection, stream).split();
        let said = sender.send(noise(1, 1000));
        let _ = receiver.recv();
        assert!(said.is_err() && receiver.closed().is_some(), "blocking: {said:?} {:?}", receiver.closed());
    }
}

/// 4.7: `None` is for 1000, 1001 and no code; any other is an error that says which, and why.
#[test]
fn case_4_7_a_close_with_another_code_is_an_error() {
    for code in [1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000] {
        everywhere(&ALL, |mix| {
            let script = |stream: &Stream| {
                comes(stream, from_peer_of(mix.role, CLOSE, body(code, "the why")));
                stream.act_end();
            };
            let run = mix.run(&|_| (), &script, &[Do::Listen]);
            run.judged(&Expected { takes_all: true, close_leaves: true, ends_within: Some(seconds(1)) });
            let Some(error) = run.errors().next() else { panic!("{code}: {:?}", run.said) };
            let text = error.to_string();
            assert!(text.contains(&code.to_string()) && text.contains("the why"), "{text}");
            let closed = run.closed.as_ref().unwrap();
            assert!(closed.was_clean() && closed.code() == code && closed.reason() == "the why");
        });
    }
}

/// 4.7.
#[test]
fn case_4_7_a_close_with_1000_or_1001_or_no_code_is_the_end() {
    for payload in [body(1000, "bye"), body(1001, ""), vec![]] {
        everywhere(&ALL, |mix| {
            let script = |stream: &Stream| {
                comes(stream, from_peer_of(mix.role, CLOSE, &payload));
                stream.act_end();
            };
            let run = mix.run(&|_| (), &script, &[Do::Listen]);
            run.judged(&Expected { takes_all: true, close_leaves: true, ends_within: Some(seconds(1)) });
            assert_eq!(run.errors().count(), 0, "{:?}", run.said);
        });
    }
}

/// 4.7: who has closed has asked for the end, whatever the peer answers.
#[test]
fn case_4_7_an_answer_to_our_own_close_is_no_error() {
    everywhere(&SPLIT, |mix| {
        let script = |stream: &Stream| {
            let answer = Some(from_peer_of(mix.role, CLOSE, body(4000, "so long")));
            stream.state().peer = Peer { answer, ends: true, ends_after_us: true };
        };
        let run = mix.run(&|_| (), &script, &[Do::Close(1000)]);
        run.judged(&Expected { takes_all: true, close_leaves: true, ends_within: Some(seconds(1)) });
        assert_eq!(run.errors().count(), 0, "{:?}", run.said);
        assert_eq!(run.closed.as_ref().unwrap().code(), 4000);
    });
}

/// 4.7, as it was seen: a server of default settings gets a message that is too long for it.
#[test]
fn case_4_7_a_message_too_long_for_the_peer_is_an_error() {
    let run = async || {
        let (near, far) = tokio::io::duplex(1 << 16);
        let over = |role, stream| {
            let established = sansocket::proto::Established::bare(role);
            let connection = sansocket::proto::Connection::new(established, config(role));
            sansocket::tokio::WebSocket::new(connection, stream)
        };
        let (mut client, mut server) = (over(Role::Client, near), over(Role::Server, far));
        let sending = async {
            let sent = client.send(vec![7; 2 << 20]).await;
            (sent, client.recv().await)
        };
        let ((sent, received), refused) = join(sending, server.recv()).await;
        assert!(refused.is_err());
        let told = sent.is_err() || received.as_ref().is_err_and(|error| error.to_string().contains("1009"));
        assert!(told, "{sent:?}, {received:?}");
        ((), 0)
    };
    run_tokio(run);
}

/// A deadline that passes is told in the same way everywhere.
#[test]
fn case_4_6_a_deadline_that_passes_is_told_by_error_and_by_closed() {
    everywhere(&ALL, |mix| {
        if !mix.keepalive {
            return;
        }
        let run = mix.run(&|_| (), &|_| (), &[Do::Listen]);
        run.judged(&Expected::default());
        assert!(
            matches!(run.said.as_slice(), [("recv", Err(Error::TimedOut(Deadline::Keepalive)))]),
            "{:?}",
            run.said
        );
        assert_eq!(run.closed_then.as_ref().unwrap().timed_out, Some(Deadline::Keepalive));
    });
}
