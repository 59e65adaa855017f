//! The backend: a queue, and rayon's threads to run what is in it.
//!
//! # A job never begins on top of another
//!
//! A job may wait inside rayon (`join`, `scope`, a parallel iterator), and rayon has a thread that waits run whatever
//! it finds. If that were another job of ours, the job below it on the stack could not go on before it ends. But it may
//! wait for the job below: for instance a feeder, whose input waits for the result of the item below. So a job begins
//! only on a thread that is in no job, of this pool or of another one around the same threads ([`note`]).
//!
//! Rayon gets a *request* for each job, a closure that runs the oldest job there is. A request that comes up on
//! a thread inside a job is *spent* there: it runs nothing. From then on there is one job more than requests,
//! and that one must be found otherwise.
//!
//! **No job is left behind.** There are never more jobs than requests on their way, or else each thread of the
//! pool will look for a job when it is next in none ([`Rayon::catch_up`]):
//!
//! - a thread that is in a job of this pool looks when that job ends;
//! - a thread on which a request was spent looks when the job that it is in ends, whichever pool that job is of;
//! - every other thread is *called*: it gets a closure of its own by `spawn_broadcast`. An idle thread looks at
//!   once, and one that is inside a job when the closure comes up looks when that job ends.
//!
//! Requests, jobs and threads in a job are counted under one lock, and a thread ends its job there before it looks. So
//! a thread that has looked in vain did so before the request was spent, and is called. No thread is called if all were
//! inside a job when the request was spent. A thread that waits does not try again and again: a request is spent once,
//! and what remains is a note for the thread.
//!
//! Calls to a thread that is busy for long pile up, so at [`MOST_CALLS`] no more are made. Until that thread comes
//! back, a job without a request waits for the end of the job on which its request was spent, or of any other, even if
//! a thread is idle.
//!
//! What cannot be seen: a piece of a job that rayon has moved to another thread (the other half of a `join`). On that
//! thread it is a closure like any other, and if it waits inside rayon itself, a job may begin on top of it.

use crate::threads::Threads;
use pool_core::backend::{Backend, Config, Counters, Guest, Job, PoolId, Workers, in_job};
use pool_core::{BuildError, Executor, PoolStats};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How many calls may be without an answer. Some 100 bytes each.
const MOST_CALLS: usize = 1 << 10;

/// The backend of a [`RayonPool`](crate::RayonPool).
#[derive(Clone)]
pub struct Rayon {
    pool: Threads,
    queue: Arc<Queue>,
}

struct Queue {
    state: Mutex<State>,
    idle: Condvar,
    /// The rayon pool was made elsewhere, and others use it too.
    guest: bool,
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

impl Executor for Rayon {
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
        self.queue.guest || !self.queue.lock().jobs.is_empty()
    }

    fn is_worker(&self) -> bool {
        in_job() || self.is_here()
    }

    fn pool_id(&self) -> Option<PoolId> {
        Some(PoolId::of(&*self.queue))
    }
}

impl Backend for Rayon {
    const NAME: &'static str = "pool-rayon";

    fn start(config: &Config) -> Result<(Rayon, Workers), BuildError> {
        // Rayon hands its workers over, so that they start as every pool's do: all or none.
        let mut workers = Vec::new();
        let builder = rayon::ThreadPoolBuilder::new().num_threads(config.threads()?);
        let builder = builder.spawn_handler(|worker| {
            workers.push(worker);
            Ok(())
        });
        let pool = builder.build().map_err(|error| BuildError::Backend(Box::new(error)))?;
        let workers = config.start(workers.into_iter().map(|worker| || worker.run()))?;
        Ok((Rayon::new(Threads::Own(Arc::new(pool)), false), workers))
    }

    /// Rayon's threads end when nothing holds their pool; every request does, so they run what is queued before. The
    /// threads of a host do not end, so there the jobs are waited for.
    fn close(self) {
        if self.queue.guest && !self.is_here() {
            self.queue.wait_until_idle();
        }
    }

    fn terminate(&self) -> Vec<Job> {
        self.queue.terminate()
    }

    fn stats(&self) -> PoolStats {
        self.queue.counters.iter().map(Counters::stats).collect()
    }

    fn is_here(&self) -> bool {
        self.pool.index().is_some()
    }
}

impl Guest for Rayon {
    type Host = Arc<rayon::ThreadPool>;

    fn on(pool: Arc<rayon::ThreadPool>) -> Rayon {
        Rayon::new(Threads::Own(pool), true)
    }

    fn on_global() -> Rayon {
        Rayon::new(Threads::global(), true)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is queued; what will be is dropped.
    fn terminate(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.terminated = true;
        let jobs = std::mem::take(&mut state.jobs);
        let idle = state.running == 0;
        drop(state);
        if idle {
            self.idle.notify_all();
        }
        jobs.into()
    }

    /// Waits until no job runs or is queued.
    fn wait_until_idle(&self) {
        let is_busy = |state: &mut State| state.running > 0 || !state.jobs.is_empty();
        drop(self.idle.wait_while(self.lock(), is_busy));
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

impl Rayon {
    fn new(pool: Threads, guest: bool) -> Rayon {
        let counters = (0..pool.count()).map(|_| Counters::new()).collect();
        let queue = Queue { state: Mutex::default(), idle: Condvar::new(), guest, counters };
        Rayon { pool, queue: Arc::new(queue) }
    }

    /// Whether both are of one pool.
    fn is_same(&self, other: &Rayon) -> bool {
        Arc::ptr_eq(&self.queue, &other.queue)
    }

    /// Runs the oldest job, but not on top of another.
    fn answer_request(&self) {
        let mut state = self.queue.lock();
        state.requests -= 1;
        if !note(self) {
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
    fn catch_up(&self, mut met: Vec<Rayon>) {
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
    fn run(&self, job: Job) -> Vec<Rayon> {
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
struct Call(Rayon);

impl Call {
    fn answer(&self) {
        if !note(&self.0) {
            self.0.catch_up(Vec::new());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.queue.lock().calls -= 1;
    }
}

thread_local! {
    /// Inside a job: the pools whose requests came up on top of it and were spent.
    static INSIDE: RefCell<Option<Vec<Rayon>>> = const { RefCell::new(None) };
}

/// If the current thread is inside a job, makes it look for jobs of this pool afterwards. Returns whether it is.
fn note(pool: &Rayon) -> bool {
    INSIDE.with_borrow_mut(|inside| {
        let Some(met) = inside else { return false };
        if !met.iter().any(|known| known.is_same(pool)) {
            met.push(pool.clone());
        }
        true
    })
}

/// The thread is inside a job from [`enter`](Nested::enter) to [`leave`](Nested::leave).
struct Nested(());

impl Nested {
    fn enter() -> Nested {
        let before = INSIDE.replace(Some(Vec::new()));
        debug_assert!(before.is_none(), "a job on top of another");
        Nested(())
    }

    /// The pools that the thread must look at now.
    fn leave(self) -> Vec<Rayon> {
        INSIDE.take().unwrap_or_default()
    }
}

impl fmt::Debug for Rayon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rayon").field("threads", &self.threads()).finish_non_exhaustive()
    }
}
