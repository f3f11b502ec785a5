//! The end of one direction is not that of the other; and how an end is brought about, or told.
use super::{pair, server};
use crate::{
    line::{Line, Pace, once},
    support::{PING, TEXT, wire},
};
use sansocket::{CloseCode, Error, Message, ReadyState, SendError, proto::Role};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    spawn,
    task::yield_now,
    time::timeout,
};

/// Case 1.3.
#[tokio::test(start_paused = true)]
async fn what_a_sender_has_queued_leaves_after_the_peer_has_ended_its_side() {
    for closes in [false, true] {
        let (server, mut far) = server(1000, |_| ());
        let (sender, mut receiver) = server.split();
        let receiving = spawn(async move { (receiver.recv().await, receiver) });
        let sending = spawn(async move { (sender.send(vec![7; 200_000]).await, sender) });
        yield_now().await;
        if closes {
            far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
        }
        far.shutdown().await.unwrap();
        yield_now().await;
        let mut got = vec![];
        far.read_to_end(&mut got).await.unwrap();
        let (sent, sender) = sending.await.unwrap();
        sent.unwrap();
        let (received, receiver) = receiving.await.unwrap();
        match closes {
            true => assert!(matches!(received, Ok(None)) && got.ends_with(&[0x88, 0]), "{received:?}"),
            false => assert!(matches!(received, Err(Error::Lost(_))), "{received:?}"),
        }
        assert!(got.len() > 200_000);
        assert_eq!(receiver.closed().unwrap().unsent, 0);
        assert!(matches!(sender.send("late").await, Err(Error::Send(SendError::Closing))));
    }
}

/// Case 1.4.
#[tokio::test(start_paused = true)]
async fn who_only_sends_discards_and_hears_the_end() {
    let (mut client, server) = pair(100);
    let (sender, mut receiver) = server.split();
    let discarding = spawn(async move { receiver.discard().await });
    let sending = spawn(async move {
        let mut sent = 0;
        while sender.send("news").await.is_ok() {
            sent += 1;
            yield_now().await;
        }
        sent
    });
    for _ in 0..10 {
        client.send("for nobody").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), Some(Message::text("news")));
    }
    let closed = timeout(Duration::from_secs(1), client.close(CloseCode::NORMAL)).await.unwrap().unwrap();
    assert!(closed.was_clean());
    let closed = discarding.await.unwrap();
    assert!(closed.was_clean() && closed.by_peer && closed.code() == 1000);
    assert!(sending.await.unwrap() >= 10);
}

/// Case 1.4: dropping it loses nothing but messages that have come.
#[tokio::test(start_paused = true)]
async fn discarding_can_be_given_up_and_begun_again() {
    let (server, mut far) = server(100, |_| ());
    let (_sender, mut receiver) = server.split();
    far.write_all(&wire(TEXT, "one", Some([0; 4]))).await.unwrap();
    assert!(once(receiver.discard()).is_none());
    far.write_all(&wire(TEXT, "two", Some([0; 4]))).await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), Some(Message::text("two")));
    far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(receiver.discard().await.code(), 1005);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_can_abort_and_all_learn_of_it() {
    let line = Line::new(Pace::Free);
    let (sender, mut receiver) = line.socket(Role::Server, |_| ()).split();
    Line::take(&line, 3);
    let waiting = sender.clone();
    let waiting = spawn(async move { waiting.send("half of it leaves").await });
    let receiving = spawn(async move { (receiver.recv().await, receiver) });
    yield_now().await;
    sender.abort();
    assert!(line.ends().shut && sender.is_closed() && sender.buffered_amount() == 0);
    assert!(matches!(waiting.await.unwrap(), Err(Error::Send(SendError::Closing))));
    let (received, mut receiver) = receiving.await.unwrap();
    assert!(matches!(received, Err(Error::Lost(_))), "{received:?}");
    assert_eq!((receiver.state(), receiver.recv().await.unwrap()), (ReadyState::Closed, None));
    assert!(receiver.closed().is_some_and(|closed| closed.sent.is_none() && closed.unsent > 0));
    sender.abort();
    assert_eq!(line.ends().outgoing.len(), 3, "there is no Close frame");
}

#[tokio::test(start_paused = true)]
async fn after_an_abort_what_has_come_is_not_received() {
    for by_sender in [true, false] {
        let line = Line::new(Pace::Free);
        let (sender, mut receiver) = line.socket(Role::Server, |_| ()).split();
        let messages = [wire(TEXT, "one", Some([0; 4])), wire(TEXT, "two", Some([0; 4]))];
        line.feed(messages.concat());
        assert_eq!(receiver.recv().await.unwrap(), Some(Message::text("one")));
        if by_sender {
            sender.abort();
            assert!(matches!(receiver.recv().await, Err(Error::Lost(_))));
        } else {
            receiver.abort();
            assert!(line.ends().shut && sender.is_closed());
        }
        assert!(matches!(receiver.recv().await, Ok(None)));
        assert!(receiver.closed().is_some_and(|closed| closed.code() == 1006));
        assert!(matches!(sender.send("late").await, Err(Error::Send(SendError::Closing))));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_an_abort_ends_a_close() {
    let (server, mut far) = server(10, |_| ());
    let (sender, receiver) = server.split();
    drop(receiver);
    let closing = sender.clone();
    let closing = spawn(async move { closing.close(None).await });
    yield_now().await;
    sender.abort();
    assert!(matches!(closing.await.unwrap(), Err(Error::Lost(_))));
    let mut got = vec![];
    far.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, [0x88, 0]);
}

#[tokio::test(start_paused = true)]
async fn without_auto_pong_a_sender_answers() {
    let (server, mut far) = server(100, |config| config.auto_pong = false);
    let (sender, mut receiver) = server.split();
    far.write_all(&wire(PING, "?", Some([0; 4]))).await.unwrap();
    assert!(receiver.recv_event().await.unwrap().is_some());
    sender.pong("!").await.unwrap();
    let mut got = [0; 3];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, [0x8A, 1, b'!']);
}
