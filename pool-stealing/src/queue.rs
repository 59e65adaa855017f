//! Where jobs wait: one first-in first-out deque per worker, and the injector for jobs from outside.
//!
//! Both are `crossbeam-deque`'s (Chase and Lev's deque, and a linked list of blocks), with locked ones in
//! their place for loom (`deque_loom.rs`).
//!
//! **First in, first out.** Stealing pools for fork and join (rayon, Cilk) run a worker's newest job
//! first, which keeps its data in the cache and its stack shallow. Here a consumer waits for the *oldest*
//! job: the consumer of an ordered `imap` needs the next result, and a job that spawns itself again, as
//! the engine's do to share the pool, must go behind the others and not in front of them.
//!
//! **One job at a time** is stolen, and taken from the injector. Taking a batch (as tokio does) saves
//! synchronisation where jobs cost less than a steal. The engine's jobs run for up to half a millisecond
//! and may run for minutes: a job moved along in a batch waits behind the one that it came with, on a
//! worker that has just become busy, until another worker steals it again. Beside such jobs the cost of a steal
//! does not count, and jobs keep their order.

#[cfg(loom)]
use crate::deque_loom as crossbeam_deque;
use crossbeam_deque::{Injector, Steal, Stealer, Worker};

/// The end of a deque that belongs to its worker. It can be sent to the worker's thread, not shared.
pub(crate) struct Own<J>(Worker<J>);

impl<J> Own<J> {
    pub(crate) fn push(&self, job: J) {
        self.0.push(job);
    }

    /// The oldest job.
    pub(crate) fn pop(&self) -> Option<J> {
        self.0.pop()
    }
}

/// What every thread may reach: the injector, and the other end of every deque.
pub(crate) struct Queues<J> {
    injector: Injector<J>,
    stealers: Box<[Stealer<J>]>,
}

impl<J> Queues<J> {
    /// Queues for this many workers, and each worker's own end.
    pub(crate) fn new(workers: usize) -> (Queues<J>, Vec<Own<J>>) {
        let own: Vec<Own<J>> = (0..workers).map(|_| Own(Worker::new_fifo())).collect();
        let stealers = own.iter().map(|own| own.0.stealer()).collect();
        (Queues { injector: Injector::new(), stealers }, own)
    }

    pub(crate) fn inject(&self, job: J) {
        self.injector.push(job);
    }

    /// The oldest job of the injector.
    pub(crate) fn take_injected(&self) -> Option<J> {
        // Mostly there is none, and then this costs two loads.
        if self.injector.is_empty() {
            return None;
        }
        persist(|| self.injector.steal())
    }

    /// The oldest job of this worker's deque.
    pub(crate) fn steal_from(&self, worker: usize) -> Option<J> {
        let stealer = &self.stealers[worker];
        if stealer.is_empty() {
            return None;
        }
        persist(|| stealer.steal())
    }

    /// A job from the injector or from any deque, and whose deque it was. The deques are visited from
    /// `first` on.
    pub(crate) fn take_any(&self, first: usize) -> Option<(J, Option<usize>)> {
        if let Some(job) = self.take_injected() {
            return Some((job, None));
        }
        let workers = self.stealers.len();
        let mut round = (first..workers).chain(0..first.min(workers));
        round.find_map(|worker| Some((self.steal_from(worker)?, Some(worker))))
    }

    /// Whether a job waits anywhere. This may be out of date when it returns; `sleep.rs` says why that
    /// is enough.
    pub(crate) fn has_job(&self) -> bool {
        !self.injector.is_empty() || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }
}

/// Tries again while other threads interfere. Each thread that interferes has got a job, so this ends.
fn persist<J>(attempt: impl Fn() -> Steal<J>) -> Option<J> {
    loop {
        match attempt() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
