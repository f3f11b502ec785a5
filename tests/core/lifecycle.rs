//! From the first message to the end: closing row by row, floods, and the two halves apart.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use crate::support::*;
use sansocket::{
    CloseCode, CloseFrame, Config, Kind, Message, ReadyState, SendError, Violation,
    bytes::Buf,
    close::CloseSeen,
    proto::{
        Connection, Control, ControlSink, Established, Event, Outbound, Ready, RecvState, Role, SendState,
        Sending, Sent,
    },
};
use std::sync::{Arc, Mutex};

#[test]
fn delivery_does_not_depend_on_how_bytes_arrive() {
    for size in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 70_000, 200_000] {
        let text: String = "añ€𐍈".chars().cycle().take(size).collect();
        for mtu in [1, 2, 3, 7, 1000, 70_001, usize::MAX] {
            if size > 5000 && mtu < 100 {
                continue;
            }
            let mut pair = Pair::new(|_| ());
            pair.mtu = mtu;
            pair.client.send(&*text).unwrap();
            pair.server.send(text.clone().into_bytes()).unwrap();
            let (client, server) = pair.drive();
            assert!(messages(&server) == [Message::text(&*text)], "size {size} mtu {mtu}");
            assert!(
                messages(&client) == [Message::binary(text.clone().into_bytes())],
                "size {size} mtu {mtu}"
            );
        }
    }
}

// The closing table, row by row.

#[test]
fn we_close_and_the_peers_messages_still_come() {
    for role in BOTH {
        let mut pair = Pair::new(|_| ());
        pair.end(role).send("first words").unwrap();
        pair.end(role).close(CloseFrame::truncate(CloseCode::NORMAL, "done"));
        assert_eq!(pair.end(role).state(), ReadyState::Closing);
        pair.end(other(role)).send("last words").unwrap();
        let (client, server) = pair.drive();
        let (ours, theirs) = if role == Role::Client { (&client, &server) } else { (&server, &client) };
        assert_eq!(
            (messages(ours), messages(theirs)),
            (vec![Message::text("last words")], vec![Message::text("first words")])
        );
        let frame = CloseFrame::truncate(CloseCode::NORMAL, "done");
        for (events, by_peer) in [(ours, false), (theirs, true)] {
            let closed = closed(events);
            assert_eq!(
                (closed.code(), closed.reason(), closed.was_clean(), closed.by_peer),
                (1000, "done", true, by_peer)
            );
            assert_eq!(
                (&closed.received, &closed.sent),
                (&CloseSeen::Frame(frame.clone()), &CloseSeen::Frame(frame.clone()))
            );
            assert_eq!((&closed.error, closed.timed_out), (&None, None));
            assert_eq!(
                events.iter().filter(|e| matches!(e, Told::CloseReceived(Some(f)) if *f == frame)).count(),
                1
            );
        }
        for role in BOTH {
            assert_eq!(pair.end(role).state(), ReadyState::Closed);
            assert_eq!(pair.end(role).send("more"), Err(SendError::Closing));
        }
    }
}

#[test]
fn the_peer_closes_without_a_code() {
    for role in BOTH {
        let mut pair = Pair::new(|_| ());
        pair.end(role).close(None);
        let (client, server) = pair.drive();
        for events in [&client, &server] {
            assert!(events.contains(&Told::CloseReceived(None)));
            let closed = closed(events);
            assert_eq!((closed.code(), closed.reason(), closed.was_clean()), (1005, "", true));
            assert_eq!((&closed.received, &closed.sent), (&CloseSeen::Empty, &CloseSeen::Empty));
        }
    }
}

#[test]
fn both_close_at_once() {
    let mut pair = Pair::new(|_| ());
    pair.client.close(CloseCode::NORMAL);
    pair.server.close(CloseCode::GOING_AWAY);
    let (client, server) = pair.drive();
    assert_eq!((closed(&client).code(), closed(&server).code()), (1001, 1000));
    for events in [&client, &server] {
        assert!(closed(events).was_clean() && !closed(events).by_peer);
    }
}

