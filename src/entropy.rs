//! Where masking keys and nonces come from (RFC 6455 §5.3, §10.3): a ChaCha stream seeded by the system.
use chacha20::{
    ChaCha12Rng,
    rand_core::{Rng, SeedableRng},
};
use std::{cell::RefCell, fmt};

/// A source of bytes that nobody can predict.
///
/// The core draws all its random bytes from here, so tests and fuzzers can make a run repeatable.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills `dest` with bytes that neither the application nor the peer can guess.
    fn fill(&self, dest: &mut [u8]);
}

/// The default: a ChaCha stream in each thread, seeded by the operating system and again after each MiB.
///
/// A system call for each masking key would cost ten times as much as the frame.
///
/// After `fork` without `exec`, parent and child draw the same keys until the next seed. Give each a
/// [`Config`](crate::Config) with an [`Entropy`] of its own.
///
/// # Panics
/// If the operating system gives no random bytes. Nothing that a peer sends can bring that about.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

/// How many bytes are drawn from one seed. Then the stream is seeded again.
const RESEED_AFTER: usize = 1 << 20;

/// A random stream, and how many bytes may still be drawn from its seed.
struct Stream {
    rng: ChaCha12Rng,
    left: usize,
}

thread_local! {
    static STREAM: RefCell<Option<Stream>> = const { RefCell::new(None) };
}

impl Entropy for SystemEntropy {
    #[inline]
    fn fill(&self, dest: &mut [u8]) {
        STREAM.with_borrow_mut(|stream| match (stream, <&mut [u8; 4]>::try_from(&mut *dest)) {
            // A masking key, which is by far the most common request, is one word of the stream.
            (Some(Stream { rng, left }), Ok(key)) if *left >= 4 => {
                *left -= 4;
                *key = rng.next_u32().to_ne_bytes();
            }
            (stream, _) => fill_slow(stream, dest),
        });
    }
}

#[cold]
fn fill_slow(stream: &mut Option<Stream>, dest: &mut [u8]) {
    let Stream { rng, left } = match stream {
        Some(stream) if stream.left >= dest.len() => stream,
        _ => stream.insert(seeded()),
    };
    *left = left.saturating_sub(dest.len());
    rng.fill_bytes(dest);
}

fn seeded() -> Stream {
    let mut seed = [0; 32];
    // Without random bytes no connection would be safe, so there is nothing better to do than stop.
    #[expect(clippy::expect_used, reason = "no input reaches this")]
    getrandom::fill(&mut seed).expect("the operating system gives random bytes");
    Stream { rng: ChaCha12Rng::from_seed(seed), left: RESEED_AFTER }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn section_5_3_keys_do_not_repeat_across_seeds_or_threads() {
        let keys = || {
            let mut key = [0; 16];
            (0..RESEED_AFTER / 8).map(|_| (SystemEntropy.fill(&mut key), key).1).collect::<HashSet<_>>()
        };
        let other = std::thread::spawn(keys).join().unwrap();
        let own = keys();
        assert_eq!((own.len(), own.union(&other).count()), (RESEED_AFTER / 8, RESEED_AFTER / 4));
    }

    #[test]
    fn a_request_longer_than_a_seed_lasts_is_filled() {
        let mut long = vec![0; RESEED_AFTER + 1];
        SystemEntropy.fill(&mut long);
        assert!(long[RESEED_AFTER - 64..].iter().any(|&byte| byte != 0));
    }
}
