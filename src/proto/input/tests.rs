//! What is known of the buffer's memory stays true, however long a stream goes on without a pause.
use crate::{
    config::Config,
    proto::{Connection, Established, Event, Role},
};
use bytes::BufMut;
use proptest::{collection::vec, prelude::*, sample::select};

/// How bytes are put in.
#[derive(Clone, Copy, Debug)]
enum By {
    /// As a transport that appends what there is memory for.
    Reading,
    /// As a transport that reads into a slice.
    Room,
    /// Copied, so many at a time.
    Receiving(usize),
}

/// A read of what there is room for.
fn put(room: &mut [u8], from: &[u8]) -> usize {
    let n = room.len().min(from.len());
    room[..n].copy_from_slice(&from[..n]);
    n
}

/// Messages of `len` bytes come without a pause; how many were shared and copied, and how much memory was spoken of at
/// most.
fn stream(len: u16, by: By, keeps: bool) -> (usize, usize, usize) {
    let mut connection = Connection::new(Established::bare(Role::Client), Config::client());
    let mut wire = vec![0x82, 126];
    wire.extend(len.to_be_bytes());
    wire.resize(4 + usize::from(len), 7);
    let wire = wire.repeat(400);
    let (mut shared, mut copied, mut most, mut kept) = (0, 0, 0, vec![]);
    let mut rest = &wire[..];
    while !rest.is_empty() {
        let inbound = &mut connection.inbound;
        let n = match by {
            By::Reading => {
                let mut space = inbound.read_buf();
                let n = rest.len().min(space.capacity() - space.len());
                space.extend_from_slice(&rest[..n]);
                n
            }
            By::Room => {
                let mut buf = inbound.read_buf();
                let n = put(buf.room(), rest);
                buf.filled(n);
                n
            }
            By::Receiving(n) => {
                let n = n.min(rest.len());
                inbound.receive(&rest[..n]);
                n
            }
        };
        rest = &rest[n..];
        // No rest: more has come already.
        inbound.begin_turn();
        while let Some(ready) = inbound.advance(&mut connection.outbound) {
            let Event::Message(message) = inbound.lend(ready) else { continue };
            most = most.max(message.input.memory());
            *(if message.input.is_worth_sharing() { &mut shared } else { &mut copied }) += 1;
            let message = message.into_message();
            assert_eq!(
                (message.len(), message.as_bytes().iter().all(|byte| *byte == 7)),
                (usize::from(len), true)
            );
            if keeps {
                kept.push(message);
            }
        }
    }
    (shared, copied, most)
}

#[test]
fn in_a_stream_that_never_pauses_messages_are_shared_as_before() {
    for by in [By::Reading, By::Room, By::Receiving(40_000), By::Receiving(64 * 1024)] {
        for keeps in [false, true] {
            let (shared, copied, most) = stream(0x8000, by, keeps);
            assert!(copied < shared / 10 && most <= 512 * 1024, "{by:?}: {shared}, {copied} of {most} bytes");
        }
    }
}

#[test]
fn what_is_spoken_of_stays_bounded_whatever_the_length() {
    for len in [1000, 5000, 0x2000, 0x5800, 0xFFFF] {
        for by in
            [By::Reading, By::Room, By::Receiving(10_000), By::Receiving(40_000), By::Receiving(100_000)]
        {
            for keeps in [false, true] {
                let (_, _, most) = stream(len, by, keeps);
                assert!(most <= 1024 * 1024, "{len} {by:?} {keeps}: {most} bytes");
            }
        }
    }
}

/// A way of putting bytes in, each its own.
#[derive(Clone, Copy, Debug)]
enum Way {
    Receive,
    Extend,
    Append,
    /// Into the room; and there is more of it written than is said to be filled.
    Room,
    /// Asks for room, and reads nothing.
    Nothing,
    /// Asks for memory, too.
    Reserve,
}

