//! Ordered, lazy, bounded parallel `imap` on threads that have a queue each and steal from each other: results come in the order
//! of the input while the pool computes ahead. It is the backend to begin with, and re-exports everything of `pool-core`.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(3)?;
//! for square in pool.imap(0..5u64, |x| x * x) {
//!     println!("{square}");
//! }
//! # Ok::<(), pool_stealing::BuildError>(())
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
//! # The queues
//!
//! Each worker has a queue of its own. A job that is spawned from inside a job goes there, where its worker picks it up
//! without contention; a worker that has run out of jobs takes the oldest job of another. Jobs from outside go through
//! a shared queue, the injector. Compared with one shared queue (`pool-channel`), this pays off when jobs are short,
//! when they spawn jobs, and on many cores.
//!
//! An idle pool uses no CPU time. Dropping the pool runs what is queued;
//! [`terminate`](StealingPool::terminate) discards it.
//!
//! Inside: `queue` is where jobs wait, `worker` what a worker does, and `sleep` how it falls asleep and
//! is woken, with the argument why no wake-up is lost.

#[cfg(loom)]
mod deque_loom;
#[cfg(all(test, loom))]
mod models;
mod pool;
mod queue;
mod sleep;
mod sync;
mod worker;

pub use pool::{Stealing, StealingPool};
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
