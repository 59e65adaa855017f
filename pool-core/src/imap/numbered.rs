//! `numbered`: each result with the index of its item.

use super::iter::Imap;
use super::place::{Place, no_failure};

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// Gives each result with the index of its item, counted from 0.
    ///
    /// An item that panicked, or was [given up](Imap::give_up), counts as one. So the index is the item's place in the
    /// input, while `Iterator::enumerate` would count results. In an [`unordered`](Imap::unordered) imap it says which
    /// item the result is of.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let quotients = pool.imap([4, 0, 2], |x| 8 / x).catch_panics().numbered();
    /// let zeros: Vec<_> = quotients.filter_map(|(index, result)| result.is_err().then_some(index)).collect();
    /// assert_eq!(zeros, [1]);
    /// ```
    pub fn numbered(self) -> Imap<'p, (u64, T), P>
    where
        T: Send + 'p,
    {
        self.mapped(false, no_failure, |below, wait| {
            let before = below.controls().next_index();
            let next = below.next(wait);
            // A panic of the input may be a result, and takes no place.
            let took_none = below.controls().next_index() == before;
            let index = if took_none { before } else { below.controls().delivered_index() };
            next.map(|result| (index, result))
        })
    }
}
