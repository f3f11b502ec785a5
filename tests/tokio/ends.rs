//! How a transport's end and its errors are told: once, and then nothing more.
use crate::{line::*, support::*};
use futures_util::{SinkExt, StreamExt, stream::FusedStream};
use sansocket::{
    Deadline, Error, Message, ReadyState, SendError,
    proto::{Connection, Established, Event, Role},
    tokio::WebSocket,
};
use std::io::ErrorKind;

#[tokio::test(start_paused = true)]
async fn an_error_of_the_transport_is_told_once() {
    for role in BOTH {
        for part in 0..8 {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |_| ());
            let key = peer_key(role);
            line.feed([wire(TEXT, "whole", key), wire(TEXT, "part", key)[..part.min(5)].to_vec()].concat());
            line.end(Err(ErrorKind::ConnectionReset));
            assert_eq!(socket.recv().await.unwrap(), Some(Message::text("whole")));
            assert!(!socket.is_terminated());
            let error = if part % 2 == 0 {
                socket.recv().await.unwrap_err()
            } else {
                socket.next().await.unwrap().unwrap_err()
            };
            assert!(
                matches!(&error, Error::Io(error) if error.kind() == ErrorKind::ConnectionReset),
                "{error}"
            );
            assert_eq!(socket.closed().unwrap().code(), 1006);
            assert_eq!(socket.state(), ReadyState::Closed);
            assert!(socket.is_terminated());
            for _ in 0..3 {
                assert_eq!(socket.recv().await.unwrap(), None);
                assert!(socket.recv_event().await.unwrap().is_none());
                assert!(socket.next().await.is_none());
            }
            assert!(matches!(socket.send("x").await, Err(Error::Send(SendError::Closing))));
            assert_eq!(socket.close(None).await.unwrap().code(), 1006);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_close_frame_is_told_once() {
    for role in BOTH {
        for events in [false, true] {
            let line = Line::new(Pace::Dribble);
            let mut socket = line.socket(role, |_| ());
            let key = peer_key(role);
            line.feed([wire(TEXT, "whole", key), wire(1, "part", key)].concat());
            line.end(Ok(()));
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("whole"));
            if events {
                assert!(socket.recv_event().await.unwrap().is_none());
            } else {
                let Some(Err(Error::Lost(closed))) = socket.next().await else { panic!("not lost") };
                assert_eq!(Some(&*closed), socket.closed());
            }
            assert!(socket.next().await.is_none() && socket.is_terminated());
            assert_eq!(socket.closed().unwrap().code(), 1006);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_violation_is_an_event_and_an_error() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        line.feed([0xFF, 0xFF]);
        line.end(Ok(()));
        assert!(matches!(socket.recv_event().await.unwrap(), Some((Event::Error(_), _))));
        assert!(socket.recv_event().await.unwrap().is_none());
        assert!(socket.closed().unwrap().error.is_some());
        assert_eq!(line.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_tells_that_a_violation_dropped_what_was_queued() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |config| config.high_water_mark = usize::MAX);
        line.take(0);
        for _ in 0..8 {
            socket.feed(vec![0; 100_000]).await.unwrap();
        }
        line.feed([0xFF, 0xFF]);
        assert!(matches!(socket.recv_event().await.unwrap(), Some((Event::Error(_), _))));
        line.take(usize::MAX);
        assert!(matches!(socket.flush().await, Err(Error::Send(SendError::Closing))));
        let flushed = SinkExt::<Message>::flush(&mut socket).await;
        assert!(matches!(flushed, Err(Error::Send(SendError::Closing))));
        assert!(socket.recv_event().await.unwrap().is_none());
        assert!(matches!(socket.flush().await, Err(Error::Send(SendError::Closing))));
        assert!(socket.closed().is_some_and(|closed| closed.unsent > 0));
    }
}

#[tokio::test(start_paused = true)]
async fn aborting_ends_it_at_once_and_sends_nothing() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        let key = peer_key(role);
        line.feed(
            [wire(TEXT, "one", key), wire(PING, "?", key), wire(CLOSE, "", key), wire(TEXT, "x", key)]
                .concat(),
        );
        assert_eq!(socket.recv().await.unwrap(), Some(Message::text("one")));
        line.take(0);
        socket.feed("never sent").await.unwrap();
        socket.abort();
        assert_eq!((socket.state(), socket.buffered_amount()), (ReadyState::Closed, 0));
        assert!(socket.closed().is_some_and(|closed| closed.sent.is_none() && !closed.was_clean()));
        socket.abort();
        assert_eq!(socket.recv().await.unwrap(), None);
        assert!(line.ends().outgoing.is_empty());
        let closed = within(seconds(1), SinkExt::<Message>::close(&mut socket)).await;
        assert!(matches!(closed, Err(Error::Lost(closed)) if closed.unsent > 0), "a message was left behind");
        // One that has waited, and one whose peer took half a frame.
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        assert!(once(socket.recv()).is_none());
        line.take(3);
        assert!(once(socket.send("half of it leaves")).is_none());
        socket.abort();
        assert_eq!(line.ends().outgoing.len(), 3);
        assert!(matches!(socket.send("x").await, Err(Error::Send(SendError::Closing))));
        // The peer never said goodbye, which `close` tells as `recv` would have.
        let closed = within(seconds(1), SinkExt::<Message>::close(&mut socket)).await;
        assert!(matches!(closed, Err(Error::Lost(_))), "{closed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn taking_it_apart_gives_back_what_was_read_and_not_used() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        let rest = wire(TEXT, "not ours", peer_key(role));
        line.feed([wire(TEXT, "ours", peer_key(role)), rest.clone()].concat());
        assert_eq!(socket.recv().await.unwrap(), Some(Message::text("ours")));
        let (mut stream, unread) = socket.into_inner();
        assert_eq!(unread, rest);
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"on").await.unwrap();
        assert_eq!(line.ends().outgoing, b"on");
        // Part of a frame that rested.
        let mut socket = line.socket(role, |_| ());
        line.feed(&rest[..1]);
        assert!(once(socket.recv()).is_none());
        assert_eq!(socket.into_inner().1, rest[..1]);
    }
}

