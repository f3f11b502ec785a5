//! The closing handshake with peers that do their part late, in part or never.
use crate::{line::*, support::*};
use sansocket::{CloseCode, Deadline, Error, Message, ReadyState, Violation, proto::Role};
use std::{
    future::poll_fn,
    io::ErrorKind,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::time::Instant;

/// Known failure: peer never closes.
#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_or_never_ends_the_transport_is_given_up() {
    for role in BOTH {
        for (answers, reads) in [(false, true), (false, false), (true, true)] {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |_| ());
            if answers {
                line.feed(wire(CLOSE, body(1000, ""), peer_key(role)));
            }
            if !reads {
                line.take(0);
                socket.feed(vec![7; 1 << 20]).await.unwrap();
            }
            let start = Instant::now();
            let closed = within(seconds(100), socket.close(Some(CloseCode::NORMAL.into()))).await.unwrap();
            // A server with both Close frames behind it ends the connection itself (RFC 6455 §7.1.1).
            let done = answers && role == Role::Server;
            let deadline = if reads { Deadline::Close } else { Deadline::Write };
            took(
                start,
                seconds(if done {
                    0
                } else if reads {
                    10
                } else {
                    30
                }),
            );
            assert_eq!(closed.timed_out, (!done).then_some(deadline), "{role:?}");
            assert_eq!((closed.was_clean(), closed.sent.is_some()), (answers, reads), "{role:?}");
            assert_eq!(socket.state(), ReadyState::Closed);
            let again = Instant::now();
            assert_eq!(socket.close(None).await.unwrap(), closed);
            took(again, seconds(0));
        }
    }
}

