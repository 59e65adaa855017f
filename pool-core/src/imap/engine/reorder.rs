//! P1: the order of what has been taken. Plain sequential code, without threads, closures or pools.

use std::collections::VecDeque;

/// Entries sorted by the index of their first item.
///
/// An entry covers the items from its own index up to the next entry's, so that one that turns out
/// shorter than it began (its input ran dry, or an item panicked) needs no correction. It may turn out
/// to be empty; then there may be another entry with the same index.
pub(crate) struct Reorder<V> {
    entries: VecDeque<(u64, V)>,
}

impl<V> Reorder<V> {
    pub(crate) fn new() -> Reorder<V> {
        Reorder { entries: VecDeque::new() }
    }

    /// Adds an entry, behind those with the same index. Nearly always that is the end.
    pub(crate) fn insert(&mut self, first: u64, value: V) {
        if self.entries.back().is_none_or(|last| last.0 <= first) {
            return self.entries.push_back((first, value));
        }
        let at = self.entries.partition_point(|entry| entry.0 <= first);
        self.entries.insert(at, (first, value));
    }

    /// Whether there is an entry that begins at `head` or earlier.
    pub(crate) fn reaches(&self, head: u64) -> bool {
        self.entries.front().is_some_and(|entry| entry.0 <= head)
    }

    /// The next entry and its index, if it begins at `head` or earlier.
    pub(crate) fn take(&mut self, head: u64) -> Option<(u64, V)> {
        if self.reaches(head) { self.entries.pop_front() } else { None }
    }

    /// The first entry of which `wanted` is true, wherever it is, and its index.
    pub(crate) fn take_any(&mut self, wanted: impl Fn(&V) -> bool) -> Option<(u64, V)> {
        let at = self.entries.iter().position(|(_, value)| wanted(value))?;
        self.entries.remove(at)
    }

    /// All values, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> + Clone {
        self.entries.iter().map(|entry| &entry.1)
    }

    /// Empties it. The caller drops the values.
    pub(crate) fn take_all(&mut self) -> VecDeque<(u64, V)> {
        std::mem::take(&mut self.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::Reorder;

    #[test]
    fn gives_entries_in_the_order_of_their_index() {
        let mut reorder = Reorder::new();
        for first in [4, 0, 7, 2] {
            reorder.insert(first, first * 10);
        }
        let mut taken = Vec::new();
        for head in 0..10 {
            taken.extend(reorder.take(head).map(|entry| entry.1));
        }
        assert_eq!(taken, [0, 20, 40, 70]);
    }

    #[test]
    fn holds_back_what_is_not_next() {
        let mut reorder = Reorder::new();
        reorder.insert(3, 'a');
        assert_eq!((reorder.take(0), reorder.take(2)), (None, None));
        assert_eq!(reorder.take(3), Some((3, 'a')));
        assert_eq!(reorder.take(3), None);
    }

    #[test]
    fn keeps_the_order_of_equal_indices() {
        let mut reorder = Reorder::new();
        reorder.insert(5, "closed and empty");
        reorder.insert(5, "the item");
        assert_eq!(reorder.take(5), Some((5, "closed and empty")));
        assert_eq!(reorder.take(6), Some((5, "the item")));
    }
}
