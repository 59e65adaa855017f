//! Ordered parallel `imap` on a work-stealing pool.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(3)?;
//! let squares: Vec<u64> = pool.imap(0..5u64, |x| x * x).collect();
//! assert_eq!(squares, [0, 1, 4, 9, 16]);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
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
#[cfg(feature = "stream")]
#[doc(inline)]
pub use pool_core::ImapStream;
#[doc(inline)]
pub use pool_core::{
    BuildError, Builder, CancelToken, Cancelled, Executor, Imap, ImapStats, ItemTimeout, IterExt, JobError,
    JobHandle, JobTimedOut, Local, LocalInput, MAX_DEFAULT_WINDOW_PER_THREAD, Panic, Place, PoolStats,
    Pooled, Scope, ScopedJobHandle, Sequential, TimedOut, Timeout, WorkerStats, backend, compiler_errors,
    guide,
};

/// The example in the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
