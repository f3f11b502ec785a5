//! Cases 3.1 to 3.3: waiting costs nothing, and what waits is counted.
use crate::{app::*, clocks::*, mix::*, model::*, stream::*, support::*};
use futures_util::FutureExt;
use sansocket::{
    Config, Message,
    aio::{self, Runtime},
    proto::Role,
};

const ENDS: Expected = Expected { takes_all: true, close_leaves: true, ends_within: Some(seconds(11)) };

/// 3.1: a stream that cannot shut down yet is waited for, as often as something happens.
#[test]
fn case_3_1_a_pending_shutdown_is_not_asked_again_and_again() {
    for lets in [None, Some(seconds(3))] {
        everywhere(&ALL, |mix| {
            let script = |stream: &Stream| {
                stream.state().shutdown_waits = true;
                stream.state().peer =
                    Peer { answer: Some(close_of(mix.role, 1000)), ends: false, ends_after_us: true };
                if let Some(after) = lets {
                    stream.at(after, Act::ShutdownLets);
                }
            };
            let run = mix.run(&|_| (), &script, &[Do::Close(1000)]);
            run.judged(&ENDS);
            assert!(run.polls <= 12, "{} polls", run.polls);
        });
    }
}

/// 3.1, with nobody to receive.
#[test]
fn case_3_1_a_pending_shutdown_costs_a_sender_without_a_receiver_nothing() {
    for lets in [None, Some(seconds(3))] {
        everywhere(&SPLIT, |mix| {
            let script = |stream: &Stream| {
                stream.state().shutdown_waits = true;
                stream.state().peer =
                    Peer { answer: Some(close_of(mix.role, 1000)), ends: false, ends_after_us: true };
                if let Some(after) = lets {
                    stream.at(after, Act::ShutdownLets);
                }
            };
            let run = mix.run(&|_| (), &script, &[Do::Alone, Do::Close(1000)]);
            run.judged(&ENDS);
            assert!(run.polls <= 12, "{} polls", run.polls);
        });
    }
}

/// 3.1, when something comes after the peer's Close frame.
#[test]
fn case_3_1_a_byte_after_close_does_not_make_a_pending_shutdown_spin() {
    for more in [1, 1000, 100_000] {
        everywhere(&ALL, |mix| {
            let script = |stream: &Stream| {
                stream.state().shutdown_waits = true;
                comes(stream, close_of(mix.role, 1000));
                comes(stream, vec![0; more]);
            };
            let run = mix.run(&|_| (), &script, &[Do::Listen]);
            run.judged(&ENDS);
            assert!(run.polls <= 12, "{} polls", run.polls);
        });
    }
}

/// How many empty messages are taken while so much waits, at most, where a peer that takes nothing is given up.
fn empties_taken(mut feed: impl FnMut(Message) -> Option<bool>) -> usize {
    assert_eq!(feed(Message::binary(vec![7; 512 << 10])), Some(true));
    (0..400_000).take_while(|_| feed(Message::text("")) == Some(true)).count()
}

/// 3.2: every message that waits counts, with its header.
#[test]
fn case_3_2_empty_messages_that_wait_are_counted() {
    let config = |config: &mut Config| {
        quiet(config);
        config.high_water_mark = 1 << 20;
    };
    for role in BOTH {
        let case = Case { role, compressed: false, config: &config, script: &|_| (), steps: &[] };
        let stuck = || {
            let stream = Stream::new(true);
            stream.state().room = 0;
            stream
        };
        let most = (512 << 10) / 2 + 2;

        let mut whole = aio::WebSocket::<_, ToldTime>::new(case.connection(), stuck());
        let taken = empties_taken(|message| whole.feed(message).now_or_never().map(|fed| fed.is_ok()));
        assert!(taken <= most, "whole, {role:?}: {taken} empty messages, {} bytes", whole.buffered_amount());

        let (sender, _receiver) = aio::WebSocket::<_, ToldTime>::new(case.connection(), stuck()).split();
        let taken = empties_taken(|message| sender.feed(message).now_or_never().map(|fed| fed.is_ok()));
        assert!(taken <= most, "split, {role:?}: {taken} empty messages, {} bytes", sender.buffered_amount());

        let connection = case.connection();
        let mut blocking = sansocket::blocking::WebSocket::new(connection, stuck());
        let taken = empties_taken(|message| Some(blocking.feed(message).is_ok()));
        assert!(taken <= most, "blocking, {role:?}: {taken} empty messages");

        let connection = case.connection();
        let (sender, _receiver) = sansocket::blocking::WebSocket::new(connection, stuck()).split();
        let taken = empties_taken(|message| Some(sender.feed(message).is_ok()));
        assert!(taken <= most, "blocking split, {role:?}: {taken} empty messages");
    }
}

