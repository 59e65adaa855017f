//! What `queue.rs` uses of `crossbeam-deque`, for loom, which cannot look inside that crate.
//!
//! The jobs are behind a lock. Their number is an atomic beside it, so that `is_empty` may be as stale as
//! crossbeam's: a lock there would order everything by itself, and no model could tell whether the fences
//! of the sleep protocol are needed.

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, lock};
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) enum Steal<J> {
    Empty,
    Success(J),
    /// The locked queue never says this; crossbeam's does.
    #[allow(dead_code)]
    Retry,
}

/// The injector; a deque and its stealers point to one too.
pub(crate) struct Injector<J> {
    jobs: Mutex<VecDeque<J>>,
    len: AtomicUsize,
}

impl<J> Injector<J> {
    pub(crate) fn new() -> Self {
        Injector { jobs: Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) }
    }

    pub(crate) fn push(&self, job: J) {
        let mut jobs = lock(&self.jobs);
        jobs.push_back(job);
        self.len.store(jobs.len(), Ordering::Release);
    }

    pub(crate) fn steal(&self) -> Steal<J> {
        let mut jobs = lock(&self.jobs);
        let job = jobs.pop_front();
        self.len.store(jobs.len(), Ordering::Release);
        job.map_or(Steal::Empty, Steal::Success)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(Ordering::Acquire) == 0
    }
}

pub(crate) struct Worker<J>(Arc<Injector<J>>);

impl<J> Worker<J> {
    pub(crate) fn new_fifo() -> Self {
        Worker(Arc::new(Injector::new()))
    }

    pub(crate) fn stealer(&self) -> Stealer<J> {
        Stealer(self.0.clone())
    }

    pub(crate) fn push(&self, job: J) {
        self.0.push(job);
    }

    pub(crate) fn pop(&self) -> Option<J> {
        match self.0.steal() {
            Steal::Success(job) => Some(job),
            Steal::Empty | Steal::Retry => None,
        }
    }
}

pub(crate) struct Stealer<J>(Arc<Injector<J>>);

impl<J> Stealer<J> {
    pub(crate) fn steal(&self) -> Steal<J> {
        self.0.steal()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
