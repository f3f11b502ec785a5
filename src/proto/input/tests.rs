//! What is known of the buffer's memory stays true, however long a stream goes on without a pause.
use crate::{
    config::Config,
    proto::{Connection, Established, Event, Role},
};

/// How bytes are put in.
#[derive(Clone, Copy, Debug)]
enum By {
    /// As a transport that fills the room there is.
    Reading,
    /// Copied, so many at a time.
    Receiving(usize),
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
                let mut space = inbound.read_space();
                let n = rest.len().min(space.capacity() - space.len());
                space.extend_from_slice(&rest[..n]);
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
    for by in [By::Reading, By::Receiving(40_000), By::Receiving(64 * 1024)] {
        for keeps in [false, true] {
            let (shared, copied, most) = stream(0x8000, by, keeps);
            assert!(copied < shared / 10 && most <= 512 * 1024, "{by:?}: {shared}, {copied} of {most} bytes");
        }
    }
}

#[test]
fn what_is_spoken_of_stays_bounded_whatever_the_length() {
    for len in [1000, 5000, 0x2000, 0x5800, 0xFFFF] {
        for by in [By::Reading, By::Receiving(10_000), By::Receiving(40_000), By::Receiving(100_000)] {
            for keeps in [false, true] {
                let (_, _, most) = stream(len, by, keeps);
                assert!(most <= 1024 * 1024, "{len} {by:?} {keeps}: {most} bytes");
            }
        }
    }
}
