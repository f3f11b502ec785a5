//! What a message that is kept costs: a copy if it is short, a share of the buffer if it is most of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use crate::{counted::*, support::*};
use sansocket::{
    Message,
    proto::{Event, Role},
};

/// Takes all events out, keeping none.
/// What a message that is kept keeps alive, when all else is gone.
fn kept(role: Role, before: usize, size: usize) -> (isize, Message) {
    let mut kept = None;
    let (spent, ()) = tally(|| {
        let mut end = End::new(role);
        let key = end.peer_key();
        let stream = [wire(BINARY, vec![1; before], key), wire(BINARY, vec![2; size], key)].concat();
        end.raw(stream);
        for _ in 0..2 {
            let Some(Event::Message(message)) = end.conn.poll_event() else { panic!("no message") };
            if message.as_bytes().first() == Some(&2) || before == size {
                kept = Some(message.into_message());
            }
        }
    });
    (spent.held, kept.unwrap())
}

#[test]
fn a_short_message_that_is_kept_keeps_nothing_else_alive() {
    for role in BOTH {
        fresh(move || {
            kept(role, 300_000, 1); // larger than a thread keeps: no spare remains
            for (before, size) in [(300_000, 1), (300_000, 4095), (300_000, 4096), (300_000, 50_000)] {
                let (held, message) = kept(role, before, size);
                assert_eq!(message.len(), size);
                assert!(held < size as isize + 200, "{size} bytes keep {held}");
            }
        });
    }
}

#[test]
fn a_long_message_that_is_kept_shares_the_buffer() {
    for role in BOTH {
        let mut end = End::new(role);
        for (size, shared) in [(4095, false), (4096, true), (100_000, true)] {
            let frame = wire(BINARY, vec![3; size], end.peer_key());
            let (inbound, outbound) = end.conn.halves();
            inbound.receive(&frame);
            let Some(Event::Message(message)) = inbound.poll_event(outbound) else { panic!("no message") };
            let lent = message.as_bytes().as_ptr();
            let (spent, message) = tally(|| message.into_message());
            assert_eq!(message.as_bytes().as_ptr() == lent, shared, "{size}");
            assert_eq!(spent.bytes >= size, !shared, "{size}: {spent:?}");
            assert_eq!(drain(&mut end.conn), 0);
        }
    }
}

#[test]
fn what_a_kept_message_keeps_alive_is_at_most_four_times_its_length() {
    for role in BOTH {
        fresh(move || {
            let mut kept = vec![];
            let mut last = 0;
            let (spent, ()) = tally(|| {
                let mut end = End::new(role);
                // One read of 64 KiB, with messages each of which is just more than a quarter of what is left.
                let mut stream = vec![];
                let mut left = 64 << 10;
                while left > 20_000 {
                    let size = left / 4 + 100;
                    stream.extend(wire(BINARY, vec![1; size], end.peer_key()));
                    left -= size + 8;
                    last = size;
                }
                end.conn.read_buf().reserve(64 << 10);
                end.raw(stream);
                while let Some(Event::Message(message)) = end.conn.poll_event() {
                    kept.push(message.into_message());
                }
                kept.drain(..kept.len() - 1);
            });
            assert_eq!(kept[0].len(), last);
            assert!(spent.held < 4 * last as isize + 1000, "{last} bytes keep {} alive", spent.held);
        });
    }
}

#[test]
fn a_buffer_used_up_from_the_front_is_still_counted_whole() {
    for role in BOTH {
        fresh(move || {
            let mut end = End::new(role);
            end.conn.read_buf().reserve(200 << 10);
            // Each read consumes a part of the buffer, and the next begins where that ended.
            let frame = wire(BINARY, vec![1; 9_000], end.peer_key());
            let (first, rest) = frame.split_at(10);
            end.raw(first);
            for _ in 0..20 {
                end.more([rest, first].concat());
                assert_eq!(drain(&mut end.conn), 1);
            }
            end.more(rest);
            assert_eq!(drain(&mut end.conn), 1);
            // The same memory, from the thread: it is too large for a message of 9,000 bytes to hold on to.
            let (spent, kept) = tally(|| {
                end.raw(&frame);
                let message = messages(&all_told(&mut end.conn)).pop().unwrap();
                drop(std::mem::replace(&mut end, End::new(role)));
                message
            });
            assert_eq!(kept.len(), 9_000);
            assert!(spent.bytes >= 9_000, "{spent:?}: it was not copied, so it holds 200 KiB");
        });
    }
}

#[test]
fn nobody_can_change_a_message_that_shares_the_buffer() {
    for role in BOTH {
        let mut end = End::new(role);
        let mut kept = vec![];
        for n in 0..50_u8 {
            end.frame(BINARY, vec![n; 5000]).frame(BINARY, vec![n; 3]);
            kept.extend(messages(&all_told(&mut end.conn)));
            end.conn.send([0xEE; 5000].as_slice()).unwrap();
            end.flush();
        }
        for (n, message) in kept.iter().enumerate() {
            assert!(message.as_bytes().iter().all(|&byte| usize::from(byte) == n / 2));
        }
        assert_eq!(kept.len(), 100);
    }
}
