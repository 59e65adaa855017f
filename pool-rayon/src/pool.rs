//! The pool.

use crate::queue::Rayon;
use pool_core::backend::Pool;

/// Jobs on the threads of a `rayon::ThreadPool`.
///
/// Its methods are those of [`Pool`] and of [`Executor`](pool_core::Executor).
///
/// # Threads that you have
///
/// [`from_pool`](RayonPool::from_pool) puts jobs on a rayon pool that was made elsewhere, beside whatever else it does.
/// Dropping the `RayonPool` runs what is queued in it and waits for that; the rayon pool lives on. A limit, as in
/// [`shutdown_timeout`](RayonPool::shutdown_timeout), is for jobs of the `RayonPool` alone.
///
/// ```
/// use pool_rayon::{Executor, RayonPool};
/// use std::sync::Arc;
///
/// let rayon = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build()?);
/// let pool = RayonPool::from_pool(rayon.clone());
/// // Also from inside: the waiting thread does the work itself if no other is free.
/// let sum: u64 = rayon.install(|| pool.imap(1..=10u64, |x| x).sum());
/// assert_eq!(sum, 55);
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
///
/// [`global`](RayonPool::global) does the same on rayon's global pool. It panics if rayon cannot start that.
///
/// ```
/// use pool_rayon::{Executor, RayonPool};
///
/// let pool = RayonPool::global();
/// assert_eq!(pool.threads(), rayon::current_num_threads());
/// assert!(pool.imap(0..3, |x| x + 1).eq(1..4));
/// ```
///
/// # Rayon's threads
///
/// They end together, so a thread whose job hangs keeps the others, asleep. The [`stats`](RayonPool::stats) are special
/// in three ways:
///
/// - Where a job waits inside rayon (`rayon::join`, `scope`, a parallel iterator), rayon may have its
///   thread run something else meanwhile (but no other job). That time is busy time of the job that waits.
/// - `sleeps` says how often a thread gave itself back to rayon because no job was left. Whether it then
///   sleeps is rayon's affair, and cannot be seen.
/// - `steals` is 0: rayon's deques hold no jobs, but only requests to run the oldest one.
pub type RayonPool = Pool<Rayon>;
