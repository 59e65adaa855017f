//! The backend: workers on threads, and the executor that jobs spawn on.
//!
//! A worker's deque can be used on its own thread only, while an [`Executor`] can be shared. So the deque stays in a
//! thread-local variable, and the executor asks there: if the current thread is a worker of its pool, the job goes into
//! that worker's deque, else into the injector. This way one executor serves all, and `spawn` on the pool itself finds
//! the own deque too.

use crate::worker::{Core, Worker};
use pool_core::backend::{Backend, Config, Job, Pool, PoolId, Workers};
use pool_core::{BuildError, Executor, PoolStats};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// A pool whose workers have a queue each, and steal from each other.
///
/// Its methods are those of [`Pool`] and of [`Executor`](pool_core::Executor).
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let lengths: Vec<usize> = pool.imap(["one", "three"], |word| word.len()).collect();
/// assert_eq!(lengths, [3, 5]);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
///
/// In its [`stats`](StealingPool::stats), `steals` counts jobs from another worker's deque. Jobs from the injector, where
/// jobs from outside the pool wait, are not stolen.
pub type StealingPool = Pool<Stealing>;

/// The backend of a [`StealingPool`].
#[derive(Clone)]
pub struct Stealing {
    core: Arc<Core<Job>>,
}

thread_local! {
    /// The worker that this thread is, if it is one. A thread is a worker of one pool at most.
    static HERE: RefCell<Option<Rc<Worker<Job>>>> = const { RefCell::new(None) };
}

impl Backend for Stealing {
    const NAME: &'static str = "pool-stealing";

    fn start(config: &Config) -> Result<(Stealing, Workers), BuildError> {
        let (core, workers) = Core::new(config.threads()?);
        let stealing = Stealing { core };
        let workers = workers.into_iter().map(|worker| {
            let stealing = stealing.clone();
            move || stealing.work(worker)
        });
        let workers = config.start(workers)?;
        Ok((stealing, workers))
    }

    fn close(self) {
        self.core.close();
    }

    fn terminate(&self) -> Vec<Job> {
        self.core.terminate()
    }

    fn stats(&self) -> PoolStats {
        self.core.stats()
    }
}

impl Stealing {
    /// The life of a worker's thread.
    fn work(&self, worker: Worker<Job>) {
        let worker = Rc::new(worker);
        HERE.set(Some(worker.clone()));
        worker.work(|job| worker.counters().run(job, self));
        HERE.set(None);
    }
}

impl Executor for Stealing {
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

    fn pool_id(&self) -> Option<PoolId> {
        Some(PoolId::of(&*self.core))
    }
}

impl fmt::Debug for Stealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stealing").field("threads", &self.threads()).finish_non_exhaustive()
    }
}
