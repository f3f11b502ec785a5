//! [`Ends`]: a split connection as the receiving loop sees it.
use super::{
    ReadSide,
    shared::{End, Shared},
};
use crate::{
    blocking::{
        driver::{Driver, Wire, Wrote},
        transport::Transport,
    },
    proto::{Control, ControlSink, Deadline, Inbound, SendState, Sending, Sent},
};
use std::{
    io,
    time::{Duration, Instant},
};

/// The receiving loop's view of a split connection.
pub(super) struct Ends<'a, H> {
    stream: &'a mut H,
    shared: &'a Shared<H>,
    /// Whether nothing waited to leave, and messages could be sent, when the receiver last wrote.
    idle: bool,
}

impl<H: Transport> ReadSide<H> {
    /// The loop, and what it drives.
    #[inline]
    pub(super) fn with<'a>(&'a mut self, shared: &'a Shared<H>) -> (&'a mut Driver, Ends<'a, H>) {
        (&mut self.driver, Ends { stream: &mut self.stream, shared, idle: false })
    }
}

impl<H> ControlSink for Ends<'_, H> {
    fn control(&mut self, control: Control<'_>) {
        self.shared.lock().outbound.control(control);
    }
    #[inline]
    fn sending(&self) -> Sending {
        self.shared.lock().outbound.sending()
    }
    #[inline]
    fn is_idle(&self) -> bool {
        self.idle
    }
    fn buffered_amount(&self) -> usize {
        self.shared.lock().outbound.buffered_amount()
    }
    fn end(&mut self) -> Sent {
        let mut inner = self.shared.lock();
        let sent = inner.outbound.end();
        self.shared.end(&mut inner, End::Over);
        sent
    }
}

impl<H: Transport> Wire for Ends<'_, H> {
    type Stream = H;
    #[inline]
    fn stream(&mut self) -> &mut H {
        self.stream
    }

    #[inline]
    fn write(&mut self, until: Option<Instant>) -> io::Result<Wrote> {
        let inner = self.shared.lock();
        if inner.has_waiting() {
            self.idle = false;
            // A sender writes next. However many senders there are, they do not keep the receiver from reading.
            return Ok(Wrote::Elsewhere);
        }
        let (inner, wrote) = self.shared.write(inner, until);
        self.idle = matches!(wrote, Ok(Wrote::All)) && inner.outbound.state() == SendState::Open;
        wrote
    }
    fn waits_to_write(&mut self, now: Instant, within: Option<Duration>) -> bool {
        let mut inner = self.shared.lock();
        inner.writer.as_mut().is_none_or(|writer| writer.output.waits(now, within))
    }
    fn wait_for_writer(&self, within: Option<Duration>) {
        let inner = self.shared.lock();
        if inner.writer.is_none() {
            drop(self.shared.wait(inner, within));
        } else {
            drop(inner);
            std::thread::yield_now(); // a sender has been woken to write, and has not run yet
        }
    }
    fn write_failed(&mut self, error: &io::Error) {
        self.shared.end(&mut self.shared.lock(), End::Failed(error.kind()));
    }
    fn shut_down(&mut self, within: Option<Duration>) -> io::Result<bool> {
        self.shared.shut_down(self.shared.lock(), Some(self.stream), within)
    }

    fn deadline(&self, now: Instant) -> Option<Instant> {
        self.shared.deadline(now)
    }
    fn tell_end(&self, inbound: &mut Inbound) {
        let end = self.shared.lock().end;
        match end {
            Some(End::TimedOut) => inbound.give_up(Deadline::Write),
            Some(End::Aborted) => inbound.abort(),
            _ => {}
        }
    }
}
