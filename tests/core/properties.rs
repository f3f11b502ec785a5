//! Whatever a peer sends, and however it is cut: no panic, one story; and what is sent is what arrives.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use crate::support::*;
use proptest::{collection::vec, prelude::*, sample::select};
use sansocket::{
    CloseCode, CloseFrame, Config, Delivery, Kind, Message,
    bytes::Buf,
    proto::{Connection, Established, Event, Role},
};

/// First byte, masking key, payload.
type Scripted = (u8, Option<[u8; 4]>, Vec<u8>);

/// A frame that is well-formed more often than not, whose payload is often text.
fn frame() -> impl Strategy<Value = Scripted> {
    let first = prop_oneof![
        20 => select(vec![1, 2, 0, 0, 0, FIN, FIN, TEXT, BINARY, PING, PONG]),
        1 => Just(CLOSE),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => vec(any::<char>(), 0..40).prop_map(|text| text.into_iter().collect::<String>().into_bytes()),
        4 => "[a-z]{0,200}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..20),
        1 => (any::<u16>(), "[a-z]{0,9}").prop_map(|(code, reason)| body(1000 + code % 20, &reason)),
    ];
    (first, proptest::option::weighted(0.98, any::<[u8; 4]>()), payload)
}
/// What such frames are as a stream to this role; sometimes a character is split between two of them.
fn stream(role: Role, frames: &[Scripted], carry: usize) -> Vec<u8> {
    let mut out = vec![];
    let mut carried = vec![];
    for (first, key, payload) in frames {
        // A missing key is the mistake of a client; a key, of a server.
        let key = match role {
            Role::Server => *key,
            Role::Client => key.is_none().then_some(PEER_KEY),
        };
        let mut payload = payload.clone();
        if first & 8 == 0 {
            payload.splice(0..0, std::mem::take(&mut carried));
            if first & FIN == 0 {
                carried = payload.split_off(payload.len() - carry.min(payload.len()));
            }
        }
        out.extend(wire(*first, payload, key));
    }
    out
}

/// What is told, and what is written, when the stream comes in these parts.
fn story(role: Role, bytes: &[u8], cuts: &[usize], tweak: impl Fn(&mut Config)) -> (Vec<Told>, Vec<u8>) {
    let mut config = config(role);
    (config.max_message_size, config.max_fragments, config.max_empty_fragments) = (500, 6, 2);
    tweak(&mut config);
    let mut end = Connection::new(Established::bare(role), config);
    let (mut events, mut at) = (vec![], 0);
    let mut cuts = cuts.to_vec();
    cuts.sort_unstable();
    for &cut in cuts.iter().chain([&bytes.len()]) {
        let to = cut.clamp(at, bytes.len());
        end.receive(&bytes[at..to]);
        at = to;
        events.extend(all_told(&mut end));
    }
    end.receive_eof();
    events.extend(all_told(&mut end));
    let wrote = written(&mut end);
    events.extend(all_told(&mut end)); // the end comes when the output has left
    assert!(end.poll_event().is_none());
    closed(&events); // exactly one, and last
    let errors = events.iter().filter(|event| matches!(event, Told::Error(_))).count();
    assert!(errors <= 1, "at most one error");
    (events, wrote)
}

/// Chunks joined into messages: text so far, whether it ended, and all other events in their places.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Data(Kind, Vec<u8>, bool),
    Other(Told),
}
fn joined(events: &[Told]) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![];
    let mut open: Option<usize> = None;
    for event in events {
        match event {
            Told::Chunk(data, fin) => {
                let at = *open.get_or_insert(parts.len());
                if at == parts.len() {
                    parts.push(Part::Data(data.kind(), vec![], false));
                }
                let Part::Data(kind, bytes, ended) = &mut parts[at] else { panic!() };
                assert_eq!(*kind, data.kind(), "chunks of one message are of one kind");
                bytes.extend(data.as_bytes());
                *ended = *fin;
                if *fin {
                    open = None;
                }
            }
            Told::Message(_) => panic!("a whole message among chunks"),
            other => parts.push(Part::Other(other.clone())),
        }
    }
    parts
}
fn without_data(parts: &[Part]) -> Vec<&Part> {
    parts.iter().filter(|part| matches!(part, Part::Other(_))).collect()
}
fn only_data(parts: &[Part]) -> Vec<&Part> {
    parts.iter().filter(|part| matches!(part, Part::Data(..))).collect()
}

