//! Two executors for tests only: [`Chaos`] keeps the contract of `Executor` and nothing more; [`Hostile`] breaks all of
//! it that safe code can break.
//!
//! On [`Chaos`], jobs run in random order, after random delays, and on a random thread. What passes
//! the suite on it relies on nothing that the trait does not say.

use crate::oracle::panic_on_purpose;
use pool_core::Executor;
use pool_core::backend::{Job, PoolId, forward_executor, in_job};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The pool that keeps the contract. Dropping it runs what is queued.
pub struct Chaos {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    pushed: Condvar,
    threads: usize,
    /// One call in `odds` panics; none does if it is 0.
    odds: usize,
}

struct State {
    jobs: Vec<Job>,
    closed: bool,
    random: u64,
}

impl Chaos {
    /// A pool of `threads` threads, with a fixed seed.
    pub fn new(threads: usize) -> Chaos {
        Chaos::with(threads, 0x9E37_79B9_7F4A_7C15, 0)
    }

    fn with(threads: usize, random: u64, odds: usize) -> Chaos {
        let state = State { jobs: Vec::new(), closed: false, random };
        let shared = Arc::new(Shared { state: Mutex::new(state), pushed: Condvar::new(), threads, odds });
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
            match self.odds {
                0 => job.run(self),
                _ => job.run(&Hostile { shared: self.clone(), _threads: None }),
            }
        }
    }
}

impl Executor for Shared {
    fn threads(&self) -> usize {
        self.threads
    }

    fn spawn(&self, job: Job) {
        self.lock().jobs.push(job);
        self.pushed.notify_one();
    }
}

impl Executor for Chaos {
    forward_executor!(self => *self.shared);
}

/// A pool that panics now and then in every method, and says another number of threads each time.
///
/// It runs or drops every job, also one whose `spawn` panicked. Nothing else can be relied on.
pub struct Hostile {
    shared: Arc<Shared>,
    /// `None` in the executor that jobs get.
    _threads: Option<Chaos>,
}

impl Hostile {
    /// A pool of `threads` threads. The seed says when it panics: one call in `odds` does.
    ///
    /// # Panics
    ///
    /// If `odds` is 0.
    pub fn new(threads: usize, seed: u64, odds: usize) -> Hostile {
        assert!(odds > 0, "odds must be at least 1");
        // The generator must not start at 0.
        let chaos = Chaos::with(threads, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, odds);
        Hostile { shared: chaos.shared.clone(), _threads: Some(chaos) }
    }

    fn random(&self, below: usize) -> usize {
        self.shared.lock().random(below)
    }

    fn may_panic(&self) {
        if self.random(self.shared.odds) == 0 {
            panic_on_purpose(HOSTILE);
        }
    }
}

/// The number in the panics of a [`Hostile`] pool.
pub const HOSTILE: u64 = u64::MAX;

impl Executor for Hostile {
    fn threads(&self) -> usize {
        self.may_panic();
        [0, 1, self.shared.threads, 3, usize::MAX][self.random(5)]
    }

    fn spawn(&self, job: Job) {
        // Drops the job.
        self.may_panic();
        if self.random(2 * self.shared.odds) == 0 {
            return;
        }
        self.shared.spawn(job);
        self.may_panic();
    }

    fn has_waiting(&self) -> bool {
        self.may_panic();
        self.random(2) == 0
    }

    fn is_worker(&self) -> bool {
        self.may_panic();
        in_job()
    }

    fn pool_id(&self) -> Option<PoolId> {
        self.may_panic();
        (self.random(2) == 0).then(|| PoolId::of(&*self.shared))
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").field("threads", &self.shared.threads).finish_non_exhaustive()
    }
}

impl fmt::Debug for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hostile").field("threads", &self.shared.threads).finish_non_exhaustive()
    }
}
