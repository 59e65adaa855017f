//! P4, P5: items that were pulled and have not begun, the oldest first.
//!
//! **Promise.** What was pulled and is in no thread's hand can be taken by any worker, in the order in which it was
//! pulled.
//!
//! There are two kinds. *Waiting* items lie in rings whose sender is gone, sorted by index. Behind them is at most one
//! ring that a feeder *fills*: its items can be taken as soon as they can be seen, but the ring stays the feeder's, so
//! what is taken is moved into another one, and nothing is added behind the taker's back.

use super::ring::{self, Receiver, Sender};
use crate::sync::fence;
use std::collections::VecDeque;

pub(super) struct Backlog<A> {
    waiting: VecDeque<ItemRun<A>>,
    /// How many items wait.
    len: u64,
    filling: Option<ItemRun<A>>,
    /// The feeder pulls more than it will work on itself.
    shared: bool,
    /// Items from this index on will not begin.
    end: u64,
    /// Where they are.
    unwanted: Vec<Receiver<A>>,
}

/// Items, from this index on.
struct ItemRun<A> {
    first: u64,
    items: Receiver<A>,
}

/// Items that a thread has taken, from this index on. A single one is where the caller wanted it.
pub(super) struct TakenRun<A> {
    pub(super) first: u64,
    pub(super) len: usize,
    items: Option<Receiver<A>>,
}

impl<A> TakenRun<A> {
    /// A single item, which is where the caller has put it.
    pub(super) fn one(index: u64) -> TakenRun<A> {
        TakenRun { first: index, len: 1, items: None }
    }

    pub(super) fn into_items(self) -> Option<Receiver<A>> {
        self.items
    }
}

impl<A> Backlog<A> {
    pub(super) fn new() -> Backlog<A> {
        Backlog {
            waiting: VecDeque::new(),
            len: 0,
            filling: None,
            shared: false,
            end: u64::MAX,
            unwanted: Vec::new(),
        }
    }

    /// How many items wait that their feeder has left.
    pub(super) fn waiting_len(&self) -> u64 {
        self.len
    }

    /// Whether an item waits that its feeder has left.
    pub(super) fn has_waiting(&self) -> bool {
        self.len > 0
    }

    /// Whether items can be seen in the ring that is being filled.
    pub(super) fn has_visible(&self) -> bool {
        self.filling.as_ref().is_some_and(|run| !run.items.is_empty() && run.first < self.end)
    }

    /// Whether the feeder pulls for others, too.
    pub(super) fn is_filled_for_others(&self) -> bool {
        self.filling.is_some() && self.shared
    }

    /// Whether there is nothing, and no feeder that could bring something.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.filling.is_none()
    }

    /// How many items can be seen, and the index behind the last of them in the ring that is being filled.
    pub(super) fn seen(&self) -> (u64, u64) {
        let (first, visible) = self.filling.as_ref().map_or((0, 0), |run| (run.first, run.items.len()));
        let unwanted = self.unwanted.iter().map(Receiver::len).sum::<u64>();
        (self.len + visible + unwanted, first + visible)
    }

    /// How many items wait that come before this index. The caller is rare: all runs are looked at.
    pub(super) fn waiting_before(&self, index: u64) -> u64 {
        let before = self.waiting.iter().map(|run| index.saturating_sub(run.first).min(run.items.len()));
        before.sum()
    }

    /// Opens a ring for a feeder that pulls up to `len` items from this index on; `shared` says that it does so for others,
    /// too.
    pub(super) fn open(&mut self, first: u64, len: usize, fenced: bool, shared: bool) -> Sender<A> {
        let (sender, items) = ring::open(len, fenced);
        self.filling = Some(ItemRun { first, items });
        self.shared = shared;
        sender
    }

    /// The feeder has come back, and its ring is closed: what others have left in it waits from now on.
    pub(super) fn close(&mut self, sender: Sender<A>) {
        drop(sender);
        if let Some(run) = self.filling.take() {
            self.add(run);
        }
    }

    /// Takes back what a thread has taken and has not begun. `first` is the index of the next item in it.
    pub(super) fn hand_back(&mut self, first: u64, items: Receiver<A>) {
        self.add(ItemRun { first, items });
    }

    /// Lays aside what waits from this index on, and all that will come behind it. For as long as there may be a feeder, its
    /// ring stays with it.
    pub(super) fn cut(&mut self, end: u64) {
        self.end = end;
        for run in std::mem::take(&mut self.waiting) {
            self.len -= run.items.len();
            self.add(run);
        }
    }

    /// Puts items where every worker can take them, if there are any that are to begin.
    fn add(&mut self, mut run: ItemRun<A>) {
        let wanted = usize::try_from(self.end.saturating_sub(run.first)).unwrap_or(usize::MAX);
        if wanted < run.items.len() as usize {
            let first = run.first;
            let before = (wanted > 0).then(|| run.split(wanted));
            self.unwanted.push(run.items);
            return before.into_iter().for_each(|items| self.add(ItemRun { first, items }));
        }
        if !run.items.is_empty() {
            self.len += run.items.len();
            let at = self.waiting.partition_point(|waiting| waiting.first <= run.first);
            self.waiting.insert(at, run);
        }
    }

    /// Takes up to `len` items that wait; or else of those that can be seen in the ring that is being filled. A single one is
    /// put into `slot`.
    pub(super) fn take(&mut self, len: usize, slot: &mut Option<A>) -> Option<TakenRun<A>> {
        let Some(mut run) = self.waiting.pop_front() else {
            let run = self.filling.as_mut().filter(|run| run.first < self.end)?;
            let wanted = usize::try_from(self.end - run.first).unwrap_or(usize::MAX);
            return run.take(len.min(wanted), slot);
        };
        let most = run.items.len() as usize;
        if most > 1 && most <= len {
            self.len -= most as u64;
            return Some(TakenRun { first: run.first, len: most, items: Some(run.items) });
        }
        let taken = run.take(len, slot);
        self.len -= taken.as_ref().map_or(0, |taken| taken.len as u64);
        if !run.items.is_empty() {
            self.waiting.push_front(run);
        }
        taken
    }

    /// For a thread that stops coming back, and has asked all workers to look up: whether it may. Not if items lie in a
    /// feeder's ring, since it may be the only one to come for them. If there are none, the feeder sees with its next push
    /// that it should look up.
    pub(super) fn may_leave(&self) -> bool {
        let Some(run) = &self.filling else { return true };
        // Where the kernel refuses: see `may_miss_signal`.
        let _ = run.items.settle();
        run.items.is_empty() || run.first >= self.end
    }

    /// Whether a feeder may push into its ring without seeing a signal, since the kernel has begun to refuse the fence.
    /// Then the consumer looks every millisecond for items that lie there.
    pub(super) fn may_miss_signal(&self) -> bool {
        !fence::is_asymmetric() && self.filling.as_ref().is_some_and(|run| !run.items.is_fenced())
    }

    /// Takes everything out that has no owner left.
    pub(super) fn take_all(&mut self) -> Vec<Receiver<A>> {
        self.len = 0;
        self.waiting.drain(..).map(|run| run.items).chain(self.unwanted.drain(..)).collect()
    }
}