#[test]
fn the_transport_ends_by_itself() {
    for role in BOTH {
        let mut end = End::new(role);
        let closed = end.frame(TEXT, "brought").eof().text("brought").ends();
        assert_eq!((closed.code(), closed.was_clean(), closed.by_peer), (1006, false, false));
        assert_eq!(
            (closed.received, closed.sent, closed.error, closed.timed_out),
            (CloseSeen::None, CloseSeen::None, None, None)
        );
        assert!(end.writes_nothing().conn.wants_shutdown(), "our side is still to be ended");
    }
}

#[test]
fn a_violation_is_told_to_both_ends() {
    for role in BOTH {
        let mut pair = Pair::new(|_| ());
        pair.end(role).receive(&[0xFF, 0xFF]);
        let (client, server) = pair.drive();
        let (ours, theirs) = if role == Role::Client { (&client, &server) } else { (&server, &client) };
        assert_eq!(closed(ours).error.as_ref().map(|e| e.violation), Some(Violation::ReservedBits));
        assert_eq!((closed(theirs).code(), closed(theirs).by_peer), (1002, true));
        assert_eq!(closed(theirs).reason(), Violation::ReservedBits.to_string());
    }
}

#[test]
fn the_application_gives_up_with_1011() {
    for role in BOTH {
        let mut pair = Pair::new(|_| ());
        pair.end(role).close(CloseCode::INTERNAL_ERROR);
        let (client, server) = pair.drive();
        assert_eq!((closed(&client).code(), closed(&server).code()), (1011, 1011));
    }
}

/// How much is framed before the transport takes any, at most: up to a frame more than the bound.
fn framed_ahead(role: Role) -> usize {
    (if role == Role::Client { 64 << 10 } else { 256 << 10 }) + (64 << 10) + 14
}

#[test]
fn aborting_ends_at_once_and_sends_nothing_that_was_not_framed() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.send(vec![0; 1 << 20]).unwrap();
        end.conn.abort();
        let closed = end.ends();
        assert_eq!(
            (closed.code(), closed.was_clean(), closed.received, closed.sent),
            (1006, false, CloseSeen::None, CloseSeen::None)
        );
        // What has been framed: four times as much where that copies nothing.
        assert!(end.conn.buffered_amount() <= framed_ahead(role));
        end.flush();
        assert!(end.conn.wants_shutdown());
    }
}

#[test]
fn aborting_leaves_unread_what_has_come() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(TEXT, "one").frame(TEXT, "unread").frame(PING, "").frame(CLOSE, "").text("one");
        end.conn.abort();
        let closed = end.ends();
        assert_eq!((closed.code(), closed.received), (1006, CloseSeen::None));
        end.writes_nothing();
    }
}

#[test]
fn states_of_each_direction_follow_the_diagram() {
    for role in BOTH {
        let states = |end: &mut End| {
            let (inbound, outbound) = end.conn.halves();
            (inbound.state(), outbound.state())
        };
        let mut end = End::new(role);
        assert_eq!(states(&mut end), (RecvState::Open, SendState::Open));
        end.frame(CLOSE, "").tells(Told::CloseReceived(None));
        assert_eq!(states(&mut end), (RecvState::CloseReceived, SendState::Closing));
        end.flush().eof().ends();
        assert_eq!(states(&mut end), (RecvState::Ended, SendState::Closing));
        end.conn.shut_down();
        assert_eq!(states(&mut end), (RecvState::Ended, SendState::Ended));
        let mut end = End::new(role);
        end.raw([0xFF, 0xFF]).errs();
        assert_eq!(states(&mut end), (RecvState::Discarding, SendState::Closing));
    }
}

// Floods.

/// Known failure: output without bound.
#[test]
fn a_peer_that_reads_nothing_is_seen_in_buffered_amount() {
    for role in BOTH {
        let mut end = End::new(role);
        let mut queued = 0;
        for _ in 0..100 {
            end.conn.send(vec![0; 10_000]).unwrap();
            queued += 10_000;
            let amount = end.conn.buffered_amount();
            assert!((queued..queued + 101 * 14).contains(&amount), "{amount} for {queued} bytes of payload");
            assert!(end.conn.transmit().remaining() <= framed_ahead(role), "framed ahead of the transport");
        }
        end.flush();
        assert_eq!(end.conn.buffered_amount(), 0);
    }
}

