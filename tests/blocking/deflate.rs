//! Compressed messages through the blocking adapter, agreed on in the handshake, between two ends of ours.
use crate::script::sockets;
use crate::support::{chance::noise, deflate::text};
use sansocket::{
    Config, Deflate, Delivery, Error, Kind, Message, Outgoing, Prepared, Violation,
    blocking::{Split, Transport, WebSocket, accept_with, connect_over},
    handshake::{Acceptance, ClientRequest},
};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
    thread,
    time::Duration,
};

/// A socket that may be read a byte at a time.
#[derive(Debug)]
struct Cut {
    stream: TcpStream,
    most: usize,
}
impl Read for Cut {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(self.most);
        self.stream.read(&mut buf[..most])
    }
}
impl Write for Cut {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Transport for Cut {
    fn prepare(&self) -> io::Result<()> {
        self.stream.set_nodelay(true)
    }
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.stream.set_read_timeout(timeout).map(|()| true)
    }
    fn shutdown_write(&mut self) -> io::Result<bool> {
        self.stream.shutdown(std::net::Shutdown::Write).map(|()| true)
    }
}
impl Split for Cut {
    type Half = Self;
    fn split(self) -> (Self, Self) {
        (Self { stream: self.stream.try_clone().unwrap(), most: self.most }, self)
    }
}

pub fn with(mut config: Config, takeover: bool) -> Config {
    let mut deflate = Deflate::default();
    (deflate.min_size, deflate.send.takeover) = (0, takeover);
    deflate.receive = Some(deflate.send);
    config.extensions = vec![Arc::new(deflate)];
    config
}

/// A client and a server that have agreed on compression; each read brings so many bytes at most.
fn pair(takeover: bool, most: usize, tweak: impl FnOnce(&mut Config)) -> (WebSocket<Cut>, WebSocket<Cut>) {
    let (near, far) = sockets();
    let mut config = with(Config::server(), takeover);
    tweak(&mut config);
    let accepting = thread::spawn(move || {
        accept_with(Cut { stream: far, most }, config, |_| Ok(Acceptance::new())).unwrap()
    });
    let request = ClientRequest::try_from("ws://a").unwrap();
    let client = connect_over(Cut { stream: near, most }, request, with(Config::client(), takeover));
    let (client, server) = (client.unwrap().0, accepting.join().unwrap());
    assert!(client.extension().is_some() && client.extension() == server.extension());
    (client, server)
}

#[test]
fn an_echo_comes_back_whatever_pieces_it_comes_in() {
    for (takeover, most) in [(false, usize::MAX), (true, usize::MAX), (false, 1), (true, 1)] {
        let (mut client, mut server) = pair(takeover, most, |_| ());
        let echo = thread::spawn(move || {
            while let Some(message) = server.recv().unwrap() {
                server.send(&message).unwrap();
            }
        });
        for seed in 0..8 {
            for message in [Message::text(text(seed, seed * 977)), Message::binary(noise(7, seed * 311))] {
                client.send(&message).unwrap();
                assert_eq!(client.recv().unwrap(), Some(message), "{takeover}, {most}");
            }
        }
        assert!(client.close(None).unwrap().was_clean());
        echo.join().unwrap();
    }
}

#[test]
fn a_message_is_lent_and_lasts_while_the_next_comes() {
    for takeover in [false, true] {
        let (mut client, mut server) = pair(takeover, usize::MAX, |_| ());
        let (long, next) = (text(5, 200_000), text(6, 9000));
        client.send(&long).unwrap();
        client.send(&next).unwrap();
        let (lent, _) = server.recv_ref().unwrap().unwrap();
        assert!(lent.as_str() == Some(&long));
        let kept = lent.into_message();
        let (lent, mut reply) = server.recv_ref().unwrap().unwrap();
        assert_eq!(lent.as_str(), Some(&*next));
        reply.feed(lent).unwrap();
        server.flush().unwrap();
        assert!(kept == Message::text(long));
        assert_eq!(client.recv().unwrap(), Some(Message::text(next)));
    }
}

