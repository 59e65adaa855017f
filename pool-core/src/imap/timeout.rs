//! Results with a limit on how long each is waited for.

use super::engine::Wait;
use super::iter::Imap;
use super::place::{Place, Pooled};
use super::results::Next;
use super::wrapper::access_inner;
use crate::error::{Panic, TimedOut};
use std::fmt;
use std::time::Duration;

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// The next result, or [`TimedOut`] if it is not there after `limit`. Then nothing is lost: the next
    /// call waits for the same item again. `Duration::ZERO` asks without waiting.
    ///
    /// From the first such call on, workers take items one by one, so that no item waits in a chunk behind a late one.
    /// The item that is late goes on running: a thread cannot be stopped. Only the pool's own `join` waits for it;
    /// dropping the `Imap` does not. Inside a job, prefer `next`: a call with a limit only waits for the pool's other
    /// threads, and there may be none. An input that is [`Local`](crate::Local) is pulled by this call, and can hold it
    /// up beyond the limit. Items that were pulled before the first such call, by a `next` or [`start`](Imap::start),
    /// may wait behind one that hangs: an exception of promise P4.
    ///
    /// # Errors
    ///
    /// [`TimedOut`], which says which item is late.
    ///
    /// # Panics
    ///
    /// Like `next`: with the panic of the item's function, or of the input.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # use std::time::Duration;
    /// # let pool = StealingPool::new(2).unwrap();
    /// let (send, receive) = std::sync::mpsc::channel();
    /// let mut results = pool.imap(receive, |x: u32| x + 1);
    /// let late = results.next_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(late.index(), 0);
    /// send.send(41).unwrap();
    /// assert_eq!(results.next_timeout(Duration::from_secs(60)), Ok(Some(42)));
    /// # drop(send);
    /// ```
    pub fn next_timeout(&mut self, limit: Duration) -> Result<Option<T>, TimedOut> {
        self.late = None;
        match self.inner.next(Wait::AtMost(limit)) {
            Next::Result(value) => Ok(Some(value)),
            Next::Panic(panic) => panic.resume(),
            Next::End => {
                self.note_end();
                Ok(None)
            }
            Next::CallLate(late) | Next::ItemLate(late) => {
                self.late = Some(self.next_index());
                Err(late)
            }
        }
    }

    /// An iterator that waits for each result for at most `limit`, and else gives [`TimedOut`]. See
    /// [`next_timeout`](Imap::next_timeout) for what that means.
    ///
    /// After [`TimedOut`] the iteration can go on: with the same item again, or with the next one if the
    /// late one is [given up](Imap::give_up). Stopping at the first error, as `?` and `collect` do, drops
    /// the imap, which cancels what has not begun.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    /// use std::time::Duration;
    ///
    /// let pool = StealingPool::new(3)?;
    /// for square in pool.imap(0..5, |x| x * x).timeout(Duration::from_secs(6)) {
    ///     println!("{}", square?);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn timeout(self, limit: Duration) -> Timeout<'p, T, P> {
        Timeout { inner: self, limit }
    }

    /// Gives up the item that the last call found late: the iteration goes on with the next one. The late result is
    /// discarded by the first call that waits after it has come, or with the imap. The function goes on running, and
    /// occupies its thread of the pool until it returns.
    ///
    /// Returns whether there was such an item. There is none unless the last call with a limit gave [`TimedOut`], nor in
    /// an [`unordered`](Imap::unordered) imap, where no item in particular is late. An item that has not
    /// even been pulled can be given up as well: its result will be discarded.
    ///
    /// With [`fail_fast`](Imap::fail_fast) an item that has failed by now is not given up: its error comes next. One that fails
    /// later does not count as a failure.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # use std::time::Duration;
    /// # let pool = StealingPool::new(2).unwrap();
    /// let (release, hang) = std::sync::mpsc::channel::<()>();
    /// let hang = std::sync::Mutex::new(hang);
    /// let answer = move |x| {
    ///     if x == 1 {
    ///         let _ = hang.lock().unwrap().recv();
    ///     }
    ///     x
    /// };
    /// let mut answers = pool.imap(0..3, answer).timeout(Duration::from_millis(100));
    /// let mut in_time = Vec::new();
    /// while let Some(answer) = answers.next() {
    ///     match answer {
    ///         Ok(answer) => in_time.push(answer),
    ///         Err(late) => {
    ///             assert_eq!(late.index(), 1);
    ///             answers.give_up();
    ///         }
    ///     }
    /// }
    /// assert_eq!(in_time, [0, 2]);
    /// # drop(release);
    /// ```
    pub fn give_up(&mut self) -> bool {
        self.late.take() == Some(self.next_index()) && self.inner.controls_mut().give_up()
    }
}

/// Results with a limit on how long each is waited for. From [`Imap::timeout`].
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct Timeout<'p, T, P: Place = Pooled> {
    inner: Imap<'p, T, P>,
    limit: Duration,
}

impl<'p, T, P: Place> Timeout<'p, T, P> {
    /// Changes the limit for the calls to come.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// As [`Imap::give_up`].
    pub fn give_up(&mut self) -> bool {
        self.inner.give_up()
    }

    /// As [`Imap::numbered`]. Of an item that is late [`TimedOut`] has the index.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # use std::time::Duration;
    /// # let pool = StealingPool::new(2).unwrap();
    /// let (send, receive) = std::sync::mpsc::channel();
    /// let mut results = pool.imap(receive, |x: u32| x).timeout(Duration::from_millis(1)).numbered();
    /// assert!(results.next().unwrap().is_err_and(|late| late.index() == 0));
    /// send.send(7).unwrap();
    /// let in_time = results.find_map(Result::ok);
    /// assert_eq!(in_time, Some((0, 7)));
    /// # drop(send);
    /// ```
    pub fn numbered(self) -> Timeout<'p, (u64, T), P>
    where
        T: Send + 'p,
    {
        self.inner.numbered().timeout(self.limit)
    }

    /// As [`Imap::catch_panics`].
    pub fn catch_panics(self) -> Timeout<'p, Result<T, Panic>, P>
    where
        T: Send + 'p,
    {
        self.inner.catch_panics().timeout(self.limit)
    }

    /// As [`Imap::with_progress`]. A call that gives [`TimedOut`] leaves the bar where it is.
    #[cfg(feature = "progress")]
    pub fn with_progress(self, bar: indicatif::ProgressBar) -> Timeout<'p, T, P>
    where
        T: Send + 'p,
    {
        self.inner.with_progress(bar).timeout(self.limit)
    }

    access_inner!(Imap<'p, T, P>);
}

impl<T, P: Place> Iterator for Timeout<'_, T, P> {
    type Item = Result<T, TimedOut>;

    fn next(&mut self) -> Option<Result<T, TimedOut>> {
        self.inner.next_timeout(self.limit).transpose()
    }

    /// How many results there may be. Each [`TimedOut`] is one more, so there is no upper bound before the
    /// end.
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.inner.size_hint() {
            (0, Some(0)) => (0, Some(0)),
            (least, _) => (least, None),
        }
    }
}

impl<T, P: Place> std::iter::FusedIterator for Timeout<'_, T, P> {}

impl<T, P: Place> fmt::Debug for Timeout<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("inner", &self.inner).field("limit", &self.limit).finish()
    }
}
