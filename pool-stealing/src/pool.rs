//! The pool and its handle.
//!
//! A worker's deque can be used on its own thread only, while a handle ([`Executor`]) can be shared. So
//! the deque stays in a thread-local variable, and the handle asks there: if the current thread is a
//! worker of its pool, the job goes into that worker's deque, else into the injector. This way one handle
//! serves all, and `spawn` on the pool itself finds the own deque too.

use crate::worker::{Core, Worker};
use pool_core::{Build, BuildError, Builder, Config, Executor, Job, PoolStats, Workers};
use std::cell::RefCell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A pool whose workers have a queue each, and steal from each other.
///
/// Dropping it runs what is queued and waits for its threads, like [`join`](StealingPool::join). With a
/// [`drop_timeout`](Builder::drop_timeout) it discards what is queued, and waits for at most that long.
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let lengths: Vec<usize> = pool.imap(["one", "three"], |word| word.len()).collect();
/// assert_eq!(lengths, [3, 5]);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
pub struct StealingPool {
    handle: Handle,
    workers: Workers,
    drop_timeout: Option<Duration>,
}

/// The executor that a job spawns on.
#[derive(Clone)]
struct Handle {
    core: Arc<Core<Job>>,
}

thread_local! {
    /// The worker that this thread is, if it is one. A thread is a worker of one pool at most.
    static HERE: RefCell<Option<Rc<Worker<Job>>>> = const { RefCell::new(None) };
}

impl StealingPool {
    /// A pool of this many threads.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroThreads`] for 0, and [`BuildError::Thread`] if the system refuses a thread.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// assert_eq!(StealingPool::new(3)?.threads(), 3);
    /// assert!(StealingPool::new(0).is_err());
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn new(threads: usize) -> Result<StealingPool, BuildError> {
        StealingPool::builder().threads(threads).build()
    }

    /// Threads, names, stack size, hooks.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// let pool = StealingPool::builder().threads(1).thread_name(|i| format!("io-{i}")).build()?;
    /// let name = pool.submit(|| std::thread::current().name().map(String::from));
    /// assert_eq!(name.join().unwrap().as_deref(), Some("io-0"));
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn builder() -> Builder<StealingPool> {
        Builder::new()
    }

    /// Runs what is queued, and waits until every thread has ended. Dropping the pool does the same, unless the
    /// builder was given a [`drop_timeout`](Builder::drop_timeout).
    ///
    /// On one of the pool's own threads it does not wait: the rest is run, and the threads end, when the
    /// calling job has ended.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// let pool = StealingPool::new(1)?;
    /// let answer = pool.submit(|| 42);
    /// pool.join();
    /// assert!(answer.is_finished());
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn join(mut self) {
        self.drop_timeout = None;
    }

    /// Discards what is queued and what comes from now on, and does not wait for what runs. A thread that waits for a
    /// discarded job gets [`Cancelled`](pool_core::Cancelled). It works through an `Arc`, and may be called again.
    ///
    /// ```
    /// use pool_stealing::{Executor, JobError, StealingPool};
    /// use std::time::Duration;
    ///
    /// let pool = StealingPool::new(1)?;
    /// let running = pool.submit(|| std::thread::sleep(Duration::from_millis(50)));
    /// let queued = pool.submit(|| 42);
    /// pool.terminate();
    /// assert!(matches!(queued.join(), Err(JobError::Cancelled)));
    /// # drop(running);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn terminate(&self) {
        self.handle.core.terminate();
    }

    /// Discards queued jobs, and waits for running ones for at most `limit`. Threads that have not ended then are let
    /// go: each ends when its job does. Returns whether all have ended.
    ///
    /// A thread that waits for a discarded job gets [`Cancelled`](pool_core::Cancelled). On one of the pool's own threads it
    /// returns `false` at once.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    /// use std::time::Duration;
    ///
    /// let pool = StealingPool::new(2)?;
    /// let (release, hang) = std::sync::mpsc::channel::<()>();
    /// let hanging = pool.submit(move || hang.recv());
    /// while pool.has_waiting() {} // until a thread has it
    /// assert!(!pool.shutdown_timeout(Duration::from_millis(10)));
    /// // Its thread ends when the job does.
    /// drop(release);
    /// assert!(hanging.join().is_ok());
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn shutdown_timeout(mut self, limit: Duration) -> bool {
        self.end_within(limit)
    }

    /// What each worker has done since the pool was built. `steals` counts jobs from another worker's deque. Jobs from
    /// the injector, where jobs from outside the pool wait, are not stolen.
    ///
    /// Always counted; two readings of the clock per job, some 50 to 100 ns together. Asking takes no lock.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// let pool = StealingPool::new(2)?;
    /// pool.submit(|| "work").join().unwrap();
    /// assert_eq!(pool.stats().total().jobs, 1);
    /// println!("{}", pool.stats());
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn stats(&self) -> PoolStats {
        self.handle.core.stats()
    }

    fn end_within(&mut self, limit: Duration) -> bool {
        self.terminate();
        self.workers.join_timeout(limit)
    }
}