#[test]
fn threads_send_at_once_and_each_message_is_whole() {
    for takeover in [false, true] {
        let (client, server) = pair(takeover, usize::MAX, |_| ());
        let ((sender, mut receiver), (echo, mut far)) = (client.split(), server.split());
        let echoing = thread::spawn(move || {
            while let Some(message) = far.recv_ref().unwrap() {
                echo.feed(message).unwrap();
            }
        });
        let news = Prepared::from(text(9, 3000));
        let expected = (4 * 50, news.clone());
        let receiving = thread::spawn(move || {
            let mut prepared = 0;
            for _ in 0..2 * expected.0 {
                let message = receiver.recv().unwrap().unwrap();
                if message.as_bytes() == expected.1.as_bytes() {
                    prepared += 1;
                } else {
                    assert_eq!(message.as_str(), Some(&*text(message.len() % 10, message.len())));
                }
            }
            assert_eq!(prepared, expected.0);
            assert!(receiver.recv().unwrap().is_none());
        });
        let senders = (0..4).map(|thread| {
            let (sender, news) = (sender.clone(), news.clone());
            thread::spawn(move || {
                for number in 0..50 {
                    let text = text(thread, 10 * (number * 41) + thread);
                    sender.send(Outgoing::from(&text)).unwrap();
                    sender.send(&news).unwrap();
                }
            })
        });
        senders.collect::<Vec<_>>().into_iter().for_each(|sending| sending.join().unwrap());
        sender.close(None).unwrap();
        receiving.join().unwrap();
        echoing.join().unwrap();
    }
}

#[test]
fn a_message_is_written_and_read_in_chunks_and_the_next_is_whole() {
    for takeover in [false, true] {
        let (mut client, mut server) =
            pair(takeover, usize::MAX, |config| config.delivery = Delivery::Chunks);
        let long = [text(4, 400_000).into_bytes(), noise(7, 200_000)].concat();
        let sent = long.clone();
        let sending = thread::spawn(move || {
            for _ in 0..2 {
                let mut writer = client.message_writer(Kind::Binary);
                sent.chunks(70_001).for_each(|chunk| writer.write_all(chunk).unwrap());
                writer.finish().unwrap();
                client.send("next").unwrap();
            }
            client
        });
        let (mut got, mut next) = (Vec::new(), String::new());
        server.message_reader().unwrap().unwrap().read_to_end(&mut got).unwrap();
        assert!(got == long);
        server.message_reader().unwrap().unwrap().read_to_string(&mut next).unwrap();
        let mut part = vec![0; 100_000]; // more than one chunk, and then enough
        server.message_reader().unwrap().unwrap().read_exact(&mut part).unwrap();
        assert!(next == "next" && part == long[..100_000]);
        assert_eq!(server.recv_ref().unwrap().unwrap().0.as_str(), Some("next"));
        drop(sending.join().unwrap());
    }
}

#[test]
fn a_message_that_inflates_beyond_the_limit_is_1009() {
    for takeover in [false, true] {
        let (mut client, mut server) = pair(takeover, usize::MAX, |config| config.max_message_size = 100_000);
        let told = thread::spawn(move || {
            client.send(vec![0; 100_000]).unwrap();
            client.send(vec![0; 100_001]).unwrap();
            assert!(matches!(client.recv(), Err(Error::Closed(closed)) if closed.code() == 1009));
            client.closed().unwrap().code()
        });
        assert_eq!(server.recv().unwrap().unwrap().len(), 100_000);
        let Err(Error::Protocol(error)) = server.recv() else { panic!("it is too long") };
        assert_eq!(error.violation, Violation::MessageTooBig { limit: 100_000 });
        drop(server);
        assert_eq!(told.join().unwrap(), 1009);
    }
}
