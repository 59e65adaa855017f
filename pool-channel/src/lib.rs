//! The smallest backend: ordered `imap` on threads that share one queue.
//!
//! ```
//! use pool_channel::{ChannelPool, Executor};
//!
//! let pool = ChannelPool::new(2)?;
//! assert!(pool.imap(0..100, |x| x * x).eq((0..100).map(|x| x * x)));
//! # Ok::<(), pool_channel::BuildError>(())
//! ```
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
