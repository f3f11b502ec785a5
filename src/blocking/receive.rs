//! The receiving loop: the one place that decides when to read, when to write and when to look at the clock.
use super::wire::Wire;
use crate::{
    adapter::{Error, with_scratch, would_wait},
    proto::{Inbound, Ready, RecvState, SendState},
};
use std::{io, time::Instant};

/// Waits for the next event, until `until` if the caller has less patience than the connection.
///
/// What is left of a message that is [to be skipped](Inbound::skip_rest) is none.
///
/// While more than `high_water` is queued it writes first and delivers nothing. Else it writes when no whole frame
/// is left in the input and it is about to wait: so answers to messages that came together leave together, and
/// no message waits for a call that may not come.
///
/// The busy path (bytes come, events go, answers leave) looks at no clock and sets no timeout.
pub(super) fn next(
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    high_water: usize,
    until: Option<Instant>,
) -> Result<Ready, Error> {
    if wire.buffered_amount() > high_water {
        flush(inbound, wire)?;
    }
    let mut too_late = false;
    loop {
        match inbound.advance(wire) {
            Some(Ready::Data { fin }) if inbound.skips(fin) => continue,
            Some(ready) => return Ok(ready),
            None => {}
        }
        if too_late {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        let unwritten = flush(inbound, wire).err();
        if inbound.state() != RecvState::Open {
            shut_down(inbound, wire);
        }
        if inbound.is_given_up() {
            continue;
        }
        let unwritten = match unwritten {
            Some(error) if wire.buffered_amount() > high_water => return Err(error),
            unwritten => unwritten,
        };
        // A stream that cannot be written now may still be read; what is told is what the caller is to wait for.
        if let Err(error) = read(inbound, wire, until) {
            return Err(match unwritten {
                Some(unwritten) if error.is_resumable() => unwritten,
                _ => error,
            });
        }
        too_late = until.is_some_and(|until| until <= wire.now());
    }
}

/// Writes all there is. Only what is to be waited for elsewhere is an error: a stream that is broken for writing
/// may still bring the Close frame that says why, and a peer that took nothing for too long is given up.
#[inline]
fn flush(inbound: &mut Inbound, wire: &mut impl Wire) -> Result<(), Error> {
    let closing = inbound.state() != RecvState::Open || wire.sending().state != SendState::Open;
    let until = if closing { closing_deadline(inbound, wire) } else { None };
    wire.flush(until).or_else(|error| not_written(inbound, wire, error))
}

#[cold]
fn closing_deadline(inbound: &mut Inbound, wire: &mut impl Wire) -> Option<Instant> {
    inbound.handle_timeout(wire.now(), wire);
    inbound.strict_deadline()
}

#[cold]
fn not_written(inbound: &mut Inbound, wire: &mut impl Wire, error: io::Error) -> Result<(), Error> {
    if error.kind() == io::ErrorKind::TimedOut {
        inbound.write_timed_out();
    } else if would_wait(&error) {
        inbound.handle_timeout(wire.now(), wire);
        return Err(error.into());
    }
    Ok(())
}

/// Ends the writing side when it is time. A stream that cannot do that is taken to have ended.
fn shut_down(inbound: &mut Inbound, wire: &mut impl Wire) {
    if inbound.wants_shutdown(wire) && !matches!(wire.shut_down(), Ok(true)) {
        inbound.receive_eof();
    }
}

/// Reads once, waiting for as long as the connection and the caller allow.
#[inline]
fn read(inbound: &mut Inbound, wire: &mut impl Wire, until: Option<Instant>) -> Result<(), Error> {
    if inbound.wants_time(wire) || until.is_some() {
        prepare_to_wait(inbound, wire, until)?;
    }
    inbound.rest();
    let read = with_scratch(|scratch| {
        let read = wire.read(scratch);
        if let Ok(n) = read {
            inbound.receive(scratch.get(..n).unwrap_or(scratch));
        }
        read
    });
    match read {
        Ok(0) => inbound.receive_eof(),
        Ok(_) => wire.read_timing().moved(),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => inbound.handle_timeout(wire.now(), wire),
        Err(error) if would_wait(&error) => return nothing_came(inbound, wire, until, error),
        Err(error) => {
            inbound.receive_eof();
            // After a Close frame or a violation it is known already how this ends.
            if inbound.state() == RecvState::Open {
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Looks at the clock, and has the stream wait no longer than the next deadline that bytes do not put off.
#[cold]
fn prepare_to_wait(inbound: &mut Inbound, wire: &mut impl Wire, until: Option<Instant>) -> Result<(), Error> {
    let now = wire.now();
    let first = inbound.poll_timeout().is_none();
    if inbound.poll_timeout().is_some_and(|at| at <= now) && !inbound.has_heard() {
        // The caller has been elsewhere for so long: what came meanwhile may be what was waited for.
        return arm_reads(inbound, wire, now, Some(now), true);
    }
    inbound.handle_timeout(now, wire);
    let deadline = if first { inbound.poll_timeout() } else { inbound.strict_deadline() };
    arm_reads(inbound, wire, now, deadline.into_iter().chain(until).min(), false)
}

/// Has a read wait until `next` at the latest; and no longer than the keepalive's interval, so that the clock is looked
/// at in time whatever the deadline in hand is put off by.
fn arm_reads(
    inbound: &Inbound,
    wire: &mut impl Wire,
    now: Instant,
    next: Option<Instant>,
    exactly: bool,
) -> Result<(), Error> {
    let next = next.map(|next| next.saturating_duration_since(now));
    let bounds = [next, wire.longest_wait(), inbound.keepalive_interval()];
    Ok(wire.arm_reads(bounds.into_iter().flatten().min(), exactly)?)
}

/// A read has waited in vain: fires what is due, and says whether that was the caller's patience.
#[cold]
fn nothing_came(
    inbound: &mut Inbound,
    wire: &mut impl Wire,
    until: Option<Instant>,
    error: io::Error,
) -> Result<(), Error> {
    let now = wire.now();
    let due = inbound.poll_timeout().is_some_and(|at| at <= now);
    inbound.handle_timeout(now, wire);
    let _ = flush(inbound, wire); // a ping leaves now, whenever the next call may be
    if until.is_some_and(|until| until <= now) {
        return Err(io::Error::from(io::ErrorKind::TimedOut).into());
    }
    if !wire.read_timing().waited(now) && !due {
        return Err(error.into());
    }
    arm_reads(inbound, wire, now, inbound.poll_timeout().into_iter().chain(until).min(), true)
}
