//! A pool, written once: a backend is its queue and its threads, and this is how they are made and how they end.

use super::builder::{Build, Builder, Config};
use super::stats::PoolStats;
use super::threads::Workers;
use super::watched::Watched;
use crate::error::BuildError;
use crate::executor::Terminated;
use crate::job::Job;
use crate::sync::fence;
use crate::{Executor, forward_executor};
use std::error::Error;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A queue of jobs and the threads that run them. A [`Pool`] makes a pool of it.
///
/// The type that implements it is also the [`Executor`] that each job gets. The chapter
/// [`guide::own_backend`](crate::guide::own_backend) has one.
pub trait Backend: Executor + Sized + 'static {
    /// What the pool's threads are called, unless its builder says so: `name-0`, `name-1`, and so on.
    const NAME: &'static str;

    /// Makes the queue, and starts the threads by [`Config::start`].
    ///
    /// # Errors
    ///
    /// If a thread cannot be started; then none is left.
    fn start(config: &Config) -> Result<(Self, Workers), BuildError>;

    /// Lets the threads end when no job is left. Jobs that still run may spawn more. It does not wait, unless the
    /// threads belong to others: then it waits until no job is left.
    fn close(self);

    /// Lets the threads end after the jobs that they are in. Jobs that are spawned from now on are dropped. Returns
    /// those that were queued, so that the caller says where they are dropped: that runs the user's destructors, which
    /// may take long.
    fn terminate(&self) -> Vec<Job>;

    /// What the threads have done, by a [`Counters`](super::Counters) for each. The default knows of none.
    fn stats(&self) -> PoolStats {
        PoolStats::default()
    }

    /// Whether the current thread is one of the pool's. Only for a backend whose threads may belong to others: where
    /// [`Config::start`] has started the threads, the pool knows.
    fn is_here(&self) -> bool {
        false
    }
}

/// A backend that can also be a guest on threads that exist already.
pub trait Guest: Backend {
    /// What has these threads.
    type Host;

    /// A queue for the threads of this host.
    fn on(host: Self::Host) -> Self;

    /// A queue for the threads that the whole process shares.
    ///
    /// # Panics
    ///
    /// If there are none.
    fn on_global() -> Self;
}

/// A pool of threads; `ChannelPool`, `StealingPool` and `RayonPool` are one each.
///
/// Dropping it runs what is queued and waits until every thread has ended, as [`join`](Pool::join) does. With a
/// [`drop_timeout`](Builder::drop_timeout) it ends as by [`shutdown_timeout`](Pool::shutdown_timeout).
///
/// On one of the pool's own threads neither waits: a job cannot wait for itself. What is queued is run, and the threads
/// end, after the calling job.
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let lengths: Vec<usize> = pool.imap(["one", "three"], |word| word.len()).collect();
/// assert_eq!(lengths, [3, 5]);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
pub struct Pool<B: Backend> {
    /// There until the pool ends.
    running: Option<Running<B>>,
    terminated: Terminated,
    drop_timeout: Option<Duration>,
}

struct Running<B> {
    backend: B,
    workers: Workers,
}

impl<B: Backend> Pool<B> {
    /// A pool of this many threads.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroThreads`] for 0, [`BuildError::Thread`] if the system refuses a thread, and
    /// [`BuildError::Backend`] if a library refuses on which the backend is built.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// assert_eq!(StealingPool::new(3)?.threads(), 3);
    /// assert!(StealingPool::new(0).is_err());
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn new(threads: usize) -> Result<Pool<B>, BuildError> {
        Pool::builder().threads(threads).build()
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
    pub fn builder() -> Builder<Pool<B>> {
        Builder::new()
    }

    /// Runs what is queued, and waits until every thread has ended, its exit hook and the destructors of its
    /// thread-locals included. On one of the pool's own threads it does not wait.
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
    /// discarded job gets [`Cancelled`](crate::Cancelled). It works through an `Arc`, and may be called again.
    ///
    /// What a discarded job has captured is dropped here.
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
        self.terminated.set();
        drop(self.backend().terminate());
    }

