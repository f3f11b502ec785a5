//! The blocking face of a [`Stream`], for one thread or two: whoever waits lets the clock go on.
use crate::stream::{State, Stream};
use sansocket::blocking::{Split, Transport};
use std::{
    fs,
    io::{self, ErrorKind, IoSlice, Read, Write},
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const READS: usize = 0;
const WRITES: usize = 1;
/// It waits as long as a write does; while one thread does the one, another may do the other.
const SHUTDOWNS: usize = 2;

impl Stream {
    /// Asks until there is an answer. A call that waits lets the clock go on: to what happens next, or to its timeout.
    fn block<T>(
        &self,
        side: usize,
        mut ask: impl FnMut(&mut State) -> Option<io::Result<T>>,
    ) -> io::Result<T> {
        let mut state = self.state();
        let until = state.timeouts[side.min(WRITES)].map(|timeout| state.now() + timeout);
        loop {
            let before = state.happened;
            let answer = ask(&mut state);
            if state.happened != before {
                state.blocked = [None; 3];
                self.0.1.notify_all();
            }
            if let Some(answer) = answer {
                return answer;
            }
            if until.is_some_and(|until| until <= state.now()) {
                return Err(ErrorKind::WouldBlock.into());
            }
            state.blocked[side] = Some(until);
            state = self.wait(state);
        }
    }

    /// Waits for the other thread, as long as it does anything; if it waits as well, for the stream or for this thread, the
    /// clock goes on.
    fn wait<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let mut looks = 0;
        while state.blocked.iter().flatten().count() < state.threads.max(1) && looks < LOOKS {
            let (calls, threads) = (state.calls, state.threads);
            let tick = Duration::from_millis(1);
            let waited = self.0.1.wait_timeout(state, tick).unwrap_or_else(PoisonError::into_inner);
            let others: Vec<_> =
                waited.0.threads_by_id.iter().copied().filter(|&id| id != own_id()).collect();
            drop(waited.0);
            let asleep = !cfg!(target_os = "linux") || !others.is_empty() && others.into_iter().all(sleeps);
            looks = if asleep { looks + 1 } else { 0 };
            state = self.state();
            if !waited.1.timed_out() || (state.calls, state.threads) != (calls, threads) {
                return state;
            }
        }
        let until = state.blocked.iter().flatten().flatten().copied();
        let next =
            until.chain(state.next_event()).min().filter(|next| *next < state.start + crate::clocks::LONG);
        let Some(next) = next else {
            drop(state);
            panic!("it waits for ever");
        };
        state.advance(next);
        state.blocked = [None; 3];
        self.0.1.notify_all();
        state
    }

    /// This thread is one of those that use it, until what is returned is dropped.
    pub(crate) fn thread(&self) -> impl Drop + use<> {
        self.state().threads_by_id.push(own_id());
        Using(self.clone())
    }
}
struct Using(Stream);
impl Drop for Using {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.threads -= 1;
        state.threads_by_id.retain(|&id| id != own_id());
        self.0.0.1.notify_all();
    }
}

/// So often in a row, a millisecond apart, a thread must be seen asleep, and not have asked the stream for anything.
const LOOKS: u32 = if cfg!(target_os = "linux") { 4 } else { 500 };

/// What Linux calls the thread; elsewhere it has no name, and nobody knows whether it sleeps.
fn own_id() -> u64 {
    thread_local! {
        static ID: u64 = fs::read_link("/proc/thread-self")
            .ok()
            .and_then(|link| link.file_name()?.to_str()?.parse().ok())
            .unwrap_or_default();
    }
    ID.with(|id| *id)
}
/// Whether a thread waits, for a lock or for what another does; not only for its turn.
fn sleeps(id: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{id}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.block(READS, |state| state.read(buf))
    }
}
impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }
    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.block(WRITES, |state| state.write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        self.block(WRITES, State::flush)
    }
}
impl Transport for Stream {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.state().timeouts[READS] = timeout;
        Ok(true)
    }
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.state().timeouts[WRITES] = timeout;
        Ok(true)
    }
    fn shutdown_write(&mut self) -> io::Result<bool> {
        self.block(SHUTDOWNS, State::shut_down).map(|()| true)
    }
    fn now(&self) -> Instant {
        self.state().now()
    }
}
impl Split for Stream {
    type Half = Self;
    fn split(self) -> (Self, Self) {
        (self.clone(), self)
    }
    fn unite(reader: Self, writer: Self) -> Result<Self, (Self, Self)> {
        if Arc::ptr_eq(&reader.0, &writer.0) { Ok(writer) } else { Err((reader, writer)) }
    }
}
