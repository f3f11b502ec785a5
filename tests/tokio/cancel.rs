//! Futures that are dropped after any number of polls lose nothing and repeat nothing.
use crate::{line::*, support::*};
use futures_util::{SinkExt, StreamExt};
use sansocket::{CloseCode, Message, proto::Event, tokio::WebSocket};

const PACES: [Pace; 5] =
    [Pace::Free, Pace::Dribble, Pace::Random(1), Pace::Random(0xBEEF), Pace::Random(0x5EED)];

/// What a peer sends: short and long, empty, in fragments, with control frames between.
fn stream(key: Option<[u8; 4]>) -> (Vec<u8>, Vec<Message>) {
    let (mut bytes, mut messages) = (vec![], vec![]);
    for (n, len) in [0, 1, 5, 125, 126, 700, 4096, 5000, 17_000, 3, 66_000, 2].into_iter().enumerate() {
        let text = format!("{n}: {}", "é".repeat(len / 2));
        let (front, back) = text.as_bytes().split_at(text.len() / 2);
        match n % 3 {
            0 => bytes.extend(wire(TEXT, &text, key)),
            1 => {
                bytes.extend(wire(1, front, key));
                bytes.extend(wire(PING, format!("ping {n}"), key));
                bytes.extend(wire(0, "", key));
                bytes.extend(wire(PONG, "", key));
                bytes.extend(wire(FIN, back, key));
            }
            _ => bytes.extend(wire(BINARY, &text, key)),
        }
        messages.push(if n % 3 == 2 { Message::binary(text.into_bytes()) } else { Message::text(text) });
    }
    (bytes, messages)
}

/// Polls one way of receiving once; `Some` if a message came of it.
fn receive_once(socket: &mut WebSocket<Line>, way: u64) -> Option<Message> {
    match way % 4 {
        0 => once(socket.recv())?.unwrap(),
        1 => once(socket.recv_ref())?.unwrap().map(|(message, _)| message.into_message()),
        2 => match once(socket.recv_event())?.unwrap() {
            Some((Event::Message(message), _)) => Some(message.into_message()),
            _ => None,
        },
        _ => once(socket.next())?.map(Result::unwrap),
    }
}

/// Known failure: dropped futures lose.
#[tokio::test(start_paused = true)]
async fn every_message_comes_once_however_often_receiving_is_dropped() {
    for role in BOTH {
        for pace in PACES {
            for way in 0..5_u64 {
                let line = Line::new(pace);
                let mut socket = line.socket(role, |_| ());
                let (bytes, expected) = stream(peer_key(role));
                line.feed(bytes);
                let (mut got, mut polls, mut seed) = (vec![], 0, way);
                while got.len() < expected.len() && polls < 1_000_000 {
                    polls += 1;
                    let way = if way < 4 { way } else { draw(&mut seed) };
                    got.extend(receive_once(&mut socket, way));
                }
                assert!(got == expected, "{role:?} {pace:?} {way}: not the messages that were sent");
                for _ in 0..10_000 {
                    assert_eq!(receive_once(&mut socket, 0), None);
                }
                let pongs: Vec<_> =
                    line.sent().into_iter().map(|frame| (frame.first, frame.payload)).collect();
                let expected = [1, 4, 7, 10].map(|n| (PONG, format!("ping {n}").into_bytes()));
                assert!(pongs == expected, "{role:?} {pace:?} {way}: {pongs:?}");
            }
        }
    }
}

/// Known failure: dropped futures lose.
#[tokio::test(start_paused = true)]
async fn a_send_dropped_after_any_number_of_polls_has_queued_its_message_whole_or_not_at_all() {
    for role in BOTH {
        for pace in [Pace::Dribble, Pace::Random(7)] {
            let mut queued_before = false;
            for polls in 0..300 {
                let line = Line::new(pace);
                let mut socket = line.socket(role, |config| config.high_water_mark = 10);
                once(socket.feed("the first, above the mark"));
                {
                    let mut second = std::pin::pin!(socket.send("the second"));
                    for _ in 0..polls {
                        if once(second.as_mut()).is_some() {
                            break;
                        }
                    }
                }
                let left = line.ends().outgoing.len();
                let queued = socket.buffered_amount() + left > 31;
                assert!(queued || !queued_before, "{role:?} {pace:?}: once queued it stays");
                queued_before = queued;
                while once(socket.flush()).is_none() {}
                let sent: Vec<_> = line.sent().into_iter().map(|frame| frame.payload).collect();
                let all = [&b"the first, above the mark"[..], b"the second"];
                assert_eq!(sent, all[..1 + usize::from(queued)], "{role:?} {pace:?} {polls}");
            }
            assert!(queued_before, "with enough polls it is sent");
        }
    }
}

/// Known failure: dropped futures lose.
#[tokio::test(start_paused = true)]
async fn a_feed_dropped_while_it_waits_has_queued_nothing() {
    for role in BOTH {
        for polls in 1..100 {
            let line = Line::new(Pace::Dribble);
            let mut socket = line.socket(role, |config| config.high_water_mark = 10);
            once(socket.feed("the first, above the mark"));
            let mut waits = true;
            {
                let mut second = std::pin::pin!(socket.feed("the second"));
                for _ in 0..polls {
                    waits = waits && once(second.as_mut()).is_none();
                    if !waits {
                        break;
                    }
                }
            }
            while once(SinkExt::<Message>::flush(&mut socket)).is_none() {}
            assert_eq!(line.sent().len(), if waits { 1 } else { 2 }, "{role:?} {polls}");
        }
    }
}

