//! Deadlines, on the paused clock: when exactly they pass, and for whom they do not.
use crate::{counted::*, line::*, support::*};
use sansocket::{Config, Deadline, Error, Keepalive, Message};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};
use tokio::time::{Instant, advance};

fn with_keepalive(config: &mut Config) {
    config.keepalive = Some(Keepalive { interval: seconds(20), timeout: seconds(10) });
}

#[tokio::test(start_paused = true)]
async fn silence_brings_a_ping_and_more_silence_the_end() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, with_keepalive);
        let start = Instant::now();
        let peer = line.clone();
        let watch = tokio::spawn(async move {
            while peer.ends().outgoing.is_empty() {
                passes(std::time::Duration::from_millis(1)).await;
            }
            start.elapsed()
        });
        let error = within(seconds(100), socket.recv()).await.unwrap_err();
        assert!(matches!(error, Error::TimedOut(Deadline::Keepalive)), "{role:?}: {error}");
        took(start, seconds(30));
        let pinged = watch.await.unwrap();
        assert!(
            pinged >= seconds(20) && pinged < seconds(20) + std::time::Duration::from_millis(5),
            "{pinged:?}"
        );
        assert_eq!(line.sent().len(), 1);
        assert_eq!((line.sent()[0].first, line.sent()[0].payload.len()), (PING, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pong_ends_the_silence() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, with_keepalive);
        let peer = line.clone();
        let start = Instant::now();
        let answers = tokio::spawn(async move {
            let mut answered = 0;
            while answered < 5 {
                passes(seconds(1)).await;
                if peer.sent().len() > answered {
                    answered += 1;
                    peer.feed(wire(PONG, "", peer_key(role)));
                }
            }
        });
        let error = within(seconds(1000), socket.recv()).await.unwrap_err();
        assert!(matches!(error, Error::TimedOut(Deadline::Keepalive)), "{role:?}: {error}");
        answers.await.unwrap();
        assert_eq!(line.sent().len(), 6, "five answered, and the last");
        assert!(
            start.elapsed() >= seconds(6 * 20 + 10) && start.elapsed() < seconds(6 * 40 + 10 + 1),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_message_that_does_not_go_on_is_1008() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |config| config.keepalive = None);
        line.feed(wire(1, "begun", peer_key(role)));
        let start = Instant::now();
        let error = within(seconds(100), socket.recv()).await.unwrap_err();
        assert!(matches!(error, Error::TimedOut(Deadline::Message)), "{role:?}: {error}");
        took(start, seconds(70)); // and the time that the peer has to end the transport
        assert_eq!(line.sent()[0].payload[..2], 1008_u16.to_be_bytes());
        // With each byte it begins anew.
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |config| config.keepalive = None);
        let (peer, frame) = (line.clone(), wire(TEXT, "ten bytes!", peer_key(role)));
        let start = Instant::now();
        tokio::spawn(async move {
            for byte in frame {
                peer.feed([byte]);
                passes(seconds(59)).await;
            }
        });
        assert_eq!(within(seconds(2000), socket.recv()).await.unwrap(), Some(Message::text("ten bytes!")));
        assert!(start.elapsed() >= seconds(11 * 59));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_not_listened_to_is_not_blamed_for_its_silence() {
    for role in BOTH {
        for unfinished in [false, true] {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |_| ());
            if unfinished {
                line.feed(wire(1, "begun, ", peer_key(role)));
            }
            assert!(once(socket.recv()).is_none());
            line.take(0);
            let peer = line.clone();
            let start = Instant::now();
            // A byte each 10 s: alive, and slow.
            let slow = tokio::spawn(async move {
                for _ in 0..30 {
                    passes(seconds(10)).await;
                    peer.take(1);
                }
                peer.take(usize::MAX);
            });
            within(seconds(1000), socket.send(&*"x".repeat(1000))).await.unwrap();
            took(start, seconds(300));
            slow.await.unwrap();
            assert!(once(socket.recv()).is_none(), "{role:?} {unfinished}: punished");
            let first = if unfinished { FIN } else { TEXT };
            line.feed(wire(first, "done", peer_key(role)));
            let text = if unfinished { "begun, done" } else { "done" };
            assert_eq!(socket.recv().await.unwrap(), Some(Message::text(text)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_while_the_application_was_elsewhere_is_heard() {
    for role in BOTH {
        for after in [15, 25, 29, 31, 1000] {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, with_keepalive);
            line.feed(wire(1, "be", peer_key(role)));
            assert!(once(socket.recv()).is_none());
            let _ = tokio::time::timeout(seconds(21), socket.recv()).await;
            assert_eq!(line.sent().len(), 1, "a ping");
            line.feed(wire(PONG, "", peer_key(role)));
            line.feed(wire(0, "g", peer_key(role)));
            advance(seconds(after)).await;
            assert!(once(socket.recv()).is_none(), "{role:?} {after}: punished");
            line.feed(wire(FIN, "un", peer_key(role)));
            assert_eq!(socket.recv().await.unwrap(), Some(Message::text("begun")));
        }
    }
}

/// Tokio has a task that does much wait although there is something to be had: nothing that is asked is answered.
fn exhaust(cx: &mut std::task::Context<'_>) {
    while pin!(tokio::task::consume_budget()).poll(cx).is_ready() {}
}

#[tokio::test(start_paused = true)]
async fn an_alarm_set_by_a_task_that_must_give_way_goes_off_all_the_same() {
    for role in BOTH {
        for tight in [false, true] {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, with_keepalive);
            let start = Instant::now();
            if tight {
                assert!(once(socket.recv()).is_none());
            }
            let mut first = true;
            let error = {
                let mut recv = pin!(socket.recv());
                let busy = poll_fn(|cx| {
                    if std::mem::take(&mut first) {
                        exhaust(cx);
                    }
                    recv.as_mut().poll(cx)
                });
                tokio::time::timeout(seconds(100), busy).await.expect("the alarm never went off").unwrap_err()
            };
            assert!(matches!(error, Error::TimedOut(Deadline::Keepalive)), "{role:?}: {error}");
            took(start, seconds(30));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_a_task_that_must_give_way_cannot_read_yet_counts() {
    for role in BOTH {
        let (mut near, far) = tokio::io::duplex(1000);
        let mut config = config(role);
        with_keepalive(&mut config);
        let established = sansocket::proto::Established::bare(role);
        let mut socket =
            sansocket::tokio::WebSocket::new(sansocket::proto::Connection::new(established, config), far);
        let _ = tokio::time::timeout(seconds(21), socket.recv()).await;
        tokio::io::AsyncWriteExt::write_all(&mut near, &wire(PONG, "", peer_key(role))).await.unwrap();
        advance(seconds(50)).await;
        let result = poll_fn(|cx| {
            exhaust(cx);
            Poll::Ready(pin!(socket.recv()).poll(cx))
        });
        let result = result.await;
        assert!(result.is_pending(), "{role:?}: {result:?}, though the pong is there");
        let later = tokio::time::timeout(seconds(5), socket.recv()).await;
        assert!(later.is_err(), "{role:?}: {later:?}, though the pong is there");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_message_that_a_task_that_must_give_way_cannot_read_yet_counts() {
    for role in BOTH {
        let (mut near, far) = tokio::io::duplex(1000);
        let established = sansocket::proto::Established::bare(role);
        let connection = sansocket::proto::Connection::new(established, config(role));
        let mut socket = sansocket::tokio::WebSocket::new(connection, far);
        let key = peer_key(role);
        tokio::io::AsyncWriteExt::write_all(&mut near, &wire(1, "be", key)).await.unwrap();
        let _ = tokio::time::timeout(seconds(1), socket.recv()).await;
        tokio::io::AsyncWriteExt::write_all(&mut near, &wire(FIN, "gun", key)).await.unwrap();
        advance(seconds(100)).await;
        let result = poll_fn(|cx| {
            exhaust(cx);
            Poll::Ready(pin!(socket.recv()).poll(cx))
        });
        let result = result.await;
        assert!(result.is_pending(), "{role:?}: {result:?}, though the rest is there");
        tokio::task::yield_now().await;
        assert_eq!(within(seconds(1), socket.recv()).await.unwrap(), Some(Message::text("begun")));
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_went_off_for_one_deadline_says_nothing_of_a_later_one() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, with_keepalive);
        line.take(0);
        assert!(poll_fn(|cx| Poll::Ready(pin!(socket.send("slow")).poll(cx).is_pending())).await);
        passes(seconds(21)).await; // the alarm goes off for the keepalive's sake
        hogged(seconds(20));
        let flushed = poll_fn(|cx| Poll::Ready(pin!(socket.flush()).poll(cx))).await;
        assert!(flushed.is_pending(), "{role:?}: {flushed:?}, though nobody has looked since 21 s");
        line.take(usize::MAX);
        within(seconds(1), socket.flush()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_senders_deadline_has_passed_when_the_runtime_says_so_too() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let (sender, _receiver) = line.socket(role, |_| ()).split();
        line.take(0);
        {
            let mut send = pin!(sender.send("slow"));
            assert!(poll_fn(|cx| Poll::Ready(send.as_mut().poll(cx).is_pending())).await);
            hogged(seconds(40));
            let sent = poll_fn(|cx| Poll::Ready(send.as_mut().poll(cx))).await;
            assert!(sent.is_pending(), "{role:?}: {sent:?}, though nobody has looked since");
            line.take(usize::MAX);
            within(seconds(1), send).await.unwrap();
        }
        line.take(0);
        let start = Instant::now();
        assert!(matches!(sender.send("stuck").await, Err(Error::TimedOut(Deadline::Write))));
        took(start, seconds(30));
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_wakes_the_task_that_waits_now() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, with_keepalive);
        let start = Instant::now();
        // One task begins to wait, another goes on.
        assert!(poll_fn(|cx| Poll::Ready(pin!(socket.recv()).poll(cx).is_pending())).await);
        let error = tokio::spawn(async move {
            tokio::time::timeout(seconds(100), socket.recv()).await.expect("not woken").unwrap_err()
        });
        assert!(matches!(error.await.unwrap(), Error::TimedOut(Deadline::Keepalive)));
        took(start, seconds(30));
    }
}

#[tokio::test(start_paused = true)]
async fn an_echo_of_short_messages_allocates_nothing_and_sets_no_alarm() {
    for role in BOTH {
        for batch in [1, 7, 1000] {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |_| ());
            line.ends().keeps = false;
            let frames = wire(TEXT, "twenty bytes of text", peer_key(role)).repeat(batch);
            line.ends().incoming.reserve(2 * frames.len());
            let mut echo = |times: usize| {
                let mut echoed = 0;
                for _ in 0..times / batch {
                    line.ends().incoming.extend(&frames);
                    let all = echoed + batch;
                    while echoed < all {
                        // Between two turns others go first.
                        let Some(message) = once(socket.recv_ref()) else { continue };
                        let (message, mut reply) = message.unwrap().unwrap();
                        reply.feed(message).unwrap();
                        echoed += 1;
                    }
                    assert!(once(socket.recv_ref()).is_none());
                }
                echoed
            };
            echo(2 * batch);
            let (spent, echoed) = tally(|| echo(10_000));
            assert_eq!(echoed, 10_000 / batch * batch);
            assert_eq!((spent.calls, spent.held), (0, 0), "{role:?} {batch}: {spent:?}");
        }
    }
}
