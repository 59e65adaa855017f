//! An executor without threads.

use crate::Executor;
use crate::job::Job;

/// An [`Executor`] without threads: its imap is `items.map(f)`.
///
/// For libraries whose caller may have no pool, for tests and debuggers, and for systems without threads. An `Option` of
/// an executor is one, too, and `None` is this one:
///
/// ```
/// use pool_stealing::{Executor, Sequential, StealingPool};
///
/// /// The lengths of all words, computed on `pool`.
/// fn lengths(pool: &impl Executor, words: Vec<String>) -> Vec<usize> {
///     pool.imap(words, |word| word.len()).collect()
/// }
///
/// let words = || vec![String::from("one"), String::from("three")];
/// assert_eq!(lengths(&Sequential, words()), [3, 5]);
/// let pool = if words().len() > 1000 { Some(StealingPool::new(2)?) } else { None };
/// assert_eq!(lengths(&pool, words()), [3, 5]);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
///
/// # What differs from a pool
///
/// Results, panics, errors and tokens are the same. But there is no other thread, so the caller computes:
///
/// - Each `next` of an imap pulls one item, runs the function on it, and returns the result. Nothing is pulled ahead:
///   [`window`](crate::Imap::window), [`chunk`](crate::Imap::chunk) and [`start`](crate::Imap::start) change nothing.
/// - **A limit is not kept.** [`next_timeout`](crate::Imap::next_timeout), [`timeout`](crate::Imap::timeout) and
///   [`item_timeout`](crate::Imap::item_timeout) give the result of the item, however long it takes; so does each poll of
///   a stream. No clock is asked, so it may be one of a system that has none.
/// - A token is looked at between two items.
/// - [`submit`](Executor::submit) runs the job before it returns, on top of the caller's stack.
///
/// Cost: some 10 nanoseconds for each item beyond `items.map(f)`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sequential;

impl Executor for Sequential {
    fn threads(&self) -> usize {
        1
    }

    fn spawn(&self, job: Job) {
        job.run(self);
    }

    fn has_waiting(&self) -> bool {
        false
    }

    fn is_worker(&self) -> bool {
        true
    }

    fn is_sequential(&self) -> bool {
        true
    }
}
