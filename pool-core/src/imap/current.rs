//! `current`: an item that sees itself.

use super::engine::{item_index, item_is_unwanted};
use std::marker::PhantomData;

/// The item that this thread is in. Inside the function of an imap or of [`map`](crate::Executor::map) it knows the item's
/// index, and whether its result is still wanted.
///
/// Elsewhere it has no index, and is never cancelled: so code that is called inside and outside of an imap can ask. In an imap
/// inside an item, it is the inner item. It costs a few nanoseconds, and nothing where it is not used.
///
/// ```
/// use pool_stealing::{Executor, StealingPool, current};
///
/// /// A long computation, which ends early if its result would be thrown away.
/// fn long(mut rounds: u64) -> u64 {
///     while rounds > 0 && !current().is_cancelled() {
///         rounds -= 1;
///     }
///     rounds
/// }
///
/// let pool = StealingPool::new(2)?;
/// let mut results = pool.imap([1_000, u64::MAX], |rounds| (current().index(), long(rounds)));
/// assert_eq!(results.next(), Some((Some(0), 0)));
/// // The second item sees that it is not wanted, so the pool can end.
/// drop(results);
/// drop(pool);
/// assert_eq!(current().index(), None);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
pub fn current() -> Current {
    Current { index: item_index(), of_its_thread: PhantomData }
}

/// The item that a thread is in. From [`current`].
#[derive(Debug, Clone, Copy)]
pub struct Current {
    index: Option<u64>,
    of_its_thread: PhantomData<*const ()>,
}

impl Current {
    /// How many items were pulled from the input before this one; `None` outside of a function of an imap.
    pub fn index(&self) -> Option<u64> {
        self.index
    }

    /// Whether the result is of no use any more. It stays so.
    ///
    /// It becomes so when the imap is dropped or cancelled, when its pool is terminated, when an item before this one has
    /// failed in an imap that [fails fast](crate::Imap::fail_fast), and when the item was given up, by its
    /// [limit](crate::Imap::item_timeout) or by [`give_up`](crate::Imap::give_up). Inside of an imap that is iterated in an
    /// item, also when it becomes so for that item.
    ///
    /// The function decides what it does then; what it returns or throws is dropped.
    pub fn is_cancelled(&self) -> bool {
        self.index.is_some_and(item_is_unwanted)
    }
}
