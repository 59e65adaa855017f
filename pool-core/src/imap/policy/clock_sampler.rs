//! How many items a thread goes through between two looks at the clock.
//!
//! To read the clock costs as much as a tiny item. So a thread reads it after one item at first, and after twice as many
//! each time that the last ones were quick.

use std::time::Duration;

/// How often a thread should look.
const LOOK: Duration = Duration::from_micros(50);

pub(crate) struct ClockSampler {
    /// This many items until the next look, and how many there were between the last two.
    left: u32,
    batch: u32,
    most: u32,
}

impl ClockSampler {
    /// At most this many items between two looks, in case that the next ones take longer than the last ones.
    pub(crate) fn new(most: u32) -> ClockSampler {
        ClockSampler { left: 1, batch: 1, most }
    }

    /// Counts an item, and tells whether it is time to look.
    #[inline(always)]
    pub(crate) fn is_due(&mut self) -> bool {
        self.left -= 1;
        self.left == 0
    }

    /// The look was due; this much time has passed since the last one.
    pub(crate) fn looked(&mut self, passed: Duration) {
        self.batch =
            if passed * 2 <= LOOK { (self.batch * 2).min(self.most) } else { (self.batch / 2).max(1) };
        self.left = self.batch;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_rare_while_items_are_quick() {
        let mut sampler = ClockSampler::new(8);
        let mut between = |passed| {
            let items = (1..).find(|_| sampler.is_due());
            sampler.looked(passed);
            items.unwrap()
        };
        for expected in [1, 2, 4, 8, 8] {
            assert_eq!(between(Duration::from_micros(25)), expected);
        }
        for expected in [8, 4, 2, 1, 1] {
            assert_eq!(between(Duration::from_micros(26)), expected);
        }
    }
}
