//! Results with a limit on how long each is waited for.

use super::adapted::Adapted;
use super::cancel::CancelToken;
use super::engine::Wait;
use super::iter::{Imap, Inner};
use super::place::{Place, Pooled};
use super::results::Next;
use crate::error::TimedOut;
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
    /// may wait behind one that hangs.
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
    /// # use pool_channel::{ChannelPool, Executor};
    /// # use std::time::Duration;
    /// # let pool = ChannelPool::new(2).unwrap();
    /// let (send, receive) = std::sync::mpsc::channel();
    /// let mut results = pool.imap(receive, |x: u32| x + 1);
    /// let late = results.next_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(late.index(), 0);
    /// send.send(41).unwrap();
    /// assert_eq!(results.next_timeout(Duration::from_secs(60)), Ok(Some(42)));
    /// # drop(send);
    /// ```
    pub fn next_timeout(&mut self, limit: Duration) -> Result<Option<T>, TimedOut> {
        match self.next_caught(Wait::AtMost(limit)) {
            Next::Result(value) => Ok(Some(value)),
            Next::Panic(panic) => panic.resume(),
            Next::End => Ok(None),
            Next::CallLate(late) | Next::ItemLate(late) => Err(late),
        }
    }

    /// An iterator that waits for each result for at most `limit`, and else gives [`TimedOut`]. See
    /// [`next_timeout`](Imap::next_timeout) for what that means.
    ///
    /// After [`TimedOut`] the iteration can go on: with the same item again, or with the next one if the
    /// late one is [given up](Timeout::give_up). Stopping at the first error, as `?` and `collect` do, drops
    /// the imap, which cancels what has not begun.
    ///
    /// ```
    /// use pool_channel::{ChannelPool, Executor};
    /// use std::time::Duration;
    ///
    /// let pool = ChannelPool::new(3)?;
    /// for square in pool.imap(0..5, |x| x * x).timeout(Duration::from_secs(6)) {
    ///     println!("{}", square?);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn timeout(self, limit: Duration) -> Timeout<'p, T, P> {
        Timeout { inner: self, limit, late: false }
    }

    /// Goes on to the next item, as if the head had been delivered. Does nothing without order, where any item may be
    /// the next.
    pub(super) fn give_up(&mut self) -> bool {
        match &mut self.inner {
            Inner::Results(results) => results.give_up(),
            Inner::Adapted(adapted) => adapted.give_up(),
        }
    }
}

/// Results with a limit on how long each is waited for. From [`Imap::timeout`].
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct Timeout<'p, T, P: Place = Pooled> {
    inner: Imap<'p, T, P>,
    limit: Duration,
    /// The last call found the head late.
    late: bool,
}

impl<'p, T, P: Place> Timeout<'p, T, P> {
    /// Gives up the item that the last call found late: the iteration goes on with the next one. The late result is
    /// discarded by the first call that waits after it has come, or with the imap. The function goes on running, and
    /// occupies its thread of the pool until it returns.
    ///
    /// Returns whether there was such an item. There is none unless the last call gave [`TimedOut`], nor in
    /// an [`unordered`](Imap::unordered) imap, where no item in particular is late. An item that has not
    /// even been pulled can be given up as well: its result will be discarded.
    ///
    /// ```
    /// # use pool_channel::{ChannelPool, Executor};
    /// # use std::time::Duration;
    /// # let pool = ChannelPool::new(2).unwrap();
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
        std::mem::take(&mut self.late) && self.inner.give_up()
    }

    /// As [`Imap::cancel_with`], so that the order of the two does not matter.
    pub fn cancel_with(mut self, token: &CancelToken) -> Self {
        self.inner.attach(token);
        self
    }

    /// Changes the limit for the calls to come.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// The imap without the limit, as a reference: for [`stats`](Imap::stats) and the like.
    pub fn get_ref(&self) -> &Imap<'p, T, P> {
        &self.inner
    }

    /// The imap without the limit. A late item is waited for again.
    pub fn into_inner(self) -> Imap<'p, T, P> {
        self.inner
    }
}

impl<T, P: Place> Iterator for Timeout<'_, T, P> {
    type Item = Result<T, TimedOut>;

    fn next(&mut self) -> Option<Result<T, TimedOut>> {
        let next = self.inner.next_timeout(self.limit);
        self.late = next.is_err();
        next.transpose()
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