#[tokio::test(start_paused = true)]
async fn taking_it_apart_within_a_message_gives_back_only_what_was_not_looked_at() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let frame = wire(TEXT, "not to be had whole", peer_key(role));
        let mut socket = line.socket(role, |_| ());
        line.feed(&frame[..frame.len() - 3]);
        assert!(once(socket.recv()).is_none());
        assert_eq!(socket.into_inner().1, "", "what is left of it means nothing without its header");
        // Between two frames of a message nothing but the header of the next is looked at.
        let mut socket = line.socket(role, |_| ());
        let next = wire(FIN, "ever", peer_key(role));
        line.feed([wire(1, "how", peer_key(role)), next[..1].to_vec()].concat());
        assert!(once(socket.recv()).is_none());
        assert_eq!(socket.into_inner().1, next[..1]);
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_end_nothing_waits_for_a_stream_that_does_not_let_go() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |config| config.high_water_mark = 0);
        line.ends().flush_waits = true;
        assert!(matches!(socket.send("kept").await, Err(Error::TimedOut(Deadline::Write))));
        assert!(matches!(socket.recv().await, Ok(None)), "it has been told");
        let start = tokio::time::Instant::now();
        let closing = |done| matches!(done, Err(Error::Send(SendError::Closing)));
        assert!(closing(within(seconds(1), socket.flush()).await));
        assert!(closing(within(seconds(1), SinkExt::<Message>::flush(&mut socket)).await));
        assert!(closing(within(seconds(1), socket.feed("more")).await));
        assert!(closing(within(seconds(1), SinkExt::feed(&mut socket, Message::text("more"))).await));
        took(start, seconds(0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_that_ended_it_is_told_by_every_way_of_receiving() {
    for way in 0..3 {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(Role::Server, |_| ());
        let told = match way {
            0 => matches!(socket.recv().await, Err(Error::TimedOut(Deadline::Keepalive))),
            1 => matches!(socket.next().await, Some(Err(Error::TimedOut(Deadline::Keepalive)))),
            _ => matches!(socket.recv_event().await, Ok(None)),
        };
        assert!(told, "{way}");
        assert_eq!(socket.closed().unwrap().timed_out, Some(Deadline::Keepalive));
        assert!(socket.next().await.is_none());
    }
}

fn both_ends() -> [WebSocket<tokio::io::DuplexStream>; 2] {
    let (near, far) = tokio::io::duplex(100);
    let end = |role, stream| WebSocket::new(Connection::new(Established::bare(role), config(role)), stream);
    [end(Role::Client, near), end(Role::Server, far)]
}
async fn talk() {
    let [mut client, mut server] = both_ends();
    let echo = tokio::spawn(async move {
        while let Some((message, mut reply)) = server.recv_ref().await.unwrap() {
            reply.feed(message).unwrap();
        }
        server.closed().unwrap().clone()
    });
    for n in 0..50 {
        client.send("x".repeat(n * 10)).await.unwrap();
        assert_eq!(client.recv().await.unwrap(), Some(Message::text("x".repeat(n * 10))));
    }
    let closed = client.close(None).await.unwrap();
    assert!(closed.was_clean() && echo.await.unwrap().was_clean());
}

#[tokio::test]
async fn two_ends_talk_on_one_thread() {
    talk().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ends_talk_on_several_threads() {
    let all: Vec<_> = (0..20).map(|_| tokio::spawn(talk())).collect();
    for one in all {
        one.await.unwrap();
    }
}
