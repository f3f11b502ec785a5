//! States lent for a message: those of a thread, so that connections between two messages hold none.
use flate2::{Compress, Compression, Decompress};
use std::cell::RefCell;

/// How many of each kind a thread keeps: messages hardly ever overlap on a thread, unless they are received in pieces.
const SPARES: usize = 2;

#[derive(Default)]
struct Pool {
    inflate: Vec<Decompress>,
    /// With level and window bits.
    deflate: Vec<(u8, u8, Compress)>,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// `None` while the thread ends.
fn with<T>(f: impl FnOnce(&mut Pool) -> T) -> Option<T> {
    POOL.try_with(|pool| f(&mut pool.borrow_mut())).ok()
}

/// To be reset before it is used. The window is always the largest: the state takes 47.5 KB whatever it is, and only of the
/// largest is it quickly reset.
pub(super) fn decompress() -> Decompress {
    with(|pool| pool.inflate.pop()).flatten().unwrap_or_else(|| Decompress::new(false))
}
pub(super) fn return_decompress(state: Decompress) {
    with(|pool| {
        if pool.inflate.len() < SPARES {
            pool.inflate.push(state);
        }
    });
}

/// As new. `level` is 0 to 9, `window_bits` 9 to 15.
pub(super) fn compress(level: u8, window_bits: u8) -> Compress {
    let spare = with(|pool| {
        let fits = |spare: &(u8, u8, Compress)| (spare.0, spare.1) == (level, window_bits);
        pool.deflate.iter().position(fits).map(|at| pool.deflate.swap_remove(at).2)
    });
    match spare.flatten() {
        Some(mut state) => {
            state.reset();
            state
        }
        None => Compress::new_with_window_bits(Compression::new(level.into()), false, window_bits),
    }
}
pub(super) fn return_compress(level: u8, window_bits: u8, state: Compress) {
    with(|pool| {
        // The oldest goes: it may be of settings that are used no more.
        if pool.deflate.len() == SPARES {
            pool.deflate.remove(0);
        }
        pool.deflate.push((level, window_bits, state));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::FlushCompress;

    fn counts() -> (usize, usize) {
        with(|pool| (pool.inflate.len(), pool.deflate.len())).unwrap()
    }

    #[test]
    fn a_few_are_kept_and_only_of_the_settings_asked_for() {
        for _ in 0..3 {
            let lent: Vec<_> = (0..4).map(|_| decompress()).collect();
            lent.into_iter().for_each(return_decompress);
            let lent: Vec<_> = (9..13).map(|bits| (bits, compress(1, bits))).collect();
            lent.into_iter().for_each(|(bits, state)| return_compress(1, bits, state));
        }
        assert_eq!(counts(), (SPARES, SPARES));
        compress(1, 9); // which was dropped for later ones
        assert_eq!(counts(), (SPARES, SPARES));
        compress(1, 12);
        assert_eq!(counts(), (SPARES, SPARES - 1));
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
