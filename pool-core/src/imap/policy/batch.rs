//! How many items [`map`](crate::Executor::map) takes at a time. It is not an imap's chunk: each batch is one item of the
//! imap behind `map`, so its length changes on the thread that worked, without that imap's lock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long a batch should take.
const TARGET: Duration = Duration::from_micros(50);
/// The longest batch. Longer ones save nothing.
const LONGEST: usize = 4096;

pub(crate) struct BatchLen {
    len: AtomicUsize,
    threads: usize,
}

impl BatchLen {
    pub(crate) fn new(threads: usize) -> BatchLen {
        BatchLen { len: AtomicUsize::new(1), threads }
    }

    /// How many items to take next; `left` is how many are still to come, where that is known. The tail is cut small, so
    /// that all threads finish together.
    pub(crate) fn next(&self, left: Option<usize>) -> usize {
        let len = self.len.load(Ordering::Relaxed);
        left.map_or(len, |left| len.min(left / (2 * self.threads)).max(1))
    }

    /// A batch of this many items took this long. The next one is at most twice as long.
    pub(crate) fn worked(&self, items: usize, time: Duration) {
        let per_item = (time.as_nanos() / items as u128).max(1);
        let wanted = (TARGET.as_nanos() / per_item).clamp(1, LONGEST as u128) as usize;
        self.len.store(wanted.min(2 * items), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn batches_follow_the_cost_of_items() {
        let len = BatchLen::new(2);
        assert_eq!(len.next(None), 1);
        len.worked(1, Duration::from_nanos(10));
        assert_eq!(len.next(None), 2, "at most doubled");
        len.worked(1000, Duration::from_micros(500));
        assert_eq!(len.next(None), 100);
        assert_eq!((len.next(Some(40)), len.next(Some(3)), len.next(Some(0))), (10, 1, 1), "a short tail");
        len.worked(100, Duration::from_secs(1));
        assert_eq!(len.next(None), 1);
    }
}
