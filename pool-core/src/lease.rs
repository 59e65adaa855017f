//! A task that is lent to the pool for a time.
//!
//! The lease lies in the pool's queue in place of the task. A thread that comes for the task is counted while it has the
//! task, so that [`finish`](Lease::finish) can wait for the last one. A lease that has ended and is still queued does
//! nothing when its turn comes.

use crate::Executor;
use crate::job::Task;
use crate::sync::{Condvar, Mutex, lock, wait};
use crate::unwind::{catch, drop_quietly};
use std::sync::Arc;

/// What the pool holds in place of a task that borrows.
pub(crate) struct Lease {
    state: Mutex<LeaseState>,
    idle: Condvar,
    /// Ends a task that many jobs share. Without it the task is a job, which runs once.
    end: Option<Box<dyn Fn() + Send + Sync>>,
}

struct LeaseState {
    task: Option<Arc<dyn Task>>,
    /// How many threads hold the task.
    users: usize,
}

impl Lease {
    /// Lends a task that runs once.
    pub(crate) fn once(task: Arc<dyn Task>) -> Lease {
        Lease::new(task, None)
    }

    /// Lends a task that may run many times, on many threads. `end` ends it early.
    pub(crate) fn until_ended(task: Arc<dyn Task>, end: impl Fn() + Send + Sync + 'static) -> Lease {
        Lease::new(task, Some(Box::new(end)))
    }

    fn new(task: Arc<dyn Task>, end: Option<Box<dyn Fn() + Send + Sync>>) -> Lease {
        Lease { state: Mutex::new(LeaseState { task: Some(task), users: 0 }), idle: Condvar::new(), end }
    }

    /// Whether no thread has the task or can reach it any more.
    pub(crate) fn is_empty(&self) -> bool {
        let state = lock(&self.state);
        state.task.is_none() && state.users == 0
    }

    /// Lends the task to `f`, unless the lease is closed.
    fn with_task(&self, f: impl FnOnce(Arc<dyn Task>)) {
        let mut state = lock(&self.state);
        let task = if self.end.is_some() { state.task.clone() } else { state.task.take() };
        let Some(task) = task else { return };
        state.users += 1;
        drop(state);
        // The task is gone before it stops being counted, on every way out.
        let _user = User(self);
        // `f` drops the task. Should that panic, no caller is left to be told.
        drop_quietly(catch(|| f(task)));
    }

    /// Takes the task away from threads that would come for it later. Those that have it go on.
    pub(crate) fn close(&self) {
        let task = lock(&self.state).task.take();
        drop_quietly(task);
    }

    /// Waits until no thread can reach the task any more. A shared task ends early. A job is run: by this thread, if
    /// there is an executor for it.
    pub(crate) fn finish(&self, executor: Option<&dyn Executor>) {
        if let Some(end) = &self.end {
            // It may wake a task whose waker panics.
            drop_quietly(catch(end));
            self.close();
        } else if let Some(executor) = executor {
            self.with_task(|task| task.run(executor));
        }
        let mut state = lock(&self.state);
        while state.task.is_some() || state.users > 0 {
            state = wait(&self.idle, state, None);
        }
    }
}

/// A thread that holds the task, counted until this is dropped.
struct User<'a>(&'a Lease);

impl Drop for User<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.users -= 1;
        let idle = state.users == 0;
        drop(state);
        if idle {
            self.0.idle.notify_all();
        }
    }
}

impl Task for Lease {
    fn run(self: Arc<Self>, executor: &dyn Executor) {
        self.with_task(|task| task.run(executor));
    }

    fn discard(self: Arc<Self>) {
        self.with_task(Task::discard);
    }
}
