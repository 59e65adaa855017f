//! An imap as an asynchronous stream: the task is woken where a thread would have slept.

use super::engine::Wait;
use super::iter::Imap;
use super::policy;
use super::results::Next;
use super::wrapper::access_inner;
use crate::sync::Instant;
use crate::unwind::{catch, drop_quietly};
use futures_core::Stream;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

impl<'p, T> Imap<'p, T> {
    /// The imap as a `Stream` (of `futures-core`, feature `stream`), for consumers that must not block their thread.
    /// Dropping the stream cancels what has not begun.
    ///
    /// The function runs on the pool's threads, never on the one that polls, and results come as promptly as to a
    /// thread that sleeps. A panic of an item surfaces in `poll_next`; use [`catch_panics`](Imap::catch_panics) to have
    /// it as a value.
    ///
    /// It is a good guest on its runtime: after 128 results or 100 µs without a pause, `poll_next` wakes its own task
    /// and gives `Pending` once, so that timers fire and other tasks run while results are always ready.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// let pool = StealingPool::new(2)?;
    /// let squares = pool.imap(0..5u64, |x| x * x).into_stream();
    /// let squares: Vec<_> = futures::executor::block_on(squares.collect());
    /// assert_eq!(squares, [0, 1, 4, 9, 16]);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn into_stream(self) -> ImapStream<'p, T> {
        ImapStream { inner: self, results: 0, since: None }
    }
}

/// An [`Imap`] as a `Stream`. From [`Imap::into_stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct ImapStream<'p, T> {
    inner: Imap<'p, T>,
    /// How many results there were since the last pause, and since when.
    results: u32,
    since: Option<Instant>,
}

impl<'p, T> ImapStream<'p, T> {
    access_inner!(Imap<'p, T>);
}

impl<T> ImapStream<'_, T> {
    /// Whether to leave the thread to others now. Not if the task could not be woken afterwards.
    fn yields(&mut self, waker: &Waker) -> bool {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        if self.results == 0
            || (self.results < policy::STREAM_RESULTS && now.since(since) < policy::STREAM_TIME)
        {
            return false;
        }
        self.pause();
        match catch(|| waker.wake_by_ref()) {
            Ok(()) => true,
            Err(payload) => {
                drop_quietly(payload);
                false
            }
        }
    }

    fn pause(&mut self) {
        (self.results, self.since) = (0, None);
    }
}

impl<T> Stream for ImapStream<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if self.yields(context.waker()) {
            return Poll::Pending;
        }
        match self.inner.inner.next(Wait::Task(context.waker())) {
            Next::Result(value) => {
                self.results += 1;
                Poll::Ready(Some(value))
            }
            Next::Panic(panic) => {
                self.results += 1;
                panic.resume()
            }
            Next::End => {
                self.inner.note_end();
                Poll::Ready(None)
            }
            Next::CallLate(_) | Next::ItemLate(_) => {
                self.pause();
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T> fmt::Debug for ImapStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ImapStream").field(&self.inner).finish()
    }
}
