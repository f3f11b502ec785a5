//! However the bytes come, and however often nothing comes between: the events are the same.
use crate::{line::*, support::*};
use sansocket::{
    Delivery, Message,
    proto::{Connection, Established, Event, Role},
};

/// A stream of all that there may be, short of what fails; it ends with a Close frame.
fn stream(seed: &mut u64, key: Option<[u8; 4]>) -> Vec<u8> {
    let letters = ["a", "é", "€", "𐍈"];
    let mut bytes = vec![];
    for _ in 0..2 + draw(seed) % 6 {
        let len = match draw(seed) % 6 {
            0 => 0,
            1 => draw(seed) % 5,
            2 => draw(seed) % 200,
            3 => 4000 + draw(seed) % 200,
            4 => draw(seed) % 25_000,
            _ => draw(seed) % 90_000,
        } as usize;
        let letter = letters[draw(seed) as usize % 4];
        let text = letter.repeat(len / letter.len());
        let opcode = if draw(seed) % 3 == 0 { 2 } else { 1 };
        let parts = 1 + draw(seed) as usize % 5;
        let mut rest = text.as_bytes();
        for part in 0..parts {
            let first = if part == 0 { opcode } else { 0 };
            let (now, later) = rest.split_at(if part + 1 == parts {
                rest.len()
            } else {
                draw(seed) as usize % (rest.len() + 1)
            });
            bytes.extend(wire(if part + 1 == parts { FIN | first } else { first }, now, key));
            rest = later;
            for _ in 0..draw(seed) % 3 {
                let control = if draw(seed) % 2 == 0 { PING } else { PONG };
                bytes.extend(wire(control, vec![b'c'; draw(seed) as usize % 126], key));
            }
        }
    }
    bytes.extend(wire(CLOSE, body(1000, "end"), key));
    bytes
}

/// Events with chunks joined; those of control frames in between are kept apart, in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Log {
    messages: Vec<(bool, Vec<u8>)>,
    controls: Vec<(u8, Vec<u8>)>,
    /// How many messages had ended when each control frame came.
    at: Vec<usize>,
    open: Option<(bool, Vec<u8>)>,
}
impl Log {
    /// Takes an event, owned if `owns` and dropped where it lies if not.
    fn take(&mut self, event: Event<'_>, owns: bool) {
        let (data, fin) = match event {
            Event::Message(data) => (data, true),
            Event::Chunk { data, fin } => (data, fin),
            Event::Ping(payload) => return self.control(PING, payload),
            Event::Pong(payload) => return self.control(PONG, payload),
            Event::CloseReceived(frame) => {
                return self.control(CLOSE, frame.unwrap().reason.as_str().as_bytes());
            }
            Event::Closed(closed) => {
                assert_eq!(closed.code(), 1000);
                return;
            }
            other => panic!("{other:?}"),
        };
        let text = data.as_str().is_some();
        let open = self.open.get_or_insert((text, vec![]));
        assert_eq!(open.0, text);
        if owns {
            open.1.extend(data.into_message().as_bytes());
        } else {
            open.1.extend(data.as_bytes());
        }
        if fin {
            self.messages.extend(self.open.take());
        }
    }
    fn control(&mut self, first: u8, payload: &[u8]) {
        self.controls.push((first, payload.to_vec()));
        self.at.push(self.messages.len());
    }
}

fn compare(seeds: std::ops::Range<u64>, pace: impl Fn(u64) -> Pace) {
    for n in seeds {
        for role in [Role::Client, Role::Server] {
            for delivery in [Delivery::Messages, Delivery::Chunks] {
                let mut seed = n;
                let bytes = stream(&mut seed, peer_key(role));
                let mut config = config(role);
                config.delivery = delivery;
                let mut connection = Connection::new(Established::bare(role), config);
                connection.receive(&bytes);
                connection.receive_eof();
                let mut expected = Log::default();
                while let Some(event) = connection.poll_event() {
                    expected.take(event, false);
                }
                let line = Line::new(pace(n));
                line.ends().keeps = false;
                line.feed(&bytes);
                line.end(Ok(()));
                let mut socket = line.socket(role, |config| config.delivery = delivery);
                let (mut got, mut kept) = (Log::default(), vec![]);
                loop {
                    let Some(event) = once(socket.recv_event()) else { continue };
                    let Some((event, _)) = event.unwrap() else { break };
                    match event {
                        // Some are kept while the buffer that they share goes on.
                        Event::Message(data) if draw(&mut seed) % 4 == 0 => {
                            let (copy, message) = (data.as_bytes().to_vec(), data.into_message());
                            got.messages.push((matches!(message, Message::Text(_)), copy.clone()));
                            kept.push((message, copy));
                        }
                        event => got.take(event, draw(&mut seed) % 2 == 0),
                    }
                }
                assert!(got == expected, "seed {n}, {role:?}, {delivery:?}: other events");
                assert!(
                    kept.iter().all(|(message, copy)| message.as_bytes() == copy),
                    "seed {n}: changed afterwards"
                );
                assert_eq!(socket.closed().unwrap().code(), 1000);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn cut_anywhere_with_rests_between_the_events_are_the_same() {
    compare(0..150, |n| Pace::Random(n ^ 0xC075));
}

#[tokio::test(start_paused = true)]
async fn byte_by_byte_with_rests_between_the_events_are_the_same() {
    compare(1000..1004, |_| Pace::Dribble);
}

#[tokio::test(start_paused = true)]
async fn all_at_once_the_events_are_the_same() {
    compare(2000..2050, |_| Pace::Free);
}

/// What is held back of a character, and the key's place, survive being moved.
#[tokio::test(start_paused = true)]
async fn every_cut_of_a_short_stream_in_two_gives_the_same() {
    for role in BOTH {
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            let key = peer_key(role);
            let text = "aé€𐍈z".repeat(3);
            let (front, back) = text.as_bytes().split_at(13);
            let bytes =
                [wire(1, front, key), wire(PING, "?", key), wire(FIN, back, key), wire(BINARY, "b", key)]
                    .concat();
            for cut in 0..=bytes.len() {
                for second in cut..=bytes.len() {
                    let line = Line::new(Pace::Free);
                    let mut socket = line.socket(role, |config| config.delivery = delivery);
                    let mut got = Log::default();
                    for part in [&bytes[..cut], &bytes[cut..second], &bytes[second..]] {
                        line.feed(part);
                        while let Some(event) = once(socket.recv_event()) {
                            got.take(event.unwrap().unwrap().0, false);
                        }
                    }
                    let expected = [(true, text.clone().into_bytes()), (false, b"b".to_vec())];
                    assert_eq!(got.messages, expected, "{role:?} {delivery:?} {cut} {second}");
                }
            }
        }
    }
}
