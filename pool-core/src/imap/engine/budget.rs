//! A budget in bytes for what is under way: what was pulled, and has not been delivered or dropped.
//!
//! An input with sizes notes the size of each item that it gives, for its thread, as [`no_item`](crate::no_item) notes why
//! an input ended. The thread that pulls takes that note behind each pull, and adds it to the budget at once, so imaps that
//! share one see it. It pulls on as long as the budget is not used up: so the budget is exceeded by at most one item for each
//! imap. The state keeps the sizes by index, and gives them back when the consumer is at the lock. The head may be pulled
//! though the budget is used up; so an imap goes on whatever others hold.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static SIZE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The item that is about to be given has this size.
pub fn note_size(size: u64) {
    SIZE.set(Some(size));
}

/// How many bytes may be under way, in one imap or in all that share it; see
/// [`Imap::window_bytes`](crate::Imap::window_bytes). A clone is the same budget.
///
/// ```
/// use pool_stealing::{Budget, Executor, IterExt, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let budget = Budget::bytes(1 << 20);
/// let files = |n: usize| (0..n).map(|n| vec![n as u8; 1000]).with_sizes(Vec::len);
/// let sum = |file: Vec<u8>| file.iter().map(|&byte| byte as u64).sum::<u64>();
/// let left = pool.imap(files(30), sum).window_bytes(&budget);
/// let right = pool.imap(files(30), sum).window_bytes(&budget);
/// assert!(left.zip(right).all(|(left, right)| left == right));
/// assert_eq!(budget.used(), 0);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Budget(Arc<Use>);

struct Use {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    /// A budget of this many bytes.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn bytes(limit: usize) -> Budget {
        assert!(limit > 0, "a budget of 0 bytes: no item could be beside another one; ask for window(1)");
        Budget(Arc::new(Use { limit: limit as u64, used: AtomicU64::new(0) }))
    }

    /// How many bytes are under way now.
    pub fn used(&self) -> usize {
        usize::try_from(self.0.used.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    fn is_full(&self) -> bool {
        self.0.used.load(Ordering::Relaxed) >= self.0.limit
    }

    /// A sum of sizes that is too large for the counter counts as its largest value. Then what is given back later is less than
    /// was taken, so the budget stays full, and each head passes alone.
    fn add(&self, size: u64) {
        let _ = self
            .0
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(used.saturating_add(size)));
    }

    fn sub(&self, size: u64) {
        let _ = self
            .0
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(used.saturating_sub(size)));
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("limit", &self.0.limit).field("used", &self.used()).finish()
    }
}

impl From<&Budget> for Budget {
    fn from(budget: &Budget) -> Budget {
        budget.clone()
    }
}

/// What a thread pulls, before the state has heard of it.
pub(super) struct Weights {
    budget: Budget,
    sizes: Vec<u64>,
    is_missing: bool,
}

impl Weights {
    pub(super) fn new(budget: &Budget) -> Box<Weights> {
        // What another input has left.
        SIZE.take();
        Box::new(Weights { budget: budget.clone(), sizes: Vec::new(), is_missing: false })
    }

    /// An item was pulled. Returns whether that is enough.
    fn weigh(&mut self) -> bool {
        let size = SIZE.take();
        self.is_missing |= size.is_none();
        self.sizes.push(size.unwrap_or(0));
        self.budget.add(size.unwrap_or(0));
        self.is_missing || self.budget.is_full()
    }

    /// Whether an item came without a size.
    pub(super) fn is_missing(&self) -> bool {
        self.is_missing
    }
}

/// An item was pulled. Returns whether that is enough: never without a budget.
pub(super) fn weigh(weights: &mut Option<Box<Weights>>) -> bool {
    weights.as_mut().is_some_and(|weights| weights.weigh())
}

impl Drop for Weights {
    fn drop(&mut self) {
        self.budget.sub(self.sizes.iter().fold(0, |sum, size| sum.saturating_add(*size)));
    }
}

/// Items of one imap that are under way, by index.
pub(super) struct Charged {
    budget: Budget,
    sizes: BTreeMap<u64, u64>,
}

impl Charged {
    pub(super) fn new(budget: Budget) -> Charged {
        Charged { budget, sizes: BTreeMap::new() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.budget.is_full()
    }

    /// Takes over what was pulled from this index on.
    pub(super) fn take_over(&mut self, first: u64, weights: &mut Weights) {
        self.sizes.extend((first..).zip(weights.sizes.drain(..)));
    }

    /// What comes before this index has been delivered or given up.
    pub(super) fn deliver_below(&mut self, head: u64) {
        while let Some(first) = self.sizes.first_entry()
            && *first.key() < head
        {
            self.budget.sub(first.remove());
        }
    }

    /// Without order: so have these.
    pub(super) fn deliver(&mut self, indices: impl Iterator<Item = u64>) {
        indices.filter_map(|index| self.sizes.remove(&index)).for_each(|size| self.budget.sub(size));
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.deliver_below(u64::MAX);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn pull(budget: &Budget, sizes: &[u64]) -> (Box<Weights>, bool) {
        let mut weights = Weights::new(budget);
        let full = sizes.iter().map(|&size| (note_size(size), weights.weigh()).1).fold(false, |_, full| full);
        (weights, full)
    }

    #[test]
    fn p3_what_is_delivered_makes_room() {
        let budget = Budget::bytes(10);
        let mut charged = Charged::new(budget.clone());
        let (mut weights, full) = pull(&budget, &[3, 4]);
        assert!(!full && budget.used() == 7);
        charged.take_over(0, &mut weights);
        drop(weights);
        let (mut weights, full) = pull(&budget, &[5]);
        assert!(full && charged.is_full() && budget.used() == 12);
        charged.take_over(2, &mut weights);
        charged.deliver_below(1);
        assert!(!charged.is_full() && budget.used() == 9);
        charged.deliver([2, 2, 7].into_iter());
        assert_eq!(budget.used(), 4);
        drop(charged);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn p9_what_no_state_has_heard_of_is_given_back() {
        let budget = Budget::bytes(10);
        let (weights, _) = pull(&budget, &[30, 1]);
        assert_eq!(budget.used(), 31);
        drop(weights);
        assert_eq!(budget.used(), 0);
        let (weights, full) = pull(&budget, &[u64::MAX, 5]);
        assert!(full);
        drop(weights);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn an_item_without_a_size_is_noticed() {
        let budget = Budget::bytes(10);
        note_size(1);
        let mut weights = Weights::new(&budget);
        assert!(weights.weigh() && weights.is_missing(), "a note of another input does not count");
    }
}
