//! Random answers, for tests: a promise that holds with these rests on no guess.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// xorshift64, seeded anew for each imap.
pub(super) struct Chaos(u64);

impl Default for Chaos {
    fn default() -> Chaos {
        static SEED: AtomicU64 = AtomicU64::new(0);
        let nth = SEED.fetch_add(1, Ordering::Relaxed) + 1;
        Chaos(nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
}

impl Chaos {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// For how long a consumer that has waited for this long looks.
    pub(super) fn look(&mut self, waited: Duration) -> Option<Duration> {
        let looks = waited < Duration::from_millis(1) && self.one_in(2);
        looks.then(|| Duration::from_micros(self.below(100) as u64))
    }
}
