//! Ordered, lazy, bounded parallel `imap` on threads that share one queue: results come in the order of the input while the pool
//! computes ahead. It is the smallest of the backends, and has no dependency but `pool-core`, which it re-exports.
//!
//! ```
//! use pool_channel::{Executor, ChannelPool};
//!
//! let pool = ChannelPool::new(3)?;
//! for square in pool.imap(0..5u64, |x| x * x) {
//!     println!("{square}");
//! }
//! # Ok::<(), pool_channel::BuildError>(())
//! ```
//!
//! The input may be endless, may block, and need not be in memory. The [`guide`] begins with
//! [five minutes](guide::five_minutes), and has the rest: limits, errors and panics, borrowed data, nesting, streams, the way
//! over from Python, rayon, `pariter` and `futures`. What a pool can do is at [`Executor`], what an imap can at [`Imap`].
//!
//! Lines of a file, or other records, go through a pool in blocks, with the feature `blocks`:
//! `Blocks::lines(input).pipe(&pool, output, f)` is a loop over lines that writes what it makes of each, on all threads. See
//! [lines of text](guide::text).
//!
//! # Which backend
//!
//! All keep the same promises, so choose by what else your program does.
//!
//! | | |
//! |---|---|
//! | `pool-stealing` | The default choice. Many threads, and jobs that spawn jobs: each worker has its own queue. |
//! | `pool-channel` | The smallest: one queue, first in, first out, no dependency but the core. |
//! | `pool-rayon` | You have a rayon pool already, and want its threads to be all there are. |
//!
//! # The queue
//!
//! A `VecDeque` behind a mutex, with a condition variable for the workers that find it empty. A push wakes
//! one of them, and none if none sleeps. Jobs run first in, first out, so every imap gets its turn (P14).
//!
//! The other candidate was `crossbeam-channel`. Its receivers spin before they sleep, so a lone job comes back sooner;
//! but a short `imap` takes longer, since the spinning takes a core from the consumer. Short imaps are what this crate
//! is for. Besides, a queue of our own can wait for running jobs when it closes, since they may push more, and take all
//! jobs out at once when it is terminated.

mod pool;
mod queue;

pub use pool::{Channel, ChannelPool};
pub use pool_core;
// So that one dependency and one `use` are enough.
#[doc(inline)]
pub use pool_core::{
    Batches, Budget, BuildError, Builder, CancelToken, Cancelled, Current, Executor, Imap, ImapStats, Input,
    ItemTime, ItemTimeout, IterExt, JobError, JobHandle, JobTimedOut, Local, LocalInput,
    MAX_DEFAULT_WINDOW_PER_THREAD, Outcome, Panic, Place, PoolStats, Pooled, Scope, ScopedJobHandle,
    Sequential, Sink, TimedOut, Timeout, WithSizes, WorkerStats, backend, compiler_errors, current, guide,
};
#[cfg(feature = "blocks")]
#[doc(inline)]
pub use pool_core::{Block, Blocks, RecordTooLong, Records};
#[cfg(feature = "stream")]
#[doc(inline)]
pub use pool_core::{ImapStream, StreamImap, StreamImapExt};

/// The example in the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
