//! Cases 2.1 to 2.4 and 2.9: closing, and a caller's patience, within their deadlines and no sooner.
use crate::{app::*, clocks::*, mix::*, model::*, stream::*, support::*};
use sansocket::{Config, Deadline};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

const EPS: Duration = millis(50);
/// Until the clock of whoever waits is looked at again.
fn plus(time: Duration) -> Option<Duration> {
    Some(time + EPS)
}
/// All of it is queued at once.
fn roomy(config: &mut Config) {
    config.high_water_mark = usize::MAX;
    config.fragment_size = usize::MAX;
}

/// 2.1, 2.3: while the peer takes bytes, closing goes on; `close_timeout` begins when the Close frame has left.
#[test]
fn case_2_1_a_slow_reader_gets_all_and_the_close_frame() {
    everywhere(&ALL, |mix| {
        let script = |stream: &Stream| {
            stream.state().room = 0;
            stream.state().peer =
                Peer { answer: Some(close_of(mix.role, 1000)), ends: true, ends_after_us: true };
            stream.at(millis(0), Act::Drip(3_000, millis(200)));
        };
        let run = mix.run(&roomy, &script, &[Do::Feed(noise(1, 200_000)), Do::Close(1000)]);
        let expected = Expected { takes_all: true, close_leaves: true, ends_within: plus(millis(0)) };
        run.judged(&expected);
        assert_eq!(run.errors().count(), 0, "{:?}", run.said);
        assert!(run.closed.as_ref().is_some_and(|closed| closed.was_clean()), "{:?}", run.closed);
    });
}

/// 2.2, 2.3: nor does closing take longer than `close_timeout` once the Close frame has left.
#[test]
fn case_2_2_close_ends_when_a_slow_reader_never_answers() {
    everywhere(&ALL, |mix| {
        let config = |config: &mut Config| {
            roomy(config);
            config.close_timeout = Some(millis(500));
        };
        let script = |stream: &Stream| {
            comes(stream, from_peer_of(mix.role, TEXT, "hello"));
            stream.state().room = 0;
            stream.at(millis(0), Act::Drip(5_000, millis(100)));
        };
        let steps = [Do::Recv, Do::Feed(noise(1, 100_000)), Do::Close(1000)];
        let run = mix.run(&config, &script, &steps);
        run.judged(&Expected {
            takes_all: true,
            close_leaves: true,
            ends_within: plus(mix.closing(millis(500))),
        });
        assert_eq!(run.closed.as_ref().unwrap().timed_out, Some(Deadline::Close));
    });
}

/// 2.2: a peer that takes nothing until about the deadline, then all, and never answers: the deadline passes during a write.
#[test]
fn case_2_2_close_ends_whenever_a_hostile_peer_takes_all() {
    let mut late = vec![];
    for adapter in [Adapter::Blocking, Adapter::BlockingSplit, Adapter::Tokio, Adapter::FuturesSplit] {
        let rounds: Vec<_> = (0..1000).filter_map(|round| hostile(adapter, round)).collect();
        if let Some(first) = rounds.first() {
            late.push(format!("{adapter:?}: {} of 1000 fail; the first, {first}", rounds.len()));
        }
    }
    assert!(late.is_empty(), "{late:#?}");
}
fn hostile(adapter: Adapter, round: u64) -> Option<String> {
    let (at, role) = (Duration::from_micros(960_000 + round * 44), BOTH[round as usize % 2]);
    let config = |config: &mut Config| {
        roomy(config);
        config.keepalive = None;
        config.write_timeout = Some(if round % 4 < 2 { seconds(30) } else { seconds(1) });
        config.close_timeout = Some(seconds(1));
    };
    let script = |stream: &Stream| {
        let mut state = stream.state();
        (state.room, state.write_most, state.write_takes) = (1000, 1000, millis(4));
        drop(state);
        comes(stream, from_peer_of(role, TEXT, "hello"));
        stream.at(at, Act::Room(usize::MAX));
    };
    let steps = [Do::Recv, Do::Feed(noise(1, 9_000)), Do::Close(1000)];
    let case = Case { role, compressed: false, config: &config, script: &script, steps: &steps };
    let expected = Expected { ends_within: plus(seconds(1)), ..Expected::default() };
    match catch_unwind(AssertUnwindSafe(|| case.run(adapter))) {
        Ok(run) => Some(faults(&run, &expected))
            .filter(|faults| !faults.is_empty())
            .map(|faults| format!("{at:?}: {faults:?}")),
        Err(panic) => Some(format!("{at:?}: {}", words(&*panic))),
    }
}

