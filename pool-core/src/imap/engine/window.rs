//! P3: how far the input may be ahead of the consumer.
//!
//! **Promise.** Item k + W is not pulled before result k has been delivered.
//!
//! **Protocol.** `delivered` counts what the consumer has got. It changes with every item, so it is written without the
//! lock; only the consumer writes it, and it only grows. A feeder reads it under the lock, with the count of pulled
//! items, which changes under the lock alone.
//!
//! A feeder that finds no room leaves, and writes down at which count it should be called again (`wake_at`): the consumer
//! compares at each `next`, which is a store and a relaxed load, and calls a worker once that count is reached. It waits for room
//! for a whole batch, but for at most half of the window, so that the other half keeps the workers busy meanwhile.
//!
//! **Why the promise holds.** A stale `delivered` is too small, so a feeder that reads one sees less room than there is,
//! never more.
//!
//! **Why no feeder is forgotten.** The store of `wake_at` and the consumer's load of it are not ordered: the consumer may
//! miss it, and go on to its next result. Before it sleeps without a limit it drops the stall under the lock
//! ([`forget_stall`](Progress::forget_stall)), and reserves a worker if there is any room. A nap or a look on the way there
//! is short. So a missed call costs time, until the consumer's next call or until it waits.
//!
//! The size may change while no size was asked for. A window that has become smaller than what is under way has no
//! room, and that is all.

use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// No feeder waits.
const NOT_STALLED: u64 = u64::MAX;

/// What the consumer touches for every item, alone in its cache lines.
#[repr(align(128))]
pub(super) struct Progress {
    /// How many results the consumer has been handed.
    delivered: AtomicU64,
    /// The count of delivered results at which a thread that feeds wants to be called again.
    wake_at: AtomicU64,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress { delivered: AtomicU64::new(0), wake_at: AtomicU64::new(NOT_STALLED) }
    }

    /// Notes how many results the consumer has got. Returns whether a feeder waits for that.
    ///
    /// Release: pairs with the load in [`Window::room`], so that what the consumer did with results before is done when
    /// an item is pulled in their place.
    #[inline(always)]
    pub(super) fn deliver(&self, count: u64) -> bool {
        self.delivered.store(count, Ordering::Release);
        count >= self.wake_at.load(Ordering::Relaxed)
    }

    /// The feeder is called by other means, or need not be.
    pub(super) fn forget_stall(&self) {
        self.wake_at.store(NOT_STALLED, Ordering::Relaxed);
    }
}

/// The window as it is at one look, under the imap's lock.
pub(super) struct Window<'a> {
    progress: &'a Progress,
    size: u64,
    pulled: u64,
}

impl<'a> Window<'a> {
    /// Of this many items, of which as many have been pulled.
    pub(super) fn new(progress: &'a Progress, size: u64, pulled: u64) -> Window<'a> {
        Window { progress, size, pulled }
    }

    /// How many items may be pulled now. Acquire: pairs with the store in [`Progress::deliver`].
    pub(super) fn room(&self) -> u64 {
        let delivered = self.progress.delivered.load(Ordering::Acquire);
        delivered.saturating_add(self.size).saturating_sub(self.pulled)
    }

    /// How many items may be pulled. If none, the consumer calls when there is room for `batch`.
    pub(super) fn room_or_stall(&self, batch: u64) -> u64 {
        let room = self.room();
        if room > 0 {
            return room;
        }
        let full_at = self.pulled.saturating_sub(self.size);
        let batch = batch.clamp(1, self.size.div_ceil(2).max(1));
        self.progress.wake_at.store(full_at + batch, Ordering::Relaxed);
        // Pairs with nothing: a consumer that misses this looks again under the lock before it sleeps. It only
        // narrows the gap.
        fence(Ordering::SeqCst);
        let room = self.room();
        if room > 0 {
            self.progress.forget_stall();
        }
        room
    }

    /// Whether a feeder waits for more room than there is.
    pub(super) fn is_stalled(&self) -> bool {
        let wake_at = self.progress.wake_at.load(Ordering::Relaxed);
        wake_at != NOT_STALLED && self.progress.delivered.load(Ordering::Relaxed) < wake_at
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn p3_room_is_what_is_left_of_the_window() {
        let progress = Progress::new();
        assert_eq!(Window::new(&progress, 4, 0).room(), 4);
        assert_eq!(Window::new(&progress, 4, 3).room(), 1);
        progress.deliver(2);
        assert_eq!(Window::new(&progress, 4, 6).room(), 0);
        // A window that has shrunk.
        assert_eq!(Window::new(&progress, 1, 6).room(), 0);
        assert_eq!(Window::new(&progress, u64::MAX, 6).room(), u64::MAX - 6);
    }

    #[test]
    fn p3_the_consumer_calls_when_there_is_room_for_a_batch() {
        let progress = Progress::new();
        let window = Window::new(&progress, 8, 8);
        assert_eq!(window.room_or_stall(3), 0);
        assert!(window.is_stalled());
        assert!(!progress.deliver(2));
        assert!(progress.deliver(3), "there is room for the batch");
        assert!(!window.is_stalled());
        assert_eq!(window.room_or_stall(3), 3);
        progress.forget_stall();
        assert!(!progress.deliver(8), "no feeder waits any more");
    }

    #[test]
    fn p3_a_batch_is_at_most_half_of_the_window() {
        let progress = Progress::new();
        assert_eq!(Window::new(&progress, 1, 1).room_or_stall(1000), 0);
        assert!(progress.deliver(1));
    }
}
