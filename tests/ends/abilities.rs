//! What each end of a split connection can do: the same in both adapters.
use crate::{app::*, clocks::*, model::*, stream::*, support::*};
use sansocket::{
    Config, Error, aio, blocking,
    proto::{Event, Role},
};

const CASE: Case<'static> =
    Case { role: Role::Server, compressed: false, config: &quiet, script: &|_| (), steps: &[] };

fn blocking_ends(stream: &Stream) -> (blocking::Sender<Stream>, blocking::Receiver<Stream>) {
    let connection = CASE.connection();
    blocking::WebSocket::new(connection, stream.clone()).split()
}
fn async_ends(stream: &Stream) -> (aio::Sender<Stream, ToldTime>, aio::Receiver<Stream, ToldTime>) {
    aio::WebSocket::new(CASE.connection(), stream.clone()).split()
}

#[test]
fn a_blocking_sender_answers_a_ping_itself() {
    let stream = Stream::new(true);
    let (sender, _receiver) = blocking_ends(&stream);
    sender.pong(b"here").unwrap();
    assert_eq!(frames(&stream.state().left), [Frame { first: PONG, key: None, payload: b"here".to_vec() }]);
}

#[test]
fn a_blocking_sender_knows_that_nothing_more_can_be_sent() {
    let stream = Stream::new(true);
    let (sender, mut receiver) = blocking_ends(&stream);
    assert!(!sender.is_closed());
    comes(&stream, close_of(Role::Server, 1000));
    stream.act_end();
    assert!(receiver.recv().unwrap().is_none());
    assert!(sender.is_closed());
}

#[test]
fn a_blocking_receiver_tells_every_event_and_what_waits() {
    let stream = Stream::new(true);
    let (sender, mut receiver) = blocking_ends(&stream);
    assert_eq!(receiver.buffered_amount(), 0);
    sender.feed("waits").unwrap();
    assert_eq!(receiver.buffered_amount(), 7);
    comes(&stream, from_peer_of(Role::Server, PING, "?"));
    assert!(matches!(receiver.recv_event().unwrap(), Some(Event::Ping(payload)) if payload == b"?"));
}

#[test]
fn blocking_ends_can_be_put_together_again() {
    let stream = Stream::new(true);
    let (sender, receiver) = blocking_ends(&stream);
    assert!(receiver.reunite(sender).is_ok());
    let (sender, receiver) = blocking_ends(&stream);
    let clone = sender.clone();
    assert!(receiver.reunite(sender).is_err());
    drop(clone);
}

#[test]
fn a_sender_that_aborts_ends_the_connection_for_the_receiver() {
    let stream = Stream::new(true);
    let (sender, mut receiver) = async_ends(&stream);
    run_told(&stream, async {
        sender.abort();
        assert!(receiver.recv().await.is_err());
        assert_eq!(receiver.closed().unwrap().code(), 1006);
        assert!(sender.send("too late").await.is_err());
    });
    assert!(stream.state().left.is_empty());

    let stream = Stream::new(true);
    let (sender, mut receiver) = blocking_ends(&stream);
    sender.abort();
    assert!(receiver.recv().is_err() && receiver.closed().is_some());
    assert!(stream.state().left.is_empty());
}

#[test]
fn a_receiver_that_aborts_ends_the_connection_for_the_senders() {
    let stream = Stream::new(true);
    let (sender, mut receiver) = async_ends(&stream);
    run_told(&stream, async {
        receiver.abort();
        assert_eq!(receiver.closed().unwrap().code(), 1006);
        assert!(sender.send("too late").await.is_err());
    });
    let stream = Stream::new(true);
    let (sender, mut receiver) = blocking_ends(&stream);
    receiver.abort();
    assert!(receiver.closed().is_some() && sender.send("too late").is_err());
}

#[test]
fn try_feed_queues_where_there_is_room_and_never_waits() {
    let full = |stream: &Stream| stream.state().room = 0;
    let long = "x".repeat(200 << 10);
    let long = long.as_str();
    let stream = Stream::new(true);
    full(&stream);
    let (sender, _receiver) = async_ends(&stream);
    assert!(sender.try_feed(long).is_ok(), "the first goes over the mark");
    assert!(sender.try_feed("no more").is_err());

    let stream = Stream::new(true);
    full(&stream);
    let (sender, _receiver) = blocking_ends(&stream);
    assert!(sender.try_feed(long).is_ok());
    assert!(sender.try_feed("no more").is_err());
    assert_eq!(stream.elapsed(), millis(0));
}

/// The adapter for `futures`, where no deadline runs: it ends as the others do.
#[test]
fn the_adapter_for_futures_ends_as_the_others_do() {
    let config = |config: &mut Config| {
        config.keepalive = None;
        (config.write_timeout, config.close_timeout, config.message_timeout) = (None, None, None);
    };
    for (role, adapter) in
        BOTH.into_iter().flat_map(|role| [(role, Adapter::Futures), (role, Adapter::FuturesSplit)])
    {
        let script = |stream: &Stream| {
            comes(stream, from_peer_of(role, BINARY, noise(1, 3000)));
            comes(stream, close_of(role, 1000));
            stream.act_end();
            stream.state().room = 0;
            stream.at(millis(10), Act::Drip(1024, millis(10)));
        };
        let case = Case { role, compressed: true, config: &config, script: &script, steps: &[Do::Echo] };
        let run = case.run_real(adapter);
        let expected = Expected { takes_all: true, close_leaves: true, ends_within: None };
        assert!(
            !run.judged(&expected).errors().any(|error| !matches!(error, Error::Send(_))),
            "{:?}",
            run.said
        );
    }
}
