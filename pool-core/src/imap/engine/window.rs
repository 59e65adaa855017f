//! P3: how far the input may be ahead of the consumer.
//!
//! **Promise.** Item k + W is not pulled before result k has been delivered.
//!
//! Two numbers, under the imap's lock: how many items were pulled, and how many results the consumer had when it was last
//! there. That one may be old, so there is more room than is seen here, never less. The consumer comes to the lock when it
//! finds no result, and else after an eighth of the window ([`next_visit`](Window::next_visit)), so that workers who have
//! found no room are called in time.
//!
//! Every limit on what is under way belongs here: room is asked nowhere else.

pub(super) struct Window {
    /// How many results the consumer had when it was last at the lock.
    delivered: u64,
}

impl Window {
    pub(super) fn new() -> Window {
        Window { delivered: 0 }
    }

    pub(super) fn deliver(&mut self, count: u64) {
        self.delivered = count;
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// How many items may be pulled now. Items that were given up before they were pulled make no room for others: of
    /// these, each one that is pulled is dropped at once.
    pub(super) fn room(&self, size: u64, pulled: u64) -> u64 {
        self.delivered.min(pulled).saturating_add(size).saturating_sub(pulled)
    }

    /// The count of delivered results at which the consumer should come again.
    pub(super) fn next_visit(&self, size: u64) -> u64 {
        self.delivered.saturating_add((size / 8).max(1))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn p3_room_is_what_is_left_of_the_window() {
        let mut window = Window::new();
        assert_eq!((window.room(4, 0), window.room(4, 3)), (4, 1));
        window.deliver(2);
        assert_eq!(window.room(4, 6), 0);
        assert_eq!(window.room(1, 6), 0, "a window that has shrunk");
        assert_eq!(window.room(u64::MAX, 6), u64::MAX - 6);
    }

    #[test]
    fn p3_what_was_given_up_before_it_was_pulled_makes_no_room() {
        let mut window = Window::new();
        window.deliver(20_000);
        assert_eq!(window.room(10, 5), 10);
    }

    #[test]
    fn p17_the_consumer_comes_before_the_window_is_empty() {
        let mut window = Window::new();
        window.deliver(100);
        assert_eq!((window.next_visit(1), window.next_visit(80)), (101, 110));
    }
}
