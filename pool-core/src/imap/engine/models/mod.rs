//! loom models of the engine: up to two workers and a consumer, in each order of their steps that has at most the
//! number of preemptions that the model gives. Each prints how many orders that were, and whether the time that `.ci/loom`
//! gives was enough for all; `.ci/loom --full` has no limit.
//!
//! The policy is the one that takes single items, never naps and never looks; where rings matter a model asks for a chunk,
//! and for a window of at least twice that, since a chunk is at most half of the window. The clock stands still, so nothing
//! is handed back, and no slice ends.
//!
//! A file holds the models of one lemma. What they look for is a stall, which loom reports as a deadlock, and a wrong
//! result. Each says which deliberate breaks were seen to turn it red. Run them with `.ci/loom`.

mod busy;
mod ending;
mod liveness;
mod local;
mod unordered;
mod wakeup;

use crate::Executor;
use crate::explore::explore;
use crate::job::Job;
use crate::sync::{Condvar, Mutex, lock};
use std::collections::VecDeque;
use std::sync::Arc;

/// A shared queue, on loom's mutex.
#[derive(Default)]
struct Queue {
    state: Mutex<(VecDeque<Job>, bool)>,
    pushed: Condvar,
}

struct Pool {
    queue: Arc<Queue>,
    threads: usize,
    /// The thread that has this handle is one that the pool needs.
    is_worker: bool,
}

impl Pool {
    fn new(queue: &Arc<Queue>, threads: usize) -> Pool {
        Pool { queue: queue.clone(), threads, is_worker: false }
    }

    /// The same pool, as a job has it: a consumer that waits in it works.
    fn from_inside(&self) -> Pool {
        Pool { queue: self.queue.clone(), threads: self.threads, is_worker: true }
    }
}

impl Executor for Pool {
    fn threads(&self) -> usize {
        self.threads
    }

    fn spawn(&self, job: Job) {
        let mut state = lock(&self.queue.state);
        if state.1 {
            drop(state);
            drop(job);
            return;
        }
        state.0.push_back(job);
        drop(state);
        self.queue.pushed.notify_one();
    }

    fn is_worker(&self) -> bool {
        self.is_worker
    }
}

impl Queue {
    fn work(self: &Arc<Self>, threads: usize) {
        let pool = Pool::new(self, threads);
        loop {
            let mut state = lock(&self.state);
            let job = loop {
                if let Some(job) = state.0.pop_front() {
                    break job;
                }
                if state.1 {
                    return;
                }
                state = self.pushed.wait(state).unwrap();
            };
            drop(state);
            job.run(&pool);
        }
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.1 = true;
        let jobs = std::mem::take(&mut state.0);
        drop(state);
        drop(jobs);
        self.pushed.notify_all();
    }
}

/// Explores `body`, which gets a pool of this many threads, and then `after`, when they have ended.
fn model<A>(
    threads: usize,
    preemptions: usize,
    body: impl Fn(&Pool) -> A + Send + Sync + 'static,
    after: impl Fn(A) + Send + Sync + 'static,
) {
    model_of(threads, threads, preemptions, body, after);
}

/// The same, of a pool that says how many threads it has.
fn model_of<A>(
    threads: usize,
    said: usize,
    preemptions: usize,
    body: impl Fn(&Pool) -> A + Send + Sync + 'static,
    after: impl Fn(A) + Send + Sync + 'static,
) {
    explore(preemptions, move || {
        let queue = Arc::new(Queue::default());
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let queue = queue.clone();
                loom::thread::spawn(move || queue.work(said))
            })
            .collect();
        let pool = Pool::new(&queue, said);
        let kept = body(&pool);
        queue.close();
        for worker in workers {
            worker.join().unwrap();
        }
        after(kept);
    });
}

/// A number that threads wait for.
#[derive(Default)]
struct Count(Mutex<u64>, Condvar);

/// An input whose items wait until the item before has been worked on, and the function that tells it: for its effect,
/// and not for its result.
fn waits_for_the_effect(items: u64) -> (impl Iterator<Item = u64> + Send, impl Fn(u64) -> u64 + Send + Sync) {
    let done = Arc::new(Count::default());
    let asked = done.clone();
    let input = (0..items).inspect(move |&item| asked.wait_for(item));
    let f = move |x| {
        done.set(x + 1);
        x
    };
    (input, f)
}

impl Count {
    fn set(&self, count: u64) {
        *lock(&self.0) = count;
        self.1.notify_all();
    }

    fn add(&self, more: u64) {
        *lock(&self.0) += more;
        self.1.notify_all();
    }

    fn wait_for(&self, least: u64) {
        let mut count = lock(&self.0);
        while *count < least {
            count = self.1.wait(count).unwrap();
        }
    }
}
