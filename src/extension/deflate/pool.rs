//! States lent for a message: a few for the whole process, so that connections between two messages hold none, and nor do
//! threads that wait.
use crate::per_thread;
use flate2::{Compress, Compression, Decompress};
use std::sync::Mutex;

/// Threads share this many pools, so that those that are busy hardly ever meet.
const POOLS: usize = 16;

/// How many of each kind a pool keeps: messages hardly ever overlap on a thread, unless they are received in pieces.
const SPARES: usize = 2;

struct Pool {
    inflate: Vec<Decompress>,
    /// With level and window bits.
    deflate: Vec<(u8, u8, Compress)>,
}

impl Pool {
    const EMPTY: Self = Self { inflate: Vec::new(), deflate: Vec::new() };

    /// Gives it back if there are enough.
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
    /// Gives the oldest back if there are enough: it may be of settings that are used no more.
    fn put_deflate(&mut self, level: u8, window_bits: u8, state: Compress) -> Option<Compress> {
        let oldest = (self.deflate.len() >= SPARES).then(|| self.deflate.remove(0).2);
        self.deflate.push((level, window_bits, state));
        oldest
    }
}

static ALL: [Mutex<Pool>; POOLS] = [const { Mutex::new(Pool::EMPTY) }; POOLS];

/// `None` if another thread is just looking: a new state is had sooner than it is waited for.
fn with<T>(f: impl FnOnce(&mut Pool) -> T) -> Option<T> {
    ALL[per_thread::number() % POOLS].try_lock().ok().map(|mut pool| f(&mut pool))
}

/// To be reset before it is used. The window is always the largest: the state takes 47.5 KB whatever it is, and only of the
/// largest is it quickly reset.
pub(super) fn decompress() -> Decompress {
    with(|pool| pool.inflate.pop()).flatten().unwrap_or_else(|| Decompress::new(false))
}
pub(super) fn return_decompress(state: Decompress) {
    drop(with(|pool| pool.put_inflate(state))); // without the lock
}

/// As new. `level` is 0 to 9, `window_bits` 9 to 15.
pub(super) fn compress(level: u8, window_bits: u8) -> Compress {
    match with(|pool| pool.take_deflate(level, window_bits)).flatten() {
        Some(mut state) => {
            state.reset();
            state
        }
        None => Compress::new_with_window_bits(Compression::new(level.into()), false, window_bits),
    }
}
pub(super) fn return_compress(level: u8, window_bits: u8, state: Compress) {
    drop(with(|pool| pool.put_deflate(level, window_bits, state)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::FlushCompress;

    #[test]
    fn a_few_are_kept_and_only_of_the_settings_asked_for() {
        let new = |bits| Compress::new_with_window_bits(Compression::new(1), false, bits);
        let mut pool = Pool::EMPTY;
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
        let mut state = compress(6, 15);
        let first = shrunk(&mut state);
        return_compress(6, 15, state);
        assert_eq!(shrunk(&mut compress(6, 15)), first);
    }
}
