//! Latencies, in buckets of a sixteenth of an octave.
use std::time::Duration;

pub struct Histogram {
    counts: [u64; 64 * 16],
    total: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Self { counts: [0; 64 * 16], total: 0 }
    }

    pub fn add(&mut self, time: Duration) {
        let nanos = (time.as_nanos() as u64).max(16);
        let octave = nanos.ilog2() as usize;
        self.counts[octave * 16 + (nanos >> (octave - 4) & 15) as usize] += 1;
        self.total += 1;
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// In microseconds, the upper end of the bucket; `None` while there is nothing.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let mut left = (self.total as f64 * part) as u64;
        for (bucket, &count) in self.counts.iter().enumerate() {
            if count > left {
                let (octave, sixteenths) = (bucket / 16, bucket % 16 + 1);
                return Some((1u64 << octave) as f64 * (1.0 + sixteenths as f64 / 16.0) / 1000.0);
            }
            left -= count;
        }
        None
    }
}
