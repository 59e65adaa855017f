//! Ordered, lazy, bounded parallel `imap` on rayon: results come in the order of the input while the pool computes ahead. It runs
//! on a rayon pool [of its own](RayonPool::new), [on one that you have](RayonPool::from_pool), or on [the global
//! one](RayonPool::global), and re-exports everything of `pool-core`.
//!
//! ```
//! use pool_rayon::{Executor, RayonPool};
//!
//! let pool = RayonPool::new(3)?;
//! for square in pool.imap(0..5u64, |x| x * x) {
//!     println!("{square}");
//! }
//! # Ok::<(), pool_rayon::BuildError>(())
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
//! # How jobs reach rayon
//!
//! Jobs are kept in one first-in first-out queue here, and rayon is given, for each of them, a closure
//! that runs the oldest job there is. Given to rayon directly, a job that was spawned by a job would go
//! onto that worker's own deque, and be the next to run there: an imap that spawns its next job would
//! never let another imap in (P14).
//!
//! Rayon lets a thread that waits in `rayon::join` run whatever it finds. A job is never among that: it begins only on
//! a thread that is in no job, so your function may use rayon on the same threads.
//!
//! This pool does three things that `rayon::spawn` does not: a panic in a job does not abort the process, since
//! [`Job::run`](pool_core::backend::Job::run) never unwinds; [`join`](RayonPool::join) waits for the jobs, which are
//! counted; and a thread of the rayon pool that waits in `next` works instead of sleeping, also when it runs a closure of
//! rayon's and not a job of ours ([`Executor::is_worker`]).

mod pool;
mod queue;
mod threads;

pub use pool::RayonPool;
pub use pool_core;
pub use queue::Rayon;
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
