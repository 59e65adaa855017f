//! The pool: threads around the queue.

use crate::queue::Queue;
use pool_core::{Build, BuildError, Builder, Config, Counters, Executor, Job, PoolStats, Workers};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// A pool whose threads share one queue.
///
/// Dropping it runs what is queued, and waits until every thread has ended; on one of its own threads it does not wait.
/// With a [`drop_timeout`](Builder::drop_timeout) it discards what is queued, and waits for at most that long.
///
/// ```
/// use pool_channel::ChannelPool;
///
/// let pool = ChannelPool::builder().threads(2).thread_name(|index| format!("hash-{index}")).build()?;
/// pool.join();
/// # Ok::<(), pool_channel::BuildError>(())
/// ```
#[derive(Debug)]
pub struct ChannelPool {
    handle: Handle,
    workers: Workers,
    drop_timeout: Option<Duration>,
    /// One for each thread.
    counters: Vec<Arc<Counters>>,
}

/// The executor that a job spawns on.
#[derive(Clone)]
struct Handle {
    queue: Arc<Queue>,
    threads: usize,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl ChannelPool {
    /// A pool of this many threads.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroThreads`] for 0, and [`BuildError::Thread`] if the system refuses a thread.
    pub fn new(threads: usize) -> Result<ChannelPool, BuildError> {
        ChannelPool::builder().threads(threads).build()
    }

    /// Threads, names, stack size, hooks.
    pub fn builder() -> Builder<ChannelPool> {
        Builder::new()
    }

    /// Runs what is queued, and waits until every thread has ended. Dropping the pool does the same, unless the
    /// builder was given a [`drop_timeout`](Builder::drop_timeout).
    pub fn join(mut self) {
        self.drop_timeout = None;
    }

    /// Discards what is queued and what comes from now on, and does not wait for what runs. A thread that waits for a
    /// discarded job gets [`Cancelled`](pool_core::Cancelled). It works through an `Arc`, and may be called again.
    pub fn terminate(&self) {
        self.handle.queue.terminate();
    }

    /// Discards queued jobs, and waits for running ones for at most `limit`. Threads that have not ended then are let
    /// go: each ends when its job does. Returns whether all have ended.
    ///
    /// A thread that waits for a discarded job gets [`Cancelled`](pool_core::Cancelled). On one of the pool's own threads it
    /// returns `false` at once.
    ///
    /// ```
    /// use pool_channel::{Executor, ChannelPool};
    /// use std::time::Duration;
    ///
    /// let pool = ChannelPool::new(2)?;
    /// let (release, hang) = std::sync::mpsc::channel::<()>();
    /// let hanging = pool.submit(move || hang.recv());
    /// while pool.has_waiting() {} // until a thread has it
    /// assert!(!pool.shutdown_timeout(Duration::from_millis(10)));
    /// // Its thread ends when the job does.
    /// drop(release);
    /// assert!(hanging.join().is_ok());
    /// # Ok::<(), pool_channel::BuildError>(())
    /// ```
    pub fn shutdown_timeout(mut self, limit: Duration) -> bool {
        self.end_within(limit)
    }

    /// What each worker has done since the pool was built. There is nothing to steal here, so `steals` is 0.
    ///
    /// Always counted; two readings of the clock per job, some 50 to 100 ns together. Asking takes no lock.
    ///
    /// ```
    /// use pool_channel::{ChannelPool, Executor};
    ///
    /// let pool = ChannelPool::new(2)?;
    /// pool.submit(|| "work").join().unwrap();
    /// assert_eq!(pool.stats().total().jobs, 1);
    /// println!("{}", pool.stats());
    /// # Ok::<(), pool_channel::BuildError>(())
    /// ```
    pub fn stats(&self) -> PoolStats {
        self.counters.iter().map(|worker| worker.stats()).collect()
    }

    fn end_within(&mut self, limit: Duration) -> bool {
        self.terminate();
        self.workers.join_timeout(limit)
    }
}

/// A pool with the defaults of its [builder](ChannelPool::builder): as many threads as the environment variable
/// `POOL_THREADS` says, or one per core.
///
/// # Panics
///
/// If it cannot be built.
///
/// A pool for the whole program is a static variable. It is never dropped: its threads end with the process.
///
/// ```
/// use pool_channel::{Executor, ChannelPool};
/// use std::sync::LazyLock;
///
/// static POOL: LazyLock<ChannelPool> = LazyLock::new(ChannelPool::default);
///
/// assert!(POOL.imap(0..3, |x| x + 1).eq(1..4));
/// ```
impl Default for ChannelPool {
    fn default() -> ChannelPool {
        ChannelPool::builder().build().unwrap_or_else(|error| panic!("{error}"))
    }
}

// The state that a pool shares with its threads changes under a lock or atomically, by code that does not unwind:
// panics of jobs, hooks and destructors are caught. So a panic elsewhere leaves no change half done.
impl UnwindSafe for ChannelPool {}
impl RefUnwindSafe for ChannelPool {}

impl Build for ChannelPool {
    const NAME: &'static str = "pool-channel";

    fn build(config: Config) -> Result<ChannelPool, BuildError> {
        let threads = config.threads()?;
        let handle = Handle { queue: Arc::new(Queue::new()), threads };
        let mut counters = Vec::new();
        let workers = (0..threads).map(|_| {
            let handle = handle.clone();
            let mine = Arc::new(Counters::new());
            counters.push(mine.clone());
            move || handle.queue.work(&mine, |job| mine.run(job, &handle))
        });
        let workers = config.start(workers)?;
        Ok(ChannelPool { handle, workers, drop_timeout: config.drop_timeout(), counters })
    }
}

impl Drop for ChannelPool {
    fn drop(&mut self) {
        if let Some(limit) = self.drop_timeout {
            self.end_within(limit);
            return;
        }
        self.handle.queue.close();
        self.workers.join();
    }
}

impl Executor for Handle {
    fn threads(&self) -> usize {
        self.threads
    }

    fn spawn(&self, job: Job) {
        self.queue.push(job);
    }

    fn has_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    fn pool_id(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.queue).addr())
    }
}

impl Executor for ChannelPool {
    pool_core::forward_executor!(self => self.handle);
}
