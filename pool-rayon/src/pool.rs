//! The pool: a queue, and rayon's threads to run what is in it.
//!
//! # A job never begins on top of another
//!
//! A job may wait inside rayon (`join`, `scope`, a parallel iterator), and rayon has a thread that waits run
//! whatever it finds. If that were another job of ours, the one below could not go on before it ends. It may
//! well wait for the one below: a job of an imap that is in its input, which waits for the result of the item
//! below. So a job begins only on a thread that is in no job, of this pool or of another one around the same
//! threads ([`nesting`](crate::nesting)).
//!
//! Rayon gets a *request* for each job, a closure that runs the oldest job there is. A request that comes up on
//! a thread inside a job is *spent* there: it runs nothing. From then on there is one job more than requests,
//! and that one must be found otherwise.
//!
//! **No job is left behind.** There are never more jobs than requests on their way, or else each thread of the
//! pool will look for a job when it is next in none ([`Handle::catch_up`]):
//!
//! - a thread that is in a job of this pool looks when that job ends;
//! - a thread on which a request was spent looks when the job ends that it is in, whichever pool's that is;
//! - every other thread is *called*: it gets a closure of its own by `spawn_broadcast`. An idle thread looks at
//!   once, and one that is inside a job when the closure comes up looks when that job ends.
//!
//! Requests, jobs and who runs one are counted under one lock, where a thread ends its job before it looks. So
//! one that has looked in vain has done so before the request was spent, and is called; and nobody is called if all
//! threads were inside a job when it was spent. A thread that waits does not try again and again: a request is spent
//! once, and what remains is a note for the thread.
//!
//! A call to a thread that is busy for long lies there meanwhile. So that such calls cannot pile up, there
//! are no more at [`MOST_CALLS`]. Until that thread comes back, what is left waits for the end of the job on
//! which its request was spent, or of any other, even if a thread is idle.
//!
//! What cannot be seen: a piece of a job that rayon has moved to another thread (the other half of a `join`). On that
//! thread it is a closure like any other, and if it waits inside rayon itself, a job may begin on top of it.

use crate::nesting::{self, Nested};
use crate::threads::Threads;
use pool_core::{Build, BuildError, Builder, Config, Counters, Executor, Job, PoolStats, Workers, in_job};
use std::collections::VecDeque;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Jobs on the threads of a `rayon::ThreadPool`.
///
/// Dropping it runs what is queued and waits for it. The rayon pool ends with it if nobody else holds it.
pub struct RayonPool {
    /// There until the pool is dropped.
    handle: Option<Handle>,
    /// The threads, if they are ours.
    workers: Option<Workers>,
    drop_timeout: Option<Duration>,
}

/// How many calls may lie there for threads that do not come. Some 100 bytes each.
const MOST_CALLS: usize = 1 << 10;

/// What a job spawns on.
#[derive(Clone)]
pub(crate) struct Handle {
    pool: Threads,
    queue: Arc<Queue>,
}

struct Queue {
    state: Mutex<State>,
    idle: Condvar,
    /// Others use the rayon pool too.
    shared: bool,
    /// One for each of rayon's threads.
    counters: Box<[Counters]>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Closures that rayon has and that will each run a job, unless they are spent.
    requests: usize,
    /// Jobs that run, each on a thread of its own.
    running: usize,
    /// Calls that some thread has not answered yet.
    calls: usize,
    terminated: bool,
}

impl RayonPool {
    /// A rayon pool of so many threads, and the jobs on it.
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
        RayonPool::around(Threads::global(), None, None)
    }

    fn around(pool: Threads, workers: Option<Workers>, drop_timeout: Option<Duration>) -> RayonPool {
        let counters = (0..pool.count()).map(|_| Counters::new()).collect();
        let queue =
            Queue { state: Mutex::default(), idle: Condvar::new(), shared: workers.is_none(), counters };
        RayonPool { handle: Some(Handle { pool, queue: Arc::new(queue) }), workers, drop_timeout }
    }

    /// Runs what is queued and waits for it. Dropping the pool does the same, unless the builder was given a
    /// [`drop_timeout`](Builder::drop_timeout).
    ///
    /// On one of its own threads it returns at once: that job could not wait for itself.
    pub fn join(mut self) {
        self.drop_timeout = None;
    }

    /// Discards what is queued and what comes from now on, and does not wait for what runs. Whoever waits for a
    /// discarded job gets [`Cancelled`](pool_core::Cancelled). It works through an `Arc`, and may be called again.
    pub fn terminate(&self) {
        self.handle().queue.terminate();
    }

    /// Discards what is queued, waits for what runs for at most `limit`, and then lets the threads go: they end by
    /// themselves when what they run does. Returns whether all of them have ended.
    ///
    /// Whoever waits for a discarded job gets [`Cancelled`](pool_core::Cancelled). On one of the pool's own threads it
    /// returns `false` at once.
    ///
    /// Rayon's threads end together, so one in which a job hangs keeps the others, asleep. On a rayon pool of your own
    /// it waits for jobs of this pool alone.
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
        self.handle().queue.counters.iter().map(Counters::stats).collect()
    }

    fn end_within(&mut self, limit: Duration) -> bool {
        let Some(handle) = self.handle.take() else { return true };
        let began = Instant::now();
        handle.queue.terminate();
        let idle = !handle.is_here() && handle.queue.wait_until_idle(Some(limit));
        // Rayon's threads end when nobody holds its pool.
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

// What a pool shares with its threads changes under a lock or atomically, by code that does not unwind: jobs, hooks and
// destructors are caught. So a panic elsewhere leaves nothing half done in it.
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
            handle.queue.wait_until_idle(None);
        }
        // Rayon's threads end when nobody holds its pool.
        drop(handle);
        if let Some(workers) = &mut self.workers {
            workers.join();
        }
    }
}