/// Known failure: flood of Pings.
#[test]
fn ten_thousand_pings_cost_a_few_pongs_when_nothing_is_written() {
    for role in BOTH {
        let mut end = End::new(role);
        for n in 0..10_000_u16 {
            end.frame(PING, n.to_be_bytes()).ping(n.to_be_bytes());
        }
        let queued = end.conn.buffered_amount();
        assert!(queued < 4096 + 14, "{queued}: some are answered, then the latest has a slot");
        let answered = frames(&written(&mut end.conn));
        assert_eq!(answered.last().unwrap().payload, 9_999_u16.to_be_bytes(), "the latest is");
        assert!(answered.iter().all(|frame| frame.first == PONG) && answered.len() <= 1025);
    }
}

/// Rule of RFC 6455 §5.5.3: newest Ping answered. As Autobahn 2.10 has it.
#[test]
fn every_ping_of_a_short_burst_is_answered_in_order() {
    for role in BOTH {
        let mut end = End::new(role);
        let pings: Vec<u8> = (0..10).flat_map(|n| wire(PING, [n; 100], end.peer_key())).collect();
        end.raw(pings);
        for n in 0..10 {
            end.ping([n; 100]);
        }
        let answered = frames(&written(&mut end.conn));
        assert_eq!(answered.len(), 10);
        for (n, pong) in (0..).zip(answered) {
            assert_eq!((pong.first, pong.payload), (PONG, vec![n; 100]));
        }
    }
}

/// Known failure: output without bound.
#[test]
fn own_pings_cost_one_ping_when_nothing_is_written() {
    for role in BOTH {
        let mut end = End::new(role);
        for n in 0..10_000_u16 {
            end.conn.ping(n.to_be_bytes()).unwrap();
        }
        end.writes(PING, 9_999_u16.to_be_bytes()).writes_nothing();
    }
}

/// Known failure: flood of Pongs.
#[test]
fn a_million_pongs_cost_nothing() {
    for role in BOTH {
        let mut end = End::new(role);
        let batch = wire(PONG, [7; 125], end.peer_key()).repeat(1000);
        for _ in 0..1000 {
            end.raw(&batch);
            let (inbound, outbound) = end.conn.halves();
            let mut pongs = 0;
            while let Some(event) = inbound.poll_event(outbound) {
                pongs += usize::from(matches!(event, Event::Pong(payload) if payload == [7; 125]));
            }
            assert_eq!(pongs, 1000);
        }
        end.writes_nothing().is(ReadyState::Open);
        assert!(end.conn.read_buf().capacity() <= 1 << 20, "{}", end.conn.read_buf().capacity());
    }
}

// Halves.

#[test]
fn an_event_is_answered_while_it_lives() {
    let mut end = End::new(Role::Server);
    end.frame(TEXT, "short").frame(BINARY, [1, 2]).frame(TEXT, "x".repeat(20_000));
    let (inbound, outbound) = end.conn.halves();
    while let Some(event) = inbound.poll_event(outbound) {
        let Event::Message(message) = event else { panic!("{event:?}") };
        if message.kind() == Kind::Text && message.len() == 5 {
            outbound.send(message.as_str().unwrap()).unwrap();
        }
        outbound.send(message).unwrap();
    }
    let long = "x".repeat(20_000);
    end.writes_all(&[(TEXT, b"short"), (TEXT, b"short"), (BINARY, &[1, 2]), (TEXT, long.as_bytes())]);
}

