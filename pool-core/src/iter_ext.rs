//! `items.imap(pool, f)`: the executor as an argument, so that stages chain, and any executor and any input go together.

use crate::Executor;
use crate::batches::Batches;
use crate::imap::{ExecutorRef, Imap, LocalInput, WithSizes};

/// [`imap`](Executor::imap) as a method of every iterator.
///
/// ```
/// use pool_stealing::{IterExt, StealingPool};
/// use std::sync::Arc;
///
/// let pool = Arc::new(StealingPool::new(2)?);
/// let lines = ["3", "x", "1", "2"].into_iter();
/// let rendered = lines
///     .imap(pool.clone(), |line| line.parse::<u32>())
///     .filter_map(Result::ok)
///     .imap(pool, |number| "*".repeat(number as usize));
/// assert_eq!(rendered.collect::<Vec<_>>(), ["***", "*", "**"]);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
pub trait IterExt: Iterator {
    /// Maps this iterator on a pool: in order, lazily, in bounded memory.
    ///
    /// The same as [`pool.imap(items, f)`](Executor::imap) where it gets a reference to a pool, and as
    /// [`pool.into_imap(items, f)`](Executor::into_imap) where it gets the pool or a clone of its `Arc`. So the iterator is
    /// pulled on the pool's threads, and must be `Send` and borrow nothing. One that cannot is [`local`](IterExt::local).
    ///
    /// The iterator may itself be an [`Imap`], or be made of one. That imap is a stage then, and owns its executor, or it
    /// would borrow. If it ends early, this one [does, too](Imap::is_cancelled).
    fn imap<'p, E, F, T>(self, executor: E, f: F) -> Imap<'p, T>
    where
        Self: Sized + Send + 'static,
        Self::Item: Send + 'static,
        E: Executor + 'p,
        F: Fn(Self::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap::new(ExecutorRef::owned(executor), self, f)
    }

    /// The same as [`imap_init`](Executor::imap_init), on any executor, as [`imap`](IterExt::imap).
    ///
    /// ```
    /// use pool_stealing::{IterExt, StealingPool};
    ///
    /// /// An imap with a state that owns its pool.
    /// fn lengths() -> impl Iterator<Item = usize> {
    ///     let pool = StealingPool::default();
    ///     (0..1000u32).imap_init(pool, String::new, |buffer, x| {
    ///         buffer.clear();
    ///         buffer.extend(std::iter::repeat_n('x', x as usize % 10));
    ///         buffer.len()
    ///     })
    /// }
    /// assert_eq!(lengths().sum::<usize>(), 4500);
    /// ```
    fn imap_init<'p, E, N, S, F, T>(self, executor: E, init: N, f: F) -> Imap<'p, T>
    where
        Self: Sized + Send + 'static,
        Self::Item: Send + 'static,
        E: Executor + 'p,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, Self::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap::with_state(ExecutorRef::owned(executor), self, init, f)
    }

    /// Says that this iterator stays where the results are iterated: it may borrow, and need not be `Send`. Every imap takes
    /// it in place of an iterator, also one with a state, and one in a scope.
    ///
    /// What that costs stands at [`imap_local`](Executor::imap_local): promises P4 and P16 have an exception there.
    ///
    /// ```
    /// use pool_stealing::{IterExt, StealingPool};
    ///
    /// let pool = StealingPool::new(2)?;
    /// let text = String::from("3\nx\n1\n2");
    /// // The text is borrowed, and the second stage borrows the pool through the first one.
    /// let numbers = text.lines().map(String::from).local().imap(&pool, |line| line.parse::<u32>());
    /// let rendered = numbers.filter_map(Result::ok).local().imap(&pool, |number| "*".repeat(number as usize));
    /// assert_eq!(rendered.collect::<Vec<_>>(), ["***", "*", "**"]);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    fn local(self) -> LocalInput<Self>
    where
        Self: Sized,
    {
        LocalInput::new(self)
    }

    /// The same input, which says how many bytes each item has, for [`window_bytes`](Imap::window_bytes).
    ///
    /// It passes through further adapters: what counts is the item that was taken from here last. It costs `size` and a store
    /// for each item. A panic of `size` is one of the input.
    ///
    /// ```
    /// # use pool_stealing::{Executor, IterExt, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let pages = ["one", "three"].into_iter().map(String::from).with_sizes(|page| page.len());
    /// let lengths = pool.imap(pages, |page| page.len()).window_bytes(1 << 20);
    /// assert!(lengths.eq([3, 5]));
    /// ```
    fn with_sizes<F>(self, size: F) -> WithSizes<Self, F>
    where
        Self: Sized,
        F: FnMut(&Self::Item) -> usize,
    {
        WithSizes::new(self, size)
    }

    /// Groups items, `most` at a time: a `Vec` of them is an item then. The last one may have fewer.
    ///
    /// For stages of different costs: one that writes to a database wants rows by the hundred, and tiny items cost less when
    /// many go together. An input that trickles would fill a batch slowly: see [`within`](Batches::within). A panic of this
    /// iterator comes after the batch of the items before it.
    ///
    /// ```
    /// use pool_stealing::{IterExt, StealingPool};
    /// use std::sync::Arc;
    ///
    /// let pool = Arc::new(StealingPool::new(2)?);
    /// let rows = (0..1000_u64).imap(pool.clone(), |x| x * x);
    /// let inserted = rows.batches(100).imap(pool, |rows| rows.len());
    /// assert_eq!(inserted.collect::<Vec<_>>(), [100; 10]);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If `most` is 0.
    #[track_caller]
    fn batches(self, most: usize) -> Batches<Self>
    where
        Self: Sized,
    {
        Batches::new(self, most)
    }
}

impl<I: Iterator> IterExt for I {}