    /// Discards queued jobs, and waits for running ones for at most `limit`. Returns whether every thread has ended,
    /// its exit hook and the destructors of its thread-locals included.
    ///
    /// What has not ended then is let go: a job that runs, an exit hook, a destructor of a thread-local or of what a
    /// discarded job has captured. It goes on by itself, and its thread ends after it or with the process. A thread
    /// that waits for a discarded job gets [`Cancelled`](crate::Cancelled). On one of the pool's own threads this
    /// returns `false` at once.
    ///
    /// Cost: it starts a thread, which waits for the pool's without a limit. If the system refuses that one, the pool's
    /// threads are let go at once.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    /// use std::sync::mpsc::channel;
    /// use std::time::Duration;
    ///
    /// let pool = StealingPool::new(2)?;
    /// let ((begin, begun), (release, hang)) = (channel(), channel::<()>());
    /// let hanging = pool.submit(move || (begin.send(()), hang.recv()));
    /// begun.recv()?;
    /// assert!(!pool.shutdown_timeout(Duration::from_millis(10)));
    /// // Its thread ends when the job does.
    /// drop(release);
    /// assert!(hanging.join().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown_timeout(mut self, limit: Duration) -> bool {
        self.running.take().is_none_or(|running| running.end_within(limit, &self.terminated))
    }

    /// What each worker has done since the pool was built.
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
        self.backend().stats()
    }

    fn backend(&self) -> &B {
        &self.running.as_ref().expect("a pool that has ended cannot be reached").backend
    }
}

/// **Of `RayonPool` alone.** All pools are names of this one type, so the pages of the others show these two, where the compiler
/// refuses them.
impl<B: Guest> Pool<B> {
    /// Jobs on threads that you have, beside whatever else they do. Only `RayonPool` has hosts, and shows how.
    ///
    /// Dropping it runs what is queued in it and waits for that. The threads live on.
    pub fn from_pool(host: B::Host) -> Pool<B> {
        Pool::guest(B::on(host))
    }

    /// Jobs on the threads that the whole process shares, as [`from_pool`](Pool::from_pool).
    ///
    /// All calls give pools on the same threads; each has a queue of its own.
    ///
    /// # Panics
    ///
    /// If these threads cannot be started.
    pub fn global() -> Pool<B> {
        Pool::guest(B::on_global())
    }

    fn guest(backend: B) -> Pool<B> {
        fence::register_membarrier();
        let running = Some(Running { backend, workers: Workers::default() });
        Pool { running, terminated: Terminated::default(), drop_timeout: None }
    }
}

impl<B: Backend> Running<B> {
    /// Runs what is queued, and waits until that is done.
    fn end(self) {
        self.backend.close();
        self.workers.join();
    }

    /// Discards what is queued, and waits for at most `limit`. Returns whether all has ended.
    ///
    /// Threads are joined without a limit, and discarded jobs are dropped by calling user code: both may take for ever,
    /// so a thread of its own does both.
    fn end_within(self, limit: Duration, terminated: &Terminated) -> bool {
        terminated.set();
        let is_here = self.backend.is_here() || self.workers.is_here();
        let discarded = self.backend.terminate();
        let ended = Arc::new(Watched::<bool>::default());
        let tell = ended.clone();
        let ends = thread::Builder::new().name(format!("{}-end", B::NAME)).spawn(move || {
            drop(discarded);
            self.end();
            tell.change(|ended| *ended = true);
        });
        ends.is_ok() && !is_here && ended.wait_for(Some(limit), |ended| ended.then_some(())).is_some()
    }
}

impl<B: Backend> Build for Pool<B> {
    const NAME: &'static str = B::NAME;

    fn build(config: Config) -> Result<Pool<B>, BuildError> {
        fence::register_membarrier();
        let (backend, workers) = B::start(&config)?;
        let running = Some(Running { backend, workers });
        Ok(Pool { running, terminated: Terminated::default(), drop_timeout: config.drop_timeout() })
    }
}

impl<B: Backend> Drop for Pool<B> {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        match self.drop_timeout {
            Some(limit) => _ = running.end_within(limit, &self.terminated),
            None => running.end(),
        }
    }
}

impl<B: Backend> Executor for Pool<B> {
    forward_executor!(self => *self.backend(), terminated: Some(self.terminated.clone()));
}

impl<B: Backend> Default for Pool<B> {
    fn default() -> Pool<B> {
        Pool::builder().build().unwrap_or_else(|error| match error.source() {
            Some(why) => panic!("{error}: {why}"),
            None => panic!("{error}"),
        })
    }
}

// The state that a pool shares with its threads changes under a lock or atomically, by code that does not unwind:
// panics of jobs, hooks and destructors are caught. So a panic elsewhere leaves no change half done.
impl<B: Backend> UnwindSafe for Pool<B> {}
impl<B: Backend> RefUnwindSafe for Pool<B> {}

impl<B: Backend> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &B::NAME)
            .field("threads", &self.threads())
            .finish_non_exhaustive()
    }
}
