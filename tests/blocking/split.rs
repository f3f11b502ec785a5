//! One thread receives, others send.
use crate::script::{masked, pair};
use sansocket::{CloseCode, Config, Deadline, Error, Message};
use std::{collections::HashMap, io::Write, thread, time::Duration};

#[test]
fn many_threads_send_and_no_message_is_mixed_or_lost() {
    let (client, mut server) = pair(Config::client(), Config::server());
    let (sender, mut receiver) = client.split();
    let senders: Vec<_> = (0..4)
        .map(|thread| {
            let sender = sender.clone();
            thread::spawn(move || {
                for number in 0..200 {
                    let long = format!("{thread} {number} {}", "x".repeat(number * 37 % 9000));
                    sender.send(long).unwrap();
                }
            })
        })
        .collect();
    let far = thread::spawn(move || {
        let mut next: HashMap<String, usize> = HashMap::new();
        for _ in 0..800 {
            let message = server.recv().unwrap().unwrap();
            let mut words = message.as_str().unwrap().split(' ');
            let number = next.entry(words.next().unwrap().to_owned()).or_default();
            assert_eq!(words.next().unwrap(), number.to_string(), "each thread's messages come in order");
            assert_eq!(words.next().unwrap().len(), *number * 37 % 9000);
            *number += 1;
        }
        assert!(server.recv().unwrap().is_none());
    });
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    sender.close(CloseCode::NORMAL).unwrap();
    assert!(receiver.recv().unwrap().is_none());
    assert!(receiver.closed().unwrap().was_clean());
    far.join().unwrap();
}

#[test]
fn both_ends_can_send_more_than_the_sockets_hold_before_either_reads() {
    let (client, server) = pair(Config::client(), Config::server());
    let much = vec![7; 1 << 20];
    let halves = [client.split(), server.split()];
    let threads: Vec<_> = halves
        .into_iter()
        .map(|(sender, mut receiver)| {
            let much = much.clone();
            let receiving = thread::spawn(move || {
                for _ in 0..16 {
                    assert_eq!(receiver.recv().unwrap().unwrap().len(), 1 << 20);
                }
            });
            let sending = thread::spawn(move || (0..16).for_each(|_| sender.send(much.clone()).unwrap()));
            (receiving, sending)
        })
        .collect();
    for (receiving, sending) in threads {
        sending.join().unwrap();
        receiving.join().unwrap();
    }
}

#[test]
fn the_receiver_answers_pings_and_closes_while_nobody_sends() {
    let (client, mut server) = pair(Config::client(), Config::server());
    let (_sender, mut receiver) = client.split();
    let near = thread::spawn(move || {
        assert!(receiver.recv().unwrap().is_none());
        receiver.closed().cloned().unwrap()
    });
    server.ping("?").unwrap();
    loop {
        if let Some((sansocket::proto::Event::Pong(payload), _)) = server.recv_event().unwrap() {
            assert_eq!(payload, b"?");
            break;
        }
    }
    assert!(server.close(CloseCode::GOING_AWAY).unwrap().was_clean());
    let closed = near.join().unwrap();
    assert!(closed.was_clean() && closed.by_peer);
}

#[test]
fn what_is_fed_leaves_when_the_receiver_is_about_to_wait() {
    let (client, mut server) = pair(Config::client(), Config::server());
    let (sender, mut receiver) = server_halves(&mut server, client);
    sender.feed("fed").unwrap();
    assert!(matches!(receiver.recv_timeout(Duration::from_millis(5)), Err(error) if error.is_resumable()));
    assert_eq!(server.recv().unwrap(), Some(Message::text("fed")));
}

type Tcp = std::net::TcpStream;
type Halves = (
    sansocket::blocking::Sender<sansocket::blocking::Half<Tcp>>,
    sansocket::blocking::Receiver<sansocket::blocking::Half<Tcp>>,
);

fn server_halves(
    _: &mut sansocket::blocking::WebSocket<Tcp>,
    client: sansocket::blocking::WebSocket<Tcp>,
) -> Halves {
    client.split()
}

#[test]
fn a_sender_whose_peer_reads_nothing_gives_up_at_its_deadline_while_the_receiver_goes_on() {
    let mut config = Config::server();
    config.write_timeout = Some(Duration::from_millis(30));
    config.close_timeout = Some(Duration::from_millis(30));
    let (client, server) = pair(Config::client(), config);
    let (sender, mut receiver) = server.split();
    let sending = thread::spawn(move || {
        loop {
            if let Err(error) = sender.send(vec![0; 1 << 20]) {
                break error;
            }
        }
    });
    client.get_ref().write_all(&masked(0x81, b"still here")).unwrap();
    assert_eq!(receiver.recv().unwrap(), Some(Message::text("still here")));
    assert!(matches!(sending.join().unwrap(), Error::TimedOut(Deadline::Write)));
    assert!(receiver.recv().is_err(), "it ends by itself");
    drop(client);
}
