//! Streams that take bytes and keep them, as TLS and buffers do: what is sent has left them.
use super::over;
use futures_util::future::poll_immediate;
use sansocket::{Config, Deadline, Error, SendError, proto::Role, tokio::*};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, BufStream, DuplexStream, duplex},
    spawn,
    time::{Instant, timeout},
};

type Held = BufStream<DuplexStream>;

/// A server on a stream that takes thousands of bytes, with this many on the way to the peer, which is the test.
fn held(bytes: usize) -> (Sender<Held>, Receiver<Held>, DuplexStream) {
    let (near, far) = duplex(bytes);
    let mut config = Config::server();
    config.keepalive = None;
    let (sender, receiver) = over(Role::Server, config, BufStream::new(near)).split();
    (sender, receiver, far)
}

#[tokio::test(start_paused = true)]
async fn a_send_is_done_when_the_stream_has_let_go_of_its_bytes() {
    for receives in [false, true] {
        let (sender, receiver, mut far) = held(64);
        let _receiver = receives.then_some(receiver);
        let sending = spawn(async move {
            sender.send(vec![7; 300]).await.unwrap();
            std::future::pending::<()>().await; // it lives on, and has no more to say
            drop(sender);
        });
        let mut got = [0; 304];
        let whole = timeout(Duration::from_secs(1), far.read_exact(&mut got)).await;
        assert!(whole.is_ok(), "what is said to have been sent never comes");
        sending.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_does_not_let_go_meets_the_write_deadline() {
    let (sender, mut receiver, _far) = held(4);
    let receiving = spawn(async move { receiver.recv().await });
    tokio::task::yield_now().await;
    let began = Instant::now();
    assert!(matches!(sender.send("it is kept").await, Err(Error::TimedOut(Deadline::Write))));
    assert!(matches!(receiving.await.unwrap(), Err(Error::TimedOut(Deadline::Write))));
    assert_eq!(began.elapsed().as_secs(), 30);
    let flushed = timeout(Duration::from_secs(1), sender.flush()).await.expect("nothing more is waited for");
    assert!(matches!(flushed, Err(Error::Send(SendError::Closing))));
}

#[tokio::test(start_paused = true)]
async fn when_a_send_is_dropped_the_receiver_keeps_the_deadline_of_what_the_stream_holds() {
    let (sender, mut receiver, _far) = held(4);
    let receiving = spawn(async move { receiver.recv().await });
    tokio::task::yield_now().await;
    let began = Instant::now();
    assert!(poll_immediate(Box::pin(sender.send("it is kept"))).await.is_none());
    let received = timeout(Duration::from_secs(100), receiving).await.expect("it has no deadline");
    assert!(matches!(received.unwrap(), Err(Error::TimedOut(Deadline::Write))));
    assert_eq!(began.elapsed().as_secs(), 30);
}