/// A pool with the defaults of its [builder](StealingPool::builder): as many threads as the environment variable
/// `POOL_THREADS` says, or one per core.
///
/// # Panics
///
/// If it cannot be built.
///
/// A pool for the whole program is a static variable. It is never dropped: its threads end with the process.
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
/// use std::sync::LazyLock;
///
/// static POOL: LazyLock<StealingPool> = LazyLock::new(StealingPool::default);
///
/// assert!(POOL.imap(0..3, |x| x + 1).eq(1..4));
/// ```
impl Default for StealingPool {
    fn default() -> StealingPool {
        StealingPool::builder().build().unwrap_or_else(|error| panic!("{error}"))
    }
}

// The state that a pool shares with its threads changes under a lock or atomically, by code that does not unwind:
// panics of jobs, hooks and destructors are caught. So a panic elsewhere leaves no change half done.
impl UnwindSafe for StealingPool {}
impl RefUnwindSafe for StealingPool {}

impl Build for StealingPool {
    const NAME: &'static str = "pool-stealing";

    fn build(config: Config) -> Result<StealingPool, BuildError> {
        let (core, workers) = Core::new(config.threads()?);
        let handle = Handle { core };
        let workers = workers.into_iter().map(|worker| {
            let handle = handle.clone();
            move || handle.work(worker)
        });
        let workers = config.start(workers)?;
        Ok(StealingPool { handle, workers, drop_timeout: config.drop_timeout() })
    }
}

impl Drop for StealingPool {
    fn drop(&mut self) {
        if let Some(limit) = self.drop_timeout {
            self.end_within(limit);
            return;
        }
        self.handle.core.close();
        self.workers.join();
    }
}

impl Handle {
    /// The life of a worker's thread.
    fn work(&self, worker: Worker<Job>) {
        let worker = Rc::new(worker);
        HERE.set(Some(worker.clone()));
        worker.work(|job| worker.counters().run(job, self));
        HERE.set(None);
    }
}

impl Executor for Handle {
    fn threads(&self) -> usize {
        self.core.workers()
    }

    fn spawn(&self, job: Job) {
        let mut job = Some(job);
        // It fails on a thread that is ending and has lost its thread-locals: no worker then.
        let _ = HERE.try_with(|here| {
            if let Some(worker) = &*here.borrow()
                && worker.belongs_to(&self.core)
                && let Some(job) = job.take()
            {
                worker.push(job);
            }
        });
        if let Some(job) = job {
            self.core.inject(job);
        }
    }

    fn has_waiting(&self) -> bool {
        self.core.has_job()
    }

    fn pool_id(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.core).addr())
    }
}

impl Executor for StealingPool {
    pool_core::forward_executor!(self => self.handle);
}

impl fmt::Debug for StealingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StealingPool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}
