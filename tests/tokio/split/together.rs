//! Both ends alive: what either does for the other.
use super::{pair, server};
use futures_util::{SinkExt, future::poll_immediate};
use sansocket::{CloseCode, Config, Deadline, Error, Message, SendError, proto::Role, tokio::*};
use std::{collections::HashMap, pin::pin, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::TcpStream,
    spawn,
    time::{Instant, timeout},
};

#[test]
fn both_ends_cross_threads() {
    const fn send_and_sync<T: Send + Sync + 'static>() {}
    send_and_sync::<Sender<TcpStream>>();
    send_and_sync::<Receiver<TcpStream>>();
    send_and_sync::<Sender<DuplexStream>>();
    fn send<T: Send>(_: T) {}
    let (sender, mut receiver) = pair(10).0.split();
    send(sender.send("borrowed"));
    send(sender.close(None));
    send(receiver.recv());
}

#[tokio::test(start_paused = true)]
async fn echo_in_two_tasks() {
    let (client, server) = pair(100);
    let (sender, mut receiver) = server.split();
    let echo = spawn(async move {
        while let Some(message) = receiver.recv_ref().await.unwrap() {
            sender.send(message).await.unwrap();
        }
        receiver.closed().unwrap().was_clean()
    });
    let (sender, mut receiver) = client.split();
    let sending = spawn(async move {
        for number in 0..100 {
            sender.send("x".repeat(number * 7)).await.unwrap();
        }
        sender
    });
    for number in 0..100 {
        assert_eq!(receiver.recv().await.unwrap().unwrap().len(), number * 7);
    }
    sending.await.unwrap().close(CloseCode::NORMAL).await.unwrap();
    assert!(receiver.recv().await.unwrap().is_none() && receiver.closed().unwrap().was_clean());
    assert!(echo.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_with_only_the_receiver_polled() {
    let (server, mut far) = server(1000, |_| ());
    let (_sender, mut receiver) = server.split();
    let receiving = spawn(async move { receiver.recv().await });
    far.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'?']).await.unwrap();
    let mut pong = [0; 3];
    far.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong, [0x8A, 1, b'?']);
    drop(far);
    assert!(matches!(receiving.await.unwrap(), Err(Error::Lost(_))));
}

