//! Memory follows bytes, not promises: what is allocated, counted for each thread by an allocator that forwards to the system's.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod support;

use sansocket::{
    Delivery, Message, Role, SendError, Violation,
    bytes::Buf,
    proto::{Connection, Event},
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};
use support::*;

struct Counted;

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// How often memory was asked for, and how many bytes in all.
    calls: usize,
    bytes: usize,
    /// How much is held now, and was held at most.
    held: isize,
    most: isize,
}
thread_local! {
    static TALLY: Cell<Tally> = const { Cell::new(Tally { calls: 0, bytes: 0, held: 0, most: 0 }) };
}
fn note(asked: usize, freed: usize) {
    // Not while the thread ends.
    let _ = TALLY.try_with(|tally| {
        let mut now = tally.get();
        now.calls += usize::from(asked > 0);
        now.bytes += asked;
        now.held += asked as isize - freed as isize;
        now.most = now.most.max(now.held);
        tally.set(now);
    });
}

// SAFETY: every call is the system allocator's, with what it was called with.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: see above.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: see above.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: see above.
        unsafe { System.realloc(at, layout, size) }
    }
}
#[global_allocator]
static COUNTED: Counted = Counted;

/// What `work` asked for, on this thread; `held` and `most` are beyond what was held before.
fn tally<T>(work: impl FnOnce() -> T) -> (Tally, T) {
    let before = TALLY.get();
    TALLY.set(Tally { most: before.held, ..before });
    let result = work();
    let after = TALLY.get();
    let spent = Tally {
        calls: after.calls - before.calls,
        bytes: after.bytes - before.bytes,
        held: after.held - before.held,
        most: after.most - before.held,
    };
    (spent, result)
}
/// On a thread that has no spare buffers yet.
fn fresh(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .spawn(work)
        .unwrap()
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
/// Takes all events out, keeping none.
fn drain(connection: &mut Connection) -> usize {
    let (inbound, outbound) = connection.halves();
    let mut events = 0;
    while inbound.poll_event(outbound).is_some() {
        events += 1;
    }
    events
}
fn discard_output(connection: &mut Connection) {
    while connection.transmit().has_remaining() {
        let n = connection.transmit().remaining();
        connection.transmit().advance(n);
    }
}

#[test]
fn the_allocator_counts() {
    let (spent, held) = tally(|| (vec![0_u8; 1000], drop(vec![0_u8; 500])));
    assert_eq!((spent.calls, spent.bytes, spent.held, spent.most), (2, 1500, 1000, 1500));
    drop(held);
}

/// T2.
#[test]
fn an_announced_length_allocates_nothing() {
    for role in BOTH {
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            for len in [1 << 20, 1 << 32, 1 << 62, (1 << 63) - 1] {
                fresh(move || {
                    let mut end = End::with(role, |config| {
                        (config.delivery, config.max_message_size) = (delivery, usize::MAX);
                    });
                    let header = head(BINARY, len, end.peer_key());
                    let (spent, events) = tally(|| {
                        end.conn.receive(&header);
                        end.conn.receive(&[0; 100]);
                        drain(&mut end.conn)
                    });
                    assert_eq!(events, usize::from(delivery == Delivery::Chunks));
                    assert!(spent.most < 400, "{role:?} {delivery:?} {len}: {spent:?} for 114 bytes");
                });
            }
        }
    }
}

/// T2.
#[test]
fn a_length_over_the_limit_fails_and_allocates_nothing_for_it() {
    for role in BOTH {
        for max in [0, 1000, 1 << 20] {
            for len in [max as u64 + 1, 1 << 32, 1 << 62, (1 << 63) - 1] {
                fresh(move || {
                    let mut end = End::with(role, |config| config.max_message_size = max);
                    let header = head(BINARY, len, end.peer_key());
                    let (spent, ()) = tally(|| {
                        end.conn.receive(&header);
                        assert!(matches!(end.conn.poll_event(), Some(Event::Error(error))
                            if error.violation == Violation::MessageTooBig { limit: max }));
                    });
                    assert!(spent.most < 1000, "{spent:?}: a header, and a Close frame with its reason");
                });
            }
        }
    }
}

