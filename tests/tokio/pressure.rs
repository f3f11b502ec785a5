//! Peers that take nothing: what is queued for them is bounded, and so is how long they are waited for.
use crate::{counted::*, line::*, support::*};
use futures_util::SinkExt;
use sansocket::{Config, Deadline, Error, Message};
use std::task::Poll;
use tokio::time::Instant;

const MARK: usize = 64 << 10;

/// Known failure: output without bound.
#[tokio::test(start_paused = true)]
async fn a_sender_waits_at_the_high_water_mark_and_ends_at_the_write_deadline() {
    for role in BOTH {
        for way in 0..3 {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |_| ());
            line.take(5);
            let (start, text) = (Instant::now(), "x".repeat(3000));
            let (mut sent, mut most, held) = (0, 0, TALLY.get().held);
            let error = loop {
                let done = match way {
                    0 => within(seconds(100), socket.feed(&*text)).await,
                    1 => within(seconds(100), SinkExt::feed(&mut socket, Message::from(&*text))).await,
                    _ => within(seconds(100), socket.send(&*text)).await,
                };
                let Err(error) = done else {
                    (sent, most) = (sent + 1, most.max(socket.buffered_amount()));
                    assert!(
                        TALLY.get().held - held < 6 * MARK as isize,
                        "{role:?} {way}: memory without bound"
                    );
                    continue;
                };
                break error;
            };
            assert!(matches!(error, Error::TimedOut(Deadline::Write)), "{role:?} {way}: {error}");
            took(start, seconds(30));
            assert!(most <= MARK + 3100, "{role:?} {way}: {most} bytes queued");
            assert_eq!(sent > 20, way < 2, "{sent} messages of 3,000 bytes were queued");
            assert_eq!((socket.buffered_amount(), line.ends().outgoing.len()), (0, 5));
            assert!(matches!(socket.recv().await, Ok(None)), "it has been told");
            assert_eq!(socket.closed().unwrap().timed_out, Some(Deadline::Write));
            assert!(matches!(socket.send("more").await, Err(Error::Send(_))));
        }
    }
}

/// Known failure: output without bound.
#[tokio::test(start_paused = true)]
async fn an_echo_for_a_peer_that_writes_for_ever_and_never_reads_pauses_and_ends() {
    for role in BOTH {
        for len in [0, 20, 5000, 100_000] {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |_| ());
            line.ends().flood = wire(BINARY, vec![7; len], peer_key(role));
            line.take(0);
            let (start, held) = (Instant::now(), TALLY.get().held);
            let (mut echoed, mut most) = (0, 0);
            let error = loop {
                match within(seconds(100), socket.recv_ref()).await {
                    Ok(Some((message, mut reply))) => {
                        reply.feed(message).unwrap();
                        (echoed, most) = (echoed + 1, most.max(reply.buffered_amount()));
                        assert!(TALLY.get().held - held < 1 << 20, "{role:?}: memory without bound");
                    }
                    Ok(None) => panic!("it never closes"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, Error::TimedOut(Deadline::Write)), "{role:?} {len}: {error}");
            took(start, seconds(30));
            // The one that went over the mark, and one that had come and is delivered before the end.
            assert!(most <= MARK + 2 * (len + 14), "{role:?} {len}: {most} bytes queued");
            assert!(echoed <= MARK / (len + 2) + 2, "{role:?} {len}: {echoed} echoed");
            assert!(line.ends().read < 4 * MARK + 2 * len, "{role:?}: {} bytes read", line.ends().read);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_enough_has_been_taken_messages_are_delivered_again_though_some_still_waits() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |config| config.high_water_mark = 1000);
        line.take(0);
        socket.feed(&*"x".repeat(3000)).await.unwrap();
        line.feed(wire(TEXT, "here", peer_key(role)));
        assert!(once(socket.recv()).is_none(), "above the mark nothing is delivered");
        // The peer takes 2,500 bytes, and then no more until it has been listened to.
        line.take(2500);
        let start = Instant::now();
        let message = within(seconds(1), socket.recv()).await.unwrap();
        took(start, seconds(0));
        assert_eq!(message, Some(Message::text("here")), "{role:?}");
        assert!(socket.buffered_amount() > 500);
    }
}

