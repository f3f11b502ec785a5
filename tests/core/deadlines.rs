//! Each deadline, on a clock that moves when told: told often, or only when the deadline asked for has come.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use crate::support::*;
use sansocket::{
    CloseCode, CloseFrame, Closed, Config, Deadline, Keepalive, ReadyState, SendError,
    bytes::Buf,
    close::CloseSeen,
    proto::{RecvState, Role},
};
use std::time::Duration;

/// Only the deadline under test.
fn only(set: impl Fn(&mut Config)) -> impl Fn(&mut Config) {
    move |config| {
        config.keepalive = None;
        (config.message_timeout, config.write_timeout, config.close_timeout) = (None, None, None);
        set(config);
    }
}
fn with_keepalive(config: &mut Config) {
    config.keepalive = Some(Keepalive { interval: seconds(20), timeout: seconds(10) });
}

#[test]
fn the_defaults_are_those_documented() {
    for role in BOTH {
        let mut end = End::new(role);
        assert_eq!((end.conn.wants_time(), end.due_in()), (true, None), "no time has been told");
        end.pass(seconds(0));
        assert_eq!((end.conn.wants_time(), end.due_in()), (false, Some(seconds(20))), "keepalive");
        end.conn.send("x").unwrap();
        end.frame(1, "unfinished").quiet();
        assert!(end.conn.wants_time());
        end.pass(seconds(0)).pass_to_deadline();
        assert_eq!(end.due_in(), Some(seconds(10)), "30 s for the peer to take a byte, 20 s passed");
        end.conn.close(None);
        assert!(end.conn.wants_time());
        end.flush().pass(seconds(0));
        assert_eq!(end.due_in(), Some(seconds(10)), "closing");
    }
}

#[test]
fn without_deadlines_time_does_nothing() {
    for role in BOTH {
        let mut end = End::with(role, only(|_| ()));
        end.conn.send("waits for ever").unwrap();
        end.frame(1, "unfinished").quiet();
        for _ in 0..3 {
            assert_eq!(end.pass(seconds(1 << 30)).due_in(), None);
        }
        end.conn.close(None);
        end.pass(seconds(1 << 30)).quiet().is(ReadyState::Closing);
        let end = End::with(role, only(|_| ()));
        assert!(!end.conn.wants_time());
    }
}

#[test]
fn the_clock_is_wanted_while_something_is_unfinished_and_not_on_the_busy_path() {
    for role in BOTH {
        let mut end = End::new(role);
        end.pass(seconds(0));
        for _ in 0..3 {
            end.frame(TEXT, "busy").text("busy");
            end.conn.send("busy").unwrap();
            end.flush();
            assert!(!end.conn.wants_time());
        }
        end.conn.send("waiting").unwrap();
        assert!(end.conn.wants_time());
        assert!(!end.flush().conn.wants_time());
        end.frame(1, "unfinished").quiet();
        assert!(end.conn.wants_time());
        end.frame(FIN, "").text("unfinished");
        assert!(!end.conn.wants_time());
        end.conn.close(None);
        assert!(end.flush().conn.wants_time());
        end.eof().ends();
        assert!(!end.conn.wants_time());
    }
}

#[test]
fn a_deadline_later_than_an_instant_can_say_never_comes() {
    let mut end = End::with(Role::Client, only(|config| config.close_timeout = Some(Duration::MAX)));
    end.conn.close(None);
    assert_eq!(end.pass(seconds(1)).due_in(), None);
    end.pass(seconds(1 << 30)).quiet();
}

#[test]
fn silence_brings_a_ping_and_more_silence_the_end() {
    for role in BOTH {
        let mut end = End::with(role, only(with_keepalive));
        end.pass(seconds(0)).writes_nothing();
        assert_eq!(end.pass_to_deadline(), seconds(20));
        end.writes(PING, "").quiet();
        assert_eq!(end.pass_to_deadline(), seconds(10));
        let closed = end.ends();
        assert_eq!(
            (closed.timed_out, closed.code(), closed.was_clean()),
            (Some(Deadline::Keepalive), 1006, false)
        );
        end.writes_nothing();
    }
}

