//! Cases 2.5, 2.6 and 2.8: peers that stop reading, behind a stream that buffers, under a flood, or with nobody waiting.
use crate::{app::*, clocks::*, mix::*, model::*, stream::*, support::*};
use futures_util::SinkExt;
use sansocket::{
    Config, Deadline, Error,
    aio::{self, Runtime},
};
use std::pin::pin;

/// 2.5: what a stream takes while its flush waits is no progress: the peer has not taken it.
#[test]
fn case_2_5_a_stream_that_buffers_hides_no_peer_that_has_stopped_reading() {
    for len in [100, 10_000, 100_000] {
        everywhere(&ALL, |mix| {
            let script = |stream: &Stream| (stream.state().keeps, stream.state().room) = (16 << 10, 0);
            // Nobody wakes a thread that reads already: what is fed then has to be flushed.
            let threads = mix.adapter == Adapter::BlockingThreads;
            let steps = [Do::Feed(noise(1, len)), if threads { Do::Flush } else { Do::Listen }, Do::Listen];
            let run = mix.run(&|config| config.high_water_mark = usize::MAX, &script, &steps);
            // Nor does anybody wake it when a sender has given up: it looks once within close_timeout.
            let within = seconds(if threads { 41 } else { 31 });
            run.judged(&Expected { ends_within: Some(within), ..Expected::default() });
            assert_eq!(run.closed.as_ref().unwrap().timed_out, Some(Deadline::Write), "{:?}", run.said);
        });
    }
}

/// 2.5: nor is our own ping a sign of life, and a peer that still sends must read, too.
#[test]
fn case_2_5_our_own_ping_resets_no_timer() {
    everywhere(&ALL, |mix| {
        if !mix.keepalive {
            return;
        }
        let script = |stream: &Stream| (stream.state().keeps, stream.state().room) = (16 << 10, 0);
        let run = mix.run(&|_| (), &script, &[Do::Listen]);
        assert!(run.took <= seconds(71), "{:?}", run.took);
        assert!(run.closed.as_ref().unwrap().timed_out.is_some(), "{:?}", run.said);
    });
    everywhere(&ALL, |mix| {
        let script = |stream: &Stream| {
            (stream.state().keeps, stream.state().room) = (16 << 10, 0);
            for n in 0..200 {
                stream.at(seconds(n), Act::Bytes(from_peer_of(mix.role, PING, "alive")));
            }
        };
        let run = mix.run(&|_| (), &script, &[Do::Feed(noise(1, 100)), Do::Listen]);
        assert!(run.took <= seconds(32), "{:?}", run.took);
        assert_eq!(run.closed.as_ref().unwrap().timed_out, Some(Deadline::Write), "{:?}", run.said);
    });
}

/// 2.5: a stream that buffers and lets go of a little all the while is not given up.
#[test]
fn case_2_5_a_slow_reader_behind_a_buffer_gets_all() {
    everywhere(&ALL, |mix| {
        let script = |stream: &Stream| {
            (stream.state().keeps, stream.state().room) = (1 << 10, 0);
            stream.at(millis(0), Act::Drip(500, millis(500)));
            stream.state().peer =
                Peer { answer: Some(close_of(mix.role, 1000)), ends: true, ends_after_us: true };
        };
        let steps = [Do::Feed(noise(1, 46_000)), Do::Close(1000)];
        let run = mix.run(&|_| (), &script, &steps);
        run.judged(&Expected { takes_all: true, close_leaves: true, ends_within: Some(seconds(1)) });
        assert_eq!(run.errors().count(), 0, "{:?}", run.said);
    });
}

/// Empty pongs without a pause.
fn flood(stream: &Stream, role: sansocket::proto::Role) {
    let pong = from_peer_of(role, PONG, "");
    stream.state().flood =
        Some(Flood { bytes: pong.repeat(10), frame: pong.len(), each: millis(2), until: seconds(8) });
}

