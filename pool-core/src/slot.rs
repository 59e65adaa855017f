//! A task that the pool can reach only for a time.
//!
//! The slot lies in the pool's queue in place of the task. Whoever comes for the task is counted while it
//! has it, so that [`finish`](Slot::finish) can wait for the last one. An empty slot that is still queued
//! does nothing when its turn comes.

use crate::Executor;
use crate::imap::Control;
use crate::job::Task;
use crate::sync::{Condvar, Mutex, lock, wait};
use crate::unwind::{catch, drop_quietly};
use std::sync::Arc;

/// What the pool holds in place of a task that borrows.
pub(crate) struct Slot {
    state: Mutex<SlotState>,
    idle: Condvar,
    /// For an imap, whose jobs all go through one slot. Else it is a job, which runs once.
    imap: Option<Arc<Control>>,
}

struct SlotState {
    task: Option<Arc<dyn Task>>,
    /// How many threads hold the task.
    users: usize,
}

impl Slot {
    pub(crate) fn new(task: Arc<dyn Task>, imap: Option<Arc<Control>>) -> Slot {
        Slot { state: Mutex::new(SlotState { task: Some(task), users: 0 }), idle: Condvar::new(), imap }
    }

    /// Whether nobody can reach a task through it any more.
    pub(crate) fn is_empty(&self) -> bool {
        let state = lock(&self.state);
        state.task.is_none() && state.users == 0
    }

    /// Lends the task to `f`, unless the slot is closed.
    fn with_task(&self, f: impl FnOnce(Arc<dyn Task>)) {
        let mut state = lock(&self.state);
        let task = if self.imap.is_some() { state.task.clone() } else { state.task.take() };
        let Some(task) = task else { return };
        state.users += 1;
        drop(state);
        // The task is gone before it stops being counted, on every way out.
        let _user = User(self);
        // `f` drops the task. Should that panic, nobody is left to be told.
        drop_quietly(catch(|| f(task)));
    }

    /// Takes the task away from whoever would come for it later. Whoever has it goes on.
    pub(crate) fn close(&self) {
        let task = lock(&self.state).task.take();
        drop_quietly(task);
    }

    /// Waits until nobody can reach the task any more: an imap ends early, a job is run, by this thread if
    /// there is an executor for it.
    pub(crate) fn finish(&self, executor: Option<&dyn Executor>) {
        if let Some(imap) = &self.imap {
            // It wakes the consumer, which may be a task with a waker that panics.
            drop_quietly(catch(|| imap.cancel()));
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

/// Counts as a user until it is dropped.
struct User<'a>(&'a Slot);

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

impl Task for Slot {
    fn run(self: Arc<Self>, executor: &dyn Executor) {
        self.with_task(|task| task.run(executor));
    }

    fn discard(self: Arc<Self>) {
        self.with_task(Task::discard);
    }
}