/// All messages of a stream that comes in these ways, so many bytes at a time; with the transport idle in between or
/// not.
fn messages(wire: &[u8], ways: &[(Way, usize, bool)]) -> Vec<Vec<u8>> {
    let mut connection = Connection::new(Established::bare(Role::Client), Config::client());
    let (mut messages, mut rest) = (vec![], wire);
    let last = [(Way::Receive, usize::MAX, true)];
    for (way, most, drains) in ways.iter().chain(&last) {
        let (part, _) = rest.split_at(rest.len().min(*most));
        let inbound = &mut connection.inbound;
        let n = match way {
            Way::Receive => {
                inbound.receive(part);
                part.len()
            }
            Way::Extend => {
                inbound.read_buf().extend_from_slice(part);
                part.len()
            }
            Way::Append => {
                inbound.read_buf().append().put_slice(part);
                part.len()
            }
            Way::Room => {
                let mut buf = inbound.read_buf();
                buf.room().fill(0xEE);
                let n = put(buf.room(), part);
                buf.filled(n);
                n
            }
            Way::Nothing => {
                inbound.read_buf().room().fill(0xDD);
                0
            }
            Way::Reserve => {
                inbound.read_buf().reserve(*most);
                0
            }
        };
        rest = &rest[n..];
        inbound.begin_turn();
        while let Some(ready) = drains.then(|| inbound.advance(&mut connection.outbound)).flatten() {
            let Event::Message(message) = inbound.lend(ready) else { panic!("no message") };
            messages.push(message.into_message().as_bytes().to_vec());
        }
        if *drains {
            inbound.rest();
        }
    }
    messages
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_bytes_are_put_in_they_are_the_same(
        lens in vec(prop_oneof![0..200_usize, 3000..6000_usize, 60_000..70_000_usize], 1..8),
        ways in vec(
            (
                select(vec![Way::Receive, Way::Extend, Way::Append, Way::Room, Way::Nothing, Way::Reserve]),
                prop_oneof![1..300_usize, 1..30_000_usize, 1..100_000_usize],
                any::<bool>(),
            ),
            0..60,
        ),
    ) {
        let (mut wire, mut expected) = (vec![], vec![]);
        for (n, len) in lens.into_iter().enumerate() {
            // Two frames each, so that there are gaps.
            let payload: Vec<u8> = (0..len).map(|i| (i * 7 + n) as u8).collect();
            for (first, part) in [(0x02, &payload[..len / 3]), (0x80, &payload[len / 3..])] {
                wire.extend([first, 127]);
                wire.extend((part.len() as u64).to_be_bytes());
                if part.len() <= 0xFFFF {
                    wire.truncate(wire.len() - 9);
                    match part.len() {
                        len @ 0..=125 => wire.push(len as u8),
                        len => {
                            wire.push(126);
                            wire.extend((len as u16).to_be_bytes());
                        }
                    }
                }
                wire.extend(part);
            }
            expected.push(payload);
        }
        prop_assert!(messages(&wire, &ways) == expected);
    }
}

#[test]
fn room_is_initialised_once() {
    let frame = [&[0x82, 126, 0x10, 0][..], &[7; 0x1000]].concat();
    let mut connection = Connection::new(Established::bare(Role::Client), Config::client());
    for idle in [true, false, true] {
        let mut buf = connection.read_buf();
        let room = buf.room();
        assert_eq!(room.len(), 64 * 1024);
        room.fill(0xEE);
        let n = put(room, &frame);
        buf.filled(n);
        let message = connection.poll_event();
        assert!(matches!(message, Some(Event::Message(message)) if message.len() == 0x1000));
        if idle {
            assert!(connection.poll_event().is_none()); // its memory goes to the thread, and comes back
        }
        let mut buf = connection.read_buf();
        assert!(buf.room()[frame.len()..].iter().all(|byte| *byte == 0xEE), "it has been initialised anew");
    }
}

#[test]
fn room_that_was_cut_off_in_a_frame_is_initialised_once() {
    let frame = [&[0x82, 126, 0x10, 0][..], &[7; 0x1000]].concat();
    let mut connection = Connection::new(Established::bare(Role::Client), Config::client());
    for part in [&frame[..], &frame[..4000], &frame[4000..], &frame[..3], &frame[3..]] {
        let mut buf = connection.read_buf();
        let room = buf.room();
        assert!(room.len() >= 60 * 1024, "{}", room.len());
        room.fill(0xEE);
        let n = put(room, part);
        buf.filled(n);
        while connection.poll_event().is_some() {}
        let mut buf = connection.read_buf();
        assert!(buf.room()[10_000..].iter().all(|byte| *byte == 0xEE), "it has been initialised anew");
    }
}
