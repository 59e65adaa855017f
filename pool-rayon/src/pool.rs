//! The pool: rayon's threads, and a [`Handle`] to queue jobs for them.

use crate::handle::Handle;
use crate::threads::Threads;
use pool_core::{Build, BuildError, Builder, Config, Executor, PoolStats, Workers};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Jobs on the threads of a `rayon::ThreadPool`.
///
/// Dropping it runs what is queued and waits for it. The rayon pool ends with it if nothing else holds it.
pub struct RayonPool {
    /// There until the pool is dropped.
    handle: Option<Handle>,
    /// The threads, if they are ours.
    workers: Option<Workers>,
    drop_timeout: Option<Duration>,
}

impl RayonPool {
    /// A rayon pool of this many threads, and the jobs on it.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroThreads`] for 0, and [`BuildError::Backend`] if rayon cannot start a thread.
    pub fn new(threads: usize) -> Result<RayonPool, BuildError> {
        RayonPool::builder().threads(threads).build()
    }

    /// Threads, names, stack size, hooks.
    pub fn builder() -> Builder<RayonPool> {
        Builder::new()
    }

    /// Jobs on a rayon pool that you have, beside whatever else it does.
    ///
    /// The first pool of a process takes some 5 to 20 ms, since that process has threads: see
    /// [`register_membarrier`](pool_core::register_membarrier).
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
    pub fn from_pool(pool: Arc<rayon::ThreadPool>) -> RayonPool {
        pool_core::register_membarrier();
        RayonPool::around(Threads::Own(pool), None, None)
    }

    /// Jobs on rayon's global pool, beside whatever else it does. Nothing more is started.
    ///
    /// All calls give pools on the same threads; each has a queue of its own. As with
    /// [`from_pool`](RayonPool::from_pool), dropping one runs what is queued in it, and the threads live on.
    ///
    /// # Panics
    ///
    /// If rayon cannot start its global pool.
    ///
    /// ```
    /// use pool_rayon::{Executor, RayonPool};
    ///
    /// let pool = RayonPool::global();
    /// assert_eq!(pool.threads(), rayon::current_num_threads());
    /// assert!(pool.imap(0..3, |x| x + 1).eq(1..4));
    /// ```
    pub fn global() -> RayonPool {
        pool_core::register_membarrier();
        RayonPool::around(Threads::global(), None, None)
    }

    fn around(pool: Threads, workers: Option<Workers>, drop_timeout: Option<Duration>) -> RayonPool {
        RayonPool { handle: Some(Handle::new(pool, workers.is_none())), workers, drop_timeout }
    }

    /// Runs what is queued and waits for it. Dropping the pool does the same, unless the builder was given a
    /// [`drop_timeout`](Builder::drop_timeout).
    ///
    /// On one of its own threads it returns at once: a job cannot wait for itself.
    pub fn join(mut self) {
        self.drop_timeout = None;
    }

    /// Discards what is queued and what comes from now on, and does not wait for what runs. A thread that waits for a
    /// discarded job gets [`Cancelled`](pool_core::Cancelled). It works through an `Arc`, and may be called again.
    pub fn terminate(&self) {
        self.handle().terminate();
    }

    /// Discards queued jobs, and waits for running ones for at most `limit`. Threads that have not ended then are let
    /// go: each ends when its job does. Returns whether all have ended.
    ///
    /// A thread that waits for a discarded job gets [`Cancelled`](pool_core::Cancelled). On one of the pool's own threads it
    /// returns `false` at once.
    ///
    /// Rayon's threads end together, so a thread whose job hangs keeps the others, asleep. On a rayon pool of your own
    /// this waits for jobs of this pool alone.
    ///
    /// ```
    /// use pool_rayon::{Executor, RayonPool};
    /// use std::time::Duration;
    ///
    /// let pool = RayonPool::new(2)?;
    /// let (release, hang) = std::sync::mpsc::channel::<()>();
    /// let hanging = pool.submit(move || hang.recv());
    /// while pool.has_waiting() {} // until a thread has it
    /// assert!(!pool.shutdown_timeout(Duration::from_millis(10)));
    /// // Its thread ends when the job does.
    /// drop(release);
    /// assert!(hanging.join().is_ok());
    /// # Ok::<(), pool_rayon::BuildError>(())
    /// ```
    pub fn shutdown_timeout(mut self, limit: Duration) -> bool {
        self.end_within(limit)
    }

