//! What happens at a stream's far end, and when: the clock that it goes by.
use crate::stream::{State, Stream};
use std::{
    io::ErrorKind,
    task::Waker,
    time::{Duration, Instant},
};

/// What happens at the far end at some time.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// These bytes come.
    Bytes(Vec<u8>),
    /// The reading side ends, or fails.
    End(Result<(), ErrorKind>),
    /// So many more bytes are taken.
    Room(usize),
    /// So many more bytes are taken now, and each time so much time has passed.
    Drip(usize, Duration),
    /// A shutdown that waited waits no longer.
    ShutdownLets,
}

/// Bytes that come again and again until a time; each read of them takes some time.
#[derive(Clone, Debug)]
pub(crate) struct Flood {
    pub(crate) bytes: Vec<u8>,
    /// How long each frame is: they are of one length.
    pub(crate) frame: usize,
    pub(crate) each: Duration,
    pub(crate) until: Duration,
}

/// What the far end does of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Comes when our Close frame has arrived.
    pub(crate) answer: Option<Vec<u8>>,
    /// Then the reading side ends.
    pub(crate) ends: bool,
    /// The reading side ends when our writing side has.
    pub(crate) ends_after_us: bool,
}

impl Stream {
    /// Something happens, so long after the start.
    pub(crate) fn at(&self, after: Duration, act: Act) {
        let mut state = self.state();
        let at = state.start + after;
        let place = state.events.iter().take_while(|event| event.0 <= at).count();
        state.events.insert(place, (at, act));
    }
}

impl State {
    pub(crate) fn now(&self) -> Instant {
        self.told.unwrap_or_else(|| tokio::time::Instant::now().into_std())
    }
    /// When something happens next.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        let drip = self.drip.filter(|_| self.room != usize::MAX).map(|drip| drip.0);
        self.events.front().map(|event| event.0).into_iter().chain(drip).min()
    }
    /// It is told how late it is, and what is due happens.
    pub(crate) fn advance(&mut self, to: Instant) {
        if let Some(told) = &mut self.told {
            *told = to.max(*told);
            crate::clocks::tell(*told);
        }
        self.apply_due();
    }
    /// So much time passes within a call.
    pub(crate) fn pass(&mut self, by: Duration) {
        match self.told {
            Some(now) => self.advance(now + by),
            None => crate::clocks::hogged(by),
        }
    }
    pub(crate) fn apply_due(&mut self) {
        let now = self.now();
        while self.events.front().is_some_and(|event| event.0 <= now) {
            let Some((_, act)) = self.events.pop_front() else { return };
            self.act(act);
        }
        while let Some((at, bytes, every)) = self.drip.filter(|drip| drip.0 <= now) {
            self.drip = Some((at + every, bytes, every));
            self.act(Act::Room(bytes));
        }
    }
    pub(crate) fn act(&mut self, act: Act) {
        if !matches!(act, Act::Room(_) | Act::Drip(..)) {
            self.came_at = self.now();
        }
        match act {
            Act::Bytes(bytes) => self.incoming.extend(bytes),
            Act::End(how) => self.end = Some(how),
            Act::Room(bytes) => self.room = self.room.saturating_add(bytes),
            Act::Drip(bytes, every) => self.drip = Some((self.now(), bytes, every)),
            Act::ShutdownLets => self.shutdown_waits = false,
        }
        self.happens();
        [self.reader.take(), self.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }
}