/// T16.
#[test]
fn a_header_is_judged_before_anything_is_allocated_whatever_its_opcode() {
    for role in BOTH {
        for first in 0..=255_u8 {
            fresh(move || {
                let mut end = End::new(role);
                let header = head(first, 1 << 62, end.peer_key());
                let (spent, event) = tally(|| {
                    end.conn.receive(&header);
                    match end.conn.poll_event() {
                        Some(Event::Error(error)) => Some(error.violation),
                        _ => None,
                    }
                });
                assert!(spent.most < 1000, "{first:#x}: {spent:?}");
                let (opcode, limit) = (first & 0xF, if role == Role::Client { 16 << 20 } else { 1 << 20 });
                let expected = match opcode {
                    _ if first & 0x70 != 0 => Violation::ReservedBits,
                    3..=7 | 11.. => Violation::ReservedOpcode(opcode),
                    8..=10 if first & FIN == 0 => Violation::FragmentedControl,
                    8..=10 => Violation::LongControl,
                    0 => Violation::UnexpectedContinuation,
                    _ => Violation::MessageTooBig { limit },
                };
                assert_eq!(event, Some(expected), "{first:#x}");
            });
        }
    }
}

#[test]
fn memory_follows_the_bytes_that_came() {
    for role in BOTH {
        fresh(move || {
            let mut end = End::with(role, |config| config.max_message_size = 1 << 30);
            let header = head(BINARY, 1 << 30, end.peer_key());
            let part = vec![0; 10_000];
            let (spent, ()) = tally(|| {
                end.conn.receive(&header);
                for n in 1..=200_isize {
                    end.conn.receive(&part);
                    assert_eq!(drain(&mut end.conn), 0);
                    let held = TALLY.get().held;
                    assert!(held < n * 20_000 + 100_000, "{held} bytes held for {n} times 10,000");
                }
            });
            assert!(spent.most < 3 * 2_000_000, "{spent:?}");
        });
    }
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    for role in BOTH {
        fresh(move || {
            // The thread's spares exist, and are those that the connection will use.
            let mut end = End::new(role);
            let message = wire(BINARY, vec![1; 3000], end.peer_key());
            let exchange = |conn: &mut Connection| {
                conn.receive(&message);
                assert_eq!(drain(conn), 1);
                conn.send(&[2; 3000][..]).unwrap();
                discard_output(conn);
            };
            exchange(&mut end.conn);
            let (spent, _others) = tally(|| {
                let mut others: Vec<_> = (0..100).map(|_| End::new(role)).collect();
                others.iter_mut().for_each(|other| exchange(&mut other.conn));
                others
            });
            let own = 100 * (size_of::<End>() + size_of::<sansocket::Config>() + 100) as isize;
            assert!(spent.held <= own, "{spent:?}: more than the {own} bytes of the connections themselves");
        });
    }
}

#[test]
fn an_echo_of_short_messages_allocates_nothing_per_message() {
    for role in BOTH {
        let mut end = End::new(role);
        let mut batch = wire(TEXT, "twenty bytes of text", end.peer_key()).repeat(50);
        batch.extend(wire(BINARY, vec![7; 1000], end.peer_key()));
        let mut echo = |times: usize| {
            for _ in 0..times {
                end.conn.receive(&batch);
                let (inbound, outbound) = end.conn.halves();
                while let Some(event) = inbound.poll_event(outbound) {
                    let Event::Message(message) = event else { panic!("{event:?}") };
                    outbound.send(message).unwrap();
                }
                discard_output(&mut end.conn);
            }
        };
        echo(10);
        let (spent, ()) = tally(|| echo(100));
        assert_eq!((spent.calls, spent.held), (0, 0), "{role:?}: {spent:?} for 5,100 messages");
    }
}

#[test]
fn an_echo_cut_anywhere_allocates_nothing_per_message() {
    for role in BOTH {
        let mut end = End::new(role);
        let batch = wire(TEXT, "twenty bytes of text", end.peer_key()).repeat(50);
        let mut echo = |times: usize| {
            for _ in 0..times {
                for part in batch.chunks(17) {
                    end.conn.receive(part);
                    let (inbound, outbound) = end.conn.halves();
                    while let Some(event) = inbound.poll_event(outbound) {
                        let Event::Message(message) = event else { panic!("{event:?}") };
                        outbound.send(message).unwrap();
                    }
                    discard_output(&mut end.conn);
                }
            }
        };
        echo(10);
        let (spent, ()) = tally(|| echo(100));
        // What is lent moves along the buffer, which is asked for anew only when it has been used up.
        assert!(spent.calls <= 20, "{role:?}: {spent:?} for 5,000 messages");
    }
}