/// 3.2: and what is counted is what leaves.
#[test]
fn case_3_2_what_is_counted_is_what_leaves() {
    for role in BOTH {
        let case = Case { role, compressed: false, config: &quiet, script: &|_| (), steps: &[] };
        let mut connection = case.connection();
        connection.send(Message::binary(vec![7; 512 << 10])).unwrap();
        for n in 0..1000 {
            connection.send(Message::binary(vec![7; n % 3])).unwrap();
        }
        let counted = connection.buffered_amount();
        let left = written(&mut connection).len();
        // A header may turn out shorter, and a message be cut into frames that have one each.
        assert!(
            left <= counted + 14 * 16 && counted <= left + 14 * 1001,
            "{role:?}: {counted} counted, {left} left"
        );
    }
}

/// 3.3: a frame longer than any count of 32 bits waits until it has left, too.
#[cfg(target_pointer_width = "64")]
#[test]
fn case_3_3_a_message_of_two_gibibytes_waits_until_the_stream_has_taken_it() {
    let case = Case {
        role: Role::Server,
        compressed: false,
        config: &|config| {
            quiet(config);
            config.fragment_size = usize::MAX;
        },
        script: &|_| (),
        steps: &[],
    };
    for len in [(2 << 30) + (1 << 20), (4_usize << 30) + 5] {
        // Zeros that nobody touches take no memory.
        let message = Message::binary(vec![0; len]);
        let stream = Stream::new(true);
        stream.state().room = 0;
        let (sender, _receiver) =
            aio::WebSocket::<_, ToldTime>::new(case.connection(), stream.clone()).split();
        assert!(pends(sender.send(message.clone())), "{len} bytes: sent, though the stream took none");

        let mut whole = aio::WebSocket::<_, ToldTime>::new(case.connection(), stream);
        assert!(pends(whole.send(message)), "{len} bytes: sent, though the stream took none");
    }
}
fn pends<T>(future: impl Future<Output = T>) -> bool {
    future.now_or_never().is_none()
}

/// Over every stream that waits for ever, a future that waits is polled when something happens, and then not again.
#[test]
fn case_3_1_waiting_for_a_stream_that_does_nothing_costs_a_poll_or_two() {
    async fn idles<R: Runtime<Stream>>(stream: Stream, case: &Case<'_>) {
        let mut socket = aio::WebSocket::<_, R>::new(case.connection(), stream);
        let waiting = std::pin::pin!(socket.recv());
        let patience = std::pin::pin!(crate::app_async::idle::<R>(seconds(3600)));
        assert!(matches!(
            futures_util::future::select(waiting, patience).await,
            futures_util::future::Either::Right(_)
        ));
    }
    for role in BOTH {
        let case = Case { role, compressed: false, config: &quiet, script: &|_| (), steps: &[] };
        let stream = Stream::new(true);
        let ((), polls) = run_told(&stream, idles::<ToldTime>(stream.clone(), &case));
        assert!(polls <= 3, "{polls}");
        let run = async || {
            let stream = Stream::new(false);
            with_events(&stream, idles::<sansocket::tokio::Tokio>(stream.clone(), &case)).await
        };
        let ((), polls) = run_tokio(run);
        assert!(polls <= 3, "{polls}");
    }
}
