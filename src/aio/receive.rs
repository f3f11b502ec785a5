//! The receiving loop: moves bytes and waits, as the core says.
use super::{Alarm, link::Wire};
use crate::{
    adapter::{Error, outcome},
    proto::{Closed, ControlSink, Inbound, Ready, RecvState, Step},
};
use std::{
    io,
    task::{Context, Poll, ready},
};

/// How often one poll may move bytes without anything to return, before other tasks get their turn.
pub(super) const TURNS: u32 = 64;

/// Waits until the next message, or chunk of one, is ready to be lent. Says whether the message ends with it; `None`
/// after the end.
#[inline]
pub(super) fn poll_data<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) -> Poll<Result<Option<bool>, Error>> {
    // However many control frames come without a pause, other tasks get their turn.
    for _ in 0..TURNS {
        match ready!(poll_ready(cx, inbound, wire, alarm))? {
            Some(Ready::Data { fin }) => return Poll::Ready(Ok(Some(fin))),
            None => return Poll::Ready(Ok(None)),
            Some(Ready::Closed(closed)) => return Poll::Ready(outcome(&closed).map(|()| None)),
            Some(_) => {}
        }
    }
    give_way(cx, inbound, wire, alarm);
    Poll::Pending
}

/// Waits until the next event is ready to be lent; `None` after the end.
#[inline]
pub(super) fn poll_ready<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) -> Poll<Result<Option<Ready>, Error>> {
    if inbound.state() == RecvState::Ended {
        return Poll::Ready(Ok(None));
    }
    match ready!(poll_next(cx, inbound, wire, alarm)) {
        Ok(ready) => {
            if matches!(ready, Ready::Closed(_)) {
                end(cx, inbound, wire, alarm);
            }
            Poll::Ready(Ok(Some(ready)))
        }
        Err(error) => {
            give_up(cx, inbound, wire, alarm);
            Poll::Ready(Err(error))
        }
    }
}

/// Receives to the end, and drops what comes.
pub(super) fn poll_closed<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) -> Poll<Closed> {
    for _ in 0..TURNS {
        if let Some(closed) = inbound.closed() {
            return Poll::Ready(closed.clone());
        }
        // An error has ended the connection, and `closed` says how.
        let _ = ready!(poll_ready(cx, inbound, wire, alarm));
    }
    give_way(cx, inbound, wire, alarm);
    Poll::Pending
}

/// Ends the connection at once: it has failed, or is not wanted any more. How it ended is kept for `closed`.
#[cold]
pub(super) fn give_up<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) {
    inbound.abort();
    while inbound.advance(wire).is_some() {}
    end(cx, inbound, wire, alarm);
}

/// The connection has ended: shuts the stream down if that can be done at once. Nothing depends on it.
#[cold]
fn end<R>(cx: &mut Context<'_>, inbound: &Inbound, wire: &mut impl Wire, alarm: &mut Option<R>) {
    wire.ended(inbound.closed());
    let _ = wire.poll_shutdown(cx);
    *alarm = None;
}

/// Waits for the next event.
///
/// It writes only when no whole frame is left in the input: so answers to messages that came together leave together.
/// It always writes before it waits: so no message waits for a call that may not come.
///
/// The busy path (bytes come, events go, answers leave) looks at no clock and sets no alarm.
#[inline]
fn poll_next<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) -> Poll<Result<Ready, Error>> {
    for turn in 0..TURNS {
        if let Some(ready) = inbound.advance(wire) {
            return Poll::Ready(Ok(ready));
        }
        if inbound.has_more() || turn > 0 && inbound.wants_time(wire) && is_late(cx, inbound, wire, alarm) {
            break;
        }
        ready!(poll_turn(cx, inbound, wire, alarm))?;
    }
    let _ = wire.poll_flush(cx); // the answers so far: they need not wait for the next turn
    give_way(cx, inbound, wire, alarm);
    Poll::Pending
}

/// The fast path of nearly every message: all that has come has been dealt with, all there is to write leaves at once,
/// and a read brings a whole message; or nothing, while no deadline runs but the keepalive's. `None`: it is not so
/// simple, and [`poll_next`] goes on.
#[inline]
pub(super) fn poll_message<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) -> Option<Poll<Result<(), Error>>> {
    let open = inbound.is_quiet() && wire.is_open();
    if !open || !matches!(wire.poll_flush(cx), Poll::Ready(Ok(()))) {
        return None;
    }
    match wire.poll_read(cx, inbound) {
        Poll::Ready(Ok(0)) => inbound.receive_eof(),
        Poll::Ready(Ok(_)) => return inbound.advance_flushed().then_some(Poll::Ready(Ok(()))),
        Poll::Ready(Err(error)) => {
            return read_failed(inbound, error).err().map(|error| Poll::Ready(Err(error)));
        }
        Poll::Pending => {
            inbound.rest();
            inbound.begin_turn();
            if let (Some(alarm), false) = (alarm, inbound.is_timed()) {
                return alarm.poll(cx).is_pending().then_some(Poll::Pending);
            }
        }
    }
    None
}