/// 2.3: without a byte taken, `write_timeout` ends it; `close_timeout` has not begun.
#[test]
fn case_2_3_close_ends_by_write_timeout_when_nothing_is_taken() {
    everywhere(&ALL, |mix| {
        let script = |stream: &Stream| stream.state().room = 1000;
        let config = |config: &mut Config| {
            roomy(config);
            config.write_timeout = Some(seconds(15));
        };
        let run = mix.run(&config, &script, &[Do::Feed(noise(1, 9_000)), Do::Close(1000)]);
        // A thread that reads already learns that a sender has given up when it looks, once within close_timeout.
        let within = seconds(if mix.adapter == Adapter::BlockingThreads { 25 } else { 15 });
        run.judged(&Expected { ends_within: plus(within), ..Expected::default() });
        assert!(run.took >= seconds(15), "{:?}", run.took);
        assert_eq!(run.closed.as_ref().unwrap().timed_out, Some(Deadline::Write));
        assert!(run.was_told());
    });
}

/// 2.3: a stream that fails takes with it what it had taken and not flushed, and that is told.
#[test]
fn case_2_3_what_a_stream_keeps_when_it_fails_is_told() {
    everywhere(&ALL, |mix| {
        let script = |stream: &Stream| {
            let mut state = stream.state();
            (state.keeps, state.write_most, state.write_fails_at) = (64, 100, 1);
            drop(state);
            stream.at(millis(1), Act::Bytes(from_peer_of(mix.role, crate::support::PING, [7; 125])));
            stream.at(millis(101), Act::Bytes(from_peer_of(mix.role, crate::support::CLOSE, "")));
        };
        let run = mix.run(&roomy, &script, &[Do::Feed(noise(1, 125)), Do::Listen]);
        assert!(run.was_told(), "{:?}", run.said);
    });
}

/// 2.4: the caller's patience is kept whatever waits to be written.
#[test]
fn case_2_4_recv_timeout_returns_in_time_while_output_waits() {
    for (room, every) in [(0, millis(1000)), (1, millis(30)), (5000, millis(70)), (100, millis(99))] {
        for role in BOTH {
            let script = |stream: &Stream| {
                stream.state().room = 0;
                stream.at(millis(0), Act::Drip(room, every));
                stream.at(millis(450), Act::Bytes(from_peer_of(role, BINARY, "late")));
            };
            let case = Case { role, compressed: false, config: &quiet, script: &script, steps: &[] };
            let stream = || {
                let stream = Stream::new(true);
                script(&stream);
                stream
            };
            let in_time =
                |far: &Stream, said: Result<Option<sansocket::Message>, sansocket::Error>, n: u64| {
                    let after = far.elapsed();
                    assert!(
                        after >= millis(100 * n) && after <= millis(100 * n + 5),
                        "{after:?}, {room}: {said:?}"
                    );
                    assert!(said.as_ref().is_err_and(|error| error.is_resumable()), "{said:?}");
                };

            let far = stream();
            let mut connection = case.connection();
            connection.send(noise(1, 2 << 20)).unwrap();
            let mut socket = sansocket::blocking::WebSocket::new(connection, far.clone());
            for n in 1..=4 {
                let said = socket.recv_timeout(millis(100));
                in_time(&far, said, n);
            }

            let far = stream();
            let mut connection = case.connection();
            connection.send(noise(1, 2 << 20)).unwrap();
            let socket = sansocket::blocking::WebSocket::new(connection, far.clone());
            let (_sender, mut receiver) = socket.split();
            for n in 1..=4 {
                let said = receiver.recv_timeout(millis(100));
                in_time(&far, said, n);
            }
            // However much its own side has queued, a receiving end goes on reading.
            let mut got = receiver.recv_timeout(millis(100));
            if got.as_ref().is_err_and(|error| error.is_resumable()) {
                got = receiver.recv_timeout(millis(100));
            }
            assert_eq!(got.unwrap().unwrap().as_bytes(), b"late");
            assert!(far.elapsed() <= millis(605), "{:?}", far.elapsed());
        }
    }
}

