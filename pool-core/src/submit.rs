//! One job with a result: `submit` and its handle.
//!
//! The job is a small state machine under one mutex: queued, running, done, taken. The thread that takes the function
//! out of the queued state runs it, so it runs once. That is a worker, or the waiting thread itself if it is inside a
//! job: otherwise a pool whose threads all wait for jobs in its queue would stop.

use crate::Executor;
use crate::error::{Cancelled, JobError, JobTimedOut, Panic};
use crate::executor::is_worker;
use crate::job::{Inside, Job, Task, in_job};
use crate::lease::Lease;
use crate::sync::{Condvar, Mutex, lock, wait};
use crate::unwind::{catch, drop_quietly};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe, resume_unwind};
#[cfg(feature = "stream")]
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
#[cfg(feature = "stream")]
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// A submitted job that borrows nothing. From [`Executor::submit`]; its methods are those of
/// [`ScopedJobHandle`].
pub type JobHandle<T> = ScopedJobHandle<'static, T>;

/// A submitted job, which may borrow for `'s`. From [`Scope::submit`](crate::Scope::submit), and as
/// [`JobHandle`] from [`Executor::submit`].
///
/// Dropping it lets the job run; [`cancel`](ScopedJobHandle::cancel) takes the job back. A result that is there is
/// dropped by the thread that drops the handle, before it returns; a later one by the thread that computes it. A panic
/// of that `drop` is swallowed.
#[must_use = "dropping the handle throws the result away; the job runs all the same"]
pub struct ScopedJobHandle<'s, T> {
    job: Arc<dyn Waitable<T> + 's>,
    /// The thread that submitted it, if that is one which the pool needs for running jobs.
    worker: Option<ThreadId>,
    /// What the pool has in its place, in a scope.
    lease: Option<Arc<Lease>>,
}

enum Stage<F, T> {
    Queued(F),
    Running,
    Done(Result<T, JobError>),
    Taken,
}

pub(crate) struct Submitted<F, T> {
    state: Mutex<State<F, T>>,
    done: Condvar,
    /// In a scope, where the panic of a job goes that is not joined.
    unjoined: Option<Arc<FirstPanic>>,
}

/// The first panic of the jobs of a scope that was not joined.
#[derive(Default)]
pub(crate) struct FirstPanic(Mutex<Option<Panic>>);

impl FirstPanic {
    fn note(&self, panic: Panic) {
        let mut first = lock(&self.0);
        let late = if first.is_none() { first.replace(panic) } else { Some(panic) };
        drop(first);
        drop(late);
    }

    pub(crate) fn take(&self) -> Option<Panic> {
        lock(&self.0).take()
    }
}

struct State<F, T> {
    stage: Stage<F, T>,
    /// Threads that sleep until it is done.
    sleeping: usize,
    /// The task that waits, in place of a thread.
    waker: Option<Waker>,
    /// The handle is gone: a result is dropped when it comes.
    unwanted: bool,
}

pub(crate) fn submit<F, T>(executor: &dyn Executor, f: F) -> JobHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let job = Arc::new(Submitted::new(f, None));
    spawn_or_cancel(executor, job.clone());
    JobHandle::new(job, executor, None)
}

/// Queues a job. A panic of `spawn` goes to the caller, and the job is cancelled unless it has begun: no thread waits
/// for a job that may be lost.
pub(crate) fn spawn_or_cancel(executor: &dyn Executor, task: Arc<dyn Task>) {
    if let Err(payload) = catch(|| executor.spawn(Job::from_task(task.clone()))) {
        drop_quietly(catch(|| task.discard()));
        resume_unwind(payload);
    }
    // This is the last owner if the job has run by now.
    drop_quietly(task);
}

/// What the handle needs of the job, without the type of its function.
pub(crate) trait Waitable<T>: Send + Sync {
    fn run_if_queued(&self);
    fn cancel(&self) -> bool;
    fn is_finished(&self) -> bool;
    /// The handle is gone.
    fn let_go(&self);
    /// The result, or `None` if the limit has passed.
    fn wait(&self, limit: Option<Duration>) -> Option<Result<T, JobError>>;
    /// The result, or else this task will be woken.
    #[cfg(feature = "stream")]
    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError>>;
}

