//! `catch_panics`: the same imap, with panics as values.

use super::iter::Imap;
use super::place::{Place, panic_is_failure};
use super::results::Next;
use crate::error::Panic;

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// Hands out panics as values instead of going on with them: each item whose function panicked
    /// gives `Err`, and so does the input if it panics, as the last item.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let results: Vec<_> = pool.imap([4, 0, 2], |x| 8 / x).catch_panics().collect();
    /// assert_eq!(*results[0].as_ref().unwrap(), 2);
    /// assert_eq!(results[1].as_ref().unwrap_err().message(), Some("attempt to divide by zero"));
    /// assert_eq!(*results[2].as_ref().unwrap(), 4);
    /// ```
    pub fn catch_panics(self) -> Imap<'p, Result<T, Panic>, P>
    where
        T: Send + 'p,
    {
        self.mapped(true, panic_is_failure, |below, wait| match below.next(wait) {
            Next::Panic(panic) => Next::Result(Err(panic)),
            next => next.map(Ok),
        })
    }
}
