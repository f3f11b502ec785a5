//! What had not left when the connection ended: its senders are told, and so is who asks.
use super::server;
use futures_util::future::poll_immediate;
use sansocket::{CloseCode, Deadline, Error, SendError};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    spawn,
    task::yield_now,
};

fn is_closing<T>(done: &Result<T, Error>) -> bool {
    matches!(done, Err(Error::Send(SendError::Closing)))
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_that_could_not_leave_is_no_close() {
    let (server, far) = server(1, |_| ());
    let (sender, mut receiver) = server.split();
    let closing = spawn(async move { sender.close(None).await });
    yield_now().await;
    let receiving = spawn(async move { (receiver.recv().await, receiver) });
    yield_now().await;
    drop(far);
    let (received, _receiver) = receiving.await.unwrap();
    assert!(received.is_err());
    let closed = closing.await.unwrap();
    assert!(is_closing(&closed), "{closed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_whose_time_ran_out_is_no_close_whoever_saw_that() {
    let (server, _far) = server(1, |config| config.close_timeout = Some(Duration::from_secs(1)));
    let (sender, mut receiver) = server.split();
    let receiving = spawn(async move { (receiver.recv().await, receiver) });
    yield_now().await;
    let closed = sender.close(None).await;
    assert!(matches!(closed, Err(Error::TimedOut(Deadline::Close))), "{closed:?}");
    assert!(matches!(receiving.await.unwrap().0, Err(Error::TimedOut(Deadline::Close))));
}

#[tokio::test(start_paused = true)]
async fn after_the_end_there_is_nothing_to_close_or_to_flush() {
    let (server, far) = server(100, |_| ());
    let (sender, mut receiver) = server.split();
    drop(far);
    assert!(matches!(receiver.recv().await, Err(Error::Lost(_))));
    for _ in 0..2 {
        assert!(is_closing(&sender.close(None).await));
        assert!(is_closing(&sender.flush().await));
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_after_a_whole_closing_handshake_is_done() {
    let (server, mut far) = server(100, |_| ());
    let (sender, mut receiver) = server.split();
    far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert!(receiver.recv().await.unwrap().is_none());
    sender.close(None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_was_dropped_before_it_was_framed_was_not_sent() {
    let (server, far) = server(1, |config| config.high_water_mark = 1 << 30);
    let (sender, mut receiver) = server.split();
    sender.feed(vec![0; 1 << 20]).await.unwrap();
    let pinging = spawn(async move { sender.ping("?").await });
    yield_now().await;
    let receiving = spawn(async move { (receiver.recv().await, receiver) });
    yield_now().await;
    drop(far);
    let (received, _receiver) = receiving.await.unwrap();
    assert!(received.is_err());
    assert!(pinging.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_sender_knows_when_it_is_of_no_more_use() {
    // However it ends: by a Close frame of ours, by the peer's, by the transport's end, by a deadline.
    for way in 0..4 {
        let (server, mut far) = server(10, |_| ());
        let (sender, mut receiver) = server.split();
        let other = sender.clone();
        assert!(!other.is_closed());
        match way {
            0 => assert!(poll_immediate(Box::pin(sender.close(CloseCode::NORMAL))).await.is_some()),
            1 => {
                far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
                assert!(receiver.recv().await.unwrap().is_none());
            }
            2 => {
                drop(far);
                assert!(receiver.recv().await.is_err());
            }
            _ => {
                assert!(sender.send(vec![0; 100]).await.is_err());
                far.read_u8().await.unwrap();
            }
        }
        assert!(other.is_closed(), "{way}");
        assert!(is_closing(&other.feed("late").await), "{way}");
    }
}
