//! What had not left when the connection ended: its senders are told, and so is who asks.
use super::server;
use crate::line::{Line, Pace};
use futures_util::{SinkExt, StreamExt, future::poll_immediate};
use sansocket::{CloseCode, Closed, Deadline, Error, Message, SendError, proto::Role};
use std::{io::ErrorKind, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    spawn,
    task::yield_now,
    try_join,
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
    let (server, _far) = server(1, |config| config.write_timeout = Some(Duration::from_secs(1)));
    let (sender, mut receiver) = server.split();
    let receiving = spawn(async move { (receiver.recv().await, receiver) });
    yield_now().await;
    let closed = sender.close(None).await;
    assert!(matches!(closed, Err(Error::TimedOut(Deadline::Write))), "{closed:?}");
    assert!(matches!(receiving.await.unwrap().0, Err(Error::TimedOut(Deadline::Write))));
}

#[tokio::test(start_paused = true)]
async fn after_the_end_there_is_nothing_to_close() {
    let (server, far) = server(100, |_| ());
    let (sender, mut receiver) = server.split();
    drop(far);
    assert!(matches!(receiver.recv().await, Err(Error::Lost(_))));
    for _ in 0..2 {
        assert!(is_closing(&sender.close(None).await));
    }
}

/// Case 4.1.
#[tokio::test(start_paused = true)]
async fn after_the_end_a_flush_tells_whether_anything_was_left_behind() {
    for queued in [0, 1] {
        let (server, mut far) = server(100, |_| ());
        let (mut sender, mut receiver) = server.split();
        sender.feed(vec![0; 1000 * queued]).await.unwrap();
        match queued {
            0 => {
                far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
                assert!(receiver.recv().await.unwrap().is_none());
            }
            _ => {
                drop(far);
                assert!(matches!(receiver.recv().await, Err(Error::Lost(_))));
            }
        }
        for _ in 0..2 {
            let flushed = (sender.flush().await, SinkExt::<Message>::flush(&mut sender).await);
            match queued {
                0 => assert!(matches!(flushed, (Ok(()), Ok(()))), "{flushed:?}"),
                _ => assert!(is_closing(&flushed.0) && is_closing(&flushed.1), "{flushed:?}"),
            }
        }
    }
}

/// Case 4.1.
#[tokio::test(start_paused = true)]
async fn two_split_sockets_forwarded_into_each_other_end_well() {
    let ((a, mut near), (b, mut far)) = (server(100, |_| ()), server(100, |_| ()));
    let ((sa, ra), (sb, rb)) = (a.split(), b.split());
    let relay = spawn(async move { try_join!(ra.forward(sb), rb.forward(sa)) });
    near.write_all(&[0x82, 0x83, 0, 0, 0, 0, 1, 2, 3]).await.unwrap();
    let mut got = [0; 5];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, [0x82, 3, 1, 2, 3]);
    // One peer closes, the other answers.
    near.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]).await.unwrap();
    far.read_exact(&mut got[..4]).await.unwrap();
    assert_eq!(got[..4], [0x88, 2, 3, 0xE8]);
    far.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]).await.unwrap();
    relay.await.unwrap().unwrap();
}

/// Cases 4.5 and 4.6.
#[tokio::test(start_paused = true)]
async fn an_error_is_told_once_and_then_closed_says_how_it_ended() {
    for way in 0..3 {
        let line = Line::new(Pace::Free);
        line.end(Err(ErrorKind::ConnectionReset));
        let (sender, mut receiver) = line.socket(Role::Server, |_| ()).split();
        match way {
            0 => assert!(matches!(receiver.recv().await, Err(Error::Io(_)))),
            1 => assert!(matches!(receiver.recv_event().await, Err(Error::Io(_)))),
            _ => assert!(matches!(receiver.next().await, Some(Err(Error::Io(_))))),
        }
        assert_eq!(receiver.closed().map(Closed::code), Some(1006), "{way}");
        assert!(matches!(receiver.recv().await, Ok(None)));
        assert!(receiver.next().await.is_none() && matches!(receiver.recv_event().await, Ok(None)));
        assert!(sender.is_closed());
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
