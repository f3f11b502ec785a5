//! Waiting: it costs nothing, and it ends when it should, whoever else has stopped.
use super::{over, server};
use futures_util::{SinkExt, future::poll_immediate};
use sansocket::{Config, Deadline, Error, Message, SendError, proto::Role};
use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    spawn,
    time::{Instant, timeout},
};

/// A stream that takes everything, or nothing; brings some bytes, and then nothing; and never ends its writing side.
struct Stays {
    takes: bool,
    brings: Vec<u8>,
}

impl AsyncRead for Stays {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.brings.is_empty() {
            return Poll::Pending;
        }
        buf.put_slice(&self.brings);
        self.brings.clear();
        Poll::Ready(Ok(()))
    }
}
impl AsyncWrite for Stays {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.takes { Poll::Ready(Ok(bytes.len())) } else { Poll::Pending }
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

fn stays(takes: bool, brings: &[u8]) -> sansocket::tokio::WebSocket<Stays> {
    let mut config = Config::server();
    config.keepalive = None;
    over(Role::Server, config, Stays { takes, brings: brings.to_vec() })
}

/// How often it is polled until it is done, and what it gives.
async fn counted<F: Future>(future: F) -> (usize, F::Output) {
    let mut future = pin!(future);
    let mut polls = 0;
    let output = poll_fn(|cx| {
        polls += 1;
        assert!(polls < 100, "it is polled again and again");
        future.as_mut().poll(cx)
    })
    .await;
    (polls, output)
}

const CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

/// Case 3.1.
#[tokio::test(start_paused = true)]
async fn a_pending_shutdown_costs_a_sender_that_closes_without_a_receiver_nothing() {
    for brings in [&[][..], &CLOSE] {
        let (sender, receiver) = stays(true, brings).split();
        drop(receiver);
        let began = Instant::now();
        let (polls, closed) = counted(sender.close(None)).await;
        assert!(polls <= 4, "{polls}");
        assert_eq!((closed.is_ok(), began.elapsed().as_secs()), (!brings.is_empty(), 10), "{closed:?}");
    }
}

/// Case 3.1.
#[tokio::test(start_paused = true)]
async fn a_pending_shutdown_costs_a_receiver_nothing_whatever_comes_after_the_close_frame() {
    for more in [0, 1, 10_000] {
        let (near, mut far) = duplex(100_000);
        let mut config = Config::server();
        config.keepalive = None;
        let (sender, mut receiver) = over(Role::Server, config, StaysOpen(near)).split();
        let receiving = spawn(async move { counted(receiver.recv()).await });
        far.write_all(&CLOSE).await.unwrap();
        tokio::task::yield_now().await;
        far.write_all(&vec![0; more]).await.unwrap();
        let (polls, received) = receiving.await.unwrap();
        assert!(polls <= 5 && matches!(received, Ok(None)), "{more}: {polls}, {received:?}");
        let (polls, flushed) = counted(sender.flush()).await;
        assert!(polls == 1 && flushed.is_ok(), "{flushed:?}");
    }
}

/// A stream that never ends its writing side.
struct StaysOpen(DuplexStream);

impl AsyncRead for StaysOpen {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}
impl AsyncWrite for StaysOpen {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// A stream that lets go of what it has taken when it is asked for the second time, and then tells nobody.
struct LetsGoLate {
    brings: Vec<u8>,
    asked: usize,
}

impl AsyncRead for LetsGoLate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.brings.is_empty() {
            return Poll::Pending;
        }
        buf.put_slice(&std::mem::take(&mut self.brings));
        Poll::Ready(Ok(()))
    }
}
impl AsyncWrite for LetsGoLate {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.brings.is_empty() {
            return Poll::Ready(Ok(())); // there is nothing yet
        }
        self.asked += 1;
        if self.asked == 1 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The last byte may leave as the receiver is about to wait: then there is something to be done.
#[tokio::test(start_paused = true)]
async fn when_the_close_frame_has_left_the_writing_side_is_ended() {
    let stream = LetsGoLate { brings: CLOSE.to_vec(), asked: 0 };
    let (_sender, mut receiver) = over(Role::Server, Config::server(), stream).split();
    let began = Instant::now();
    let (polls, received) = counted(receiver.recv()).await;
    assert!(polls <= 2 && matches!(received, Ok(None)), "{polls}, {received:?}");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// Case 2.8.
#[tokio::test(start_paused = true)]
async fn the_receiver_keeps_the_deadline_of_what_senders_have_given_up() {
    let (mut a, mut receiver) = stays(false, &[]).split();
    let b = a.clone();
    let polls = Arc::new(AtomicUsize::new(0));
    let counting = polls.clone();
    let receiving = spawn(async move {
        let mut receiving = pin!(receiver.recv());
        poll_fn(|cx| {
            counting.fetch_add(1, Relaxed);
            receiving.as_mut().poll(cx)
        })
        .await
    });
    tokio::task::yield_now().await;
    let began = Instant::now();
    let mut send = Box::pin(b.send("x"));
    assert!(poll_immediate(&mut send).await.is_none());
    assert!(poll_immediate(pin!(SinkExt::<Message>::flush(&mut a))).await.is_none());
    drop(send);
    let received = timeout(Duration::from_secs(3600), receiving).await.expect("it has no deadline");
    assert!(matches!(received.unwrap(), Err(Error::TimedOut(Deadline::Write))));
    assert_eq!(began.elapsed().as_secs(), 30);
    assert!(polls.load(Relaxed) <= 4, "{polls:?}");
}

/// As the case before, in every other order of who begins and who gives up.
#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_by_whoever_goes_on_waiting() {
    for order in 0..4 {
        let (mut a, mut receiver) = stays(false, &[]).split();
        let b = a.clone();
        let began = Instant::now();
        let mut send = Box::pin(b.send("x"));
        if order % 2 == 0 {
            assert!(poll_immediate(pin!(receiver.recv())).await.is_none());
        }
        assert!(poll_immediate(&mut send).await.is_none());
        assert!(poll_immediate(pin!(SinkExt::<Message>::flush(&mut a))).await.is_none());
        match order {
            0 | 1 => {
                drop(send);
                assert!(matches!(receiver.recv().await, Err(Error::TimedOut(Deadline::Write))));
            }
            _ => {
                assert!(matches!(send.await, Err(Error::TimedOut(Deadline::Write))));
                assert!(matches!(receiver.recv().await, Err(Error::TimedOut(Deadline::Write))));
            }
        }
        assert_eq!(began.elapsed().as_secs(), 30, "{order}");
    }
}

/// A sender whose bytes are taken at once wakes nobody.
#[tokio::test(start_paused = true)]
async fn a_send_that_need_not_wait_does_not_wake_the_receiver() {
    let (sender, mut receiver) = stays(true, &[]).split();
    let polls = Arc::new(AtomicUsize::new(0));
    let counting = polls.clone();
    let receiving = spawn(async move {
        let mut receiving = pin!(receiver.recv());
        poll_fn(|cx| {
            counting.fetch_add(1, Relaxed);
            receiving.as_mut().poll(cx)
        })
        .await
    });
    tokio::task::yield_now().await;
    for _ in 0..10 {
        sender.send(vec![7; 10_000]).await.unwrap();
        sender.ping("?").await.unwrap();
        sender.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(polls.load(Relaxed), 1);
    receiving.abort();
}

/// Case 3.3: more than 32 bits can count is still to leave.
#[cfg(target_pointer_width = "64")]
#[tokio::test(start_paused = true)]
async fn a_send_of_more_than_two_gib_waits() {
    let mut config = Config::server();
    config.fragment_size = usize::MAX;
    let stream = Stays { takes: false, brings: vec![] };
    let (sender, _receiver) = over(Role::Server, config, stream).split();
    let huge = vec![0; (2 << 30) + (1 << 20)]; // never looked at, so it takes no memory
    assert!(poll_immediate(pin!(sender.send(huge))).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn try_feed_never_waits() {
    let (server, _far) = server(10, |config| config.high_water_mark = 20);
    let (sender, mut receiver) = server.split();
    sender.try_feed("this is more than twenty bytes").unwrap();
    assert!(matches!(sender.try_feed("so this is not queued"), Err(Error::Send(SendError::Full))));
    assert_eq!(sender.buffered_amount(), 32);
    receiver.abort();
    assert!(matches!(sender.try_feed("late"), Err(Error::Send(_))));
}
