//! Marks: when all that was queued before one has been taken by the transport.
use super::*;

/// One that has sent this much already.
fn server(taken: u32, framed: u32) -> Outbound {
    let mut config = Config::server();
    config.fragment_size = 300_000;
    let mut outbound = Outbound::new(Role::Server, Arc::new(config), None);
    outbound.transmit.count_taken(taken as usize);
    outbound.framed = framed;
    outbound
}
fn take(outbound: &mut Outbound, bytes: usize) {
    for _ in 0..bytes {
        outbound.transmit().advance(1);
    }
}

#[test]
fn a_mark_is_passed_by_its_own_last_byte() -> Result<(), SendError> {
    for (taken, framed) in [(0, 0), (u32::MAX - 1, u32::MAX), (i32::MAX as u32 - 1, i32::MAX as u32)] {
        let mut outbound = server(taken, framed);
        outbound.send("one")?;
        let mut first = outbound.mark();
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
fn a_mark_on_what_waits_unframed_is_passed_once_that_is_taken() -> Result<(), SendError> {
    for (taken, framed) in [(0, 0), (u32::MAX - 270_000, u32::MAX)] {
        let mut outbound = server(taken, framed);
        outbound.send(vec![1; AHEAD_SHARED])?;
        outbound.send(vec![2; LONG_FROM])?;
        let mut mark = outbound.mark();
        assert!(matches!(mark, Mark::Framed(_)));
        outbound.send(vec![3; 2 * AHEAD_SHARED])?;
        outbound.send(vec![4; 2 * AHEAD_SHARED])?;
        let until = 10 + AHEAD_SHARED + 4 + LONG_FROM;
        for _ in 0..until {
            assert!(!outbound.has_sent(&mut mark)?);
            take(&mut outbound, 1);
        }
        assert!(outbound.has_sent(&mut mark)?, "at the latest when nothing that was framed with it is left");
    }
    Ok(())
}

#[test]
fn what_a_failure_drops_never_passes_its_mark() -> Result<(), SendError> {
    let mut outbound = server(7, u32::MAX);
    outbound.send(vec![1; AHEAD_SHARED])?;
    let mut framed = outbound.mark();
    outbound.send(vec![2; AHEAD_SHARED])?;
    let mut dropped = outbound.mark();
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
fn what_is_abandoned_never_passes_its_mark_and_what_went_before_does() -> Result<(), SendError> {
    for taken in [0, 1 << 20, 1 << 31, u32::MAX - 3] {
        let mut outbound = server(taken, 0);
        outbound.send("gone")?;
        let mut gone = outbound.mark();
        take(&mut outbound, 6);
        outbound.send("half gone")?;
        let mut half = outbound.mark();
        take(&mut outbound, 3);
        outbound.abandon();
        assert_eq!(outbound.has_sent(&mut gone), Ok(true));
        assert_eq!(outbound.has_sent(&mut half), Err(SendError::Closing), "{taken} bytes before");
    }
    Ok(())
}

#[test]
fn a_mark_that_nobody_looked_at_for_long_has_been_passed() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    outbound.send("long ago")?;
    let (mut bytes, mut messages) = (outbound.mark(), Mark::Framed(1));
    take(&mut outbound, 10);
    outbound.transmit.count_taken(i32::MAX as usize + 100);
    outbound.framed = i32::MAX as u32 + 100;
    assert_eq!((outbound.has_sent(&mut bytes), outbound.has_sent(&mut messages)), (Ok(true), Ok(true)));
    Ok(())
}

#[test]
fn control_frames_have_a_mark_once_they_are_framed() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    outbound.ping("?")?;
    assert!(outbound.mark_controls()?.is_none());
    take(&mut outbound, 2);
    let mut mark = outbound.mark_controls()?.unwrap_or(Mark::Taken(0));
    assert!(!outbound.has_sent(&mut mark)?);
    take(&mut outbound, 1);
    assert!(outbound.has_sent(&mut mark)?);
    Ok(())
}

#[test]
fn what_was_framed_unseen_and_then_cut_off_never_passes_its_mark() -> Result<(), SendError> {
    let mut outbound = server(0, 0);
    outbound.send(vec![1; AHEAD_SHARED])?;
    outbound.send(vec![2; LONG_FROM])?;
    let mut mark = outbound.mark();
    assert!(matches!(mark, Mark::Framed(_)));
    take(&mut outbound, 10 + AHEAD_SHARED);
    outbound.abandon();
    assert_eq!(outbound.has_sent(&mut mark), Err(SendError::Closing));
    Ok(())
}

#[test]
fn control_frames_that_are_dropped_or_cut_off_have_no_mark() -> Result<(), SendError> {
    for framed in [false, true] {
        let mut outbound = server(0, 0);
        outbound.ping("?")?;
        if framed {
            take(&mut outbound, 1);
        }
        outbound.abandon();
        assert!(matches!(outbound.mark_controls(), Err(SendError::Closing)), "{framed}");
    }
    let mut outbound = server(0, 0);
    outbound.ping("?")?;
    outbound.control(Control::Fail(crate::close::CloseCode::NORMAL.into()));
    assert!(matches!(outbound.mark_controls(), Err(SendError::Closing)));
    assert_eq!(outbound.has_sent_close(), Ok(false), "which goes all the same");
    take(&mut outbound, 4);
    assert_eq!(outbound.has_sent_close(), Ok(true));
    outbound.abandon();
    assert_eq!(outbound.has_sent_close(), Ok(true), "nothing was left to be cut off");
    Ok(())
}

#[test]
fn a_close_frame_has_been_sent_when_its_last_byte_has() {
    for taken in 0..=2 {
        let mut outbound = server(0, 0);
        outbound.close(None);
        take(&mut outbound, taken);
        assert_eq!(outbound.has_sent_close(), Ok(taken == 2));
        outbound.abandon();
        assert_eq!(outbound.has_sent_close(), if taken == 2 { Ok(true) } else { Err(SendError::Closing) });
    }
    let mut outbound = server(0, 0);
    outbound.abandon();
    outbound.close(None);
    assert_eq!(outbound.has_sent_close(), Err(SendError::Closing), "the end came first");
}
