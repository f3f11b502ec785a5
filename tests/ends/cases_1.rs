//! Cases 1.1 to 1.4: the end of one direction does not end the other.
use crate::{app::*, mix::*, model::*, stream::*, support::*};
use sansocket::{Config, proto::Role, tokio::WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const ALL_LEAVES: Expected = Expected { takes_all: true, close_leaves: false, ends_within: None };
const CLOSE_TOO: Expected = Expected { close_leaves: true, ..ALL_LEAVES };

/// The case as it was seen.
#[test]
fn case_1_1_everything_queued_leaves_after_a_half_close() {
    let echo = async || {
        let (near, mut far) = duplex(1024);
        let connection = sansocket::proto::Connection::new(
            sansocket::proto::Established::bare(Role::Server),
            config(Role::Server),
        );
        let mut socket = WebSocket::new(connection, near);
        let answering = async {
            while let Some((message, mut reply)) = socket.recv_ref().await.unwrap() {
                reply.feed(message).unwrap();
            }
            socket.closed().cloned()
        };
        let peer = async {
            far.write_all(&from_peer_of(Role::Server, BINARY, noise(1, 3000))).await.unwrap();
            far.write_all(&close_of(Role::Server, 1000)).await.unwrap();
            far.shutdown().await.unwrap();
            let mut all = vec![];
            far.read_to_end(&mut all).await.unwrap();
            all
        };
        let (closed, all) = futures_util::future::join(answering, peer).await;
        let arrived = Arrived::of(&all);
        assert!(arrived.messages == [noise(1, 3000)], "{} bytes left; {closed:?}", all.len());
        assert_eq!(arrived.close, Some(body(1000, "")));
        assert!(closed.unwrap().was_clean());
        ((), 0)
    };
    crate::clocks::run_tokio(echo);
}

/// A peer that has ended its writing side and reads 1,024 bytes each 10 ms.
fn half_closes(stream: &Stream, role: Role, messages: &[Vec<u8>], close: Option<u16>) {
    for message in messages {
        comes(stream, from_peer_of(role, BINARY, message));
    }
    if let Some(code) = close {
        comes(stream, close_of(role, code));
    }
    stream.state().room = 0;
    stream.at(millis(0), Act::End(Ok(())));
    stream.at(millis(10), Act::Drip(1024, millis(10)));
}

/// 1.1 everywhere.
#[test]
fn case_1_1_an_echo_and_the_answer_to_close_leave_whole_after_a_half_close() {
    let messages = [noise(1, 3000), noise(2, 10), noise(3, 20_000)];
    everywhere(&ALL, |mix| {
        let run =
            mix.run(&|_| (), &|stream| half_closes(stream, mix.role, &messages, Some(1000)), &[Do::Echo]);
        assert!(run.judged(&CLOSE_TOO).errors().next().is_none(), "{:?}", run.said);
        assert!(run.closed.as_ref().is_some_and(|closed| closed.was_clean()), "{:?}", run.closed);
        assert_eq!(run.stream.state().left_shape(), (3, Some(body(1000, ""))));
    });
}

/// 1.1: what cannot leave is told, as an error, even after the peer's 1000.
#[test]
fn case_1_1_what_cannot_leave_after_a_half_close_is_told() {
    let messages = [noise(1, 30_000)];
    everywhere(&ALL, |mix| {
        let script = |stream: &Stream| {
            half_closes(stream, mix.role, &messages, Some(1000));
            let mut state = stream.state();
            state.events.clear();
            state.end = Some(Ok(()));
            state.room = 20;
        };
        let run = mix.run(&|_| (), &script, &[Do::Echo]);
        run.judged(&Expected { ends_within: Some(seconds(30) + millis(10)), ..Expected::default() });
        let closed = run.closed.as_ref().unwrap();
        assert!(!closed.was_clean() && closed.sent.is_none(), "{closed:?}");
        assert!(
            Some(closed.unsent).is_some_and(|unsent| unsent > 0),
            "how much was left behind is not told: {closed:?}"
        );
    });
}

/// 1.2: without a Close frame, too; then 1006.
#[test]
fn case_1_2_output_leaves_to_its_end_after_a_half_close_without_a_close_frame() {
    let messages = [noise(1, 3000), noise(3, 20_000)];
    everywhere(&ALL, |mix| {
        let run = mix.run(&|_| (), &|stream| half_closes(stream, mix.role, &messages, None), &[Do::Echo]);
        run.judged(&ALL_LEAVES);
        assert_eq!(run.errors().count(), 1, "{:?}", run.said);
        assert_eq!(run.closed.as_ref().map(|closed| closed.code()), Some(1006));
    });
}

/// 1.2: a peer that ends its writing side within a message has still asked for the answers to those before.
#[test]
fn case_1_2_output_leaves_wherever_the_peer_stops() {
    let frames = [noise(1, 2000), noise(3, 3000)].map(|message| (BINARY, message));
    for mix in mixes(&[Adapter::Blocking, Adapter::BlockingSplit, Adapter::Tokio, Adapter::TokioSplit]) {
        if mix.compressed || mix.keepalive {
            continue;
        }
        let mut bytes: Vec<u8> =
            frames.iter().flat_map(|(first, payload)| from_peer_of(mix.role, *first, payload)).collect();
        bytes.extend(close_of(mix.role, 1000));
        for cut in (0..20).chain((2000..bytes.len()).step_by(97)).chain(bytes.len() - 10..=bytes.len()) {
            let script = |stream: &Stream| {
                half_closes(stream, mix.role, &[], None);
                comes(stream, &bytes[..cut]);
            };
            let run = mix.run(&|_| (), &script, &[Do::Echo]);
            run.judged(&Expected { close_leaves: cut == bytes.len(), ..ALL_LEAVES });
        }
    }
}

/// 1.3: a send that is under way when the peer ends its writing side goes on to its end.
#[test]
fn case_1_3_a_send_under_way_goes_on_after_a_half_close() {
    for close in [None, Some(1000)] {
        everywhere(&SPLIT, |mix| {
            let script = |stream: &Stream| {
                stream.state().room = 0;
                stream.at(millis(0), Act::Drip(8 << 10, millis(10)));
                if let Some(code) = close {
                    stream.at(millis(50), Act::Bytes(close_of(mix.role, code)));
                }
                stream.at(millis(50), Act::End(Ok(())));
            };
            let run = mix.run(&|_| (), &script, &[Do::Send(noise(5, 200_000)), Do::Listen]);
            run.judged(&Expected { close_leaves: close.is_some(), ..ALL_LEAVES });
            assert_eq!(run.accepted, 1, "{:?}", run.said);
        });
    }
}

/// 1.3, without a reader at all: the receiver has been dropped.
#[test]
fn case_1_3_senders_without_a_receiver_still_send_and_close() {
    everywhere(&SPLIT, |mix| {
        let script = |stream: &Stream| {
            let mut state = stream.state();
            state.room = 0;
            state.peer = Peer { answer: Some(close_of(mix.role, 1000)), ends: true, ends_after_us: true };
            drop(state);
            stream.at(millis(0), Act::Drip(8 << 10, millis(10)));
        };
        let steps = [Do::Alone, Do::Send(noise(5, 200_000)), Do::Feed(noise(6, 10)), Do::Close(1000)];
        let run = mix.run(&|_| (), &script, &steps);
        run.judged(&Expected { ends_within: Some(seconds(10)), ..CLOSE_TOO });
        assert_eq!((run.accepted, run.errors().count()), (2, 0), "{:?}", run.said);
    });
}

/// 1.4: who only sends, and discards beside that, hears the end at once; the peer's close is clean.
#[test]
fn case_1_4_what_only_sends_hears_the_end_when_it_discards() {
    fn comes_to_an_end(stream: &Stream) {
        stream.at(millis(500), Act::Bytes(from_peer_of(Role::Server, TEXT, "ignored")));
        stream.at(millis(1000), Act::Bytes(close_of(Role::Server, 1000)));
        stream.state().peer.ends_after_us = true;
    }
    let case =
        Case { role: Role::Server, compressed: false, config: &quiet, script: &comes_to_an_end, steps: &[] };
    let connection = || case.connection();
    let stream = || {
        let stream = Stream::new(true);
        comes_to_an_end(&stream);
        stream
    };

    let mut whole = sansocket::aio::WebSocket::<_, crate::clocks::ToldTime>::new(connection(), stream());
    let far = whole.get_ref().clone();
    crate::clocks::run_told(&far, async {
        let mut sent = 0;
        loop {
            // Discarding is given up each time that there is something to send: nothing is lost.
            let ended = {
                let next = std::pin::pin!(crate::app_async::idle::<crate::clocks::ToldTime>(millis(100)));
                let discarding = std::pin::pin!(whole.discard());
                let first = futures_util::future::select(next, discarding).await;
                matches!(first, futures_util::future::Either::Right(_))
            };
            if ended {
                break;
            }
            whole.send("news").await.unwrap();
            sent += 1;
        }
        assert!((9..=10).contains(&sent), "{sent}");
        assert!(whole.closed().is_some_and(|closed| closed.was_clean() && closed.code() == 1000));
    });
    assert_eq!(far.elapsed(), millis(1000));

    let far = stream();
    let (_sender, mut receiver) =
        sansocket::aio::WebSocket::<_, crate::clocks::ToldTime>::new(connection(), far.clone()).split();
    crate::clocks::run_told(&far, async {
        let _ = receiver.discard().await;
        assert!(receiver.closed().is_some_and(|closed| closed.was_clean()));
    });

    let far = stream();
    let connection = case.connection();
    let mut blocking = sansocket::blocking::WebSocket::new(connection, far.clone());
    let _ = blocking.discard();
    assert!(blocking.closed().is_some_and(|closed| closed.was_clean()));
}

/// 1.4: a push-only server that never receives learns of the end from `send`, and then `closed` tells.
#[test]
fn case_1_4_closed_tells_after_an_error_of_sending() {
    everywhere(&WHOLE, |mix| {
        let script = |stream: &Stream| stream.state().write_fails_at = 100;
        let steps = [Do::Send(noise(1, 200)), Do::Send(noise(2, 200))];
        let run = mix.run(&|_: &mut Config| (), &script, &steps);
        run.judged(&Expected::default());
        assert!(run.errors().next().is_some() && run.closed.is_some(), "{:?} {:?}", run.said, run.closed);
    });
}