/// The sending half behind a lock, as in an adapter with a thread for each direction.
struct Locked(Arc<Mutex<Outbound>>);
impl ControlSink for Locked {
    fn control(&mut self, control: Control<'_>) {
        self.0.lock().unwrap().control(control);
    }
    fn sending(&self) -> Sending {
        self.0.lock().unwrap().sending()
    }
    fn buffered_amount(&self) -> usize {
        self.0.lock().unwrap().buffered_amount()
    }
    fn end(&mut self) -> Sent {
        self.0.lock().unwrap().end()
    }
}

#[test]
fn the_halves_work_apart_with_the_sending_one_behind_a_lock() {
    for role in BOTH {
        let mut end = End::new(role);
        let key = end.peer_key();
        end.conn.send("queued before").unwrap();
        let (mut inbound, outbound) = end.conn.split();
        let outbound = Arc::new(Mutex::new(outbound));
        let mut sink = Locked(outbound.clone());
        // The receiving half moves to a thread of its own.
        let stream = [wire(PING, "?", key), wire(TEXT, "hi", key), wire(CLOSE, body(1001, ""), key)].concat();
        let now = end.now;
        let inbound = std::thread::spawn(move || {
            inbound.handle_timeout(now, &mut sink);
            inbound.receive(&stream);
            assert!(matches!(inbound.poll_event(&mut sink), Some(Event::Ping(b"?"))));
            let Some(Event::Message(message)) = inbound.poll_event(&mut sink) else { panic!("no message") };
            // The lock is free while the message lives.
            sink.0.lock().unwrap().send(message).unwrap();
            assert!(matches!(inbound.poll_event(&mut &mut sink), Some(Event::CloseReceived(Some(_)))));
            assert!(inbound.wants_time(&sink));
            inbound
        });
        let mut inbound = inbound.join().unwrap();
        let mut outbound_now = outbound.lock().unwrap();
        assert_eq!(outbound_now.send("x"), Err(SendError::Closing));
        let mut out = vec![];
        while outbound_now.transmit().has_remaining() {
            let n = outbound_now.transmit().remaining();
            out.extend(outbound_now.transmit().copy_to_bytes(n));
        }
        drop(outbound_now);
        let sent: Vec<_> = frames(&out).into_iter().map(|frame| (frame.first, frame.payload)).collect();
        let expected = [
            (TEXT, b"queued before".to_vec()),
            (PONG, b"?".to_vec()),
            (TEXT, b"hi".to_vec()),
            (CLOSE, body(1001, "")),
        ];
        assert_eq!(sent, expected);
        inbound.receive_eof();
        let mut sink = Locked(outbound);
        let Some(Event::Closed(closed)) = inbound.poll_event(&mut sink) else { panic!("not closed") };
        assert!(closed.was_clean() && closed.by_peer);
        assert!(inbound.poll_event(&mut sink).is_none());
    }
}

#[test]
fn the_shortcuts_of_a_driver_take_whole_messages_and_nothing_else() {
    for role in BOTH {
        let mut config = if role == Role::Client { Config::client() } else { Config::server() };
        config.high_water_mark = 4;
        let (mut inbound, mut outbound) = Connection::new(Established::bare(role), config).split();
        let key = (role == Role::Server).then_some([1, 2, 3, 4]);
        for (first, payload) in [(TEXT, "one"), (PING, ""), (TEXT, "two")] {
            inbound.receive(&wire(first, payload, key));
        }
        assert!(!inbound.is_quiet() && inbound.advance_message(&outbound));
        assert_eq!(inbound.lent(), b"one");
        assert!(!inbound.advance_message(&outbound) && !inbound.advance_flushed(), "a ping is next");
        outbound.send("more than the mark").unwrap();
        assert!(matches!(inbound.advance(&mut outbound), Some(Ready::Ping(0))));
        assert!(!inbound.advance_message(&outbound), "more than the mark is queued");
        let queued = outbound.transmit().remaining();
        outbound.transmit().advance(queued);
        assert!(inbound.advance_flushed());
        assert!(inbound.is_quiet() && !inbound.advance_flushed());
        assert_eq!(inbound.lent(), b"two", "to be asked consumes nothing");
        assert!(inbound.advance(&mut outbound).is_none() && inbound.lent().is_empty());
    }
}
