//! The line as an asynchronous stream: the task is woken where a thread would have slept.

use super::Imap;
use super::cursor::Wait;
use futures_core::Stream;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<'p, T> Imap<'p, T> {
    /// The line as a `Stream` (of `futures-core`, feature `stream`), for consumers that must not block their
    /// thread. Dropping the stream cancels what has not begun.
    ///
    /// The function runs on the pool's threads, never on the one that polls. A panic of an item surfaces in
    /// `poll_next`; use [`catch_panics`](Imap::catch_panics) to have it as a value.
    ///
    /// Results come as promptly as to a sleeping thread, with two limits. On a pool of one thread, items
    /// are taken one by one, which costs some hundred nanoseconds each. And while the function hangs on all
    /// threads but one, and the input blocks that one, nobody runs what was pulled already.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use pool_channel::{ChannelPool, Executor};
    ///
    /// let pool = ChannelPool::new(2)?;
    /// let squares = pool.imap(0..5u64, |x| x * x).into_stream();
    /// let squares: Vec<_> = futures::executor::block_on(squares.collect());
    /// assert_eq!(squares, [0, 1, 4, 9, 16]);
    /// # Ok::<(), pool_channel::pool_core::BuildError>(())
    /// ```
    pub fn into_stream(self) -> ImapStream<'p, T> {
        ImapStream { inner: self }
    }
}

/// An [`Imap`] as a `Stream`. From [`Imap::into_stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct ImapStream<'p, T> {
    inner: Imap<'p, T>,
}

impl<'p, T> ImapStream<'p, T> {
    /// The line, for [`stats`](Imap::stats) and the like.
    pub fn get_ref(&self) -> &Imap<'p, T> {
        &self.inner
    }
}

impl<T> Stream for ImapStream<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match self.inner.next_caught(Wait::Task(context.waker())) {
            Ok(Some(Ok(value))) => Poll::Ready(Some(value)),
            Ok(Some(Err(panic))) => panic.resume(),
            Ok(None) => Poll::Ready(None),
            Err(_) => Poll::Pending,
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
