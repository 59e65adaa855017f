//! The shared queue: a `VecDeque`, a mutex and a condition variable.

use pool_core::backend::{Counters, Job};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How often a worker that finds no job offers its core and looks again, before it sleeps. Short imaps follow each
/// other within some microseconds, and to be woken costs more than that.
const LOOKS: u32 = 32;

/// A first-in first-out queue of jobs that any thread may push to and the workers pop from.
pub(crate) struct Queue {
    state: Mutex<State>,
    pushed: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    sleeping: usize,
    /// Workers in a job. The job may push more, so the other workers stay while the queue closes.
    running: usize,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// Workers end when the queue is empty and no job runs.
    Closing,
    /// Nothing runs any more.
    Terminated,
}

impl Queue {
    pub(crate) fn new() -> Queue {
        let state = State { jobs: VecDeque::new(), sleeping: 0, running: 0, stage: Stage::Open };
        Queue { state: Mutex::new(state), pushed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job; running jobs may still do so while the queue closes. After [`terminate`](Queue::terminate) the job
    /// is dropped, and so cancelled.
    pub(crate) fn push(&self, job: Job) {
        let mut state = self.lock();
        if state.stage == Stage::Terminated {
            drop(state);
            drop(job);
            return;
        }
        state.jobs.push_back(job);
        let wake = state.sleeping > 0;
        drop(state);
        if wake {
            self.pushed.notify_one();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().jobs.is_empty()
    }

    /// Runs jobs, the oldest first, until the worker should end.
    pub(crate) fn work(&self, counters: &Counters, run: impl Fn(Job)) {
        let (mut state, mut looks) = (self.lock(), 0);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.running += 1;
                looks = 0;
                drop(state);
                run(job);
                state = self.lock();
                state.running -= 1;
                continue;
            }
            if looks < LOOKS && state.stage == Stage::Open {
                looks += 1;
                drop(state);
                std::thread::yield_now();
                state = self.lock();
                continue;
            }
            looks = 0;
            let idle = state.running == 0;
            if state.stage == Stage::Terminated || (state.stage == Stage::Closing && idle) {
                drop(state);
                self.pushed.notify_all();
                return;
            }
            state.sleeping += 1;
            counters.record_sleep();
            state = self.pushed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping -= 1;
        }
    }

    /// Lets the workers end when the queue is empty and no job runs.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if state.stage == Stage::Open {
            state.stage = Stage::Closing;
        }
        drop(state);
        self.pushed.notify_all();
    }

    /// Lets the workers end now. Returns what is queued, since to drop that calls user code: not under the lock.
    pub(crate) fn terminate(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.stage = Stage::Terminated;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        self.pushed.notify_all();
        jobs.into()
    }
}
