//! [`Mix`]: one of all the ways a connection can be set up, for tests that hold in every one.
use crate::{
    app::{Adapter, Case, Do, Outcome},
    stream::Stream,
    support::*,
};
use sansocket::{Config, proto::Role};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) adapter: Adapter,
    pub(crate) role: Role,
    pub(crate) compressed: bool,
    pub(crate) keepalive: bool,
}
impl Mix {
    /// How long closing may take, once the Close frame has left. A thread that reads learns only when it looks again that
    /// another has begun to close: so there it may be twice as long.
    pub(crate) fn closing(self, timeout: Duration) -> Duration {
        if self.adapter == Adapter::BlockingThreads { 2 * timeout } else { timeout }
    }
    pub(crate) fn run(self, config: &dyn Fn(&mut Config), script: &dyn Fn(&Stream), steps: &[Do]) -> Outcome {
        let all = |settings: &mut Config| {
            if !self.keepalive {
                settings.keepalive = None;
            }
            config(settings);
        };
        Case { role: self.role, compressed: self.compressed, config: &all, script, steps }.run(self.adapter)
    }
}

/// All of them, for these adapters.
pub(crate) fn mixes(adapters: &[Adapter]) -> Vec<Mix> {
    let mut all = vec![];
    for &adapter in adapters {
        for role in BOTH {
            for (compressed, keepalive) in [(false, false), (false, true), (true, false), (true, true)] {
                // Threads cost real time: there, two of four.
                if adapter != Adapter::BlockingThreads || compressed == keepalive {
                    all.push(Mix { adapter, role, compressed, keepalive });
                }
            }
        }
    }
    all
}

/// It holds in every one of them; says in how many it does not, and how in the first of each adapter.
#[track_caller]
pub(crate) fn everywhere(adapters: &[Adapter], test: impl Fn(Mix)) {
    let all = mixes(adapters);
    let mut failures: Vec<(Mix, String)> = vec![];
    for &mix in &all {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(mix))) {
            failures.push((mix, words(&*panic)));
        }
    }
    let mut told = String::new();
    for adapter in adapters {
        let of_it: Vec<_> = failures.iter().filter(|(mix, _)| mix.adapter == *adapter).collect();
        if let Some((mix, first)) = of_it.first() {
            told += &format!("\n{adapter:?}: {} fail; the first, {mix:?}: {first}", of_it.len());
        }
    }
    assert!(failures.is_empty(), "{} of {} fail{told}", failures.len(), all.len());
}

/// What a panic says.
pub(crate) fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.into())).unwrap_or_default()
}
