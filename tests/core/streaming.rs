//! Long messages: control frames between their fragments, and chunks in constant memory both ways.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use crate::support::*;
use sansocket::{
    Config, Delivery, Message,
    bytes::Buf,
    proto::{Event, Role},
};

#[test]
fn a_pong_and_a_ping_overtake_a_long_message_between_its_fragments() {
    for role in BOTH {
        let mut pair = Pair::new(|config| config.max_message_size = 16 << 20);
        pair.end(role).send(vec![0; 10 << 20]).unwrap();
        let part = pair.end(role).transmit().chunk().to_vec(); // the message is under way
        pair.end(role).transmit().advance(part.len());
        pair.end(other(role)).receive(&part);
        pair.end(other(role)).ping("from the receiver").unwrap();
        let ping = written(pair.end(other(role)));
        pair.end(role).receive(&ping);
        assert_eq!(told(pair.end(role)), Some(Told::Ping(b"from the receiver".to_vec())));
        pair.end(role).ping("from the sender").unwrap();
        let (client, server) = pair.drive();
        let events = if role == Role::Client { server } else { client };
        let [pong, ping, message] = &events[..] else { panic!("{} events", events.len()) };
        assert_eq!(
            (pong, ping),
            (&Told::Pong(b"from the receiver".to_vec()), &Told::Ping(b"from the sender".to_vec()))
        );
        assert!(matches!(message, Told::Message(message) if message.len() == 10 << 20));
    }
}

#[test]
fn long_messages_leave_in_fragments_of_fragment_size() {
    for role in BOTH {
        for (size, fragment) in [
            (10_usize, 1_usize),
            (10, 3),
            (10, 5),
            (10, 10),
            (10, 11),
            (200_000, 65_536),
            (9000, 5000),
            (5, 0),
        ] {
            for owned in [true, false] {
                let mut end = End::with(role, |config| config.fragment_size = fragment);
                let payload: Vec<u8> = (0..size).map(|i| i as u8).collect();
                if owned {
                    end.conn.send(payload.clone()).unwrap();
                } else {
                    end.conn.send(&payload[..]).unwrap();
                }
                let sent = frames(&written(&mut end.conn));
                let count = size.div_ceil(1.max(fragment));
                let lens: Vec<usize> = sent.iter().map(|frame| frame.payload.len()).collect();
                assert!(
                    sent.len() == count && lens[..count - 1].iter().all(|&len| len == fragment.max(1)),
                    "{lens:?}"
                );
                assert!(sent.iter().flat_map(|frame| &frame.payload).eq(&payload));
            }
        }
    }
}

#[test]
fn long_payloads_of_a_server_leave_from_where_they_lie() {
    let mut end = End::new(Role::Server);
    let payload = sansocket::bytes::Bytes::from(vec![7; 5 << 19]);
    end.conn.send(payload.clone()).unwrap();
    let mut found = vec![];
    while end.conn.transmit().has_remaining() {
        let out = end.conn.transmit();
        let chunk = out.chunk();
        if payload.as_ptr_range().contains(&chunk.as_ptr()) {
            found.push(chunk.len());
        }
        let len = chunk.len();
        out.advance(len);
    }
    assert_eq!(found, [1 << 20, 1 << 20, 1 << 19]);
}

// Chunks.

fn chunks(config: &mut Config) {
    config.delivery = Delivery::Chunks;
}

#[test]
fn a_long_message_passes_in_chunks_in_constant_memory() {
    const TOTAL: usize = 64 << 20;
    for role in BOTH {
        for frame_size in [TOTAL, 1 << 20, 1000] {
            let mut end = End::with(role, chunks);
            let (mut fed, mut seen, mut most, mut ended) = (0, 0, 0, false);
            let chunk = wire(0, vec![7; frame_size.min(1 << 16)], end.peer_key());
            let chunk = &chunk[head(0, frame_size.min(1 << 16) as u64, end.peer_key()).len()..];
            while fed < TOTAL {
                let len = frame_size.min(TOTAL - fed);
                let first = if fed == 0 { 2 } else { 0 } | if fed + len == TOTAL { FIN } else { 0 };
                let header = head(first, len as u64, end.peer_key());
                end.raw(header);
                let mut left = len;
                while left > 0 {
                    let n = left.min(chunk.len());
                    end.more(&chunk[..n]);
                    (left, fed) = (left - n, fed + n);
                    let (inbound, outbound) = end.conn.halves();
                    while let Some(event) = inbound.poll_event(outbound) {
                        let Event::Chunk { data, fin } = event else { panic!("{event:?}") };
                        assert!(data.as_bytes().iter().all(|&byte| byte == 7));
                        (seen, ended) = (seen + data.len(), fin);
                    }
                    most = most.max(end.conn.read_buf().capacity());
                }
            }
            assert!((seen, ended) == (TOTAL, true), "{role:?} {frame_size}: {seen} {ended}");
            assert!(most <= 256 << 10, "{most} bytes of buffer");
        }
    }
}

#[test]
fn a_message_is_sent_in_chunks_in_constant_memory() {
    for role in BOTH {
        let mut end = End::new(role);
        let (chunk, mut sent, mut most) = (vec![7; 50_000], 0, 0);
        for n in 0..=100 {
            end.conn.send_chunk(&chunk[..], n == 100).unwrap();
            most = most.max(end.conn.buffered_amount());
            sent += frames(&written(&mut end.conn)).iter().map(|frame| frame.payload.len()).sum::<usize>();
        }
        assert_eq!(sent, 101 * chunk.len());
        assert!(most < 64 << 10);
        end.conn.send("next").unwrap();
    }
}

#[test]
fn chunks_of_text_end_where_a_character_does() {
    let text = "aé€𐍈".repeat(20);
    for role in BOTH {
        for step in 1..9 {
            for fragment in [1, 2, 3, 5, 400] {
                let mut end = End::with(role, chunks);
                let count = text.len().div_ceil(fragment);
                let stream: Vec<u8> = text
                    .as_bytes()
                    .chunks(fragment)
                    .enumerate()
                    .flat_map(|(n, part)| {
                        let first = u8::from(n == 0) | if n + 1 == count { FIN } else { 0 };
                        wire(first, part, End::new(role).peer_key())
                    })
                    .collect();
                let (mut joined, mut ended) = (String::new(), false);
                for part in stream.chunks(step) {
                    for event in all_told(&mut end.more(part).conn) {
                        let Told::Chunk(Message::Text(data), fin) = event else { panic!("{event:?}") };
                        assert!(!ended && (fin || !data.is_empty()));
                        joined.push_str(&data); // it is a `str`: the library has said so, and debug builds check
                        assert!(std::str::from_utf8(data.as_bytes()).is_ok());
                        ended = fin;
                    }
                }
                assert!(ended && joined == text, "step {step} fragment {fragment}");
            }
        }
    }
}

#[test]
fn the_limit_on_messages_is_not_applied_to_chunks() {
    for role in BOTH {
        let mut end = End::with(role, |config| {
            chunks(config);
            (config.max_message_size, config.max_fragments) = (10, 2);
        });
        end.frame(2, "0123456789ab");
        for _ in 0..10 {
            end.frame(0, "cdefghijkl");
        }
        end.frame(FIN, "");
        let len: usize = all_told(&mut end.conn)
            .iter()
            .map(|event| if let Told::Chunk(data, _) = event { data.len() } else { panic!("{event:?}") })
            .sum();
        assert_eq!(len, 112);
    }
}
