//! One end alone: senders without a receiver, a receiver without senders, and neither.
use super::{pair, server};
use sansocket::{CloseCode, Deadline, Error, Message};
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
        while let Some(message) = server.recv().await.unwrap() {
            got += 1;
            server.send(message).await.unwrap(); // for nobody
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
async fn without_a_receiver_a_close_ends_at_its_deadline() {
    let (server, mut far) = server(1000, |_| ());
    let (sender, receiver) = server.split();
    drop(receiver);
    sender.send("").await.unwrap();
    let began = Instant::now();
    assert!(matches!(sender.close(None).await, Err(Error::TimedOut(Deadline::Close))));
    assert_eq!(began.elapsed().as_secs(), 5);
    let mut got = [0; 4];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, [0x81, 0, 0x88, 0]);
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
async fn without_a_receiver_a_sender_that_waits_reads_and_answers_pings() {
    let (server, mut far) = server(20, |_| ());
    let (sender, receiver) = server.split();
    let sending = spawn(async move { sender.send(vec![7; 30]).await });
    tokio::task::yield_now().await;
    drop(receiver);
    // More than the wire takes: it is read, though nothing is.
    for _ in 0..10 {
        far.write_all(&[0x82, 0x83, 0, 0, 0, 0, 1, 2, 3]).await.unwrap();
    }
    far.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'?']).await.unwrap();
    let mut got = [0; 35];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got[32..], [0x8A, 1, b'?']);
    sending.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_deadlines_pass() {
    let (server, _far) = server(20, |_| ());
    let (sender, receiver) = server.split();
    drop(receiver);
    let began = Instant::now();
    assert!(matches!(sender.send(vec![7; 30]).await, Err(Error::TimedOut(Deadline::Write))));
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
    assert!(server.close(None).await.was_clean());
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