/// 2.9: ten seconds, in which what the peer still says is delivered.
#[test]
fn case_2_9_closing_waits_ten_seconds_for_what_the_peer_still_says() {
    assert_eq!(Config::client().close_timeout, Some(seconds(10)));
    assert_eq!(Config::server().close_timeout, Some(seconds(10)));
    everywhere(&ALL, |mix| {
        let script = |stream: &Stream| {
            for n in 1..=8 {
                stream.at(seconds(n), Act::Bytes(from_peer_of(mix.role, TEXT, "still")));
            }
            stream.at(millis(8500), Act::Bytes(close_of(mix.role, 1000)));
            stream.at(millis(8500), Act::End(Ok(())));
        };
        let run = mix.run(&|_| (), &script, &[Do::Close(1000)]);
        run.judged(&Expected { takes_all: true, close_leaves: true, ends_within: plus(millis(0)) });
        assert!(run.closed.as_ref().unwrap().was_clean(), "{:?}", run.closed);
        assert_eq!(run.got.len(), if mix.adapter.is_split() { 8 } else { 0 });
    });
}

/// 2.7: who did not listen cannot blame the peer.
#[test]
fn case_2_7_a_message_that_came_while_nobody_listened_is_delivered() {
    for role in BOTH {
        let message = from_peer_of(role, BINARY, "whole");
        let stream = |told: bool| {
            let stream = Stream::new(told);
            stream.at(millis(0), Act::Bytes(message[..message.len() - 3].to_vec()));
            stream.at(millis(400), Act::Bytes(message[message.len() - 3..].to_vec()));
            stream
        };
        let config = |config: &mut Config| {
            config.keepalive = None;
            config.message_timeout = Some(seconds(1));
        };
        let case = Case { role, compressed: false, config: &config, script: &|_| (), steps: &[] };

        let far = stream(true);
        let connection = case.connection();
        let mut socket = sansocket::blocking::WebSocket::new(connection, far.clone());
        assert!(socket.recv_timeout(millis(100)).unwrap_err().is_resumable());
        let at = far.state().now() + seconds(2);
        far.state().advance(at);
        assert_eq!(socket.recv().expect("whole").unwrap().as_bytes(), b"whole");

        let far = stream(true);
        let connection = case.connection();
        let socket = sansocket::blocking::WebSocket::new(connection, far.clone());
        let (_sender, mut receiver) = socket.split();
        assert!(receiver.recv_timeout(millis(100)).unwrap_err().is_resumable());
        let at = far.state().now() + seconds(2);
        far.state().advance(at);
        assert_eq!(receiver.recv().expect("split").unwrap().as_bytes(), b"whole");

        let far = stream(true);
        let mut socket = sansocket::aio::WebSocket::<_, ToldTime>::new(case.connection(), far.clone());
        run_told(&far, async {
            let patience = std::pin::pin!(crate::app_async::idle::<ToldTime>(millis(100)));
            {
                let receiving = std::pin::pin!(socket.recv());
                let gave_up = futures_util::future::select(receiving, patience).await;
                assert!(matches!(gave_up, futures_util::future::Either::Right(_)));
            }
            crate::app_async::idle::<ToldTime>(seconds(2)).await;
            assert_eq!(socket.recv().await.expect("async").unwrap().as_bytes(), b"whole");
        });
    }
}

/// The message is unfinished even to those who listen again: then the deadline counts from there.
#[test]
fn case_2_7_a_message_that_does_not_end_while_somebody_listens_times_out() {
    everywhere(&ALL, |mix| {
        let message = from_peer_of(mix.role, BINARY, "whole");
        let script = |stream: &Stream| comes(stream, &message[..message.len() - 3]);
        let config = |config: &mut Config| config.message_timeout = Some(seconds(1));
        let run = mix.run(&config, &script, &[Do::Listen]);
        run.judged(&Expected { takes_all: true, close_leaves: true, ends_within: plus(seconds(11)) });
        assert_eq!(run.closed.as_ref().unwrap().timed_out, Some(Deadline::Message));
    });
}