#[test]
fn any_byte_is_a_sign_of_life() {
    for role in BOTH {
        // A pong; a message; the first byte of a header; a byte within a message.
        for life in [&[PONG, 0][..], &[BINARY, 1, 7], &[PONG], &[2, 10, 7]] {
            let mut end = End::with(role, only(with_keepalive));
            end.pass(seconds(0)).pass_to_deadline();
            end.writes(PING, "").pass(seconds(9));
            if role == Role::Client {
                end.raw(life);
            } else {
                end.frame(life[0], &life[life.len().min(2)..]);
            }
            while told(&mut end.conn).is_some() {}
            end.pass(seconds(1)).quiet();
            assert_eq!(end.due_in(), Some(seconds(20)), "the silence begins again");
            end.pass(seconds(19)).writes_nothing();
            end.pass(seconds(1)).writes(PING, "");
        }
    }
}

#[test]
fn with_a_clock_told_late_a_ping_leaves_after_one_to_two_intervals() {
    for role in BOTH {
        let mut end = End::with(role, only(with_keepalive));
        end.pass(seconds(0));
        end.frame(PONG, "").pong(""); // heard after the timer began, and the clock is not told
        assert!(!end.conn.wants_time(), "the busy path reads no clock");
        assert_eq!(end.pass_to_deadline(), seconds(20));
        end.writes_nothing();
        assert_eq!(end.pass_to_deadline(), seconds(20));
        end.writes(PING, "");
    }
}

#[test]
fn asking_for_the_buffer_is_not_a_sign_of_life() {
    for role in BOTH {
        let mut end = End::with(role, only(with_keepalive));
        end.pass(seconds(0));
        // An adapter asks for the buffer before each read, and most reads of a silent peer bring nothing.
        for _ in 0..19 {
            end.conn.read_buf();
            end.quiet().pass(seconds(1)).writes_nothing();
        }
        end.conn.read_buf();
        end.quiet().pass(seconds(1)).writes(PING, "");
        end.conn.read_buf();
        end.pass_to_deadline();
        assert_eq!(end.ends().timed_out, Some(Deadline::Keepalive));
    }
}

#[test]
fn the_ping_of_a_dead_transport_does_not_keep_it_alive() {
    let mut end = End::new(Role::Server);
    end.pass(seconds(0));
    let mut waited = Duration::ZERO;
    // The peer takes nothing: the ping waits, and the connection ends all the same.
    while end.conn.state() == ReadyState::Open && waited < seconds(1000) {
        waited += end.pass_to_deadline();
        if let Some(Told::Closed(closed)) = told(&mut end.conn) {
            assert_eq!(closed.timed_out, Some(Deadline::Keepalive));
        }
    }
    assert_eq!(waited, seconds(40));
}

#[test]
fn an_unfinished_message_without_progress_fails_with_1008() {
    for role in BOTH {
        let mut end = End::with(role, only(|config| config.message_timeout = Some(seconds(60))));
        end.pass(seconds(0));
        assert_eq!((end.conn.wants_time(), end.due_in()), (false, None), "nothing has begun");
        end.frame(1, "a").quiet();
        assert!(end.conn.wants_time());
        end.pass(seconds(0)).pass(seconds(59)).quiet();
        end.frame(0, "b").quiet().pass(seconds(0));
        assert_eq!(end.due_in(), Some(seconds(60)), "payload is progress");
        // What is not payload of it is not: pings, and empty fragments.
        end.pass(seconds(30)).frame(PING, "?").ping("?").flush().frame(0, "").quiet().pass(seconds(0));
        assert_eq!(end.due_in(), Some(seconds(30)));
        end.pass(seconds(30)).quiet().is(ReadyState::Closing);
        let reason = Deadline::Message.to_string();
        end.writes(CLOSE, body(1008, &reason)).frame(FIN, "too late").quiet();
        assert!(end.conn.wants_shutdown());
        let closed = end.eof().ends();
        assert_eq!(
            (closed.timed_out, closed.code(), closed.was_clean()),
            (Some(Deadline::Message), 1006, false)
        );
        assert_eq!(closed.sent, CloseSeen::Frame(CloseFrame::truncate(CloseCode::POLICY_VIOLATION, &reason)));
    }
}

#[test]
fn a_message_that_ends_stops_its_deadline() {
    for role in BOTH {
        let mut end = End::with(role, only(|config| config.message_timeout = Some(seconds(60))));
        end.frame(1, "a").quiet().pass(seconds(0)).pass(seconds(59));
        end.frame(FIN, "b").text("ab").pass(seconds(1));
        assert_eq!(end.due_in(), None);
        end.pass(seconds(1000)).quiet().is(ReadyState::Open);
    }
}

