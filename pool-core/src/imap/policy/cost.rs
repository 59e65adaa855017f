//! What an item costs: a running average, and the last three measurements.
//!
//! The median of three does not jump when a thread was switched out for some milliseconds during one of them.

use std::time::Duration;

/// The weight of a new measurement in the average, as a divisor.
const WEIGHT: u64 = 4;

#[derive(Default)]
pub(super) struct Cost {
    /// Nanoseconds per item, the latest last. Zero until measured, and at least one afterwards.
    recent: [u64; 3],
    average: u64,
}

impl Cost {
    pub(super) fn add(&mut self, items: usize, time: Duration) {
        if items == 0 {
            return;
        }
        let sample = (time.as_nanos() as u64 / items as u64).max(1);
        self.average = match self.average {
            0 => sample,
            average => (average - average / WEIGHT + sample / WEIGHT).max(1),
        };
        self.recent = [self.recent[1], self.recent[2], sample];
    }

    /// Nanoseconds per item on average, if any was measured.
    pub(super) fn average(&self) -> Option<u64> {
        (self.average > 0).then_some(self.average)
    }

    /// The median of the last three measurements, once there are three.
    pub(super) fn middle(&self) -> Option<u64> {
        let mut recent = self.recent;
        recent.sort_unstable();
        (recent[0] > 0).then_some(recent[1])
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_middle_does_not_jump() {
        let mut cost = Cost::default();
        assert_eq!((cost.average(), cost.middle()), (None, None));
        cost.add(0, Duration::from_secs(1));
        cost.add(10, Duration::from_micros(10));
        assert_eq!((cost.average(), cost.middle()), (Some(1_000), None));
        cost.add(10, Duration::from_micros(10));
        cost.add(1, Duration::from_millis(4));
        assert_eq!(cost.middle(), Some(1_000));
        assert!(cost.average().unwrap() > 1_000_000, "the average does");
    }

    #[test]
    fn what_takes_no_time_has_been_measured() {
        let mut cost = Cost::default();
        (0..9).for_each(|_| cost.add(1_000, Duration::ZERO));
        assert_eq!((cost.average(), cost.middle()), (Some(1), Some(1)));
    }
}