/// Known failure: dropped futures lose.
#[tokio::test(start_paused = true)]
async fn anything_dropped_anywhere_desynchronises_nothing() {
    for seed in 0..60_u64 {
        for role in BOTH {
            let line = Line::new(Pace::Random(seed));
            let mut socket = line.socket(role, |config| {
                config.high_water_mark = 3000;
                config.fragment_size = 1500;
            });
            let (bytes, expected) = stream(peer_key(role));
            line.feed(bytes);
            let (mut dice, mut got) = (seed ^ 0xD1CE, vec![]);
            // Of each message begun: whether it must, may or must not arrive.
            let (mut must, mut may) = (vec![], vec![]);
            for n in 0..4000 {
                let text = format!("message {n} {}", "x".repeat(draw(&mut dice) as usize % 2000));
                match draw(&mut dice) % 12 {
                    0 => match once(socket.send(&*text)) {
                        Some(done) => {
                            done.unwrap();
                            assert_eq!(socket.buffered_amount(), 0);
                            must.push(text);
                        }
                        None => may.push(text),
                    },
                    1 => match once(socket.feed(&*text)) {
                        Some(done) => {
                            done.unwrap();
                            must.push(text);
                        }
                        None => assert!(socket.buffered_amount() > 3000),
                    },
                    2 => match once(SinkExt::<Message>::send(&mut socket, text.as_str().into())) {
                        Some(done) => {
                            done.unwrap();
                            must.push(text);
                        }
                        None => may.push(text),
                    },
                    3 => drop(once(socket.ping("?"))),
                    4 => drop(once(socket.flush())),
                    5 => drop(once(SinkExt::<Message>::flush(&mut socket))),
                    _ => got.extend(receive_once(&mut socket, draw(&mut dice))),
                }
            }
            while got.len() < expected.len() {
                got.extend(receive_once(&mut socket, 0));
            }
            assert!(got == expected, "seed {seed}, {role:?}: received something else");
            while once(socket.flush()).is_none() {}
            let mut last = None;
            for text in texts(&line.sent()) {
                let n: u32 = text.split(' ').nth(1).unwrap().parse().unwrap();
                assert!(last < Some(n), "seed {seed}, {role:?}: {n} after {last:?}");
                last = Some(n);
                match must.iter().position(|known| *known == text) {
                    Some(at) => drop(must.remove(at)),
                    None => {
                        assert!(may.contains(&text), "seed {seed}, {role:?}: not sent as it was given: {n}")
                    }
                }
            }
            assert!(must.is_empty(), "seed {seed}, {role:?}: {} messages were lost", must.len());
        }
    }
}

/// The text messages among frames, joined.
fn texts(frames: &[Frame]) -> Vec<String> {
    let (mut all, mut now) = (vec![], vec![]);
    for frame in frames {
        match frame.first & 0xF {
            0 | 1 => {
                assert_eq!(frame.first & 0xF == 1, now.is_empty());
                now.extend(&frame.payload);
                if frame.first & FIN != 0 {
                    all.push(String::from_utf8(std::mem::take(&mut now)).unwrap());
                }
            }
            opcode => assert!(opcode == 9 || opcode == 10, "{frame:?}"),
        }
    }
    all
}

/// Known failure: dropped futures lose.
#[tokio::test(start_paused = true)]
async fn a_close_that_is_dropped_again_and_again_is_one_close() {
    for role in BOTH {
        for pace in PACES {
            for by_sink in [false, true] {
                let line = Line::new(pace);
                let mut socket = line.socket(role, |_| ());
                let key = peer_key(role);
                line.feed([wire(TEXT, "late", key), wire(CLOSE, body(1000, ""), key)].concat());
                line.end(Ok(()));
                let mut polls = 0;
                let closed = loop {
                    polls += 1;
                    assert!(polls < 1000);
                    if by_sink {
                        if once(SinkExt::<Message>::close(&mut socket)).is_some() {
                            break socket.closed().unwrap().clone();
                        }
                    } else if let Some(closed) = once(socket.close(Some(CloseCode::NORMAL.into()))) {
                        break closed.unwrap();
                    }
                };
                assert_eq!(
                    (closed.code(), closed.by_peer, closed.was_clean()),
                    (1000, false, true),
                    "{role:?} {pace:?}"
                );
                let sent = line.sent();
                assert_eq!((sent.len(), sent[0].first), (1, CLOSE), "{role:?} {pace:?}: {sent:?}");
                assert!(line.ends().shut);
                assert_eq!(once(socket.recv()).unwrap().unwrap(), None);
            }
        }
    }
}

/// Known failure: dropped futures lose.
#[tokio::test(start_paused = true)]
async fn a_ping_is_queued_once_when_its_future_is_dropped() {
    for role in BOTH {
        for polls in 1..20 {
            let line = Line::new(Pace::Dribble);
            let mut socket = line.socket(role, |_| ());
            {
                let mut ping = std::pin::pin!(socket.ping("here?"));
                for _ in 0..polls {
                    if once(ping.as_mut()).is_some() {
                        break;
                    }
                }
            }
            while once(socket.flush()).is_none() {}
            let sent: Vec<_> = line.sent().into_iter().map(|frame| (frame.first, frame.payload)).collect();
            assert_eq!(sent, [(PING, b"here?".to_vec())]);
        }
    }
}
