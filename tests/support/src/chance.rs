//! Known chance: from a seed, the same numbers and the same bytes each time.

/// The next number (SplitMix64), and the next seed.
pub fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A seed that choices are drawn from.
#[derive(Clone, Debug)]
pub struct Chance(pub u64);
impl Chance {
    pub fn below(&mut self, n: usize) -> usize {
        (draw(&mut self.0) % n as u64) as usize
    }
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    pub fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// Bytes that do not compress, and differ from one seed to the next.
pub fn noise(seed: usize, len: usize) -> Vec<u8> {
    let mut seed = seed as u64;
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| draw(&mut seed).to_le_bytes()).collect();
    bytes.truncate(len);
    bytes
}