fn role() -> impl Strategy<Value = Role> {
    select(BOTH.to_vec())
}

/// Something that an application does.
#[derive(Clone, Debug)]
enum Act {
    Text(String),
    Binary(Vec<u8>),
    Chunks(Vec<String>),
    Ping(Vec<u8>),
    /// The transport takes so many bytes.
    Take(usize),
}
fn act() -> impl Strategy<Value = Act> {
    let len =
        prop_oneof![8 => 0..20_usize, 4 => 100..200_usize, 2 => 4000..5000_usize, 1 => 60_000..200_000_usize];
    prop_oneof![
        4 => (len.clone(), any::<char>()).prop_map(|(len, c)| Act::Text(c.to_string().repeat(len / c.len_utf8()))),
        4 => (len, any::<u8>()).prop_map(|(len, b)| Act::Binary((0..len).map(|i| b ^ i as u8).collect())),
        2 => vec("[a-zé€]{0,50}", 1..5).prop_map(Act::Chunks),
        1 => vec(any::<u8>(), 0..125).prop_map(Act::Ping),
        3 => (1..100_000_usize).prop_map(Act::Take),
    ]
}
fn take(from: &mut Connection, most: usize, wire: &mut Vec<u8>) {
    let mut left = most;
    while left > 0 && from.transmit().has_remaining() {
        let n = from.transmit().chunk().len().min(left);
        wire.extend_from_slice(&from.transmit().chunk()[..n]);
        from.transmit().advance(n);
        left -= n;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_do_not_matter_to_messages(
        role in role(), frames in vec(frame(), 0..14), carry in 0..4_usize, cuts in vec(0..2500_usize, 0..20),
    ) {
        let bytes = stream(role, &frames, carry);
        let whole = story(role, &bytes, &[], |_| ());
        prop_assert_eq!(&whole, &story(role, &bytes, &cuts, |_| ()));
    }

    #[test]
    fn cuts_do_not_matter_to_chunks(
        role in role(), frames in vec(frame(), 0..14), carry in 0..4_usize, cuts in vec(0..2500_usize, 0..20),
    ) {
        let bytes = stream(role, &frames, carry);
        let chunks = |config: &mut Config| config.delivery = Delivery::Chunks;
        let (whole, whole_out) = story(role, &bytes, &[], chunks);
        let (cut, cut_out) = story(role, &bytes, &cuts, chunks);
        prop_assert_eq!(whole_out, cut_out);
        let failed = whole.iter().any(|event| matches!(event, Told::Error(_)));
        let (whole, cut) = (joined(&whole), joined(&cut));
        prop_assert_eq!(without_data(&whole), without_data(&cut));
        let (whole, cut) = (only_data(&whole), only_data(&cut));
        if !failed {
            prop_assert_eq!(whole, cut);
        } else {
            // Of what a violation cut off, more or less may have been told before it.
            let all = whole.len().max(cut.len());
            for n in 0..all {
                match (whole.get(n), cut.get(n)) {
                    (Some(a), Some(b)) if n + 1 < all => prop_assert_eq!(a, b),
                    (Some(Part::Data(a, one, _)), Some(Part::Data(b, other, _))) => {
                        prop_assert_eq!(a, b);
                        let common = one.len().min(other.len());
                        prop_assert_eq!(&one[..common], &other[..common]);
                    }
                    (a, b) => prop_assert!(n + 1 == all, "{:?} {:?}", a, b),
                }
            }
        }
    }

    #[test]
    fn chunks_tell_what_whole_messages_tell(role in role(), frames in vec(frame(), 0..14), carry in 0..4_usize) {
        let bytes = stream(role, &frames, carry);
        let lax = |config: &mut Config| (config.max_message_size, config.max_fragments) = (1 << 20, 1 << 20);
        let (whole, whole_out) = story(role, &bytes, &[], lax);
        let (chunks, chunks_out) = story(role, &bytes, &[], |config| {
            lax(config);
            config.delivery = Delivery::Chunks;
        });
        prop_assert_eq!(whole_out, chunks_out);
        let ended = |part: &Part| match part {
            Part::Data(Kind::Text, bytes, true) => Some(Message::text(std::str::from_utf8(bytes).unwrap())),
            Part::Data(Kind::Binary, bytes, true) => Some(Message::binary(bytes.clone())),
            _ => None,
        };
        let chunks: Vec<_> = joined(&chunks).iter().filter_map(ended).collect();
        prop_assert_eq!(messages(&whole), chunks);
    }

    #[test]
    fn noise_never_panics(
        role in role(), bytes in vec(any::<u8>(), 0..300), cuts in vec(0..300_usize, 0..5), chunks in any::<bool>(),
    ) {
        let delivery = if chunks { Delivery::Chunks } else { Delivery::Messages };
        let set = |config: &mut Config| config.delivery = delivery;
        let (_, whole) = story(role, &bytes, &[], set);
        let (_, cut) = story(role, &bytes, &cuts, set);
        prop_assert_eq!(whole, cut);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sent_is_what_arrives(
        role in role(), acts in vec(act(), 0..20), fragment in select(vec![1, 7, 1000, 5000, 65_536, 1 << 20]), step in 1..9000_usize,
    ) {
        let mut sender = Connection::new(Established::bare(role), {
            let mut config = config(role);
            config.fragment_size = fragment;
            config
        });
        let (mut bytes, mut sent, mut pings) = (vec![], vec![], vec![]);
        for act in acts {
            match act {
                Act::Text(text) => {
                    let text = if fragment == 1 { text.chars().take(1000).collect() } else { text };
                    sender.send(&text).unwrap();
                    sent.push(Message::text(text));
                }
                Act::Binary(mut data) => {
                    data.truncate(if fragment < 10 { 5000 } else { usize::MAX });
                    sent.push(Message::binary(data.clone()));
                    if data.len() % 2 == 0 { sender.send(data) } else { sender.send(&data[..]) }.unwrap();
                }
                Act::Chunks(chunks) => {
                    for (n, chunk) in chunks.iter().enumerate() {
                        sender.send_chunk(chunk, n + 1 == chunks.len()).unwrap();
                    }
                    sent.push(Message::text(chunks.concat()));
                }
                Act::Ping(data) => {
                    sender.ping(&data).unwrap();
                    pings.push(data);
                }
                Act::Take(most) => take(&mut sender, most, &mut bytes),
            }
        }
        sender.close(CloseFrame::truncate(CloseCode::NORMAL, "done"));
        take(&mut sender, usize::MAX, &mut bytes);
        prop_assert_eq!(sender.buffered_amount(), 0);

        let mut receiver = End::new(if role == Role::Client { Role::Server } else { Role::Client });
        let (mut got, mut pinged) = (vec![], vec![]);
        for part in bytes.chunks(step) {
            receiver.raw(part);
            let (inbound, outbound) = receiver.conn.halves();
            while let Some(event) = inbound.poll_event(outbound) {
                match event {
                    Event::Message(message) => got.push(message.into_message()),
                    Event::Ping(data) => pinged.push(data.to_vec()),
                    Event::CloseReceived(frame) => prop_assert_eq!(frame, Some(CloseFrame::truncate(CloseCode::NORMAL, "done"))),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
        prop_assert!(got == sent);
        // Each ping that arrived was asked for, in order; one that was replaced before it left does not arrive.
        let mut asked = pings.iter();
        prop_assert!(pinged.iter().all(|ping| asked.any(|other| other == ping)));
        prop_assert_eq!(pinged.last(), pings.last());
    }
}
