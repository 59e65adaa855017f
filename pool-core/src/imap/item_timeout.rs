//! Results whose items may run for a limited time each.
//!
//! A worker tells the consumer when an item begins ([`order`](super::engine)). The consumer waits for the rest of the head's
//! limit, and then gives the head up and hands out [`TimedOut`] in its place.

use super::adapted::{Adapted, Controls};
use super::cancel::CancelToken;
use super::engine::Wait;
use super::iter::{Imap, Inner};
use super::place::{Place, Pooled};
use super::results::Next;
use super::timeout::Timeout;
use crate::error::TimedOut;
use std::fmt;
use std::time::Duration;

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// Gives each item at most this long, counted from when it *began*. One that takes longer is
    /// `Err(`[`TimedOut`]`)` at its place, and the iteration goes on by itself.
    ///
    /// So items that hang at the same time cost one limit together, while [`timeout`](Imap::timeout), which counts
    /// from when the consumer asks, would cost one limit for each. The late function goes on running, and occupies its
    /// thread of the pool meanwhile; its result is dropped when it comes.
    ///
    /// - An item that has not begun has no limit yet. With every thread hung `next` waits; put
    ///   [`timeout`](ItemTimeout::timeout) on top to bound that, too.
    /// - A result that is there when it is asked for is handed out, however long it took.
    /// - [`unordered`](Imap::unordered): a late item is reported when no result is ready, and
    ///   [`index`](TimedOut::index) says which it is. The iteration ends when all but those given up have been handed
    ///   out.
    /// - In a [`scope`](crate::Executor::scope), the end of the scope waits for the functions that still run.
    /// - On a thread of a pool, `next` may run the head itself (P8). Such a head cannot be given up: its result comes
    ///   when it is done. An item that another thread runs is given up there as everywhere.
    /// - As a stream it has no timer, so a late item is found when the stream is next polled.
    ///
    /// Workers take items one by one, which costs a lock for each, some hundred nanoseconds: a limit is not worth that
    /// for items of less than a few microseconds.
    ///
    /// # Panics
    ///
    /// If the iteration has begun.
    ///
    /// ```
    /// use pool_channel::{ChannelPool, Executor};
    /// use std::sync::{Mutex, mpsc};
    /// use std::time::Duration;
    ///
    /// let pool = ChannelPool::new(4)?;
    /// let (release, hang) = mpsc::channel::<()>();
    /// let hang = Mutex::new(hang);
    /// let fetch = move |page: u32| {
    ///     if page == 2 {
    ///         let _ = hang.lock().unwrap().recv();
    ///     }
    ///     page
    /// };
    /// let pages = pool.imap(0..5, fetch).item_timeout(Duration::from_millis(200));
    /// let pages: Vec<_> = pages.map(|page| page.map_err(|late| late.index())).collect();
    /// assert_eq!(pages, [Ok(0), Ok(1), Err(2), Ok(3), Ok(4)]);
    /// # drop(release);
    /// # Ok::<(), pool_channel::BuildError>(())
    /// ```
    #[track_caller]
    pub fn item_timeout(mut self, limit: Duration) -> ItemTimeout<'p, T, P>
    where
        T: Send + 'p,
    {
        self.settings("item_timeout").item_limit = Some(limit);
        ItemTimeout { inner: Imap { inner: Inner::Adapted(P::limit(self)) }, limit }
    }
}

/// Results whose items have a limit each, from when they began. From [`Imap::item_timeout`].
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct ItemTimeout<'p, T, P: Place = Pooled> {
    inner: Imap<'p, Result<T, TimedOut>, P>,
    limit: Duration,
}

impl<'p, T, P: Place> ItemTimeout<'p, T, P> {
    /// Bounds how long a call waits, too: for items that cannot begin since every thread hangs.
    ///
    /// The outer error is the call's: the next call waits for the same item again. The inner error is the item's.
    ///
    /// ```
    /// # use pool_channel::{ChannelPool, Executor};
    /// # use std::time::Duration;
    /// # let pool = ChannelPool::new(2).unwrap();
    /// let pages = pool.imap(0..3, |page| page).item_timeout(Duration::from_secs(1));
    /// for page in pages.timeout(Duration::from_secs(60)) {
    ///     match page.expect("threads that are free") {
    ///         Ok(page) => println!("{page}"),
    ///         Err(late) => println!("{late}"),
    ///     }
    /// }
    /// ```
    pub fn timeout(self, limit: Duration) -> Timeout<'p, Result<T, TimedOut>, P> {
        self.inner.timeout(limit)
    }

    /// As [`Imap::start`].
    pub fn start(mut self) -> Self {
        self.inner.begin();
        self
    }

    /// As [`Imap::cancel_with`].
    pub fn cancel_with(mut self, token: &CancelToken) -> Self {
        self.inner.attach(token);
        self
    }

    /// The imap, for [`stats`](Imap::stats) and the like.
    pub fn get_ref(&self) -> &Imap<'p, Result<T, TimedOut>, P> {
        &self.inner
    }
}

impl<T, P: Place> Iterator for ItemTimeout<'_, T, P> {
    type Item = Result<T, TimedOut>;

    fn next(&mut self) -> Option<Result<T, TimedOut>> {
        self.inner.next()
    }

    /// Exact if the input's is: a late item takes its place.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T, P: Place> std::iter::FusedIterator for ItemTimeout<'_, T, P> {}

impl<T, P: Place> fmt::Debug for ItemTimeout<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemTimeout").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// An imap whose late items are values.
pub(super) struct Limited<'p, T, P: Place> {
    inner: Imap<'p, T, P>,
}

impl<'p, T, P: Place> Limited<'p, T, P> {
    pub(super) fn new(inner: Imap<'p, T, P>) -> Self {
        Limited { inner }
    }
}

impl<T, P: Place> Adapted<Result<T, TimedOut>> for Limited<'_, T, P> {
    fn next(&mut self, wait: Wait<'_>) -> Next<Result<T, TimedOut>> {
        match self.inner.next_caught(wait) {
            Next::ItemLate(late) => Next::Result(Err(late)),
            next => next.map(Ok),
        }
    }

    fn give_up(&mut self) -> bool {
        self.inner.give_up()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }

    fn input_has_panicked(&self) -> bool {
        self.inner.input_has_panicked()
    }

    fn position(&self) -> u64 {
        self.inner.position()
    }

    fn below(&self) -> &dyn Controls {
        &self.inner
    }

    fn below_mut(&mut self) -> &mut dyn Controls {
        &mut self.inner
    }
}
