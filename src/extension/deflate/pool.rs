//! Codec states, lent for a message: a few for many connections, so that neither a connection between two messages nor
//! a thread that waits holds one.
use crate::per_thread;
use flate2::{Compress, Compression, Decompress};
use std::sync::Mutex;

/// Threads share this many pools of one memory: busy threads seldom use the same one.
const POOLS: usize = 16;

/// How many states of each kind a pool keeps. Messages seldom overlap on a thread, unless they are received in chunks.
const SPARES: usize = 2;

#[derive(Default)]
struct Pool {
    inflate: Vec<Decompress>,
    /// Level, window bits, and a state with these settings.
    deflate: Vec<(u8, u8, Compress)>,
}

impl Pool {
    /// Keeps the state; returns it, to be freed, if the pool is full.
    fn put_inflate(&mut self, state: Decompress) -> Option<Decompress> {
        let enough = self.inflate.len() >= SPARES;
        if enough {
            return Some(state);
        }
        self.inflate.push(state);
        None
    }
    fn take_deflate(&mut self, level: u8, window_bits: u8) -> Option<Compress> {
        let fits = |spare: &(u8, u8, Compress)| (spare.0, spare.1) == (level, window_bits);
        self.deflate.iter().position(fits).map(|at| self.deflate.swap_remove(at).2)
    }
    /// Keeps the state; returns the oldest, to be freed, if the pool was full: its settings may not be used any more.
    fn put_deflate(&mut self, level: u8, window_bits: u8, state: Compress) -> Option<Compress> {
        let oldest = (self.deflate.len() >= SPARES).then(|| self.deflate.remove(0).2);
        self.deflate.push((level, window_bits, state));
        oldest
    }
}

/// The states that one [`Memory`](super::Memory) lends.
#[derive(Default)]
pub(super) struct Pools([Mutex<Pool>; POOLS]);

impl Pools {
    /// `None` if another thread holds the lock: making a new state is faster than waiting.
    fn with<T>(&self, f: impl FnOnce(&mut Pool) -> T) -> Option<T> {
        self.0[per_thread::number() % POOLS].try_lock().ok().map(|mut pool| f(&mut pool))
    }

    /// A state to inflate with. Reset it before use. Its window is always the largest: the state takes 47.5 KB with any
    /// window, and resets fast only with the largest.
    pub(super) fn decompress(&self) -> Decompress {
        self.with(|pool| pool.inflate.pop()).flatten().unwrap_or_else(|| Decompress::new(false))
    }
    pub(super) fn return_decompress(&self, state: Decompress) {
        drop(self.with(|pool| pool.put_inflate(state))); // freed, if at all, after the lock is released
    }

    /// A state to compress with, as good as new. `level` is 0 to 9, `window_bits` 9 to 15.
    pub(super) fn compress(&self, level: u8, window_bits: u8) -> Compress {
        match self.with(|pool| pool.take_deflate(level, window_bits)).flatten() {
            Some(mut state) => {
                state.reset();
                state
            }
            None => Compress::new_with_window_bits(Compression::new(level.into()), false, window_bits),
        }
    }
    pub(super) fn return_compress(&self, level: u8, window_bits: u8, state: Compress) {
        drop(self.with(|pool| pool.put_deflate(level, window_bits, state)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::FlushCompress;

    #[test]
    fn a_few_are_kept_and_only_of_the_settings_asked_for() {
        let new = |bits| Compress::new_with_window_bits(Compression::new(1), false, bits);
        let mut pool = Pool::default();
        assert!((0..SPARES).all(|_| pool.put_inflate(Decompress::new(false)).is_none()));
        assert!(pool.put_inflate(Decompress::new(false)).is_some(), "enough");
        assert!(pool.put_deflate(1, 9, new(9)).is_none());
        assert!(pool.put_deflate(1, 10, new(10)).is_none());
        assert!(pool.put_deflate(1, 11, new(11)).is_some(), "that of 9 bits goes");
        assert!(pool.take_deflate(1, 9).is_none() && pool.take_deflate(2, 10).is_none());
        assert!(pool.take_deflate(1, 10).is_some() && pool.take_deflate(1, 11).is_some());
        assert_eq!((pool.inflate.len(), pool.deflate.len()), (SPARES, 0));
    }

    #[test]
    fn what_is_lent_again_remembers_nothing() {
        let text: Vec<u8> = (0..200).map(|i| (i * i % 251) as u8).collect();
        let shrunk = |state: &mut Compress| {
            let mut out = [0; 400];
            state.compress(&text, &mut out, FlushCompress::Sync).unwrap();
            out[..state.total_out() as usize].to_vec()
        };
        let pools = Pools::default();
        let mut state = pools.compress(6, 15);
        let first = shrunk(&mut state);
        pools.return_compress(6, 15, state);
        assert_eq!(shrunk(&mut pools.compress(6, 15)), first);
    }
}
