//! Test doubles: executors that run jobs exactly when a test says so.

use crate::Executor;
use crate::job::Job;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Runs each job at once, inside `spawn`, on the thread that spawned it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Inline;

impl Executor for Inline {
    fn threads(&self) -> usize {
        1
    }

    fn spawn(&self, job: Job) {
        job.run(self);
    }

    fn has_waiting(&self) -> bool {
        false
    }
}

/// Keeps jobs until it is told to run or to drop them.
#[derive(Debug)]
pub struct Manual {
    threads: usize,
    jobs: Mutex<VecDeque<Job>>,
}

impl Manual {
    /// Claims to have this many threads, and has none.
    pub fn new(threads: usize) -> Manual {
        Manual { threads, jobs: Mutex::default() }
    }

    /// How many jobs are kept.
    pub fn len(&self) -> usize {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no job is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs the oldest job on this thread. Returns whether there was one.
    pub fn run_one(&self) -> bool {
        let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        job.map(|job| job.run(self)).is_some()
    }

    /// Drops all jobs, which cancels them.
    pub fn discard(&self) {
        let jobs = std::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner));
        drop(jobs);
    }
}

impl Executor for Manual {
    fn threads(&self) -> usize {
        self.threads
    }

    fn spawn(&self, job: Job) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push_back(job);
    }

    fn has_waiting(&self) -> bool {
        !self.is_empty()
    }
}