/// 2.6: a flood puts no deadline off.
#[test]
fn case_2_6_a_flood_of_pongs_does_not_put_off_the_message_deadline() {
    everywhere(&IN_TURN, |mix| {
        let script = |stream: &Stream| {
            comes(stream, from_peer_of(mix.role, BINARY & !FIN, "half"));
            flood(stream, mix.role);
        };
        let config = |config: &mut Config| {
            config.message_timeout = Some(seconds(1));
            config.close_timeout = Some(seconds(1));
        };
        let run = mix.run(&config, &script, &[Do::Listen]);
        assert_eq!(run.closed.as_ref().unwrap().timed_out, Some(Deadline::Message), "{:?}", run.said);
        // And another second for closing.
        assert!(run.took >= seconds(1) && run.took <= millis(2300), "{:?}", run.took);
    });
}

/// 2.6.
#[test]
fn case_2_6_a_flood_of_pongs_does_not_put_off_the_write_deadline() {
    everywhere(&IN_TURN, |mix| {
        let script = |stream: &Stream| {
            stream.state().room = 10;
            flood(stream, mix.role);
        };
        let config = |config: &mut Config| {
            config.write_timeout = Some(seconds(1));
            config.high_water_mark = usize::MAX;
        };
        let run = mix.run(&config, &script, &[Do::Feed(noise(1, 300_000)), Do::Listen]);
        assert_eq!(run.closed.as_ref().unwrap().timed_out, Some(Deadline::Write), "{:?}", run.said);
        assert!(run.took >= seconds(1) && run.took <= millis(1300), "{:?}", run.took);
    });
}

/// 2.6: nor the one for closing.
#[test]
fn case_2_6_a_flood_of_pongs_does_not_put_off_the_close_deadline() {
    everywhere(&IN_TURN, |mix| {
        let config = |config: &mut Config| config.close_timeout = Some(seconds(1));
        let run = mix.run(&config, &|stream| flood(stream, mix.role), &[Do::Close(1000)]);
        assert_eq!(run.closed.as_ref().unwrap().timed_out, Some(Deadline::Close), "{:?}", run.said);
        assert!(run.took >= seconds(1) && run.took <= millis(1300), "{:?}", run.took);
    });
}

async fn given_up<S: Runtime<Stream>>(stream: Stream, connection: sansocket::proto::Connection) -> Error {
    let (mut a, mut receiver) = aio::WebSocket::<_, S>::new(connection, stream).split();
    let b = a.clone();
    let giving_up = async {
        let (mut send, mut flush) = (pin!(b.send("x")), pin!(SinkExt::flush(&mut a)));
        let both = futures_util::future::select(&mut send, &mut flush);
        let patience = pin!(crate::app_async::idle::<S>(millis(10)));
        let _ = futures_util::future::select(both, patience).await;
    };
    let mut error = None;
    both(async { error = receiver.recv().await.err() }, giving_up).await;
    error.unwrap()
}

/// 2.8: output that nobody waits for any more still has its deadline.
#[test]
fn case_2_8_output_that_was_given_up_still_times_out() {
    for keeps in [0, 1 << 10] {
        for role in BOTH {
            let case = Case { role, compressed: false, config: &quiet, script: &|_| (), steps: &[] };
            let stream = |told| {
                let stream = Stream::new(told);
                (stream.state().keeps, stream.state().room) = (keeps, 0);
                stream
            };
            let far = stream(true);
            let (error, _) = run_told(&far, given_up::<ToldTime>(far.clone(), case.connection()));
            assert!(matches!(error, Error::TimedOut(Deadline::Write)), "{error}");
            assert!(far.elapsed() <= seconds(31), "{:?}", far.elapsed());
            let run = async || {
                let far = stream(false);
                let error = given_up::<sansocket::tokio::Tokio>(far.clone(), case.connection()).await;
                assert!(far.elapsed() <= seconds(31), "{:?}", far.elapsed());
                (error, 0)
            };
            let (error, _) = run_tokio(run);
            assert!(matches!(error, Error::TimedOut(Deadline::Write)), "{error}");
        }
    }
}