/// Known failure: flood of Pings.
#[tokio::test(start_paused = true)]
async fn a_ping_flood_that_is_never_read_is_bounded_paused_and_ended() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        line.ends().flood = wire(PING, [b'p'; 125], peer_key(role));
        line.take(0);
        let start = Instant::now();
        assert!(once(socket.recv()).is_none());
        let read = line.ends().read;
        assert!(read <= 1 << 20, "{role:?}: {read} bytes read");
        assert!(socket.buffered_amount() <= 4096 + 2 * 131, "{role:?}: {} queued", socket.buffered_amount());
        let error = within(seconds(100), socket.recv()).await.unwrap_err();
        assert!(matches!(error, Error::TimedOut(Deadline::Write)), "{role:?}: {error}");
        took(start, seconds(30));
        assert!(line.ends().read - read <= 1 << 17, "{role:?}: reading was not paused");
    }
}

/// Known failure: flood of Pongs; flood of Pings.
#[tokio::test(start_paused = true)]
async fn a_million_pongs_or_pings_hold_nothing_and_let_others_have_their_turn() {
    for role in BOTH {
        for first in [PONG, PING] {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |_| ());
            let frame = wire(first, "unasked", peer_key(role));
            line.ends().keeps = false;
            line.ends().flood = frame.repeat(100);
            // The clock stands still, and the line always has more: only giving way ends a poll.
            for _ in 0..20 {
                assert!(once(socket.recv()).is_none());
            }
            let (spent, polls) = tally(|| {
                let (start, mut polls) = (line.ends().read, 0);
                while line.ends().read - start < 1_000_000 * frame.len() {
                    polls += 1;
                    assert!(once(socket.recv()).is_none());
                }
                polls
            });
            assert!(polls > 1000, "{role:?}: {polls} polls for a million frames");
            assert_eq!((spent.calls, spent.held), (0, 0), "{role:?} {first:x}: {spent:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_bytes_but_does_not_let_go_of_them_is_bounded_too() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        line.ends().flush_waits = true;
        let start = Instant::now();
        let error = within(seconds(100), socket.send("kept by TLS, say")).await.unwrap_err();
        assert!(matches!(error, Error::TimedOut(Deadline::Write)), "{role:?}: {error}");
        took(start, seconds(30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_a_byte_now_and_then_is_waited_for() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        line.take(0);
        let (start, peer) = (Instant::now(), line.clone());
        let slow = tokio::spawn(async move {
            while peer.ends().outgoing.len() < 30 {
                tokio::time::advance(seconds(10)).await;
                peer.take(1);
                tokio::task::yield_now().await;
            }
            peer.take(usize::MAX);
        });
        within(seconds(1000), socket.send("a message of thirty bytes or so")).await.unwrap();
        slow.await.unwrap();
        assert!(start.elapsed() >= seconds(290), "{role:?}: {:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_above_the_mark_is_woken_as_soon_as_there_is_room() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |_| ());
        line.take(0);
        let long = vec![7_u8; 2 * MARK];
        socket.feed(&long[..]).await.unwrap();
        let waits = std::future::poll_fn(|cx| {
            let mut feed = std::pin::pin!(socket.feed("next"));
            Poll::Ready(feed.as_mut().poll(cx).is_pending())
        });
        assert!(waits.await);
        line.take(MARK + 100);
        within(seconds(10), socket.feed("next")).await.unwrap();
        assert!(socket.buffered_amount() <= MARK);
        line.take(usize::MAX);
        within(seconds(10), socket.flush()).await.unwrap();
        let all: Vec<_> = line.sent().into_iter().flat_map(|frame| frame.payload).collect();
        assert!(all == [&long[..], b"next"].concat(), "{role:?}");
    }
}

#[test]
fn the_mark_is_the_default_one() {
    assert_eq!(Config::server().high_water_mark, MARK);
}

#[tokio::test(start_paused = true)]
async fn try_feed_never_waits_and_pong_is_sent() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let mut socket = line.socket(role, |config| config.high_water_mark = 20);
        line.take(0);
        socket.try_feed("this is more than twenty bytes").unwrap();
        let queued = socket.buffered_amount();
        assert!(matches!(
            socket.try_feed("so this is not queued"),
            Err(Error::Send(sansocket::SendError::Full))
        ));
        assert_eq!(socket.buffered_amount(), queued);
        line.take(1000);
        socket.pong("!").await.unwrap();
        assert_eq!(line.sent().iter().map(|frame| frame.first).collect::<Vec<_>>(), [TEXT, PONG]);
        socket.abort();
        assert!(matches!(socket.try_feed("late"), Err(Error::Send(_))));
    }
}