#[test]
fn a_stalled_peer_that_does_not_end_the_transport_is_given_up() {
    for role in BOTH {
        let set = |config: &mut Config| {
            config.message_timeout = Some(seconds(60));
            config.close_timeout = Some(seconds(5));
        };
        let mut end = End::with(role, only(set));
        end.frame(2, "a").quiet().pass(seconds(0)).pass_to_deadline();
        end.flush().pass(seconds(0));
        assert_eq!(end.pass_to_deadline(), seconds(5));
        assert_eq!(end.ends().timed_out, Some(Deadline::Message), "the first deadline is why");
    }
}

#[test]
fn a_peer_that_takes_no_byte_is_given_up() {
    for role in BOTH {
        let mut end = End::with(role, only(|config| config.write_timeout = Some(seconds(30))));
        end.pass(seconds(0));
        end.conn.send(vec![0; 1000]).unwrap();
        assert!(end.conn.wants_time());
        end.pass(seconds(0)).pass(seconds(29)).quiet();
        end.conn.transmit().advance(1);
        end.pass(seconds(1)).quiet();
        assert_eq!(end.due_in(), Some(seconds(30)), "one byte is enough");
        end.conn.send("more to write is not progress").unwrap();
        end.frame(TEXT, "nor is what it sends").text("nor is what it sends");
        assert_eq!(end.pass_to_deadline(), seconds(30));
        let closed = end.ends();
        assert_eq!(
            (closed.timed_out, closed.code(), closed.sent),
            (Some(Deadline::Write), 1006, CloseSeen::None)
        );
    }
}

#[test]
fn with_nothing_to_write_there_is_no_deadline_for_it() {
    for role in BOTH {
        let mut end = End::with(role, only(|config| config.write_timeout = Some(seconds(30))));
        end.conn.send("x").unwrap();
        end.pass(seconds(0)).pass(seconds(29)).flush();
        assert!(!end.conn.wants_time());
        end.pass(seconds(1)).quiet();
        assert_eq!(end.due_in(), None);
    }
}

/// Known failure: peer never closes.
#[test]
fn a_peer_that_never_answers_a_close_frame_or_never_ends_the_transport_is_given_up() {
    for role in BOTH {
        for answers in [true, false] {
            let mut end = End::new(role);
            end.pass(seconds(0));
            end.conn.close(CloseCode::NORMAL);
            end.flush().pass(seconds(0));
            if answers {
                end.frame(CLOSE, body(1000, "")).tells(Told::CloseReceived(Some(CloseCode::NORMAL.into())));
            }
            // Whatever else it sends does not help it.
            for _ in 0..4 {
                end.frame(PING, "").frame(TEXT, "still here");
                while told(&mut end.conn).is_some() {}
                end.pass(seconds(1));
            }
            assert_eq!(end.pass_to_deadline(), seconds(6));
            let Some(Told::Closed(closed)) = all_told(&mut end.conn).pop() else { panic!("not gone") };
            assert_eq!((closed.timed_out, closed.was_clean()), (Some(Deadline::Close), answers));
            assert_eq!(closed.code(), if answers { 1000 } else { 1006 });
        }
    }
}

/// Known failure: peer never closes.
#[test]
fn closing_behind_a_queue_that_the_peer_does_not_take_ends_at_the_write_deadline() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.send(vec![0; 1 << 20]).unwrap();
        end.frame(CLOSE, "").tells(Told::CloseReceived(None));
        assert_eq!(end.pass(seconds(0)).pass_to_deadline(), seconds(30));
        let closed = end.ends();
        assert_eq!(
            (closed.timed_out, closed.code(), closed.was_clean()),
            (Some(Deadline::Write), 1005, false)
        );
        assert!(closed.by_peer && closed.sent.is_none());
        assert!(closed.unsent > 1 << 20 && !closed.is_normal(), "{}", closed.unsent);
    }
}

#[test]
fn the_close_deadline_begins_when_the_close_frame_has_left() {
    for role in BOTH {
        let mut end = End::new(role);
        end.conn.send(vec![0; 1000]).unwrap();
        end.conn.close(None);
        for _ in 0..10 {
            end.conn.transmit().advance(10);
            end.pass(seconds(29)).quiet();
        }
        written(&mut end.conn);
        end.pass(seconds(0));
        assert_eq!(end.pass_to_deadline(), seconds(10), "slow as it is, the peer took everything");
        assert_eq!(end.ends().timed_out, Some(Deadline::Close));
    }
}

#[test]
fn without_a_write_deadline_closing_still_ends_when_nothing_leaves_within_the_close_deadline() {
    for role in BOTH {
        let mut end = End::with(role, only(|config| config.close_timeout = Some(seconds(5))));
        end.conn.close(None);
        assert_eq!(end.pass(seconds(0)).pass_to_deadline(), seconds(5));
        assert_eq!(end.ends().timed_out, Some(Deadline::Close));
    }
}

