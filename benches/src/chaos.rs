//! A hostile executor: it keeps the contract of `Executor`, and nothing more.
//!
//! Jobs run in random order, after random delays, and each on whichever thread comes. What passes the
//! suite on it relies on nothing that the trait does not say.

use pool_core::{Executor, Job};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The hostile pool. Dropping it runs what is queued.
pub struct Chaos {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    pushed: Condvar,
    threads: usize,
}

struct State {
    jobs: Vec<Job>,
    closed: bool,
    random: u64,
}

impl Chaos {
    /// So many threads, with a fixed seed.
    pub fn new(threads: usize) -> Chaos {
        let state = State { jobs: Vec::new(), closed: false, random: 0x9E37_79B9_7F4A_7C15 };
        let shared = Arc::new(Shared { state: Mutex::new(state), pushed: Condvar::new(), threads });
        let threads = (0..threads)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || shared.work())
            })
            .collect();
        Chaos { shared, threads }
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.pushed.notify_all();
        let me = thread::current().id();
        if self.threads.iter().any(|thread| thread.thread().id() == me) {
            return;
        }
        for thread in self.threads.drain(..) {
            // The threads only run jobs, which do not unwind.
            let _ = thread.join();
        }
    }
}

impl State {
    fn random(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % below as u64) as usize
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(self: &Arc<Self>) {
        loop {
            let mut state = self.lock();
            while state.jobs.is_empty() && !state.closed {
                state = self.pushed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.jobs.is_empty() {
                return;
            }
            let count = state.jobs.len();
            let index = state.random(count);
            let job = state.jobs.swap_remove(index);
            let delay = state.random(16);
            drop(state);
            match delay {
                0 => thread::sleep(Duration::from_micros(300)),
                1..=4 => thread::yield_now(),
                _ => {}
            }
            job.run(&Handle(self.clone()));
        }
    }

    fn push(&self, job: Job) {
        self.lock().jobs.push(job);
        self.pushed.notify_one();
    }
}

struct Handle(Arc<Shared>);

impl Executor for Handle {
    fn threads(&self) -> usize {
        self.0.threads
    }

    fn spawn(&self, job: Job) {
        self.0.push(job);
    }
}

impl Executor for Chaos {
    fn threads(&self) -> usize {
        self.shared.threads
    }

    fn spawn(&self, job: Job) {
        self.shared.push(job);
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").field("threads", &self.shared.threads).finish_non_exhaustive()
    }
}