    /// What each of rayon's threads has done for this pool since it was built; of a pool of your own, for
    /// these jobs alone and not for whatever else it does.
    ///
    /// Its figures are special in three ways:
    ///
    /// - Where a job waits inside rayon (`rayon::join`, `scope`, a parallel iterator), rayon may have its
    ///   thread run something else meanwhile (but no other job). That time is busy time of the job that waits.
    /// - `sleeps` says how often a thread gave itself back to rayon because no job was left. Whether it then
    ///   sleeps is rayon's affair, and cannot be seen.
    /// - `steals` is 0: rayon's deques hold no jobs, but only requests to run the oldest one.
    ///
    /// Always counted; two readings of the clock per job, some 50 to 100 ns together. Asking takes no lock.
    ///
    /// ```
    /// use pool_rayon::{Executor, RayonPool};
    ///
    /// let pool = RayonPool::new(2)?;
    /// pool.submit(|| "work").join().unwrap();
    /// assert_eq!(pool.stats().total().jobs, 1);
    /// println!("{}", pool.stats());
    /// # Ok::<(), pool_rayon::BuildError>(())
    /// ```
    pub fn stats(&self) -> PoolStats {
        self.handle().stats()
    }

    fn end_within(&mut self, limit: Duration) -> bool {
        let Some(handle) = self.handle.take() else { return true };
        let began = Instant::now();
        handle.terminate();
        let idle = !handle.is_here() && handle.wait_until_idle(Some(limit));
        // Rayon's threads end when nothing holds its pool.
        drop(handle);
        match &mut self.workers {
            Some(workers) => workers.join_timeout(limit.saturating_sub(began.elapsed())),
            None => idle,
        }
    }

    fn handle(&self) -> &Handle {
        self.handle.as_ref().expect("only drop takes the handle")
    }
}

impl fmt::Debug for RayonPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RayonPool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

/// A pool with the defaults of its [builder](RayonPool::builder): as many threads as the environment variable
/// `POOL_THREADS` says, or one per core.
///
/// # Panics
///
/// If it cannot be built.
///
/// A pool for the whole program is a static variable. It is never dropped: its threads end with the process. Or use
/// [rayon's own](RayonPool::global).
///
/// ```
/// use pool_rayon::{Executor, RayonPool};
/// use std::sync::LazyLock;
///
/// static POOL: LazyLock<RayonPool> = LazyLock::new(RayonPool::default);
///
/// assert!(POOL.imap(0..3, |x| x + 1).eq(1..4));
/// ```
impl Default for RayonPool {
    fn default() -> RayonPool {
        RayonPool::builder().build().unwrap_or_else(|error| panic!("{error}"))
    }
}

// The state that a pool shares with its threads changes under a lock or atomically, by code that does not unwind:
// panics of jobs, hooks and destructors are caught. So a panic elsewhere leaves no change half done.
impl UnwindSafe for RayonPool {}
impl RefUnwindSafe for RayonPool {}

impl Build for RayonPool {
    const NAME: &'static str = "pool-rayon";

    fn build(config: Config) -> Result<RayonPool, BuildError> {
        // Rayon hands its workers over, so that they start as every pool's do: all or none.
        let mut workers = Vec::new();
        let builder = rayon::ThreadPoolBuilder::new().num_threads(config.threads()?);
        let builder = builder.spawn_handler(|worker| {
            workers.push(worker);
            Ok(())
        });
        let pool = builder.build().map_err(|error| BuildError::Backend(Box::new(error)))?;
        let workers = config.start(workers.into_iter().map(|worker| || worker.run()))?;
        Ok(RayonPool::around(Threads::Own(Arc::new(pool)), Some(workers), config.drop_timeout()))
    }
}

impl Drop for RayonPool {
    fn drop(&mut self) {
        if let Some(limit) = self.drop_timeout {
            self.end_within(limit);
        }
        let Some(handle) = self.handle.take() else { return };
        if !handle.is_here() {
            handle.wait_until_idle(None);
        }
        // Rayon's threads end when nothing holds its pool.
        drop(handle);
        if let Some(workers) = &mut self.workers {
            workers.join();
        }
    }
}

impl Executor for RayonPool {
    pool_core::forward_executor!(self => *self.handle());
}