impl<F, T> Submitted<F, T> {
    pub(crate) fn new(f: F, unjoined: Option<Arc<FirstPanic>>) -> Submitted<F, T> {
        let state = State { stage: Stage::Queued(f), sleeping: 0, waker: None, unwanted: false };
        Submitted { state: Mutex::new(state), done: Condvar::new(), unjoined }
    }

    fn finish(&self, result: Result<T, JobError>) {
        let mut state = lock(&self.state);
        if state.unwanted {
            state.stage = Stage::Taken;
            drop(state);
            return self.discard_result(result);
        }
        state.stage = Stage::Done(result);
        let waiting = state.take_waiting();
        drop(state);
        self.wake(waiting);
    }

    /// Drops a result that will not be taken. A scope gets its panic.
    fn discard_result(&self, result: Result<T, JobError>) {
        match (result, &self.unjoined) {
            (Err(JobError::Panicked(panic)), Some(first)) => first.note(panic),
            (result, _) => drop_quietly(result),
        }
    }

    /// Tells the threads and the task that wait. Not under the lock.
    fn wake(&self, waiting: Waiting) {
        if waiting.threads {
            self.done.notify_all();
        }
        if let Some(waker) = waiting.task {
            // A waker that panics loses its own task this wake-up, and nothing else.
            drop_quietly(catch(|| waker.wake()));
        }
    }

    /// Takes the function, if no thread has: `next` is the stage that it leaves behind.
    fn claim(&self, next: Stage<F, T>) -> Option<F> {
        let mut state = lock(&self.state);
        if !matches!(state.stage, Stage::Queued(_)) {
            return None;
        }
        match std::mem::replace(&mut state.stage, next) {
            Stage::Queued(f) => Some(f),
            _ => None,
        }
    }
}

impl<F, T> Drop for Submitted<F, T> {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        let stage = std::mem::replace(&mut state.stage, Stage::Taken);
        let waker = state.waker.take();
        drop(state);
        // One by one: if two in one drop panicked, the process would abort.
        drop_quietly(waker);
        match stage {
            Stage::Done(result) => self.discard_result(result),
            stage => drop_quietly(stage),
        }
    }
}

/// The threads and the task that wait for a job.
struct Waiting {
    threads: bool,
    task: Option<Waker>,
}

impl<F, T> State<F, T> {
    fn take_waiting(&mut self) -> Waiting {
        Waiting { threads: self.sleeping > 0, task: self.waker.take() }
    }

    /// The result, once.
    fn take(&mut self) -> Option<Result<T, JobError>> {
        match std::mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Done(result) => Some(result),
            Stage::Taken => Some(Err(JobError::Cancelled)),
            other => {
                self.stage = other;
                None
            }
        }
    }
}

impl<F, T> Waitable<T> for Submitted<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run_if_queued(&self) {
        if let Some(f) = self.claim(Stage::Running) {
            self.finish(catch(f).map_err(|payload| JobError::Panicked(Panic::new(payload))));
        }
    }

    fn cancel(&self) -> bool {
        let claimed = self.claim(Stage::Done(Err(JobError::Cancelled)));
        let cancelled = claimed.is_some();
        let waiting = lock(&self.state).take_waiting();
        self.wake(waiting);
        drop_quietly(claimed);
        cancelled
    }

    fn is_finished(&self) -> bool {
        matches!(lock(&self.state).stage, Stage::Done(_) | Stage::Taken)
    }

    fn let_go(&self) {
        let mut state = lock(&self.state);
        state.unwanted = true;
        let is_done = matches!(state.stage, Stage::Done(_));
        let result = if is_done { state.take() } else { None };
        let waker = state.waker.take();
        drop(state);
        drop_quietly(waker);
        if let Some(result) = result {
            self.discard_result(result);
        }
    }

    fn wait(&self, limit: Option<Duration>) -> Option<Result<T, JobError>> {
        // The clock is asked only by a call that has to wait: there are systems without one.
        let mut started = None;
        let mut state = lock(&self.state);
        loop {
            if let Some(result) = state.take() {
                return Some(result);
            }
            let left =
                limit.map(|limit| limit.saturating_sub(started.get_or_insert_with(Instant::now).elapsed()));
            if left == Some(Duration::ZERO) {
                return None;
            }
            state.sleeping += 1;
            state = wait(&self.done, state, left);
            state.sleeping -= 1;
        }
    }

    #[cfg(feature = "stream")]
    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError>> {
        if let Some(result) = lock(&self.state).take() {
            return Poll::Ready(result);
        }
        // No user code runs under the lock, and a clone that panics loses no result.
        let waker = waker.clone();
        let (result, unused) = {
            let mut state = lock(&self.state);
            match state.take() {
                Some(result) => (Some(result), Some(waker)),
                None => (None, state.waker.replace(waker)),
            }
        };
        drop_quietly(unused);
        result.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<F, T> Task for Submitted<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run(self: Arc<Self>, _: &dyn Executor) {
        self.run_if_queued();
    }

    fn discard(self: Arc<Self>) {
        self.cancel();
    }
}

