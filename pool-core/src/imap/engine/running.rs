//! What runs and since when, and which items were the slowest: for [`stats`](super::stats) alone.
//!
//! Each chunk that begins is written down with the time at which its thread was at the lock, which the thread has read anyway.
//! So a look at what hangs costs nothing but that. The time of an item is known only where the item was alone in its chunk:
//! items of more than some 100 µs are. Nothing is said of others.

use super::stats::ItemTime;
use crate::sync::Instant;
use std::time::Duration;

/// How many of the slowest items are kept.
const MOST_SLOW: usize = 5;

/// A chunk that has begun.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub(super) first: u64,
    pub(super) len: usize,
    since: Instant,
}

#[derive(Default)]
pub(super) struct Running {
    /// One for each thread that is at work, and those that are free.
    slots: Vec<Option<Begun>>,
    free: Vec<usize>,
    /// The slowest comes first.
    slowest: Vec<ItemTime>,
}

impl Running {
    /// A chunk begins. Gives the slot to [end](Running::end) it by.
    pub(super) fn begin(&mut self, first: u64, len: usize, since: Instant) -> usize {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(Begun { first, len, since });
        slot
    }

    pub(super) fn end(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.free.push(slot);
    }

    /// An item that was alone took this long.
    pub(super) fn note(&mut self, index: u64, time: Duration) {
        let is_full = self.slowest.len() == MOST_SLOW;
        if is_full && self.slowest.last().is_some_and(|fastest| fastest.time >= time) {
            return;
        }
        let at = self.slowest.partition_point(|slow| slow.time >= time);
        self.slowest.insert(at, ItemTime { index, time });
        self.slowest.truncate(MOST_SLOW);
    }

    pub(super) fn slowest(&self) -> &[ItemTime] {
        &self.slowest
    }

    /// The chunk that began first, and how long ago.
    pub(super) fn oldest(&self, now: Instant) -> Option<(Begun, Duration)> {
        let age = |begun: Begun| (begun, now.since(begun.since));
        self.slots.iter().flatten().copied().map(age).max_by_key(|(_, age)| *age)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_the_one_that_began_first() {
        let mut running = Running::default();
        let began = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        let first = running.begin(7, 1, began);
        let second = running.begin(8, 3, Instant::now());
        let oldest = |running: &Running| running.oldest(Instant::now()).map(|(begun, _)| begun.first);
        assert_eq!(oldest(&running), Some(7));
        running.end(first);
        assert_eq!(oldest(&running), Some(8));
        assert_eq!(running.begin(20, 1, Instant::now()), first, "the slot is used again");
        running.end(second);
        assert_eq!(oldest(&running), Some(20));
    }

    #[test]
    fn the_slowest_are_kept_in_order() {
        let mut running = Running::default();
        for (index, time) in [5, 9, 1, 7, 3, 8, 2].into_iter().enumerate() {
            running.note(index as u64, Duration::from_millis(time));
        }
        let slowest: Vec<_> =
            running.slowest().iter().map(|slow| (slow.index, slow.time.as_millis())).collect();
        assert_eq!(slowest, [(1, 9), (5, 8), (3, 7), (0, 5), (4, 3)]);
    }
}
