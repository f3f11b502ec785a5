//! Positions: when everything that was queued before one has left. And what never left.
use super::*;
use crate::proto::{Control, ControlSink};

/// One that has sent this much already.
fn server(taken: u64, framed: u32) -> Outbound {
    let mut config = Config::server();
    config.fragment_size = 300_000;
    let mut outbound = Outbound::new(Role::Server, Arc::new(config), None);
    outbound.transmit.count_taken(taken);
    outbound.framed = framed;
    outbound
}
fn take(outbound: &mut Outbound, bytes: usize) {
    for _ in 0..bytes {
        outbound.transmit().advance(1);
    }
}

#[test]
fn a_position_is_passed_by_its_own_last_byte() -> Result<(), SendError> {
    for (taken, framed) in [(0, 0), (u64::from(u32::MAX) - 1, u32::MAX)] {
        let mut outbound = server(taken, framed);
        outbound.send("one")?;
        let mut first = outbound.position();
        outbound.send("other")?;
        for _ in 0..5 {
            assert!(!outbound.has_sent(&mut first)?);
            take(&mut outbound, 1);
        }
        assert!(outbound.has_sent(&mut first)?, "and not by what follows");
        assert!(!outbound.is_flushed());
    }
    Ok(())
}

#[test]
fn a_position_on_what_waits_unframed_is_passed_once_that_is_taken() -> Result<(), SendError> {
    for (taken, framed) in [(0, 0), (u64::from(u32::MAX) - 270_000, u32::MAX)] {
        let mut outbound = server(taken, framed);
        outbound.send(vec![1; AHEAD_SHARED])?;
        outbound.send(vec![2; LONG_FROM])?;
        let mut position = outbound.position();
        outbound.send(vec![3; 2 * AHEAD_SHARED])?;
        outbound.send(vec![4; 2 * AHEAD_SHARED])?;
        let until = 10 + AHEAD_SHARED + 4 + LONG_FROM;
        for _ in 0..until {
            assert!(!outbound.has_sent(&mut position)?);
            take(&mut outbound, 1);
        }
        assert!(
            outbound.has_sent(&mut position)?,
            "at the latest when nothing that was framed with it is left"
        );
    }
    Ok(())
}

#[test]
fn what_a_failure_drops_never_passes_its_position() -> Result<(), SendError> {
    let mut outbound = server(7, u32::MAX);
    outbound.send(vec![1; AHEAD_SHARED])?;
    let mut framed = outbound.position();
    outbound.send(vec![2; AHEAD_SHARED])?;
    let mut dropped = outbound.position();
    outbound.control(Control::Fail(crate::close::CloseCode::NORMAL.into()));
    assert_eq!(
        (outbound.has_sent(&mut framed), outbound.has_sent(&mut dropped)),
        (Ok(false), Err(SendError::Closing))
    );
    while !outbound.is_flushed() {
        take(&mut outbound, 1);
    }
    assert_eq!(
        (outbound.has_sent(&mut framed), outbound.has_sent(&mut dropped)),
        (Ok(true), Err(SendError::Closing))
    );
    Ok(())
}

#[test]
fn what_is_abandoned_never_passes_its_position_and_what_went_before_does() -> Result<(), SendError> {
    for taken in [0, 1 << 20, 1 << 31, u64::from(u32::MAX) - 3] {
        let mut outbound = server(taken, 0);
        outbound.send("gone")?;
        let mut gone = outbound.position();
        take(&mut outbound, 6);
        outbound.send("half gone")?;
        let mut half = outbound.position();
        take(&mut outbound, 3);
        outbound.write_failed();
        assert_eq!(outbound.has_sent(&mut gone), Ok(true));
        assert_eq!(outbound.has_sent(&mut half), Err(SendError::Closing), "{taken} bytes before");
    }
    Ok(())
}

#[test]
fn a_position_beyond_4_gib_is_not_taken_for_one_that_is_past() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    let (mut start, long) = (outbound.position(), Bytes::from(vec![0; 64 << 20]));
    for _ in 0..65 {
        outbound.transmit.push_long(long.clone()); // 4 GiB and more, of one allocation
    }
    let mut end = outbound.position();
    assert_eq!((outbound.has_sent(&mut start), outbound.has_sent(&mut end)), (Ok(true), Ok(false)));
    Ok(())
}

#[test]
fn bytes_that_the_transport_holds_back_have_not_left() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    outbound.flushed();
    outbound.send("one")?;
    let mut position = outbound.position();
    let before = outbound.sending().released;
    take(&mut outbound, 5);
    outbound.flush_pending();
    assert_eq!(outbound.has_sent(&mut position), Ok(false));
    assert!(outbound.sending().waiting && outbound.sending().released == before);
    outbound.flushed();
    assert_eq!((outbound.has_sent(&mut position), outbound.sending().released), (Ok(true), before + 5));
    Ok(())
}

