//! `window_bytes`: a bound in bytes on what is under way.

use super::engine::{Budget, note_size};
use super::iter::Imap;
use super::place::Place;

impl<T, P: Place> Imap<'_, T, P> {
    /// Bounds how many bytes are between the input and the consumer, beside the [`window`](Imap::window) in items: for items
    /// of very different sizes, of which the window's count would be too many or too few.
    ///
    /// The input says the sizes: [`with_sizes`](crate::IterExt::with_sizes). Its items count from the moment in which they are
    /// pulled until their result has been handed out and `next` called again, or they are given up or dropped: at that size all
    /// the time, so if results are larger than their items, say so there.
    ///
    /// No item is pulled while the budget is used up, so it is exceeded by one item at most. The item for which the consumer
    /// waits is pulled in any case: so one that is larger than the whole budget passes alone.
    ///
    /// A [`Budget`] can be shared by several imaps, also where they are read in turn: each exceeds it by one item at most, and
    /// goes on whatever the others hold.
    ///
    /// It costs some tens of nanoseconds an item, and the consumer is at the lock for each. On an executor without threads there
    /// is one item at a time, whatever the budget.
    ///
    /// # Panics
    ///
    /// If `budget` is 0, or the iteration has begun. If the input says no sizes, the iteration ends with a panic behind the first
    /// items that were pulled.
    ///
    /// ```
    /// # use pool_stealing::{Executor, IterExt, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let blocks = (1..100).map(|n| vec![1u8; n * 1000]).with_sizes(Vec::len);
    /// // A megabyte at a time, however many blocks that are.
    /// let sums = pool.imap(blocks, |block| block.iter().map(|&byte| byte as usize).sum::<usize>());
    /// assert!(sums.window_bytes(1 << 20).eq((1..100).map(|n| n * 1000)));
    /// ```
    #[track_caller]
    pub fn window_bytes(mut self, budget: impl Into<Budget>) -> Self {
        let budget = budget.into();
        self.settings("window_bytes").budget = Some(budget);
        self
    }
}

impl From<usize> for Budget {
    #[track_caller]
    fn from(bytes: usize) -> Budget {
        Budget::bytes(bytes)
    }
}

/// An input that says the size of each item. From [`with_sizes`](crate::IterExt::with_sizes).
#[derive(Debug, Clone)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct WithSizes<I, F> {
    input: I,
    size: F,
}

impl<I, F> WithSizes<I, F> {
    pub(crate) fn new(input: I, size: F) -> WithSizes<I, F> {
        WithSizes { input, size }
    }
}

impl<I: Iterator, F: FnMut(&I::Item) -> usize> Iterator for WithSizes<I, F> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let item = self.input.next()?;
        note_size((self.size)(&item) as u64);
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.input.size_hint()
    }
}

impl<I: ExactSizeIterator, F: FnMut(&I::Item) -> usize> ExactSizeIterator for WithSizes<I, F> {}
impl<I: std::iter::FusedIterator, F: FnMut(&I::Item) -> usize> std::iter::FusedIterator for WithSizes<I, F> {}
