//! One thread receives, others send.
use crate::{
    script::{masked, pair},
    told::Told,
};
use sansocket::{
    CloseCode, Config, Deadline, Error, Message,
    blocking::{Sender, Split, Transport, WebSocket},
    proto::{Connection, Established, Role},
};
use std::{
    collections::HashMap,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

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
    let (sender, mut receiver) = client.split();
    sender.feed("fed").unwrap();
    assert!(matches!(receiver.recv_timeout(Duration::from_millis(5)), Err(error) if error.is_resumable()));
    assert_eq!(server.recv().unwrap(), Some(Message::text("fed")));
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

/// A stream on which the first flush lets a ping come, and waits until the receiver has dealt with it.
#[derive(Debug)]
struct Meeting {
    come: mpsc::Receiver<Vec<u8>>,
    let_come: Option<mpsc::Sender<Vec<u8>>>,
    reading: mpsc::SyncSender<()>,
    dealt_with: Option<mpsc::Receiver<()>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Read for Meeting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let _ = self.reading.try_send(());
        let bytes = self.come.recv().unwrap_or_default();
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}
impl Write for Meeting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        if let (Some(let_come), Some(dealt_with)) = (self.let_come.take(), self.dealt_with.take()) {
            dealt_with.recv().unwrap(); // it reads
            let_come.send(masked(0x89, b"?")).unwrap();
            dealt_with.recv().unwrap(); // it reads again
        }
        Ok(())
    }
}
impl Transport for Meeting {}
impl Split for Meeting {
    type Half = Self;
    fn split(mut self) -> (Self, Self) {
        let writes = Self {
            come: mpsc::channel().1,
            let_come: self.let_come.take(),
            reading: self.reading.clone(),
            dealt_with: self.dealt_with.take(),
            written: self.written.clone(),
        };
        (self, writes)
    }
}

#[test]
fn a_pong_queued_while_a_sender_finishes_writing_is_not_forgotten() {
    let ((let_come, come), (reading, dealt_with)) = (mpsc::channel(), mpsc::sync_channel(1));
    let written = Arc::new(Mutex::new(Vec::new()));
    let open = let_come.clone(); // at the stream's end, the receiver would take over what is left
    let (let_come, dealt_with) = (Some(let_come), Some(dealt_with));
    let stream = Meeting { come, let_come, reading, dealt_with, written: written.clone() };
    let connection = Connection::new(Established::bare(Role::Server), Config::server());
    let (sender, mut receiver) = WebSocket::new(connection, stream).split();
    let receiving = thread::spawn(move || receiver.recv().is_err());
    sender.send("hi").unwrap();
    assert_eq!(*written.lock().unwrap(), b"\x81\x02hi\x8A\x01?");
    drop(open);
    assert!(receiving.join().unwrap(), "the stream ends");
}

/// A stream whose peer answers the Close frame before the call that writes it has returned, and that call returns only
/// once the receiver looks at the clock, or reads again.
#[derive(Debug)]
struct Hasty {
    come: mpsc::Receiver<Vec<u8>>,
    answer: Option<mpsc::Sender<Vec<u8>>>,
    dealt_with: Option<mpsc::Receiver<()>>,
    deals_with: mpsc::SyncSender<()>,
    answered: bool,
    reads_after: Arc<AtomicUsize>,
}

impl Read for Hasty {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if std::mem::replace(&mut self.answered, true) {
            self.reads_after.fetch_add(1, SeqCst);
            let _ = self.deals_with.try_send(());
            return Ok(0);
        }
        let bytes = self.come.recv().unwrap();
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}
impl Write for Hasty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let (Some(answer), Some(dealt_with)) = (self.answer.take(), self.dealt_with.take()) {
            answer.send(masked(0x88, &[])).unwrap();
            dealt_with.recv().unwrap();
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Transport for Hasty {
    fn now(&self) -> std::time::Instant {
        if self.answered {
            let _ = self.deals_with.try_send(());
        }
        std::time::Instant::now()
    }
    fn shutdown_write(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}
impl Split for Hasty {
    type Half = Self;
    fn split(mut self) -> (Self, Self) {
        let writes = Self {
            come: mpsc::channel().1,
            answer: self.answer.take(),
            dealt_with: self.dealt_with.take(),
            deals_with: self.deals_with.clone(),
            answered: false,
            reads_after: self.reads_after.clone(),
        };
        (self, writes)
    }
}

#[test]
fn a_close_frame_answered_before_its_write_returns_was_sent() {
    for _ in 0..100 {
        let ((answer, come), (deals_with, dealt_with)) = (mpsc::channel(), mpsc::sync_channel(1));
        let reads_after = Arc::new(AtomicUsize::new(0));
        let stream = Hasty {
            come,
            answer: Some(answer),
            dealt_with: Some(dealt_with),
            deals_with,
            answered: false,
            reads_after: reads_after.clone(),
        };
        let connection = Connection::new(Established::bare(Role::Server), Config::server());
        let (sender, mut receiver) = WebSocket::new(connection, stream).split();
        let receiving = thread::spawn(move || {
            assert!(receiver.recv().unwrap().is_none());
            receiver.closed().unwrap().was_clean()
        });
        sender.close(None).unwrap();
        assert!(receiving.join().unwrap(), "both ends sent a Close frame");
        // RFC 6455 7.1.1: the peer waits for this end to end the transport, so a read would only wait for the peer.
        assert_eq!(reads_after.load(SeqCst), 0, "reads after the peer's Close frame");
    }
}

#[test]
fn a_stream_that_panics_in_one_thread_keeps_no_other_waiting() {
    let told = Told::new([]);
    told.world().write_panics = true;
    let (sender, _receiver) = told.server(|_| ()).split();
    let other = sender.clone();
    assert!(thread::spawn(move || other.send("panics")).join().is_err());
    sender.send("goes on").unwrap();
    assert!(told.written().ends_with(b"\x81\x07goes on"));
}

#[test]
fn what_has_been_put_together_again_after_it_was_aborted_has_ended() {
    let told = Told::new([]);
    let (sender, receiver) = told.server(|_| ()).split();
    sender.abort();
    let mut socket = receiver.reunite(sender).unwrap();
    assert!(socket.recv().is_err());
    assert_eq!(told.elapsed(), Duration::ZERO, "nothing is waited for");
}

/// A stream that has a message queued by another thread during each write, a thousand times.
#[derive(Debug)]
struct Busy(Arc<Mutex<Option<Sender<Busy>>>>, Arc<AtomicUsize>);

impl Read for Busy {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}
impl Write for Busy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1.fetch_add(1, SeqCst) < 1000 {
            if let Some(other) = &*self.0.lock().unwrap() {
                other.try_feed("more").unwrap();
            }
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Transport for Busy {}
impl Split for Busy {
    type Half = Self;
    fn split(self) -> (Self, Self) {
        (Self(self.0.clone(), self.1.clone()), self)
    }
}

#[test]
fn a_message_has_been_sent_when_it_has_left_however_much_others_queue() {
    let (other, writes) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
    let stream = Busy(other.clone(), writes.clone());
    let connection = Connection::new(Established::bare(Role::Server), Config::server());
    let (sender, _receiver) = WebSocket::new(connection, stream).split();
    *other.lock().unwrap() = Some(sender.clone());
    sender.send("mine").unwrap();
    assert!(writes.load(SeqCst) < 100, "{} writes", writes.load(SeqCst));
    *other.lock().unwrap() = None;
}