/// Tells the time, since a peer that keeps this task busy must not keep it from looking at the clock. Says whether a
/// deadline has passed that is not acted on before the runtime has seen it pass.
fn is_late<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl ControlSink,
    alarm: &mut Option<R>,
) -> bool {
    let _ = poll_time(cx, inbound, wire, alarm, true);
    inbound.latest_due(R::now()).is_some()
}

/// Lets other tasks go first, and has this one polled again. Tells the time, since a peer that keeps this task busy
/// must not keep it from looking at the clock.
#[cold]
fn give_way<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl ControlSink,
    alarm: &mut Option<R>,
) {
    inbound.begin_turn();
    if inbound.wants_time(wire) {
        let _ = poll_time(cx, inbound, wire, alarm, true);
    }
    cx.waker().wake_by_ref();
}

/// Writes, then does the next step. Pending: there is nothing to do until the stream is ready, or a deadline passes.
#[inline]
fn poll_turn<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    alarm: &mut Option<R>,
) -> Poll<Result<(), Error>> {
    // A stream that is broken for writing may still bring the Close frame that says why.
    let flushed = wire.poll_flush(cx).is_ready();
    let step = match inbound.next_step(wire) {
        Step::ShutDown => shut_down(cx, inbound, wire),
        step => step,
    };
    let timed = match step {
        Step::Advance | Step::ShutDown => return Poll::Ready(Ok(())),
        // What is to be waited for has come to be queued since, and the stream has not been asked to take it.
        Step::Wait if flushed => return Poll::Ready(Ok(())),
        Step::Wait => {
            inbound.rest();
            wire.rest();
            true
        }
        Step::Read { timed } => {
            match wire.poll_read(cx, inbound) {
                Poll::Ready(Ok(0)) => {
                    inbound.receive_eof();
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(_)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(read_failed(inbound, error)),
                Poll::Pending => {
                    inbound.rest();
                    inbound.begin_turn();
                }
            }
            // Since the step was asked for, a sender may have queued something, or ended the connection.
            timed || !wire.is_idle()
        }
    };
    // Nearly always all is written, no message is under way, and the alarm is set.
    match alarm {
        Some(alarm) if !timed => ready!(alarm.poll(cx)),
        _ => {}
    }
    poll_time(cx, inbound, wire, alarm, true).map(Ok)
}

/// Shuts the stream down, and returns what to do next: while the shutdown is pending, there may be bytes to read. A
/// stream that cannot end its writing side counts as ended.
#[cold]
fn shut_down(cx: &mut Context<'_>, inbound: &mut Inbound, wire: &mut impl Wire) -> Step {
    match wire.poll_shutdown(cx) {
        Poll::Ready(Ok(())) => Step::Advance,
        Poll::Ready(Err(_)) => {
            inbound.receive_eof();
            Step::Advance
        }
        Poll::Pending if inbound.is_ending(wire) => Step::Advance,
        Poll::Pending => Step::Read { timed: true },
    }
}

#[cold]
fn read_failed(inbound: &mut Inbound, error: io::Error) -> Result<(), Error> {
    if error.kind() == io::ErrorKind::Interrupted {
        return Ok(());
    }
    // After a Close frame or a violation it is known already how the connection ends: the error adds nothing.
    let known = inbound.state() != RecvState::Open;
    inbound.abort();
    if known { Ok(()) } else { Err(error.into()) }
}

/// Reads the clock, does what is due, and sets the alarm for the next deadline. Ready when that has left something to
/// do: a ping to write, or an end to tell.
///
/// `reading`: whether this task reads. If not, the peer's silence is not blamed on it.
#[inline(never)]
pub(super) fn poll_time<R: Alarm>(
    cx: &mut Context<'_>,
    inbound: &mut Inbound,
    wire: &mut impl ControlSink,
    alarm: &mut Option<R>,
    reading: bool,
) -> Poll<()> {
    inbound.set_reading(reading);
    loop {
        let now = R::now();
        if let (Some(due), Some(alarm)) = (inbound.latest_due(now), &mut *alarm) {
            // Our clock says that the deadline has passed, but bytes may have come that the runtime has not polled. It
            // is acted on only once the runtime's own timer for that deadline has fired.
            alarm.set(due);
            ready!(alarm.poll(cx));
        }
        let (before, waited) = (inbound.state(), wire.sending().waiting);
        inbound.handle_timeout(now, wire);
        let queued = !waited && wire.sending().waiting; // a ping
        if queued || inbound.state() != before || inbound.is_ending(wire) {
            return Poll::Ready(());
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
