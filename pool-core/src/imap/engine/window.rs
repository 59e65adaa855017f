//! P3: how far the input may be ahead of the consumer.
//!
//! `delivered` counts what the consumer has got, and is written without the lock, since it changes with every item. A
//! feeder that finds the window full writes down at which count it should be called again, and looks once more. The
//! consumer compares at each `next`, and once more under the lock before it sleeps, so a stale look costs time but
//! never a wake-up.
//!
//! The size may change while no size was asked for. A window that has become smaller than what is under way has no
//! room, and that is all.

use super::control::Control;
use crate::sync::atomic::{Ordering, fence};

/// No feeder waits.
const NOT_STALLED: u64 = u64::MAX;

pub(crate) struct Window<'a> {
    control: &'a Control,
    size: u64,
    pulled: u64,
}

impl<'a> Window<'a> {
    pub(crate) fn new(control: &'a Control, size: u64, pulled: u64) -> Window<'a> {
        Window { control, size, pulled }
    }

    /// How many items may be pulled now. Acquire: pairs with the store in [`Control::deliver`].
    pub(crate) fn room(&self) -> u64 {
        let delivered = self.control.progress.delivered.load(Ordering::Acquire);
        delivered.saturating_add(self.size).saturating_sub(self.pulled)
    }

    /// How many items may be pulled. If none, the consumer calls when there is room for `batch`.
    pub(crate) fn room_or_stall(&self, batch: u64) -> u64 {
        let room = self.room();
        if room > 0 {
            return room;
        }
        let full_at = self.pulled.saturating_sub(self.size);
        let batch = batch.clamp(1, self.size.div_ceil(2).max(1));
        self.control.progress.wake_at.store(full_at + batch, Ordering::Relaxed);
        // Pairs with nothing: a consumer that misses this looks again under the lock before it sleeps. It only
        // narrows the gap.
        fence(Ordering::SeqCst);
        let room = self.room();
        if room > 0 {
            self.control.forget_stall();
        }
        room
    }

    /// Whether a feeder waits for more room than there is.
    pub(crate) fn is_stalled(&self) -> bool {
        let wake_at = self.control.progress.wake_at.load(Ordering::Relaxed);
        wake_at != NOT_STALLED && self.control.progress.delivered.load(Ordering::Relaxed) < wake_at
    }
}

impl Control {
    /// The feeder is called by other means, or need not be.
    pub(super) fn forget_stall(&self) {
        self.progress.wake_at.store(NOT_STALLED, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn p3_room_is_what_is_left_of_the_window() {
        let control = Control::new();
        assert_eq!(Window::new(&control, 4, 0).room(), 4);
        assert_eq!(Window::new(&control, 4, 3).room(), 1);
        control.deliver(2);
        assert_eq!(Window::new(&control, 4, 6).room(), 0);
        // A window that has shrunk.
        assert_eq!(Window::new(&control, 1, 6).room(), 0);
        assert_eq!(Window::new(&control, u64::MAX, 6).room(), u64::MAX - 6);
    }

    #[test]
    fn p3_the_consumer_calls_when_there_is_room_for_a_batch() {
        let control = Control::new();
        let window = Window::new(&control, 8, 8);
        assert_eq!(window.room_or_stall(3), 0);
        assert!(window.is_stalled());
        assert!(!control.deliver(2));
        assert!(control.deliver(3), "there is room for the batch");
        assert!(!window.is_stalled());
        assert_eq!(window.room_or_stall(3), 3);
        control.forget_stall();
        assert!(!control.deliver(8), "no feeder waits any more");
    }

    #[test]
    fn p3_a_batch_is_at_most_half_of_the_window() {
        let control = Control::new();
        assert_eq!(Window::new(&control, 1, 1).room_or_stall(1000), 0);
        assert!(control.deliver(1));
    }
}
