//! `stream.imap(pool, f)`: an imap as a stage of an asynchronous chain.

use crate::Executor;
use crate::imap::{ExecutorRef, StreamImap};
use futures_core::Stream;

/// An imap as a method of every stream (feature `stream`).
///
/// `buffered(n)` of `futures` runs its futures only while it is polled. The stage that this makes works on while the task
/// does something else: what it has pulled runs on the pool.
///
/// It has no task and no runtime of its own. Its `poll_next` hands out what is ready, and polls the stream ahead, as far as
/// the [window](StreamImap::window) has room, and for about 100 µs at most. The task is woken when the next result is ready, or
/// when the stream has something; so a burst of items wakes it once. Where many short items are under way, `poll_next` looks
/// for the next result for up to 50 µs, and offers its core, before the task sleeps: else it would be woken for each.
pub trait StreamImapExt: Stream {
    /// Maps this stream on a pool: in order, lazily, in bounded memory. It gets a reference to a pool, or a pool or a clone of its
    /// `Arc`, which it owns then.
    ///
    /// The function runs on the pool's threads. The stream is polled where the results are polled, so it may borrow, and
    /// may need the runtime of that task. A panic of the function comes out of `poll_next` at its item's place; one of the
    /// stream comes last.
    ///
    /// ```
    /// use futures::{StreamExt, stream};
    /// use pool_stealing::{StealingPool, StreamImapExt};
    /// use std::sync::Arc;
    ///
    /// let pool = Arc::new(StealingPool::new(2)?);
    /// let lines = stream::iter(["3", "x", "1", "2"]);
    /// let rendered = lines
    ///     .imap(pool.clone(), |line| line.parse::<u32>())
    ///     .filter_map(async |number| number.ok())
    ///     .imap(pool, |number| "*".repeat(number as usize))
    ///     .window(8);
    /// let rendered: Vec<_> = futures::executor::block_on(rendered.collect());
    /// assert_eq!(rendered, ["***", "*", "**"]);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    fn imap<'p, E, F, T>(self, executor: E, f: F) -> StreamImap<'p, T>
    where
        Self: Sized + Send + 'p,
        Self::Item: Send + 'static,
        E: Executor + 'p,
        F: Fn(Self::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        StreamImap::new(ExecutorRef::owned(executor), self, f)
    }

    /// The same with a state for each thread at work, as [`imap_init`](Executor::imap_init).
    ///
    /// ```
    /// use futures::{StreamExt, stream};
    /// use pool_stealing::{StealingPool, StreamImapExt};
    ///
    /// let pool = StealingPool::new(2)?;
    /// let lengths = stream::iter(0..3u32).imap_init(&pool, String::new, |buffer, x| {
    ///     buffer.clear();
    ///     buffer.extend(std::iter::repeat_n('x', x as usize));
    ///     buffer.len()
    /// });
    /// assert_eq!(futures::executor::block_on(lengths.collect::<Vec<_>>()), [0, 1, 2]);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    fn imap_init<'p, E, N, S, F, T>(self, executor: E, init: N, f: F) -> StreamImap<'p, T>
    where
        Self: Sized + Send + 'p,
        Self::Item: Send + 'static,
        E: Executor + 'p,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, Self::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        StreamImap::with_state(ExecutorRef::owned(executor), self, init, f)
    }
}

impl<S: Stream> StreamImapExt for S {}