impl Executor for Handle {
    fn threads(&self) -> usize {
        self.pool.count()
    }

    fn spawn(&self, job: Job) {
        let mut state = self.queue.lock();
        if state.terminated {
            drop(state);
            drop(job);
            return;
        }
        state.jobs.push_back(job);
        state.requests += 1;
        drop(state);
        let handle = self.clone();
        self.pool.spawn(move || handle.answer_request());
    }

    fn has_waiting(&self) -> bool {
        // Whatever else a shared rayon pool has to do cannot be seen.
        self.queue.shared || !self.queue.lock().jobs.is_empty()
    }

    fn is_worker(&self) -> bool {
        in_job() || self.is_here()
    }

    fn pool_id(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.queue).addr())
    }
}

impl Executor for RayonPool {
    fn threads(&self) -> usize {
        self.handle().threads()
    }

    fn spawn(&self, job: Job) {
        self.handle().spawn(job);
    }

    fn has_waiting(&self) -> bool {
        self.handle().has_waiting()
    }

    fn is_worker(&self) -> bool {
        self.handle().is_worker()
    }

    fn pool_id(&self) -> Option<usize> {
        self.handle().pool_id()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what is queued, and what will be.
    fn terminate(&self) {
        let mut state = self.lock();
        state.terminated = true;
        let jobs = std::mem::take(&mut state.jobs);
        let idle = state.running == 0;
        drop(state);
        if idle {
            self.idle.notify_all();
        }
        // Cancelling calls code of the user's: not under the lock.
        drop(jobs);
    }

    /// Waits until no job runs or is queued, for at most `limit` if there is one. Returns whether that is so.
    fn wait_until_idle(&self, limit: Option<Duration>) -> bool {
        let is_busy = |state: &mut State| state.running > 0 || !state.jobs.is_empty();
        let state = self.lock();
        match limit {
            None => drop(self.idle.wait_while(state, is_busy)),
            Some(limit) => {
                let waited = self.idle.wait_timeout_while(state, limit, is_busy);
                return !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
            }
        }
        true
    }
}

impl State {
    /// Takes the oldest job to run it, if it has not been discarded.
    fn begin(&mut self) -> Option<Job> {
        let job = self.jobs.pop_front()?;
        self.running += 1;
        Some(job)
    }

    /// Whether there are jobs for which no request is on its way.
    fn is_behind(&self) -> bool {
        self.jobs.len() > self.requests
    }
}

impl Handle {
    /// Whether both are handles of one pool.
    pub(crate) fn is_same(&self, other: &Handle) -> bool {
        Arc::ptr_eq(&self.queue, &other.queue)
    }

    /// Whether the current thread is one of this pool's.
    fn is_here(&self) -> bool {
        self.pool.index().is_some()
    }

    /// Runs the oldest job, but not on top of another.
    fn answer_request(&self) {
        let mut state = self.queue.lock();
        state.requests -= 1;
        if !nesting::note(self) {
            let Some(job) = state.begin() else { return };
            drop(state);
            let met = self.run(job);
            return self.catch_up(met);
        }
        let idle = state.running < self.pool.count();
        let calls = state.is_behind() && idle && state.calls < MOST_CALLS;
        state.calls += usize::from(calls);
        drop(state);
        if calls {
            let call = Call(self.clone());
            self.pool.spawn_broadcast(move || call.answer());
        }
    }

    /// Runs jobs until there is a request for each that is left; of this pool, and of those met meanwhile.
    fn catch_up(&self, mut met: Vec<Handle>) {
        met.push(self.clone());
        while let Some(handle) = met.pop() {
            loop {
                let mut state = handle.queue.lock();
                let Some(job) = (if state.is_behind() { state.begin() } else { None }) else { break };
                drop(state);
                for other in handle.run(job) {
                    if !met.iter().any(|known| known.is_same(&other)) {
                        met.push(other);
                    }
                }
            }
        }
    }

    /// Runs a job on this thread, which is in none. Returns the pools of which requests were spent on it.
    fn run(&self, job: Job) -> Vec<Handle> {
        let thread = self.pool.index().expect("rayon runs this on a thread of the pool");
        let counters = &self.queue.counters[thread];
        let nested = Nested::enter();
        // It never unwinds.
        counters.run(job, self);
        let met = nested.leave();
        let mut state = self.queue.lock();
        state.running -= 1;
        if state.jobs.is_empty() {
            counters.record_sleep();
            if state.running == 0 {
                self.queue.idle.notify_all();
            }
        }
        met
    }
}

/// Calls every thread of the pool. Dropped when all of them have answered.
struct Call(Handle);

impl Call {
    fn answer(&self) {
        if !nesting::note(&self.0) {
            self.0.catch_up(Vec::new());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.queue.lock().calls -= 1;
    }
}
