//! One end alone: senders without a receiver, a receiver without senders, and neither.
use super::{pair, server};
use sansocket::{CloseCode, CloseFrame, Deadline, Error, Message};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    spawn,
    time::{Instant, advance},
};

#[tokio::test(start_paused = true)]
async fn without_a_receiver_sends_go_on_and_a_close_is_the_whole_handshake() {
    let (client, mut server) = pair(30);
    let (sender, receiver) = client.split();
    drop(receiver);
    let far = spawn(async move {
        let mut got = 0;
        while server.recv().await.unwrap().is_some() {
            got += 1;
        }
        (got, server.closed().unwrap().was_clean())
    });
    for _ in 0..50 {
        sender.send("somewhat longer than the wire is").await.unwrap();
    }
    let began = Instant::now();
    sender.close(CloseCode::NORMAL).await.unwrap();
    assert_eq!((far.await.unwrap(), began.elapsed()), ((50, true), Duration::ZERO));
    sender.close(None).await.unwrap(); // it was done well
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_a_close_discards_what_comes_and_all_who_close_hear_how_it_ended() {
    let (server, mut far) = server(20, |_| ());
    let (sender, receiver) = server.split();
    drop(receiver);
    let closing: Vec<_> = (0..3)
        .map(|_| {
            let sender = sender.clone();
            spawn(async move { sender.close(CloseCode::NORMAL).await })
        })
        .collect();
    let mut got = [0; 4];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, [0x88, 2, 3, 0xE8]);
    for _ in 0..10 {
        far.write_all(&[0x82, 0x83, 0, 0, 0, 0, 1, 2, 3]).await.unwrap(); // more than the wire takes
    }
    far.write_all(&[0xF0, 0x80, 0, 0, 0, 0]).await.unwrap(); // reserved bits
    assert_eq!(far.read(&mut got).await.unwrap(), 0);
    drop(far);
    for task in closing {
        let closed = task.await.unwrap();
        assert!(matches!(closed, Err(Error::Protocol(_))), "{closed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_a_close_ends_at_its_deadline() {
    let (server, mut far) = server(1000, |_| ());
    let (sender, receiver) = server.split();
    drop(receiver);
    sender.send("").await.unwrap();
    let began = Instant::now();
    assert!(matches!(sender.close(None).await, Err(Error::TimedOut(Deadline::Close))));
    assert_eq!(began.elapsed().as_secs(), 10);
    let mut got = [0; 4];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, [0x81, 0, 0x88, 0]);
    assert!(matches!(sender.close(None).await, Err(Error::TimedOut(Deadline::Close))), "it is told again");
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_given_up_without_a_receiver_is_completed_by_the_next() {
    let (server, mut far) = server(1000, |_| ());
    let (sender, receiver) = server.split();
    drop(receiver);
    let closing = sender.clone();
    let closing = spawn(async move { closing.close(CloseFrame::truncate(CloseCode::NORMAL, "bye")).await });
    let mut got = [0; 7];
    far.read_exact(&mut got).await.unwrap();
    closing.abort();
    assert!(closing.await.is_err());
    far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    sender.close(CloseCode::GOING_AWAY).await.unwrap();
    assert_eq!((far.read(&mut got).await.unwrap(), &got), (0, b"\x88\x05\x03\xE8bye"));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_goes_while_a_close_waits_leaves_it_the_rest() {
    let (server, mut far) = server(2, |_| ());
    let (sender, receiver) = server.split();
    let closing = spawn(async move { sender.close(CloseCode::NORMAL).await });
    tokio::task::yield_now().await;
    drop(receiver);
    let mut got = [0; 4];
    far.read_exact(&mut got).await.unwrap();
    far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(far.read(&mut got).await.unwrap(), 0);
    drop(far);
    closing.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_nothing_is_read_before_the_close() {
    let (server, mut far) = server(20, |config| {
        config.keepalive =
            Some(sansocket::Keepalive { interval: Duration::from_secs(1), timeout: Duration::from_secs(1) });
    });
    let (sender, receiver) = server.split();
    drop(receiver);
    far.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'?']).await.unwrap();
    advance(Duration::from_secs(100)).await; // and nobody gives it up for being silent
    sender.send("x").await.unwrap();
    let mut got = [0; 3];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, [0x81, 1, b'x'], "the ping is not answered");
    far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    sender.send("y").await.unwrap();
    assert!(!sender.is_closed(), "nobody has heard the peer's Close frame");
    sender.close(CloseCode::NORMAL).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_the_write_deadline_passes() {
    let (server, _far) = server(20, |_| ());
    let (sender, receiver) = server.split();
    drop(receiver);
    let began = Instant::now();
    assert!(matches!(sender.send(vec![7; 30]).await, Err(Error::TimedOut(Deadline::Write))));
    assert_eq!(began.elapsed().as_secs(), 30);
    let closed = sender.close(None).await;
    assert!(matches!(closed, Err(Error::TimedOut(Deadline::Write))), "{closed:?}");
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn of_senders_without_a_receiver_any_may_go() {
    let (server, mut far) = server(4, |_| ());
    let (sender, receiver) = server.split();
    drop(receiver);
    let other = sender.clone();
    let (one, two) =
        (spawn(async move { sender.send("one").await }), spawn(async move { other.send("two").await }));
    tokio::task::yield_now().await;
    one.abort();
    assert!(one.await.is_err());
    advance(Duration::from_secs(1)).await;
    let mut got = [0; 10];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"\x81\x03one\x81\x03two");
    two.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_senders_the_receiver_goes_on() {
    let (client, mut server) = pair(1000);
    let (sender, mut receiver) = client.split();
    sender.feed("the last").await.unwrap();
    drop(sender);
    let receiving = spawn(async move {
        let message = receiver.recv().await.unwrap();
        assert!(receiver.recv().await.unwrap().is_none());
        message
    });
    assert_eq!(server.recv().await.unwrap(), Some(Message::text("the last")));
    server.send("still").await.unwrap();
    assert!(server.close(None).await.unwrap().was_clean());
    assert_eq!(receiving.await.unwrap(), Some(Message::text("still")));
}

#[tokio::test(start_paused = true)]
async fn when_all_are_gone_the_transport_is_dropped_and_nothing_sent() {
    for receiver_first in [true, false] {
        let (server, mut far) = server(1000, |_| ());
        let (sender, receiver) = server.split();
        let clone = sender.clone();
        sender.feed("never flushed").await.unwrap();
        if receiver_first {
            drop(receiver);
            drop((sender, clone));
        } else {
            drop((sender, clone));
            drop(receiver);
        }
        assert_eq!(far.read(&mut [0; 100]).await.unwrap(), 0);
    }
}
