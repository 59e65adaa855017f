//! Results with a limit, and their index.

use super::place::{Place, Pooled};
use super::timeout::Timeout;
use crate::error::TimedOut;

impl<'p, T, P: Place> Timeout<'p, T, P> {
    /// Gives each result with the index of its item, counted from 0.
    ///
    /// A late item that is waited for again has the same index each time. An item that panicked, or was [given
    /// up](Enumerated::give_up), counts as one. So the index is the item's place in the input, while
    /// `Iterator::enumerate` would count calls. In an [`unordered`](crate::Imap::unordered) imap it is the number of
    /// the result.
    ///
    /// ```
    /// # use pool_channel::{ChannelPool, Executor};
    /// # use std::time::Duration;
    /// # let pool = ChannelPool::new(2).unwrap();
    /// let (send, receive) = std::sync::mpsc::channel();
    /// let mut results = pool.imap(receive, |x: u32| x).timeout(Duration::from_millis(1)).enumerate();
    /// assert!(matches!(results.next(), Some((0, Err(_)))));
    /// assert!(matches!(results.next(), Some((0, Err(_)))));
    /// send.send(7).unwrap();
    /// let in_time = results.find(|(_, result)| result.is_ok());
    /// assert_eq!(in_time, Some((0, Ok(7))));
    /// # drop(send);
    /// ```
    pub fn enumerate(self) -> Enumerated<'p, T, P> {
        Enumerated { inner: self }
    }
}

/// Results with a limit, and their index. From [`Timeout::enumerate`].
#[derive(Debug)]
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct Enumerated<'p, T, P: Place = Pooled> {
    inner: Timeout<'p, T, P>,
}

impl<'p, T, P: Place> Enumerated<'p, T, P> {
    /// As [`Timeout::give_up`].
    pub fn give_up(&mut self) -> bool {
        self.inner.give_up()
    }

    /// The results without their index.
    pub fn get_ref(&self) -> &Timeout<'p, T, P> {
        &self.inner
    }
}

impl<T, P: Place> Iterator for Enumerated<'_, T, P> {
    type Item = (usize, Result<T, TimedOut>);

    fn next(&mut self) -> Option<(usize, Result<T, TimedOut>)> {
        let index = self.inner.get_ref().position();
        let result = self.inner.next()?;
        Some((usize::try_from(index).unwrap_or(usize::MAX), result))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T, P: Place> std::iter::FusedIterator for Enumerated<'_, T, P> {}
