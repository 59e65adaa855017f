//! P4, P5: items that were pulled and have not begun, the oldest first.
//!
//! **Promise.** What was pulled and is in no worker's chunk can be taken by any worker, in the order in which it was
//! pulled.
//!
//! There are two kinds. *Waiting* items lie in rings whose sender is done, sorted by index. Behind them is at most one
//! ring that a feeder *fills*: its items can be taken as soon as they can be seen, but the ring stays the feeder's, so
//! what is taken is moved into another one, and nothing is added behind the taker's back.

use super::chunk::Items;
use super::ring::{Flags, Receiver, Rings, Sender};
use crate::sync::fence;
use std::collections::VecDeque;
use std::sync::Arc;

pub(super) struct Backlog<A> {
    waiting: VecDeque<Lot<A>>,
    filling: Option<Lot<A>>,
    rings: Rings<A>,
}

/// A ring of items, from this index on.
struct Lot<A> {
    first: u64,
    items: Receiver<A>,
}

/// Items that a worker has taken, from this index on, and how many they are.
pub(super) struct Taken<A> {
    pub(super) first: u64,
    pub(super) items: Items<A>,
    pub(super) len: usize,
}

impl<A> Backlog<A> {
    pub(super) fn new(flags: Arc<Flags>) -> Backlog<A> {
        Backlog { waiting: VecDeque::new(), filling: None, rings: Rings::new(flags) }
    }

    /// Whether an item waits that its feeder has left.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How many items wait that their feeder has left.
    pub(super) fn waiting_len(&self) -> u64 {
        self.waiting.iter().map(|lot| lot.items.len() as u64).sum()
    }

    /// Whether items can be seen in the ring that is being filled.
    pub(super) fn has_visible(&self) -> bool {
        self.filling.as_ref().is_some_and(|lot| !lot.items.is_empty())
    }

