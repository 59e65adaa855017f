//! The pool: a queue, and rayon's threads to run what is in it.

use pool_core::{Build, BuildError, Builder, Config, Counters, Crew, Executor, Job, PoolStats, in_job};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Jobs on the threads of a `rayon::ThreadPool`.
///
/// Dropping it runs what is queued and waits for it. The rayon pool ends with it if nobody else holds it.
pub struct RayonPool {
    /// There until the pool is dropped.
    handle: Option<Handle>,
    /// The threads, if they are ours.
    crew: Option<Crew>,
}

/// What a job spawns on.
#[derive(Clone)]
struct Handle {
    pool: Arc<rayon::ThreadPool>,
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
    running: usize,
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
        RayonPool::around(pool, None)
    }

    fn around(pool: Arc<rayon::ThreadPool>, crew: Option<Crew>) -> RayonPool {
        let counters = (0..pool.current_num_threads()).map(|_| Counters::new()).collect();
        let queue = Queue { state: Mutex::default(), idle: Condvar::new(), shared: crew.is_none(), counters };
        RayonPool { handle: Some(Handle { pool, queue: Arc::new(queue) }), crew }
    }

    /// Runs what is queued and waits for it. Dropping the pool does the same.
    ///
    /// On one of its own threads it returns at once: that job could not wait for itself.
    pub fn join(self) {
        drop(self);
    }

    /// Discards what is queued, and waits for what runs. Whoever waits for a discarded job gets
    /// [`Cancelled`](pool_core::Cancelled).
    pub fn terminate(self) {
        let mut state = self.handle().queue.lock();
        state.terminated = true;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        // Cancelling calls code of the user's: not under the lock.
        drop(jobs);
    }

    /// What each of rayon's threads has done for this pool since it was built; of a pool of your own, for
    /// these jobs alone and not for whatever else it does.
    ///
    /// Its figures are special in three ways:
    ///
    /// - Where a job waits inside rayon (`rayon::join`, `scope`, a parallel iterator), rayon may have its
    ///   thread run something else meanwhile. That time is busy time of the job that waits. If it is spent in
    ///   a job of another `RayonPool` around the same threads, it is in that one's figures too.
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
    /// # Ok::<(), pool_rayon::pool_core::BuildError>(())
    /// ```
    pub fn stats(&self) -> PoolStats {
        self.handle().queue.counters.iter().map(Counters::stats).collect()
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
        let crew = config.start(workers.into_iter().map(|worker| || worker.run()))?;
        Ok(RayonPool::around(Arc::new(pool), Some(crew)))
    }
}

impl Drop for RayonPool {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        if handle.pool.current_thread_index().is_none() {
            let mut state = handle.queue.lock();
            while state.running > 0 || !state.jobs.is_empty() {
                state = handle.queue.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        // Rayon's threads end when nobody holds its pool.
        drop(handle);
        if let Some(crew) = &mut self.crew {
            crew.join();
        }
    }
}

impl Executor for Handle {
    fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn spawn(&self, job: Job) {
        let mut state = self.queue.lock();
        if state.terminated {
            drop(state);
            drop(job);
            return;
        }
        state.jobs.push_back(job);
        drop(state);
        let handle = self.clone();
        self.pool.spawn(move || handle.queue.run_oldest(&handle));
    }

    fn has_waiting(&self) -> bool {
        // Whatever else a shared rayon pool has to do cannot be seen.
        self.queue.shared || !self.queue.lock().jobs.is_empty()
    }

    fn is_worker(&self) -> bool {
        in_job() || self.pool.current_thread_index().is_some()
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

    /// Runs the oldest job, if it has not been discarded.
    fn run_oldest(&self, handle: &Handle) {
        let mut state = self.lock();
        let Some(job) = state.jobs.pop_front() else { return };
        state.running += 1;
        drop(state);
        let thread = handle.pool.current_thread_index().expect("rayon runs this on a thread of the pool");
        let counters = &self.counters[thread];
        counters.run(job, handle);
        let mut state = self.lock();
        state.running -= 1;
        // Inside a job the thread goes on with that one.
        if state.jobs.is_empty() && !in_job() {
            counters.sleeps();
        }
        if state.running == 0 && state.jobs.is_empty() {
            self.idle.notify_all();
        }
    }
}
