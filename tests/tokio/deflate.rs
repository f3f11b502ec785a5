//! Compressed messages through the Tokio adapter, agreed on in the handshake, between two ends of ours.
use crate::support::{chance::noise, deflate::text};
use futures_util::{SinkExt, StreamExt};
use sansocket::{
    Config, Deflate, Delivery, Error, Kind, Message, Outgoing, Prepared, Violation,
    handshake::{Acceptance, ClientRequest, Upgrade},
    tokio::{WebSocket, accept_with, connect_over},
};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    join, spawn,
};

pub(crate) fn with(mut config: Config, takeover: bool) -> Config {
    let mut deflate = Deflate::default();
    (deflate.min_size, deflate.send.takeover) = (0, takeover);
    deflate.receive = Some(deflate.send);
    config.extensions = vec![Arc::new(deflate)];
    config
}

/// A client and a server that have agreed on compression, with room for so many bytes between them.
async fn pair(
    takeover: bool,
    room: usize,
    tweak: impl FnOnce(&mut Config),
) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(room);
    let mut config = with(Config::server(), takeover);
    tweak(&mut config);
    let accepting = accept_with(far, config, async |_: &Upgrade| Ok(Acceptance::new()));
    let request = ClientRequest::try_from("ws://a").unwrap();
    let (client, server) = join!(connect_over(near, request, with(Config::client(), takeover)), accepting);
    let (client, server) = (client.unwrap().0, server.unwrap());
    assert!(client.extension().is_some() && client.extension() == server.extension());
    (client, server)
}

#[tokio::test(start_paused = true)]
async fn an_echo_comes_back_whatever_pieces_it_comes_in() {
    for (takeover, room) in [(false, 1 << 16), (true, 1 << 16), (false, 1), (true, 1)] {
        let (mut client, mut server) = pair(takeover, room, |_| ()).await;
        let echo = spawn(async move {
            while let Some(message) = server.recv().await.unwrap() {
                server.send(&message).await.unwrap();
            }
        });
        for seed in 0..8 {
            for message in [Message::text(text(seed, seed * 977)), Message::binary(noise(7, seed * 311))] {
                client.send(&message).await.unwrap();
                assert_eq!(client.recv().await.unwrap(), Some(message), "{takeover}, {room}");
            }
        }
        assert!(client.close(None).await.unwrap().was_clean());
        echo.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_and_a_sink_pass_messages_on() {
    for takeover in [false, true] {
        let (mut client, server) = pair(takeover, 1000, |_| ()).await;
        let echo = spawn(async move {
            let (sink, stream) = StreamExt::split(server);
            stream.forward(sink).await.unwrap();
        });
        for seed in 0..4 {
            let message = Message::text(text(seed, 3000));
            SinkExt::send(&mut client, message.clone()).await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap(), message);
        }
        SinkExt::close(&mut client).await.unwrap();
        echo.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_lent_and_lasts_while_the_next_comes() {
    for takeover in [false, true] {
        let (mut client, mut server) = pair(takeover, 1 << 20, |_| ()).await;
        let (long, next) = (text(5, 200_000), text(6, 9000));
        client.send(&long).await.unwrap();
        client.send(&next).await.unwrap();
        let (lent, _) = server.recv_ref().await.unwrap().unwrap();
        assert!(lent.as_str() == Some(&long));
        let kept = lent.into_message();
        let (lent, mut reply) = server.recv_ref().await.unwrap().unwrap();
        assert_eq!(lent.as_str(), Some(&*next));
        reply.feed(lent).unwrap();
        server.flush().await.unwrap();
        assert!(kept == Message::text(long));
        assert_eq!(client.recv().await.unwrap(), Some(Message::text(next)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_send_at_once_and_each_message_is_whole() {
    for takeover in [false, true] {
        let (client, server) = pair(takeover, 1000, |_| ()).await;
        let ((sender, mut receiver), (echo, mut far)) = (client.split(), server.split());
        let echoing = spawn(async move {
            while let Some(message) = far.recv_ref().await.unwrap() {
                echo.feed(message).await.unwrap();
            }
        });
        let news = Prepared::from(text(9, 3000));
        let prepared = news.clone();
        let receiving = spawn(async move {
            let mut found = 0;
            for _ in 0..4 * 50 * 2 {
                let message = receiver.recv().await.unwrap().unwrap();
                if message.as_bytes() == prepared.as_bytes() {
                    found += 1;
                } else {
                    assert_eq!(message.as_str(), Some(&*text(message.len() % 10, message.len())));
                }
            }
            assert_eq!(found, 4 * 50);
            assert!(receiver.recv().await.unwrap().is_none());
        });
        let senders = (0..4).map(|task| {
            let (sender, news) = (sender.clone(), news.clone());
            spawn(async move {
                for number in 0..50 {
                    let text = text(task, 10 * (number * 41) + task);
                    sender.send(Outgoing::from(&text)).await.unwrap();
                    sender.send(&news).await.unwrap();
                }
            })
        });
        for sending in senders.collect::<Vec<_>>() {
            sending.await.unwrap();
        }
        sender.close(None).await.unwrap();
        receiving.await.unwrap();
        echoing.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_written_and_read_in_chunks_and_the_next_is_whole() {
    for takeover in [false, true] {
        let (mut client, mut server) =
            pair(takeover, 1000, |config| config.delivery = Delivery::Chunks).await;
        let long = [text(4, 400_000).into_bytes(), noise(7, 200_000)].concat();
        let sent = long.clone();
        let sending = spawn(async move {
            for _ in 0..2 {
                let mut writer = client.message_writer(Kind::Binary);
                for chunk in sent.chunks(70_001) {
                    writer.write_all(chunk).await.unwrap();
                }
                writer.finish().await.unwrap();
                client.send("next").await.unwrap();
            }
            client
        });
        let (mut got, mut next) = (Vec::new(), String::new());
        server.message_reader().await.unwrap().unwrap().read_to_end(&mut got).await.unwrap();
        assert!(got == long);
        server.message_reader().await.unwrap().unwrap().read_to_string(&mut next).await.unwrap();
        let mut part = vec![0; 100_000]; // more than one chunk, and then enough
        server.message_reader().await.unwrap().unwrap().read_exact(&mut part).await.unwrap();
        assert!(next == "next" && part == long[..100_000]);
        assert_eq!(server.recv_ref().await.unwrap().unwrap().0.as_str(), Some("next"));
        sending.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_inflates_beyond_the_limit_is_1009() {
    for takeover in [false, true] {
        let (mut client, mut server) = pair(takeover, 1000, |config| config.max_message_size = 100_000).await;
        let sending = async {
            client.send(vec![0; 100_000]).await.unwrap();
            client.send(vec![0; 100_001]).await.unwrap();
            assert!(matches!(client.recv().await, Err(Error::Closed(closed)) if closed.code() == 1009));
            client.closed().unwrap().code()
        };
        let receiving = async {
            assert_eq!(server.recv().await.unwrap().unwrap().len(), 100_000);
            let Err(Error::Protocol(error)) = server.recv().await else { panic!("it is too long") };
            drop(server);
            error.violation
        };
        let (told, violation) = join!(sending, receiving);
        assert_eq!((told, violation), (1009, Violation::MessageTooBig { limit: 100_000 }));
    }
}
