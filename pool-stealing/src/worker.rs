//! What a worker does: find a job, run it, and sleep when there is none.
//!
//! **Where it looks.** First into its own deque, then into the injector, then, as a searcher, into the
//! deques of the others, beginning at a different one each time.
//!
//! **Fairness.** A job that spawns itself again keeps its worker's deque from ever being empty, and the
//! jobs elsewhere would wait for ever. So every [`TURN`] jobs a worker looks into the injector first, and
//! every `TURN` jobs into the deque of one other worker. (tokio does so for its injector every 61 polls;
//! polls are short, while the engine's jobs run for half a millisecond, so here the turn comes sooner.)
//! Deques are first in, first out, so within each the oldest job is next.
//!
//! Everything here is generic over the job, so that the loom models (`models.rs`) run this code with jobs
//! of their own.

use crate::queue::{Own, Queues};
use crate::sleep::{Next, Sleep};
use crate::sync::atomic::{Ordering, fence};
use pool_core::PoolStats;
use pool_core::backend::Counters;
use std::sync::Arc;

/// How many jobs of its own a worker runs between two looks into the injector. The look costs two loads if there is
/// nothing.
const TURN: usize = 4;

/// How often a worker that finds no job offers its core and searches again, before it sleeps. Short imaps follow each
/// other within some microseconds, and to be woken costs more than that.
const LOOKS: u32 = if cfg!(loom) { 0 } else { 32 };

/// What the threads of a pool share.
pub(crate) struct Core<J> {
    queues: Queues<J>,
    sleep: Sleep,
    /// One for each worker.
    counters: Box<[Counters]>,
}

/// One worker; moves to its thread, and stays there.
pub(crate) struct Worker<J> {
    core: Arc<Core<J>>,
    own: Own<J>,
    index: usize,
}

impl<J> Core<J> {
    /// A core and its workers. It ends only if each of them is put to [`work`](Worker::work).
    pub(crate) fn new(workers: usize) -> (Arc<Core<J>>, Vec<Worker<J>>) {
        let (queues, own) = Queues::new(workers);
        let counters = (0..workers).map(|_| Counters::new()).collect();
        let core = Arc::new(Core { queues, sleep: Sleep::new(workers), counters });
        let worker = |(index, own)| Worker { core: core.clone(), own, index };
        let workers = own.into_iter().enumerate().map(worker).collect();
        (core, workers)
    }

    pub(crate) fn workers(&self) -> usize {
        self.counters.len()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.counters.iter().map(Counters::stats).collect()
    }

    /// Whether a job waits in any queue.
    pub(crate) fn has_job(&self) -> bool {
        self.queues.has_job()
    }

    /// Queues a job from outside, or drops it if the pool has been terminated.
    pub(crate) fn inject(&self, job: J) {
        if self.sleep.is_terminated() {
            return;
        }
        self.queues.inject(job);
        self.pushed();
    }

    /// To be called after each push: wakes a worker, or else drops what is queued in a terminated pool.
    ///
    /// The look before the push does not suffice: the pool may be terminated between the two, and the workers may have
    /// dropped what was queued, and ended. `Sleep::pushed` has a fence between the push and the look here;
    /// [`terminate`](Core::terminate) has one between its store and its own look at the queues. So one of the two sees
    /// the other's, and drops the job. It must be dropped now and not when a worker ends, since the job that has
    /// pushed it may wait for it.
    fn pushed(&self) {
        self.sleep.pushed();
        if self.sleep.is_terminated() {
            drop(self.take_all());
        }
    }

    /// Lets the workers end when no job is left.
    pub(crate) fn close(&self) {
        self.sleep.close();
    }

    /// Lets the workers end after what they are running. Returns what is queued.
    ///
    /// A job that is pushed at the same time may be missed here. Then the thread that pushed it drops it: see
    /// [`pushed`](Core::pushed).
    pub(crate) fn terminate(&self) -> Vec<J> {
        self.sleep.terminate();
        // Between the store and the look at the queues. Pairs with the fence of a push, between that and its look.
        fence(Ordering::SeqCst);
        self.take_all()
    }

    fn take_all(&self) -> Vec<J> {
        std::iter::from_fn(|| self.queues.take_any(0)).map(|(job, _)| job).collect()
    }
}

impl<J> Worker<J> {
    pub(crate) fn counters(&self) -> &Counters {
        &self.core.counters[self.index]
    }

    pub(crate) fn belongs_to(&self, core: &Arc<Core<J>>) -> bool {
        Arc::ptr_eq(&self.core, core)
    }

    /// Queues a job in this worker's own deque, or drops it if the pool has been terminated.
    pub(crate) fn push(&self, job: J) {
        if self.core.sleep.is_terminated() {
            return;
        }
        self.own.push(job);
        self.core.pushed();
    }

    /// Runs jobs until the pool ends. `run` must not unwind.
    pub(crate) fn work(&self, run: impl Fn(J)) {
        let Core { queues, sleep, .. } = &*self.core;
        let mut round = Round { done: 0, victim: self.index };
        let (mut searching, mut looks) = (false, 0);
        while !sleep.is_terminated() {
            let near = if searching { None } else { self.near(&mut round) };
            if let Some(job) = near {
                run(job);
                continue;
            }
            if !searching {
                sleep.search();
            }
            let victim = round.next_victim(self.core.workers());
            if let Some((job, from)) = queues.take_any(victim) {
                self.count_if_stolen(from);
                sleep.found(|| queues.has_job());
                (searching, looks) = (false, 0);
                run(job);
                continue;
            }
            // It counts as searching meanwhile, so that a push wakes no other.
            searching = true;
            if looks < LOOKS {
                looks += 1;
                std::thread::yield_now();
                continue;
            }
            looks = 0;
            match sleep.park(|| queues.has_job(), || self.counters().record_sleep()) {
                Next::Search => {}
                Next::End => break,
            }
        }
    }

    /// A job from the own deque or the injector; every [`TURN`] jobs, from elsewhere first.
    fn near(&self, round: &mut Round) -> Option<J> {
        let queues = &self.core.queues;
        round.done = round.done.wrapping_add(1);
        let first = match round.done % TURN {
            0 => queues.take_injected(),
            2 => {
                let victim = round.next_victim(self.core.workers());
                queues.steal_from(victim).inspect(|_| self.count_if_stolen(Some(victim)))
            }
            _ => None,
        };
        first.or_else(|| self.own.pop()).or_else(|| queues.take_injected())
    }

    /// A worker meets its own deque on its round too; that is no theft.
    fn count_if_stolen(&self, from: Option<usize>) {
        if from.is_some_and(|victim| victim != self.index) {
            self.counters().record_steal();
        }
    }
}

/// Where the worker looks first, next time.
struct Round {
    done: usize,
    victim: usize,
}

impl Round {
    fn next_victim(&mut self, workers: usize) -> usize {
        self.victim = (self.victim + 1) % workers;
        self.victim
    }
}
