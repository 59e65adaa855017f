//! `fail_fast`: nothing begins behind an item that has failed.

use super::iter::Imap;
use super::place::Place;

impl<U, E, P: Place> Imap<'_, Result<U, E>, P> {
    /// Ends behind the first error, and begins nothing more as soon as one is known: for items that cost money, or
    /// write.
    ///
    /// As soon as the result of an item is an error, no item above it begins, though the consumer may be far behind. What is
    /// below still comes, in order; then the error of the lowest item that has failed; then the end. At most the threads
    /// that are at work begin one more item each, before they see it. Without order, whatever has begun still comes before the
    /// end, further errors among it.
    ///
    /// Sequential code that stops at an error (`collect::<Result<_, _>>()`, `?` in the loop) gives the same value without
    /// this, and dropping the imap cancels the rest; but until the consumer has come to the error, the pool goes on.
    ///
    /// Below it, [`catch_panics`](Imap::catch_panics) makes a panic an error, and [`item_timeout`](Imap::item_timeout) an item
    /// that takes too long. It costs a look at each result, and the lower bound of `size_hint` is 0.
    ///
    /// # Panics
    ///
    /// If the iteration has begun.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let pay = |bill: u64| if bill < 40 { Ok(bill) } else { Err(format!("bill {bill} was refused")) };
    /// let mut paid = pool.imap(0..1_000_000, pay).fail_fast();
    /// assert_eq!(paid.by_ref().take(40).filter(|bill| bill.is_ok()).count(), 40);
    /// assert_eq!(paid.next(), Some(Err("bill 40 was refused".into())));
    /// assert_eq!(paid.next(), None);
    /// ```
    #[track_caller]
    pub fn fail_fast(mut self) -> Self {
        // Panics if it is too late.
        self.settings("fail_fast");
        self.inner.fail_fast(Result::is_err);
        self
    }
}