impl<'s, T> ScopedJobHandle<'s, T> {
    pub(crate) fn new(
        job: Arc<dyn Waitable<T> + 's>,
        executor: &dyn Executor,
        lease: Option<Arc<Lease>>,
    ) -> Self {
        ScopedJobHandle { job, worker: is_worker(executor).then(|| thread::current().id()), lease }
    }

    /// The job does not need the pool any more, so that the scope does not wait for the pool's queue.
    fn close_lease(&self) {
        if let Some(lease) = &self.lease {
            lease.close();
        }
    }

    /// Waits for the job and returns its result.
    ///
    /// Inside a job (of any pool), and on a thread of the pool that submitted it, it runs the function
    /// itself if no thread has begun it, so that a pool of one thread finishes too.
    ///
    /// # Errors
    ///
    /// [`JobError::Panicked`] with the payload if the function panicked, [`JobError::Cancelled`] if it
    /// never ran.
    pub fn join(self) -> Result<T, JobError> {
        if in_job() || self.worker == Some(thread::current().id()) {
            // It runs as a job, wherever that is.
            let _inside = Inside::enter();
            self.job.run_if_queued();
            self.close_lease();
        }
        // Without a limit `wait` does not return before there is a result.
        self.job.wait(None).unwrap_or(Err(JobError::Cancelled))
    }

    /// Waits for at most `limit`. The handle stays good: the next call waits for the same job.
    ///
    /// A result can be had once; a later call gives [`JobError::Cancelled`].
    ///
    /// # Errors
    ///
    /// [`JobTimedOut`] if there is no result yet. The inner result is that of [`join`](ScopedJobHandle::join).
    pub fn join_timeout(&mut self, limit: Duration) -> Result<Result<T, JobError>, JobTimedOut> {
        match self.job.wait(Some(limit)) {
            Some(result) => Ok(result),
            None => Err(JobTimedOut { waited: limit }),
        }
    }

    /// Whether `join` would return at once.
    pub fn is_finished(&self) -> bool {
        self.job.is_finished()
    }

    /// Takes the job back if it has not begun: it will never run, and `join` gives [`JobError::Cancelled`]. Returns
    /// whether it was taken back; a running job cannot be stopped.
    pub fn cancel(&self) -> bool {
        let cancelled = self.job.cancel();
        self.close_lease();
        cancelled
    }
}

/// Waits for the job without blocking the thread, and gives what [`join`](ScopedJobHandle::join) gives. The function
/// runs on the pool, never on the thread that polls.
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let answer = futures::executor::block_on(pool.submit(|| 6 * 7));
/// assert_eq!(answer.unwrap(), 42);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[cfg(feature = "stream")]
impl<T> Future for ScopedJobHandle<'_, T> {
    type Output = Result<T, JobError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, JobError>> {
        self.job.poll(context.waker())
    }
}

impl<T> Drop for ScopedJobHandle<'_, T> {
    fn drop(&mut self) {
        self.job.let_go();
    }
}

// The state that a handle shares with its job changes under a lock, by code that does not unwind: the function's panic
// is caught and is the result. So a panic elsewhere leaves no change half done.
impl<T> UnwindSafe for ScopedJobHandle<'_, T> {}
impl<T> RefUnwindSafe for ScopedJobHandle<'_, T> {}

impl<T> fmt::Debug for ScopedJobHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

impl From<Cancelled> for JobError {
    fn from(_: Cancelled) -> JobError {
        JobError::Cancelled
    }
}
