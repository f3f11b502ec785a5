//! The receiving loop: the one place that decides when to read, when to write and when to look at the clock.
use super::{Alarm, link::Wire};
use crate::{
    adapter::Error,
    proto::{Inbound, Ready, RecvState, SendState},
};
use std::{
    io,
    task::{Context, Poll, ready},
};

/// So often bytes may move within a poll with nothing to show for it before other tasks get their turn.
pub(super) const TURNS: u32 = 64;

/// Waits for the next event.
///
/// What is left of a message that is [to be skipped](Inbound::skip_rest) is none.
///
/// While more than `high_water` is queued it writes first and delivers nothing. Else it writes when no whole frame
/// is left in the input and it is about to wait: so answers to messages that came together leave together, and
/// no message waits for a call that may not come.
///
/// The busy path (bytes come, events go, answers leave) looks at no clock and sets no alarm.
#[inline]
pub(super) fn poll_next<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
    high_water: usize,
) -> Poll<Result<Ready, Error>> {
    for _ in 0..TURNS {
        let paused = wire.buffered_amount() > high_water && !inbound.is_given_up();
        if !paused {
            match inbound.advance(wire) {
                Some(Ready::Data { fin }) if inbound.skips(fin) => continue,
                Some(ready) => return Poll::Ready(Ok(ready)),
                None => {}
            }
        }
        ready!(poll_turn(cx, inbound, wire, alarm, paused.then_some(high_water)))?;
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// The lane that nearly every message takes: all that has come has been dealt with, all there is to write goes at once, and
/// a read brings a whole message, or nothing while no deadline but that of silence runs. `None`: it is not so simple,
/// and [`poll_next`] is to go on.
#[inline]
pub(super) fn poll_whole<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) -> Option<Poll<Result<(), Error>>> {
    let open = inbound.is_quiet() && wire.sending().state == SendState::Open;
    if !open || !matches!(wire.poll_flush(cx), Poll::Ready(Ok(()))) {
        return None;
    }
    match wire.poll_read(cx, inbound) {
        Poll::Ready(Ok(0)) => {
            inbound.receive_eof();
            None
        }
        Poll::Ready(Ok(_)) => inbound.advance_whole().then_some(Poll::Ready(Ok(()))),
        Poll::Ready(Err(error)) => read_failed(inbound, error).err().map(|error| Poll::Ready(Err(error))),
        Poll::Pending => {
            inbound.rest();
            let alarm = alarm.as_mut().filter(|_| !inbound.is_timed())?;
            alarm.poll(cx).is_pending().then_some(Poll::Pending)
        }
    }
}

#[cold]
fn read_failed(inbound: &mut Inbound, error: io::Error) -> Result<(), Error> {
    if error.kind() == io::ErrorKind::Interrupted {
        return Ok(());
    }
    inbound.receive_eof();
    // After a Close frame or a violation it is known already how this ends.
    if inbound.state() == RecvState::Open { Err(error.into()) } else { Ok(()) }
}

/// Writes, then reads; waits if there is nothing to be had.
#[inline]
fn poll_turn<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
    paused_at: Option<usize>,
) -> Poll<Result<(), Error>> {
    let owed = wire.owes_pong();
    // A stream that is broken for writing may still bring the Close frame that says why.
    let waits = wire.poll_flush(cx).is_pending();
    let closing = inbound.state() != RecvState::Open || wire.sending().state != SendState::Open;
    if closing {
        wind_down(cx, inbound, wire, alarm);
        if inbound.is_given_up() {
            return Poll::Ready(Ok(()));
        }
    }
    // Whoever does not take answers is not asked for more. (It may have taken enough just now.)
    let paused = paused_at.is_some_and(|high_water| wire.buffered_amount() > high_water);
    if waits && (paused || owed) {
        return tell_time(cx, inbound, wire, alarm, false).map(Ok);
    }
    if paused_at.is_some() {
        return Poll::Ready(Ok(()));
    }
    match wire.poll_read(cx, inbound) {
        Poll::Ready(Ok(0)) => inbound.receive_eof(),
        Poll::Ready(Ok(_)) => {}
        Poll::Ready(Err(error)) => return Poll::Ready(read_failed(inbound, error)),
        Poll::Pending => {
            inbound.rest();
            // Nearly always: all is written, no message is under way, and the alarm is set.
            match alarm {
                Some(alarm) if !(waits || closing || inbound.is_timed()) => ready!(alarm.poll(cx)),
                _ => {}
            }
            return tell_time(cx, inbound, wire, alarm, true).map(Ok);
        }
    }
    Poll::Ready(Ok(()))
}

/// Closing: ends the writing side when it is time, and keeps the deadline however much the peer has still to say.
#[cold]
fn wind_down<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) {
    if inbound.wants_shutdown(wire) {
        match wire.poll_shutdown(cx) {
            // Both Close frames have gone, so the server ends the connection (RFC 6455 §7.1.1): nothing more can come.
            Poll::Ready(Ok(())) if inbound.state() == RecvState::CloseReceived => inbound.receive_eof(),
            // A stream that cannot end its writing side is taken to have ended.
            Poll::Ready(Err(_)) => inbound.receive_eof(),
            _ => {}
        }
    }
    if !inbound.is_given_up() {
        let _ = tell_time(cx, inbound, wire, alarm, true);
    }
}

/// Reads the clock, does what is due, and sets the alarm for what is next. Ready when there is something to be done
/// about what was due.
///
/// `reading` says whether the peer is being listened to: if not, its silence is no fault.
#[inline(never)]
pub(super) fn tell_time<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
    reading: bool,
) -> Poll<()> {
    loop {
        let (before, now) = (inbound.state(), R::now());
        if let (Some(due), Some(alarm)) = (inbound.latest_due(now), &mut *alarm) {
            // Until the runtime says so too, what is waited for may be there, and the runtime not have looked. That it
            // went off for something earlier says nothing of this.
            alarm.set(due);
            ready!(alarm.poll(cx));
        }
        inbound.listens(reading, now);
        let idle = !wire.sending().waiting;
        inbound.handle_timeout(now, wire);
        if inbound.is_given_up() || inbound.state() != before {
            return Poll::Ready(());
        }
        // A ping leaves now; if it cannot, this is the end, which has its own deadline.
        if idle && wire.sending().waiting && matches!(wire.poll_flush(cx), Poll::Ready(Err(_))) {
            inbound.handle_timeout(now, wire);
        }
        let Some(next) = inbound.poll_timeout() else { return Poll::Pending };
        match alarm {
            Some(alarm) => alarm.set(next),
            None => *alarm = Some(R::new(next)),
        }
        if alarm.as_mut().is_some_and(|alarm| alarm.poll(cx).is_pending()) {
            return Poll::Pending;
        }
    }
}
