//! Results whose items may run for a limited time each.
//!
//! A worker tells the consumer when an item begins ([`order`](super::engine)). The consumer waits for the rest of the head's
//! limit, and then gives the head up and hands out [`TimedOut`] in its place.

use super::iter::Imap;
use super::place::{Place, Pooled, late_is_failure};
use super::results::Next;
use crate::error::TimedOut;
use std::time::Duration;

/// Results whose items have a limit each, from when they began. From [`Imap::item_timeout`].
pub type ItemTimeout<'p, T, P = Pooled> = Imap<'p, Result<T, TimedOut>, P>;

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// Gives each item at most this long, counted from when it *began*. One that takes longer is
    /// `Err(`[`TimedOut`]`)` at its place, and the iteration goes on by itself.
    ///
    /// So items that hang at the same time cost one limit together, while [`timeout`](Imap::timeout), which counts
    /// from when the consumer asks, would cost one limit for each. The late function goes on running, and occupies its
    /// thread of the pool meanwhile; its result is dropped when it comes.
    ///
    /// - An item that has not begun has no limit yet. With every thread hung `next` waits, unless the input's `size_hint`
    ///   says that nothing is left: then the iteration ends. Put [`timeout`](Imap::timeout) on top to bound that, too. Then the outer error is the call's, after which the next
    ///   call waits for the same item again, and the inner error is the item's.
    /// - A result that is there when it is asked for is handed out, however long it took.
    /// - [`unordered`](Imap::unordered): a late item is reported when no result is ready, and
    ///   [`index`](TimedOut::index) says which it is. The iteration ends when all but those given up have been handed
    ///   out.
    /// - In a [`scope`](crate::Executor::scope), the end of the scope waits for the functions that still run.
    /// - On a thread of a pool, `next` runs items itself (P8, P17). Such an item cannot be given up: its result comes when
    ///   it is done, and a late item of another thread is reported no sooner.
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
    /// use pool_stealing::{Executor, StealingPool};
    /// use std::sync::{Mutex, mpsc};
    /// use std::time::Duration;
    ///
    /// let pool = StealingPool::new(4)?;
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
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    #[track_caller]
    pub fn item_timeout(mut self, limit: Duration) -> ItemTimeout<'p, T, P>
    where
        T: Send + 'p,
    {
        self.settings("item_timeout").item_limit = Some(limit);
        self.mapped(false, late_is_failure, |below, wait| match below.next(wait) {
            Next::ItemLate(late) => Next::Result(Err(late)),
            next => next.map(Ok),
        })
    }
}
