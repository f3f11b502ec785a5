//! What is left of a message whose reader was dropped: nobody sees it, and nobody waits for it longer than is fair.
use crate::{line::*, support::*};
use futures_util::StreamExt;
use sansocket::{
    Delivery, Error,
    proto::{Event, Role},
    tokio::WebSocket,
};

/// A socket whose reader was dropped within the first message.
async fn skipping(line: &Line, role: Role) -> WebSocket<Line> {
    let mut socket = line.socket(role, |config| config.delivery = Delivery::Chunks);
    line.feed(wire(1, "part one", peer_key(role)));
    drop(socket.message_reader().await.unwrap().unwrap());
    socket
}
fn is_chunk(event: &Event<'_>, text: &str) -> bool {
    matches!(event, Event::Chunk { data, fin: true } if data.as_str() == Some(text))
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_message_whose_reader_was_dropped_is_no_event_and_the_next_message_is() {
    for role in BOTH {
        for split in [false, true] {
            let line = Line::new(Pace::Free);
            let mut socket = skipping(&line, role).await;
            for (first, text) in [(0, "part two"), (FIN, "part three"), (TEXT, "next"), (TEXT, "after")] {
                line.feed(wire(first, text, peer_key(role)));
            }
            if split {
                let (_sender, mut receiver) = socket.split();
                let event = receiver.recv_event().await.unwrap().unwrap();
                assert!(is_chunk(&event, "next"), "{role:?}: {event:?}");
                let after = receiver.recv_ref().await.unwrap().unwrap();
                assert!(after.as_str() == Some("after") && after.fin(), "{role:?}: {after:?}");
            } else {
                let (event, _) = socket.recv_event().await.unwrap().unwrap();
                assert!(is_chunk(&event, "next"), "{role:?}: {event:?}");
                let (after, _) = socket.recv_ref().await.unwrap().unwrap();
                assert!(after.as_str() == Some("after") && after.fin(), "{role:?}: {after:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_never_ends_lets_others_have_their_turn() {
    for role in BOTH {
        for split in [false, true] {
            let line = Line::new(Pace::Free);
            let mut socket = skipping(&line, role).await;
            line.ends().flood = wire(0, "x".repeat(100), peer_key(role));
            line.ends().reads = 10_000;
            if split {
                let (_sender, mut receiver) = socket.split();
                assert!(once(receiver.recv_event()).is_none());
                assert!(once(receiver.recv_ref()).is_none());
            } else {
                assert!(once(socket.recv_event()).is_none());
                assert!(once(socket.recv_ref()).is_none());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_sent_nothing_but_pings_lets_others_have_their_turn() {
    for role in BOTH {
        let line = Line::new(Pace::Free);
        let (_sender, mut receiver) = line.socket(role, |_| ()).split();
        line.ends().flood = wire(PING, "?", peer_key(role));
        (line.ends().keeps, line.ends().reads) = (false, 10_000);
        assert!(once(receiver.recv()).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_chunk_tells_whether_the_message_ends_with_it_and_whole_messages_are_refused_before_anything_is_lost()
 {
    for role in BOTH {
        for split in [false, true] {
            let line = Line::new(Pace::Free);
            let mut socket = line.socket(role, |config| config.delivery = Delivery::Chunks);
            let mut seen = vec![];
            if split {
                let (_sender, mut receiver) = socket.split();
                for first in [TEXT, 1, 0, FIN] {
                    line.feed(wire(first, "part", peer_key(role)));
                    assert!(matches!(receiver.recv().await, Err(Error::Chunks)));
                    assert!(matches!(receiver.next().await, Some(Err(Error::Chunks))));
                    seen.push(receiver.recv_ref().await.unwrap().unwrap().fin());
                }
            } else {
                for first in [TEXT, 1, 0, FIN] {
                    line.feed(wire(first, "part", peer_key(role)));
                    assert!(matches!(socket.recv().await, Err(Error::Chunks)));
                    assert!(matches!(socket.next().await, Some(Err(Error::Chunks))));
                    seen.push(socket.recv_ref().await.unwrap().unwrap().0.fin());
                }
            }
            assert_eq!(seen, [true, false, false, true], "{role:?}, split: {split}");
        }
    }
}
