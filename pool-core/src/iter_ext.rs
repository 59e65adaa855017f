//! `iter.imap(&pool, f)`: the other way round, so that stages chain.

use crate::Executor;
use crate::imap::{Held, Imap, Local};

/// [`imap`](IterExt::imap) as a method of every iterator.
///
/// ```
/// use pool_channel::{ChannelPool, IterExt};
///
/// let pool = ChannelPool::new(2)?;
/// let lines = "3\nx\n1\n2".lines().map(String::from);
/// let rendered = lines
///     .imap(&pool, |line| line.parse::<u32>())
///     .filter_map(Result::ok)
///     .imap(&pool, |number| "*".repeat(number as usize));
/// assert_eq!(rendered.collect::<Vec<_>>(), ["***", "*", "**"]);
/// # Ok::<(), pool_channel::BuildError>(())
/// ```
pub trait IterExt: Iterator {
    /// Maps this iterator on a pool: in order, lazily, in bounded memory.
    ///
    /// The same as [`pool.imap_local(iter, f)`](Executor::imap_local): the iterator is pulled on the thread
    /// that iterates, so it may borrow and need not be `Send`, and may itself be an [`Imap`]. For an input
    /// that blocks, such as a channel or a terminal, prefer [`pool.imap(iter, f)`](Executor::imap) as the first
    /// stage: it pulls on the pool's threads, and hands out a result while the input waits for more.
    fn imap<'p, E, F, T>(self, pool: &'p E, f: F) -> Imap<'p, T, Local>
    where
        Self: Sized + 'p,
        Self::Item: Send + 'static,
        E: Executor + ?Sized,
        F: Fn(Self::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap::local(Held::owned(pool), self, f)
    }
}

impl<I: Iterator> IterExt for I {}