impl<A> ItemRun<A> {
    fn take(&mut self, len: usize, slot: &mut Option<A>) -> Option<TakenRun<A>> {
        let len = len.min(self.items.len() as usize);
        let first = self.first;
        self.first += len as u64;
        match len {
            0 => None,
            1 => {
                *slot = self.items.pop();
                Some(TakenRun::one(first))
            }
            _ => {
                let items = self.split(len);
                Some(TakenRun { first, len, items: Some(items) })
            }
        }
    }

    /// Moves the first items into a ring of their own, which only one thread sees.
    fn split(&mut self, len: usize) -> Receiver<A> {
        let (mut sender, items) = ring::open(len, false);
        std::iter::from_fn(|| self.items.pop()).take(len).for_each(|item| sender.push(item));
        items
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn take(backlog: &mut Backlog<u64>, len: usize) -> Vec<u64> {
        let mut slot = None;
        let Some(taken) = backlog.take(len, &mut slot) else { return Vec::new() };
        let (first, len) = (taken.first, taken.len);
        let mut items: Vec<_> = slot.into_iter().collect();
        items.extend(taken.into_items().iter_mut().flat_map(|ring| std::iter::from_fn(|| ring.pop())));
        assert_eq!((items.first(), items.len()), (Some(&first), len), "index and value agree here");
        items
    }

    fn fill(backlog: &mut Backlog<u64>, items: std::ops::Range<u64>) -> Sender<u64> {
        let mut sender = backlog.open(items.start, (items.end - items.start) as usize, true, false);
        items.for_each(|item| sender.push(item));
        sender
    }

    #[test]
    fn p4_the_oldest_items_are_taken_first_and_also_from_a_ring_that_is_being_filled() {
        let mut backlog = Backlog::new();
        let sender = fill(&mut backlog, 0..5);
        assert!(!backlog.has_waiting() && backlog.has_visible() && !backlog.is_empty());
        assert_eq!(take(&mut backlog, 2), [0, 1]);
        backlog.close(sender);
        let sender = fill(&mut backlog, 5..8);
        assert_eq!((backlog.seen(), backlog.waiting_before(4)), ((6, 8), 2));
        assert_eq!(take(&mut backlog, 100), [2, 3, 4], "what waits comes first");
        assert_eq!(take(&mut backlog, 1), [5]);
        assert_eq!(take(&mut backlog, 100), [6, 7]);
        backlog.close(sender);
        assert!(backlog.is_empty() && take(&mut backlog, 1).is_empty());
    }

    #[test]
    fn p4_what_is_handed_back_goes_before_what_was_pulled_later() {
        let mut backlog = Backlog::new();
        let sender = fill(&mut backlog, 0..4);
        backlog.close(sender);
        assert_eq!(take(&mut backlog, 1), [0]);
        let second = backlog.take(2, &mut None).unwrap();
        assert_eq!(backlog.waiting_len(), 1);
        backlog.hand_back(second.first, second.into_items().unwrap());
        assert_eq!(backlog.waiting_len(), 3);
        assert_eq!(take(&mut backlog, 9), [1, 2]);
        assert_eq!(take(&mut backlog, 9), [3]);
    }

    #[test]
    fn p4_a_worker_does_not_leave_items_in_a_ring_that_is_being_filled() {
        let mut backlog = Backlog::new();
        assert!(backlog.may_leave());
        let mut sender = fill(&mut backlog, 0..1);
        assert!(!backlog.may_leave());
        assert_eq!(take(&mut backlog, 1), [0]);
        assert!(backlog.may_leave());
        drop(backlog.take_all());
        sender = {
            drop(sender);
            fill(&mut backlog, 1..2)
        };
        backlog.close(sender);
        assert_eq!(backlog.take_all().len(), 1);
    }
}