#[test]
fn output_leaves_after_the_end_of_the_input_within_the_write_deadline() {
    for (role, takes) in
        [Role::Client, Role::Server].into_iter().flat_map(|role| [(role, true), (role, false)])
    {
        let mut end = End::new(role);
        end.conn.send("an answer").unwrap();
        end.eof().quiet().pass(seconds(0)).quiet();
        assert_eq!(end.conn.send("too late"), Err(SendError::Closing));
        if takes {
            end.writes(TEXT, "an answer");
            assert_eq!(end.ends().unsent, 0);
        } else {
            assert_eq!(end.pass_to_deadline(), seconds(30));
            let closed = end.ends();
            assert_eq!((closed.timed_out, closed.code()), (Some(Deadline::Write), 1006));
            assert!(closed.unsent >= 11);
        }
    }
}

#[test]
fn bytes_that_the_transport_holds_back_are_no_progress_and_no_sign_of_life() {
    for role in BOTH {
        let set = |config: &mut Config| {
            config.keepalive = Some(Keepalive { interval: seconds(20), timeout: seconds(20) });
            config.write_timeout = Some(seconds(30));
        };
        let mut end = End::with(role, only(set));
        end.conn.halves().1.flushed();
        end.pass(seconds(0));
        end.conn.send("x").unwrap();
        // The transport takes everything, our own pings among it, and lets go of nothing.
        let mut told = vec![];
        for _ in 0..100 {
            end.flush();
            end.conn.halves().1.flush_pending();
            end.pass(seconds(1));
            told.extend(all_told(&mut end.conn));
        }
        assert!(
            matches!(told[..], [Told::Closed(Closed { timed_out: Some(Deadline::Write), .. })]),
            "{told:?}"
        );
    }
}

#[test]
fn a_violation_of_a_peer_that_stays_is_bounded_by_the_close_deadline() {
    for role in BOTH {
        let mut end = End::new(role);
        end.pass(seconds(0)).raw([0xFF, 0xFF]);
        assert!(matches!(told(&mut end.conn), Some(Told::Error(_))));
        assert!(end.conn.wants_time());
        end.flush().pass(seconds(0));
        assert_eq!(end.pass_to_deadline(), seconds(10));
        let closed = end.ends();
        assert!(closed.error.is_some());
        assert_eq!(closed.timed_out, Some(Deadline::Close));
    }
}

#[test]
fn time_told_before_events_are_taken_out_loses_nothing() {
    for role in BOTH {
        let mut end = End::new(role);
        end.pass(seconds(0)).frame(TEXT, "unread").pass(seconds(1000)).pass(seconds(1000));
        end.text("unread");
        // Given up: what it brought is still delivered, then the end.
        let mut end = End::with(role, only(|config| config.close_timeout = Some(seconds(5))));
        end.conn.close(None);
        end.pass(seconds(0)).frame(TEXT, "unread").pass_to_deadline();
        end.text("unread");
        assert_eq!(end.ends().timed_out, Some(Deadline::Close));
        end.pass(seconds(1000));
        assert_eq!((end.due_in(), end.conn.wants_time()), (None, false));
    }
}

/// Known failure: flood of Pings.
#[test]
fn a_ping_flood_that_reads_nothing_ends_at_the_write_deadline_with_bounded_output() {
    for role in BOTH {
        let mut end = End::new(role);
        end.pass(seconds(0));
        let mut most = 0;
        let mut pings = 0;
        while end.conn.state() == ReadyState::Open {
            assert!(pings < 100_000, "it never ended");
            // 1000 pings a second, each followed by an attempt to write that the transport refuses.
            for _ in 0..1000 {
                pings += 1;
                end.frame(PING, [b'f'; 125]);
                if let Some(Told::Closed(closed)) = told(&mut end.conn) {
                    assert_eq!(closed.timed_out, Some(Deadline::Write));
                }
                most = most.max(end.conn.transmit().remaining());
            }
            end.pass(seconds(1));
            while let Some(event) = told(&mut end.conn) {
                let Told::Closed(closed) = event else { continue };
                assert_eq!(closed.timed_out, Some(Deadline::Write));
            }
        }
        assert_eq!(end.conn.halves().0.state(), RecvState::Ended);
        assert!(pings >= 30_000, "30 s of it");
        assert!(most <= (64 << 10) + 131, "{most} bytes queued");
    }
}