#[test]
fn control_frames_have_left_once_their_last_byte_has() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    outbound.ping("?")?;
    let mut position = outbound.control_position();
    assert!(!outbound.has_sent(&mut position)?);
    take(&mut outbound, 2);
    assert!(!outbound.has_sent(&mut position)?);
    take(&mut outbound, 1);
    assert!(outbound.has_sent(&mut position)?);
    Ok(())
}

#[test]
fn messages_that_never_left_are_counted_and_control_frames_behind_them_are_not() -> Result<(), SendError> {
    for (taken, unsent) in [(0, 11), (3, 8), (10, 1), (11, 0), (13, 0)] {
        let mut outbound = server(0, 0);
        outbound.send("a message")?;
        outbound.control(Control::Pong(b"pong"));
        outbound.close(None);
        take(&mut outbound, taken);
        outbound.write_failed();
        outbound.write_failed();
        assert_eq!(outbound.unsent(), unsent, "{taken} of them taken");
    }
    let mut outbound = server(0, 0);
    outbound.control(Control::Pong(b"pong"));
    outbound.send("a message")?;
    outbound.send(vec![1; AHEAD_SHARED])?;
    outbound.send(vec![2; LONG_FROM])?;
    outbound.write_failed();
    assert!(outbound.unsent() >= AHEAD_SHARED + LONG_FROM + 11, "framed or not");
    Ok(())
}

#[test]
fn what_was_framed_unseen_and_then_cut_off_never_passes_its_position() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    outbound.send(vec![1; AHEAD_SHARED])?;
    outbound.send(vec![2; LONG_FROM])?;
    let mut position = outbound.position();
    take(&mut outbound, 10 + AHEAD_SHARED);
    outbound.write_failed();
    assert_eq!(outbound.has_sent(&mut position), Err(SendError::Closing));
    Ok(())
}

#[test]
fn control_frames_that_are_dropped_or_cut_off_never_leave() -> Result<(), SendError> {
    for framed in [false, true] {
        let mut outbound = server(0, 0);
        outbound.ping("?")?;
        if framed {
            take(&mut outbound, 1);
        }
        outbound.write_failed();
        assert!(
            matches!(outbound.has_sent(&mut outbound.control_position()), Err(SendError::Closing)),
            "{framed}"
        );
    }
    let mut outbound = server(0, 0);
    outbound.ping("?")?;
    outbound.control(Control::Fail(crate::close::CloseCode::NORMAL.into()));
    assert!(matches!(outbound.has_sent(&mut outbound.control_position()), Err(SendError::Closing)));
    assert_eq!(outbound.has_sent(&mut outbound.close_position()), Ok(false), "which goes all the same");
    take(&mut outbound, 4);
    assert_eq!(outbound.has_sent(&mut outbound.close_position()), Ok(true));
    outbound.write_failed();
    assert_eq!(outbound.has_sent(&mut outbound.close_position()), Ok(true), "nothing was left to be cut off");
    Ok(())
}

#[test]
fn a_close_frame_has_been_sent_when_its_last_byte_has() {
    for taken in 0..=2 {
        let mut outbound = server(0, 0);
        outbound.close(None);
        take(&mut outbound, taken);
        assert_eq!(outbound.has_sent(&mut outbound.close_position()), Ok(taken == 2));
        outbound.write_failed();
        assert_eq!(
            outbound.has_sent(&mut outbound.close_position()),
            if taken == 2 { Ok(true) } else { Err(SendError::Closing) }
        );
    }
    let mut outbound = server(0, 0);
    outbound.write_failed();
    outbound.close(None);
    assert_eq!(
        outbound.has_sent(&mut outbound.close_position()),
        Err(SendError::Closing),
        "the end came first"
    );
}

#[test]
fn what_a_transport_takes_after_it_was_full_is_progress_at_once() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    outbound.send(vec![1; 2 * LONG_FROM])?;
    take(&mut outbound, 100);
    outbound.write_pending();
    let before = outbound.sending().released;
    take(&mut outbound, 50);
    assert_eq!(outbound.sending().released, before + 50);
    outbound.write_pending();
    assert_eq!(outbound.sending().released, before + 50, "once");
    Ok(())
}

#[test]
fn control_frames_alone_may_fill_4_gib() {
    let mut outbound = server(0, 0);
    outbound.tail = u32::MAX - 1; // as a peer brings about that sends nothing but pings
    outbound.control(Control::Pong(b"pong"));
    outbound.write_failed();
    assert_eq!(outbound.unsent(), 0);
}

#[test]
fn a_pong_that_was_late_is_owed_until_it_has_left_and_no_longer() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    outbound.send(vec![1; 2 * LONG_FROM])?;
    outbound.control(Control::Pong(b"late"));
    assert!(outbound.sending().owes_pong);
    while !outbound.is_flushed() {
        assert!(outbound.sending().owes_pong || outbound.transmit.remaining() < LONG_FROM);
        take(&mut outbound, 1);
    }
    assert!(!outbound.sending().owes_pong);
    outbound.send(vec![2; 2 * LONG_FROM])?;
    assert!(!outbound.sending().owes_pong, "no ping has come since");
    Ok(())
}