/// Known failure: peer never closes.
#[tokio::test(start_paused = true)]
async fn a_peer_that_floods_for_ever_is_given_up_and_others_have_their_turn() {
    for role in BOTH {
        let floods = [
            wire(TEXT, "not read by anyone", peer_key(role)),
            wire(PING, "?", peer_key(role)),
            wire(BINARY, vec![7; 200_000], peer_key(role)),
            wire(BINARY, "", peer_key(role)),
        ];
        for (n, flood) in floods.into_iter().enumerate() {
            for answers in [false, true] {
                // As `close`, and as `recv` after the Close frame has been queued.
                for receives in [false, true] {
                    if answers && role == Role::Server {
                        continue; // it has nothing to wait for
                    }
                    let line = Line::new(Pace::Free);
                    let mut socket = line.socket(role, |_| ());
                    if answers {
                        line.feed(wire(CLOSE, body(1000, ""), peer_key(role)));
                    }
                    line.ends().keeps = false;
                    line.ends().flood = flood.clone();
                    let polls = AtomicUsize::new(0);
                    let start = Instant::now();
                    let wait = async {
                        if receives {
                            assert!(once(socket.close(None)).is_none());
                            let mut received = 0;
                            // An application that is as bad: it asks again at once.
                            while let Ok(Some(_)) = socket.recv().await {
                                received += 1;
                                if received % 64 == 0 {
                                    tokio::task::yield_now().await;
                                }
                            }
                            socket.closed().unwrap().clone()
                        } else {
                            socket.close(None).await.unwrap()
                        }
                    };
                    let mut wait = pin!(wait);
                    let counted = poll_fn(|cx| {
                        polls.fetch_add(1, Ordering::Relaxed);
                        wait.as_mut().poll(cx)
                    });
                    // The line never has to be waited for, so the clock moves only because others get their turn.
                    let clock = async {
                        loop {
                            tokio::time::advance(std::time::Duration::from_millis(100)).await;
                            assert!(start.elapsed() < seconds(60), "{role:?} {n}: it never ends");
                        }
                    };
                    let closed = tokio::select! {
                        biased;
                        closed = counted => closed,
                        () = clock => unreachable!(),
                    };
                    assert_eq!(closed.timed_out, Some(Deadline::Close), "{role:?} {n}");
                    assert_eq!(closed.was_clean(), answers);
                    assert!(
                        start.elapsed() >= seconds(10) && start.elapsed() < seconds(11),
                        "{:?}",
                        start.elapsed()
                    );
                    assert!(polls.load(Ordering::Relaxed) >= 30, "{role:?} {n}: others never had their turn");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_after_a_violation_is_written_even_if_the_peer_reads_late() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        line.take(0);
        line.feed([0xFF, 0xFF]);
        assert!(once(socket.recv()).is_none(), "{role:?}");
        assert_eq!(socket.state(), ReadyState::Closing);
        let peer = line.clone();
        let start = Instant::now();
        let late = tokio::spawn(async move {
            tokio::time::advance(seconds(4)).await;
            peer.take(usize::MAX);
            // It ends when it is told to.
            while !peer.ends().shut {
                tokio::task::yield_now().await;
            }
            peer.end(Ok(()));
        });
        let error = within(seconds(100), socket.recv()).await.unwrap_err();
        late.await.unwrap();
        took(start, seconds(4));
        assert!(matches!(error, Error::Protocol(error) if error.violation == Violation::ReservedBits));
        let sent = line.sent();
        assert_eq!(
            (sent.len(), sent[0].first, &sent[0].payload[..2]),
            (1, CLOSE, &1002_u16.to_be_bytes()[..])
        );
        assert_eq!(socket.recv().await.unwrap(), None, "it is told once");
        assert!(socket.closed().unwrap().sent.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_broken_for_writing_still_brings_the_close_frame_that_says_why() {
    for role in BOTH {
        for by in 0..3 {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |_| ());
            line.ends().write_fails = true;
            line.feed(wire(CLOSE, body(1011, "full"), peer_key(role)));
            line.end(Ok(()));
            match by {
                0 => drop(socket.feed("lost").await),
                1 => assert!(
                    matches!(socket.send("lost").await, Err(Error::Io(error)) if error.kind() == ErrorKind::BrokenPipe)
                ),
                _ => line.feed(""),
            }
            match within(seconds(1), socket.recv()).await {
                Ok(None) => assert_eq!(by, 1, "an error has been told"),
                Err(Error::Closed(closed)) => assert_eq!(closed.code(), 1011, "{role:?} {by}"),
                other => panic!("{role:?} {by}: {other:?}"),
            }
            let closed = socket.closed().unwrap();
            assert_eq!((closed.code(), closed.reason(), closed.was_clean()), (1011, "full", false));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_broken_for_writing_that_brings_nothing_ends_soon() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        line.ends().write_fails = true;
        let start = Instant::now();
        socket.feed("lost").await.unwrap();
        assert!(within(seconds(100), socket.recv()).await.is_err());
        took(start, seconds(10));
        // It breaks as the keepalive's ping is to leave.
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        line.ends().write_fails = true;
        let start = Instant::now();
        assert!(within(seconds(100), socket.recv()).await.is_err());
        took(start, seconds(30));
    }
}

#[tokio::test(start_paused = true)]
async fn the_peers_close_is_answered_and_the_server_ends_the_connection() {
    for role in BOTH {
        let line = Line::new(Pace::Dribble);
        let mut socket = line.socket(role, |_| ());
        let key = peer_key(role);
        line.feed(
            [wire(TEXT, "last", key), wire(CLOSE, body(1001, "bye"), key), wire(TEXT, "late", key)].concat(),
        );
        assert_eq!(socket.recv().await.unwrap(), Some(Message::text("last")));
        let start = Instant::now();
        let peer = line.clone();
        tokio::spawn(async move {
            passes(seconds(3)).await;
            assert_eq!(peer.ends().shut, role == Role::Server, "the server ends the transport first");
            peer.end(Ok(()));
        });
        assert_eq!(within(seconds(100), socket.recv()).await.unwrap(), None);
        took(start, seconds(if role == Role::Server { 0 } else { 3 })); // which need not wait for the client
        let closed = socket.closed().unwrap();
        assert_eq!((closed.code(), closed.by_peer, closed.was_clean()), (1001, true, true));
        assert_eq!(line.sent().len(), 1);
        assert!(line.ends().shut);
    }
}