/// T5.
#[test]
fn fragments_of_one_byte_are_bounded_and_linear() {
    for role in BOTH {
        for batch in [1, 100, 60_000] {
            let spent = |fragments: usize| {
                let mut end = End::new(role);
                let one = wire(0, "x", end.peer_key());
                let stream = [wire(2, "x", end.peer_key()), one.repeat(fragments - 1)].concat();
                let (spent, ()) = tally(|| {
                    for part in stream.chunks(batch * one.len()) {
                        end.conn.receive(part);
                        assert_eq!(drain(&mut end.conn), 0);
                    }
                });
                assert!(spent.most < 4 * stream.len() as isize + 10_000, "{role:?} {batch}: {spent:?}");
                if batch == 1 {
                    let most = 4 * fragments as isize + 10_000;
                    assert!(spent.most < most, "{spent:?}: the payload is kept, the headers are not");
                }
                spent.bytes
            };
            let (once, twice) = (spent(30_000), spent(60_000));
            assert!(twice <= 3 * once + 10_000, "{role:?} {batch}: {once} bytes asked for, then {twice}");
        }
    }
}

/// T5.
#[test]
fn one_frame_in_chunks_of_one_byte_is_bounded_and_linear() {
    for role in BOTH {
        let spent = |size: usize| {
            let mut end = End::new(role);
            let stream = wire(TEXT, vec![b'x'; size], end.peer_key());
            let (spent, events) = tally(|| {
                stream
                    .iter()
                    .map(|byte| {
                        end.conn.receive(&[*byte]);
                        drain(&mut end.conn)
                    })
                    .sum::<usize>()
            });
            assert_eq!(events, 1);
            assert!(spent.most < 4 * size as isize + 1000, "{spent:?}");
            spent.bytes
        };
        let (once, twice) = (spent(200_000), spent(400_000));
        assert!(twice <= 3 * once, "{role:?}: {once} bytes asked for, then {twice}");
    }
}

/// T5.
#[test]
fn ten_million_fragments_without_end_are_cut_off() {
    for role in BOTH {
        for payload in ["x", ""] {
            let mut end = End::new(role);
            let batch = wire(0, payload, end.peer_key()).repeat(10_000);
            end.frame(2, "x");
            let (spent, fed) = tally(|| {
                let mut fed = 0;
                while fed < 10_000_000 {
                    end.conn.receive(&batch);
                    fed += 10_000;
                    if drain(&mut end.conn) > 0 {
                        assert_eq!(end.conn.state(), sansocket::ReadyState::Closing);
                    }
                }
                fed
            });
            assert_eq!(fed, 10_000_000);
            assert!(spent.most < 1 << 20, "{role:?} {payload:?}: {spent:?}");
        }
    }
}

/// T17.
#[test]
fn pongs_and_pings_without_end_hold_no_memory() {
    for role in BOTH {
        for first in [PONG, PING] {
            let mut end = End::new(role);
            let batch = wire(first, [7; 125], end.peer_key()).repeat(100);
            let mut flood = |times: usize| {
                for _ in 0..times {
                    end.conn.receive(&batch);
                    assert_eq!(drain(&mut end.conn), 100);
                }
            };
            flood(1);
            let (spent, ()) = tally(|| flood(1000));
            assert!(spent.held <= 200 && spent.most < 200_000, "{role:?}: {spent:?}");
        }
    }
}

/// T3.
#[test]
fn what_is_refused_costs_nothing() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.close(None);
        let long = vec![0; 1 << 20];
        let (spent, ()) = tally(|| assert_eq!(end.conn.send(&long[..]), Err(SendError::Closing)));
        assert_eq!(spent.calls, 0);
    }
}

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
            *inbound.read_buf() = sansocket::bytes::BytesMut::with_capacity(frame.len());
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
                *end.conn.read_buf() = sansocket::bytes::BytesMut::with_capacity(64 << 10);
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
            *end.conn.read_buf() = sansocket::bytes::BytesMut::with_capacity(200 << 10);
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
            end.conn.send(&[0xEE; 5000]).unwrap();
            end.flush();
        }
        for (n, message) in kept.iter().enumerate() {
            assert!(message.as_bytes().iter().all(|&byte| usize::from(byte) == n / 2));
        }
        assert_eq!(kept.len(), 100);
    }
}
