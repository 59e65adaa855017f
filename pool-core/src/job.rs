//! The unit of work that an executor queues and runs.

use crate::Executor;
use crate::unwind::{catch, drop_quietly};
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What a [`Job`] points to. An imap has many jobs that point to its shared state, so that queueing one allocates
/// nothing.
pub(crate) trait Task: Send + Sync {
    /// Does the work. `executor` is the one that the job is running on.
    fn run(self: Arc<Self>, executor: &dyn Executor);
    /// The job was dropped without being run: the thread that waits for it must be told.
    fn discard(self: Arc<Self>) {}
}

/// A piece of work for an [`Executor`]: queue it, then call [`run`](Job::run) on a thread of the pool.
///
/// Moving a job is cheap (two words), and so is dropping one: a thread that waits for a job that was dropped
/// before it ran gets [`Cancelled`](crate::Cancelled). A backend therefore drops what it does not want to
/// run any more, and needs no other protocol.
///
/// ```
/// use pool_core::{Executor, backend::Job};
///
/// /// Runs every job at once, on the thread that spawned it.
/// struct Inline;
/// impl Executor for Inline {
///     fn threads(&self) -> usize { 1 }
///     fn spawn(&self, job: Job) { job.run(self) }
/// }
///
/// let (send, receive) = std::sync::mpsc::channel();
/// Inline.spawn(Job::new(move |_executor| send.send(42).unwrap()));
/// assert_eq!(receive.recv(), Ok(42));
/// ```
#[must_use = "a job that is dropped is cancelled"]
pub struct Job {
    task: Option<Arc<dyn Task>>,
}

impl Job {
    /// A job that calls `f` once, with the executor that it is running on.
    ///
    /// A panic in `f` is caught by [`run`](Job::run) and goes nowhere but to the panic hook; use
    /// [`Executor::submit`] to have it back.
    pub fn new<F>(f: F) -> Job
    where
        F: FnOnce(&dyn Executor) + Send + 'static,
    {
        Job::from_task(Arc::new(Once(Mutex::new(Some(f)))))
    }

    pub(crate) fn from_task(task: Arc<dyn Task>) -> Job {
        Job { task: Some(task) }
    }

    /// Runs the job on this thread. It never unwinds.
    ///
    /// Jobs that it spawns go to `executor`, so a pool with a queue per worker passes that worker's own
    /// handle.
    pub fn run(mut self, executor: &dyn Executor) {
        let Some(task) = self.task.take() else { return };
        let _inside = Inside::enter();
        if let Err(payload) = catch(|| task.run(executor)) {
            drop_quietly(payload);
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            drop_quietly(catch(|| task.discard()));
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

struct Once<F>(Mutex<Option<F>>);

impl<F: FnOnce(&dyn Executor) + Send> Task for Once<F> {
    fn run(self: Arc<Self>, executor: &dyn Executor) {
        let f = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(f) = f {
            f(executor);
        }
    }
}

#[cfg(not(loom))]
thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}
#[cfg(loom)]
loom::thread_local! {
    static DEPTH: Cell<usize> = Cell::new(0);
}

/// Whether the current thread is inside [`Job::run`], of any pool.
///
/// A thread that waits there must not rely on another one being free: it works itself instead.
pub fn in_job() -> bool {
    DEPTH.with(Cell::get) > 0
}

/// While it lives, its thread is inside a job.
pub(crate) struct Inside;

impl Inside {
    pub(crate) fn enter() -> Inside {
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}
