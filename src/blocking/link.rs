//! [`Link`]: the stream and the sending half of a whole [`WebSocket`](super::WebSocket). One thread reads and writes.
use super::{
    driver::{Wire, Wrote},
    output::Output,
    transport::Transport,
};
use crate::{
    adapter::would_wait,
    proto::{Control, ControlSink, Outbound, Sending, Sent},
};
use std::{
    io,
    time::{Duration, Instant},
};

/// The stream and the sending half of a whole [`WebSocket`](super::WebSocket).
#[derive(Debug)]
pub(super) struct Link<S> {
    pub(super) output: Output<S>,
    pub(super) outbound: Outbound,
}

impl<S> ControlSink for Link<S> {
    #[inline]
    fn control(&mut self, control: Control<'_>) {
        self.outbound.control(control);
    }
    #[inline]
    fn sending(&self) -> Sending {
        self.outbound.sending()
    }
    #[inline]
    fn buffered_amount(&self) -> usize {
        self.outbound.buffered_amount()
    }
    fn is_idle(&self) -> bool {
        self.outbound.is_idle()
    }
    fn end(&mut self) -> Sent {
        self.outbound.end()
    }
}

impl<S: Transport> Wire for Link<S> {
    type Stream = S;
    #[inline]
    fn stream(&mut self) -> &mut S {
        &mut self.output.stream
    }

    #[inline]
    fn write(&mut self, until: Option<Instant>) -> io::Result<Wrote> {
        let Self { output, outbound } = self;
        if outbound.is_flushed() {
            return Ok(Wrote::All);
        }
        if !outbound.is_written() {
            let wrote = output.write(outbound.transmit(), until);
            note_write(outbound, wrote)?;
            if !outbound.is_written() {
                return Ok(Wrote::Some);
            }
        }
        note_flush(outbound, output.flush(until))?;
        Ok(Wrote::All)
    }

    fn waits_to_write(&mut self, now: Instant, within: Option<Duration>) -> bool {
        self.output.waits(now, within)
    }
    fn write_failed(&mut self, _: &io::Error) {
        self.outbound.flush_pending(); // what the stream took since its last flush may never have left
        self.outbound.write_failed();
    }
    fn shut_down(&mut self, within: Option<Duration>) -> io::Result<bool> {
        note_shutdown(&mut self.outbound, self.output.shut_down(within))
    }
}

/// Tells the sending half that the stream takes no more now, if that is so.
#[inline]
pub(super) fn note_write(outbound: &mut Outbound, wrote: io::Result<usize>) -> io::Result<usize> {
    wrote.inspect_err(|error| {
        if would_wait(error) {
            outbound.write_pending();
        }
    })
}

/// Tells the sending half what a flush of the stream came to.
#[inline]
pub(super) fn note_flush(outbound: &mut Outbound, flushed: io::Result<()>) -> io::Result<()> {
    match &flushed {
        Ok(()) => outbound.flushed(),
        Err(error) if would_wait(error) => outbound.flush_pending(),
        Err(_) => {}
    }
    flushed
}

/// Tells the sending half that the stream has been shut down, unless that has to be tried again.
pub(super) fn note_shutdown(outbound: &mut Outbound, done: io::Result<bool>) -> io::Result<bool> {
    if !done.as_ref().is_err_and(would_wait) {
        outbound.shut_down();
    }
    done
}
