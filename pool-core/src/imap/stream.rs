//! An imap as an asynchronous stream: the task is woken where a thread would have slept.

use super::engine::Wait;
use super::iter::Imap;
use super::policy::{self, ClockSampler};
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
    /// Where many short items are under way, `poll_next` looks for the next result for up to 50 µs, and offers its core, before
    /// the task sleeps: else it would be woken for each.
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
        ImapStream { inner: self, results: 0, time: ThreadTime::new() }
    }
}

/// An [`Imap`] as a `Stream`. From [`Imap::into_stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct ImapStream<'p, T> {
    inner: Imap<'p, T>,
    /// How many results there were since the last pause.
    results: u32,
    time: ThreadTime,
}

impl<'p, T> ImapStream<'p, T> {
    access_inner!(Imap<'p, T>);
}

impl<T> ImapStream<'_, T> {
    /// Whether to leave the thread to others now. Not if the task could not be woken afterwards.
    fn yields(&mut self, waker: &Waker) -> bool {
        let is_over = self.time.is_over();
        if self.results == 0 || (self.results < policy::STREAM_RESULTS && !is_over) {
            return false;
        }
        self.pause();
        wakes(waker)
    }

    fn pause(&mut self) {
        (self.results, self.time) = (0, ThreadTime::new());
    }
}

/// Wakes the task. Returns whether that went well.
pub(super) fn wakes(waker: &Waker) -> bool {
    catch(|| waker.wake_by_ref()).map_err(drop_quietly).is_ok()
}

/// The time that a task may have its thread for.
pub(super) struct ThreadTime {
    /// Since when, and when the clock was read last.
    since: Option<(Instant, Instant)>,
    sampler: ClockSampler,
}

impl ThreadTime {
    /// It begins with the first question.
    pub(super) fn new() -> ThreadTime {
        ThreadTime { since: None, sampler: ClockSampler::new(policy::MOST_POLLED) }
    }

    /// Whether it has passed. To be asked for each item; the clock is not read each time.
    pub(super) fn is_over(&mut self) -> bool {
        if !self.sampler.is_due() {
            return false;
        }
        let now = Instant::now();
        let (since, last) = self.since.get_or_insert((now, now));
        self.sampler.looked(now.since(std::mem::replace(last, now)));
        now.since(*since) >= policy::STREAM_TIME
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