#[tokio::test(start_paused = true)]
async fn a_close_completes_with_only_the_receiver_polled() {
    for role in [Role::Client, Role::Server] {
        let (client, server) = pair(4);
        let (near, mut far) = if role == Role::Client { (client, server) } else { (server, client) };
        let (sender, mut receiver) = near.split();
        let receiving = spawn(async move {
            assert!(receiver.recv().await.unwrap().is_none());
            receiver.closed().unwrap().clone()
        });
        tokio::task::yield_now().await;
        let far = spawn(async move { far.recv().await });
        let began = Instant::now();
        sender.close(CloseCode::GOING_AWAY).await.unwrap();
        let closed = receiving.await.unwrap();
        assert!(closed.was_clean() && !closed.by_peer, "{closed:?}");
        assert!(far.await.unwrap().unwrap().is_none());
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(matches!(sender.send("late").await, Err(Error::Send(SendError::Closing))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_parked_receiver_keeps_the_deadline_of_a_close_from_a_sender() {
    let (server, _far) = server(1000, |_| ());
    let (sender, mut receiver) = server.split();
    let receiving = spawn(async move { receiver.recv().await });
    tokio::task::yield_now().await;
    let began = Instant::now();
    sender.close(None).await.unwrap();
    assert!(matches!(receiving.await.unwrap(), Err(Error::TimedOut(Deadline::Close))));
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_of_many_senders_are_whole_and_each_ones_in_order() {
    let (client, mut server) = pair(1500);
    let (sender, mut receiver) = client.split();
    let receiving = spawn(async move { receiver.recv().await });
    let senders: Vec<_> = (0..8)
        .map(|task| {
            let sender = sender.clone();
            spawn(async move {
                for number in 0..100 {
                    let text = format!("{task} {number} {}", "x".repeat(number * 37 % 9000));
                    match number % 3 {
                        0 => sender.feed(text).await.unwrap(),
                        _ => sender.send(text).await.unwrap(),
                    }
                }
            })
        })
        .collect();
    let mut next: HashMap<String, usize> = HashMap::new();
    for _ in 0..800 {
        let message = server.recv().await.unwrap().unwrap();
        let mut words = message.as_str().unwrap().split(' ');
        let number = next.entry(words.next().unwrap().to_owned()).or_default();
        assert_eq!(words.next().unwrap(), number.to_string());
        assert_eq!(words.next().unwrap().len(), *number * 37 % 9000);
        *number += 1;
    }
    for task in senders {
        task.await.unwrap();
    }
    server.close(None).await.unwrap();
    assert!(receiving.await.unwrap().unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn both_ends_can_send_more_than_the_wire_holds() {
    let (client, server) = pair(1000);
    let far = spawn(async move {
        let mut server = server;
        while let Some((message, mut reply)) = server.recv_ref().await.unwrap() {
            reply.feed(message).unwrap();
        }
    });
    let (sender, mut receiver) = client.split();
    // The echo takes no more than it can answer: what is queued here must not keep this end from reading.
    let sending = spawn(async move {
        for _ in 0..4 {
            sender.send(vec![7; 200_000]).await.unwrap();
        }
        sender.close(None).await.unwrap();
    });
    for _ in 0..4 {
        assert_eq!(receiver.recv().await.unwrap().unwrap().len(), 200_000);
    }
    assert!(receiver.recv().await.unwrap().is_none());
    sending.await.unwrap();
    far.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_send_waits_for_its_own_bytes_only() {
    let (server, mut far) = server(10, |_| ());
    let (sender, _receiver) = server.split();
    let mut send = pin!(sender.send("0123456789abcdef"));
    assert!(poll_immediate(send.as_mut()).await.is_none());
    let mut got = vec![];
    for _ in 0..9 {
        sender.feed("another's").await.unwrap();
        got.push(far.read_u8().await.unwrap());
        if got.len() < 8 {
            assert!(
                poll_immediate(send.as_mut()).await.is_none(),
                "18 bytes, of which 10 and {} fit",
                got.len()
            );
        }
    }
    assert!(poll_immediate(send.as_mut()).await.unwrap().is_ok());
    assert!(sender.buffered_amount() > 0, "what others queue goes on waiting");
}

#[tokio::test(start_paused = true)]
async fn a_send_in_the_task_that_receives_keeps_the_write_deadline() {
    let (server, mut far) = server(10, |_| ());
    let (sender, mut receiver) = server.split();
    far.write_all(&[0x82, 0x80, 0, 0, 0, 0]).await.unwrap();
    let other = sender.clone();
    let other = spawn(async move { other.send(vec![1; 100]).await });
    assert!(receiver.recv().await.unwrap().unwrap().is_empty());
    let began = Instant::now();
    far.read_u8().await.unwrap();
    assert!(matches!(sender.send(vec![0; 100]).await, Err(Error::TimedOut(Deadline::Write))));
    assert!(matches!(other.await.unwrap(), Err(Error::Send(SendError::Closing) | Error::TimedOut(_))));
    assert_eq!(began.elapsed().as_secs(), 30);
    assert!(matches!(receiver.recv().await, Err(Error::TimedOut(Deadline::Write))), "and it is told why");
    assert_eq!(receiver.closed().unwrap().timed_out, Some(Deadline::Write));
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_are_told_of_the_write_deadline_and_a_slow_peer_is_no_stuck_one() {
    let (server, mut far) = server(10, |_| ());
    let (sender, mut receiver) = server.split();
    let receiving = spawn(async move { receiver.recv().await });
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let sender = sender.clone();
            spawn(async move { sender.send(vec![0; 100]).await })
        })
        .collect();
    for _ in 0..4 {
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_secs(20)).await;
        far.read_u8().await.unwrap();
    }
    let began = Instant::now();
    for task in waiting {
        let sent = task.await.unwrap();
        assert!(matches!(sent, Err(Error::TimedOut(Deadline::Write))), "{sent:?}");
    }
    assert_eq!(began.elapsed().as_secs(), 30);
    assert!(matches!(receiving.await.unwrap(), Err(Error::TimedOut(Deadline::Write))));
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_dropped_strands_no_other() {
    let (server, mut far) = server(10, |config| config.write_timeout = None);
    let (sender, _receiver) = server.split();
    let mut first = Box::pin(sender.send("the first has filled it"));
    assert!(poll_immediate(first.as_mut()).await.is_none());
    let second = sender.clone();
    let second = spawn(async move { second.send("second").await });
    tokio::task::yield_now().await;
    // The task that the stream was last polled in goes.
    assert!(poll_immediate(first.as_mut()).await.is_none());
    drop(first);
    let mut got = [0; 33];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(&got[2..], b"the first has filled it\x81\x06second", "queued whole, sent whole");
    second.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_feed_wakes_a_parked_receiver() {
    let (server, mut far) = server(100, |_| ());
    let (sender, mut receiver) = server.split();
    let receiving = spawn(async move { receiver.recv().await });
    tokio::task::yield_now().await;
    sender.feed("unaided").await.unwrap();
    let mut got = [0; 9];
    timeout(Duration::from_secs(1), far.read_exact(&mut got)).await.unwrap().unwrap();
    assert_eq!(&got[2..], b"unaided");
    drop(far);
    assert!(receiving.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_feed_waits_above_the_high_water_mark() {
    let (server, mut far) = server(10, |config| config.high_water_mark = 20);
    let (mut sender, _receiver) = server.split();
    sender.feed("this is more than twenty bytes").await.unwrap();
    let mut feed = Box::pin(sender.feed("never queued"));
    assert!(poll_immediate(feed.as_mut()).await.is_none());
    drop(feed);
    let queued = sender.buffered_amount();
    let flushing = spawn(async move { SinkExt::<Message>::flush(&mut sender).await.map(|()| sender) });
    let mut got = vec![0; queued + 10];
    far.read_exact(&mut got).await.unwrap();
    let mut sender = flushing.await.unwrap().unwrap();
    assert_eq!((sender.buffered_amount(), &got[2..7]), (0, &b"this "[..]));
    SinkExt::send(&mut sender, Message::text("short")).await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_one_connection_come_together_again() {
    let (client, mut server) = pair(1000);
    let (sender, receiver) = client.split();
    let clone = sender.clone();
    let apart = receiver.reunite(sender).unwrap_err();
    drop(clone);
    let (_, stranger) = super::server(10, |_: &mut Config| ()).0.split();
    let other = stranger.reunite(apart.sender).unwrap_err();
    other.sender.feed("before").await.unwrap();
    let mut client = apart.receiver.reunite(other.sender).unwrap();
    client.send("after").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), Some(Message::text("before")));
    assert_eq!(server.recv().await.unwrap(), Some(Message::text("after")));
    let far = spawn(async move { server.recv().await });
    assert!(client.close(None).await.unwrap().was_clean());
    assert!(far.await.unwrap().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_feed_is_left_to_a_receiver_that_is_about_to_park() {
    let (client, server) = pair(1000);
    let (echo, mut echoes) = server.split();
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let (sender, mut receiver) = client.split();
    spawn(async move {
        while let Ok(Some(message)) = echoes.recv().await {
            echo.feed(message).await.unwrap();
        }
    });
    spawn(async move {
        while let Ok(Some(message)) = receiver.recv().await {
            heard.send(message).unwrap();
        }
    });
    for _ in 0..5000 {
        sender.feed("?").await.unwrap();
        sender.feed("!").await.unwrap(); // as the receiver, which the first has woken, goes back to sleep
        for _ in 0..2 {
            timeout(Duration::from_secs(20), hears.recv()).await.unwrap().unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_violation_ends_the_wait_of_those_whose_messages_are_dropped() {
    let (server, mut far) = server(10, |_| ());
    let (sender, mut receiver) = server.split();
    let receiving = spawn(async move { receiver.recv().await });
    let first = sender.clone();
    let first = spawn(async move { first.send(vec![0; 3 << 20]).await }); // more than one frame
    tokio::task::yield_now().await;
    far.write_all(&[0xF0, 0x80, 0, 0, 0, 0]).await.unwrap();
    let began = Instant::now();
    assert!(matches!(first.await.unwrap(), Err(Error::Send(SendError::Closing))));
    assert_eq!(began.elapsed(), Duration::ZERO);
    drop(far);
    assert!(matches!(receiving.await.unwrap(), Err(Error::Protocol(_))));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_cannot_be_written_ends_at_the_write_deadline_though_the_receiver_is_not_polled() {
    let (server, mut far) = server(10, |config| config.write_timeout = Some(Duration::from_secs(5)));
    let (sender, mut receiver) = server.split();
    sender.feed(vec![0; 1000]).await.unwrap();
    let began = Instant::now();
    let closing = spawn(async move { sender.close(None).await });
    for _ in 0..4 {
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_secs(4)).await;
        far.read_u8().await.unwrap(); // it takes its time
    }
    assert!(matches!(closing.await.unwrap(), Err(Error::TimedOut(Deadline::Write))));
    assert_eq!(began.elapsed().as_secs(), 4 * 4 + 5);
    assert!(matches!(receiver.recv().await, Err(Error::TimedOut(Deadline::Write))));
}