    /// Whether there is nothing, and no feeder that could bring something.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.filling.is_none()
    }

    /// How many items can be seen, and the index behind the last of them in the ring that is being filled.
    pub(super) fn seen(&self) -> (u64, u64) {
        let (first, visible) =
            self.filling.as_ref().map_or((0, 0), |lot| (lot.first, lot.items.len() as u64));
        (self.waiting_len() + visible, first + visible)
    }

    /// Opens a ring for a feeder that pulls items from this index on.
    pub(super) fn open(&mut self, first: u64, len: usize, fenced: bool) -> Sender<A> {
        let (sender, items) = self.rings.open(len, fenced);
        self.filling = Some(Lot { first, items });
        sender
    }

    /// The feeder has come back: what others have left in its ring waits from now on.
    pub(super) fn close(&mut self, sender: Sender<A>) {
        self.rings.close(sender);
        // Without one, the consumer has left, and has taken it.
        if let Some(lot) = self.filling.take() {
            self.add(lot);
        }
    }

    /// Takes back what a worker has taken and has not begun. `first` is the index of the next item in it.
    pub(super) fn hand_back(&mut self, first: u64, items: Items<A>) {
        match items {
            Items::One(None) => {}
            Items::One(Some(item)) => {
                let (mut sender, items) = self.rings.open(1, true);
                sender.push(item);
                self.rings.close(sender);
                self.add(Lot { first, items });
            }
            Items::Ring(items) => self.add(Lot { first, items }),
        }
    }

    /// Puts items where every worker can take them, if there are any.
    fn add(&mut self, lot: Lot<A>) {
        if lot.items.is_empty() {
            return self.rings.give_back(lot.items);
        }
        let at = self.waiting.partition_point(|waiting| waiting.first <= lot.first);
        self.waiting.insert(at, lot);
    }

    /// Takes up to `len` items that wait; or else of those that can be seen in the ring that is being filled.
    pub(super) fn take(&mut self, len: usize) -> Option<Taken<A>> {
        if let Some(mut lot) = self.waiting.pop_front() {
            let most = lot.items.len();
            if most <= len {
                return Some(Taken { first: lot.first, items: Items::Ring(lot.items), len: most });
            }
            let taken = self.take_some(&mut lot, len);
            self.waiting.push_front(lot);
            return taken;
        }
        let mut lot = self.filling.take()?;
        let taken = self.take_some(&mut lot, len);
        self.filling = Some(lot);
        taken
    }

    fn take_some(&mut self, lot: &mut Lot<A>, len: usize) -> Option<Taken<A>> {
        let len = len.min(lot.items.len());
        let first = lot.first;
        lot.first += len as u64;
        let items = match len {
            0 => return None,
            1 => Items::One(lot.items.pop()),
            _ => {
                // Only this thread sees these.
                let (mut sender, items) = self.rings.open(len, false);
                for item in std::iter::from_fn(|| lot.items.pop()).take(len) {
                    sender.push(item);
                }
                self.rings.close(sender);
                Items::Ring(items)
            }
        };
        Some(Taken { first, items, len })
    }

    /// For a worker that ends its turn, and has set all flags: whether it may. Not if items lie in a feeder's ring, since
    /// it may be the only one to come for them. If there are none, the feeder sees the flag with its next push.
    pub(super) fn may_leave(&self) -> bool {
        let Some(lot) = &self.filling else { return true };
        // Where the kernel refuses: see `is_filled_unsurely`.
        let _ = lot.items.settle_flag();
        lot.items.is_empty()
    }

    /// Whether a feeder may push into its ring without seeing the flag, since the kernel has begun to refuse the fence.
    /// Then the consumer looks every millisecond for items that lie there.
    pub(super) fn is_filled_unsurely(&self) -> bool {
        !fence::is_asymmetric() && self.filling.as_ref().is_some_and(|lot| !lot.items.is_fenced())
    }

    /// Takes every ring out: those with a sender that may still push, and those that are in no thread's hands.
    pub(super) fn take_all(&mut self) -> (Vec<Receiver<A>>, Vec<Receiver<A>>) {
        let mut rings: Vec<_> = self.waiting.drain(..).map(|lot| lot.items).collect();
        // Its feeder will find that it is gone.
        rings.extend(self.filling.take().map(|lot| lot.items));
        (rings, self.rings.take_unused())
    }

    /// Takes back a ring that has been emptied.
    pub(super) fn give_back(&mut self, ring: Receiver<A>) {
        self.rings.give_back(ring);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn values(taken: Option<Taken<u64>>) -> Vec<u64> {
        let Some(taken) = taken else { return Vec::new() };
        let items: Vec<_> = match taken.items {
            Items::One(item) => item.into_iter().collect(),
            Items::Ring(mut ring) => std::iter::from_fn(|| ring.pop()).collect(),
        };
        assert_eq!(
            (items.first(), items.len()),
            (Some(&taken.first), taken.len),
            "index and value agree here"
        );
        items
    }

    fn fill(backlog: &mut Backlog<u64>, items: std::ops::Range<u64>) -> Sender<u64> {
        let mut sender = backlog.open(items.start, (items.end - items.start) as usize, true);
        items.for_each(|item| _ = sender.push(item));
        sender
    }

    #[test]
    fn p4_the_oldest_items_are_taken_first_and_also_from_a_ring_that_is_being_filled() {
        let mut backlog = Backlog::new(Arc::default());
        let sender = fill(&mut backlog, 0..5);
        assert!(!backlog.has_waiting() && backlog.has_visible() && !backlog.is_empty());
        assert_eq!(values(backlog.take(2)), [0, 1]);
        backlog.close(sender);
        let sender = fill(&mut backlog, 5..8);
        assert_eq!(backlog.seen(), (6, 8));
        assert_eq!(values(backlog.take(100)), [2, 3, 4], "what waits comes first");
        assert_eq!(values(backlog.take(1)), [5]);
        assert_eq!(values(backlog.take(100)), [6, 7]);
        backlog.close(sender);
        assert!(backlog.is_empty() && backlog.take(1).is_none());
    }

    #[test]
    fn p4_what_is_handed_back_goes_before_what_was_pulled_later() {
        let mut backlog = Backlog::new(Arc::default());
        let sender = fill(&mut backlog, 0..4);
        backlog.close(sender);
        let first = backlog.take(1).unwrap();
        let second = backlog.take(2).unwrap();
        backlog.hand_back(second.first, second.items);
        backlog.hand_back(first.first, first.items);
        assert_eq!(backlog.waiting_len(), 4);
        assert_eq!(values(backlog.take(9)), [0]);
        assert_eq!(values(backlog.take(9)), [1, 2]);
        assert_eq!(values(backlog.take(9)), [3]);
    }

    #[test]
    fn p4_a_worker_does_not_leave_items_in_a_ring_that_is_being_filled() {
        let flags = Arc::<Flags>::default();
        let mut backlog = Backlog::new(flags.clone());
        assert!(backlog.may_leave());
        let sender = fill(&mut backlog, 0..1);
        flags.set_all();
        assert!(!backlog.may_leave());
        assert_eq!(values(backlog.take(1)), [0]);
        assert!(backlog.may_leave());
        let (mut other, _ring) = backlog.rings.open(1, true);
        assert!(!other.push(1), "a ring that is opened later has no flag");
        sender.clear_flag();
    }
}
