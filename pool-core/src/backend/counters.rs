//! Counting what a worker does, cheaply enough to do it always.
//!
//! Only the worker itself writes its counters, so counting is a load and a store, without contention or a
//! read-modify-write. The atomics are std's even under loom: no decision of a pool rests on them.

use super::stats::WorkerStats;
use crate::Executor;
use crate::job::Job;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The counters of one worker. Optional.
///
/// Have one for each thread: only that thread writes to it, and any thread may read it. Each lies in cache lines of its
/// own, so an array of them is fine. A run costs two readings of the clock and three stores, some 50 to 100 ns
/// together; the others cost a store each.
///
/// ```
/// use pool_core::backend::{Counters, Job};
/// use pool_core::{Executor, PoolStats};
///
/// /// Runs every job at once, and knows how long that took.
/// #[derive(Default)]
/// struct Inline(Counters);
/// impl Executor for Inline {
///     fn threads(&self) -> usize { 1 }
///     fn spawn(&self, job: Job) { self.0.run(job, self) }
/// }
/// impl Inline {
///     fn stats(&self) -> PoolStats { [self.0.stats()].into_iter().collect() }
/// }
///
/// let pool = Inline::default();
/// pool.submit(|| 42).join().unwrap();
/// assert_eq!(pool.stats().total().jobs, 1);
/// ```
#[derive(Debug)]
#[repr(align(128))]
pub struct Counters {
    born: Instant,
    jobs: AtomicU64,
    /// While no job runs: how many nanoseconds since `born` the worker has been busy. While a job runs: [`RUNNING`],
    /// and how many it has been *idle*. Both add up to the time since `born`, so this one word gives the busy time at
    /// any moment, and a reader never sees a sum that is half done.
    time: AtomicU64,
    sleeps: AtomicU64,
    steals: AtomicU64,
}

const RUNNING: u64 = 1 << 63;

impl Counters {
    /// All at zero.
    ///
    /// ```
    /// let counters: Vec<_> = (0..4).map(|_| pool_core::backend::Counters::new()).collect();
    /// assert!(counters.iter().all(|worker| worker.stats().jobs == 0));
    /// ```
    pub fn new() -> Counters {
        Counters {
            born: Instant::now(),
            jobs: AtomicU64::new(0),
            time: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            steals: AtomicU64::new(0),
        }
    }

    /// [`Job::run`], counted and timed.
    ///
    /// A job is counted when it begins, so a thread that has its result finds it counted. A job that runs inside
    /// another on the same thread is counted too; its time is part of the outer job's.
    ///
    /// ```
    /// # use pool_core::{Executor, backend::{Counters, Job}};
    /// # struct Inline; impl Executor for Inline {
    /// #   fn threads(&self) -> usize { 1 }
    /// #   fn spawn(&self, job: Job) { job.run(self) }
    /// # }
    /// let counters = Counters::new();
    /// counters.run(Job::new(|_| println!("work")), &Inline);
    /// assert_eq!(counters.stats().jobs, 1);
    /// ```
    pub fn run(&self, job: Job, executor: &dyn Executor) {
        count(&self.jobs);
        let busy = self.time.load(Relaxed);
        if busy & RUNNING != 0 {
            job.run(executor);
            return;
        }
        let idle = self.age().saturating_sub(busy);
        self.time.store(idle | RUNNING, Relaxed);
        job.run(executor);
        self.time.store(self.age().saturating_sub(idle), Relaxed);
    }

    /// To be called when the worker goes to sleep.
    ///
    /// ```
    /// # let counters = pool_core::backend::Counters::new();
    /// counters.record_sleep();
    /// assert_eq!(counters.stats().sleeps, 1);
    /// ```
    pub fn record_sleep(&self) {
        count(&self.sleeps);
    }

    /// To be called when the worker has taken a job from another's deque.
    ///
    /// ```
    /// # let counters = pool_core::backend::Counters::new();
    /// counters.record_steal();
    /// assert_eq!(counters.stats().steals, 1);
    /// ```
    pub fn record_steal(&self) {
        count(&self.steals);
    }

    /// The figures as they are now, from any thread. Costs a few loads, and a reading of the clock if a job
    /// is running.
    ///
    /// ```
    /// let counters = pool_core::backend::Counters::new();
    /// assert!(counters.stats().busy.is_zero());
    /// ```
    pub fn stats(&self) -> WorkerStats {
        WorkerStats {
            jobs: self.jobs.load(Relaxed),
            busy: Duration::from_nanos(self.busy()),
            sleeps: self.sleeps.load(Relaxed),
            steals: self.steals.load(Relaxed),
        }
    }

    fn busy(&self) -> u64 {
        loop {
            let time = self.time.load(Relaxed);
            if time & RUNNING == 0 {
                return time;
            }
            let age = self.age();
            // If the job has ended since the load above, the clock may include time after its end: try again.
            if self.time.load(Relaxed) == time {
                return age.saturating_sub(time & !RUNNING);
            }
        }
    }

    /// Nanoseconds; for the first 292 years they leave the highest bit alone.
    fn age(&self) -> u64 {
        let age = self.born.elapsed();
        age.as_secs() * 1_000_000_000 + u64::from(age.subsec_nanos())
    }
}

impl Default for Counters {
    fn default() -> Counters {
        Counters::new()
    }
}

fn count(counter: &AtomicU64) {
    // Only one thread writes, so no write falls between the load and the store.
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::thread;

    const NAP: Duration = Duration::from_millis(30);

    /// Runs each job at once, so one that spawns another has it run inside itself.
    #[derive(Clone, Default)]
    struct Inline(Arc<Counters>);

    impl Executor for Inline {
        fn threads(&self) -> usize {
            1
        }
        fn spawn(&self, job: Job) {
            self.0.run(job, self);
        }
    }

    #[test]
    fn time_of_a_job_inside_a_job_counts_once() {
        let pool = Inline::default();
        // Longer than the work below, so that rest counted as work cannot make up for work not counted.
        thread::sleep(4 * NAP);
        let began = Instant::now();
        let inner = pool.clone();
        let (send, meanwhile) = mpsc::channel();
        pool.spawn(Job::new(move |_| {
            thread::sleep(NAP);
            inner.spawn(Job::new(|_| thread::sleep(NAP)));
            thread::sleep(NAP);
            // The outer job is still running.
            send.send(inner.0.stats()).unwrap();
        }));
        for stats in [meanwhile.recv().unwrap(), pool.0.stats()] {
            assert_eq!(stats.jobs, 2);
            assert!((3 * NAP..=began.elapsed()).contains(&stats.busy), "{stats:?} of {:?}", began.elapsed());
        }
    }

    #[test]
    fn time_between_jobs_does_not_count() {
        let pool = Inline::default();
        for _ in 0..3 {
            thread::sleep(NAP);
            pool.spawn(Job::new(|_| ()));
        }
        let busy = pool.0.stats().busy;
        assert!(busy < NAP, "{busy:?}");
        thread::sleep(NAP);
        assert_eq!(pool.0.stats().busy, busy);
    }

    #[test]
    fn a_running_job_counts_so_far() {
        let pool = Inline::default();
        let (end, ended) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let worker = pool.clone();
        let thread = thread::spawn(move || {
            worker.spawn(Job::new(move |_| {
                begin.send(()).unwrap();
                let _ = ended.recv();
            }));
        });
        begun.recv().unwrap();
        let before = pool.0.stats();
        thread::sleep(NAP);
        let after = pool.0.stats();
        assert_eq!((before.jobs, after.jobs), (1, 1));
        assert!(after.busy >= before.busy + NAP, "{before:?} {after:?}");
        drop(end);
        thread.join().unwrap();
        assert!(pool.0.stats().busy >= after.busy);
    }

    #[test]
    fn a_panicking_job_ends_its_time_too() {
        let pool = Inline::default();
        pool.spawn(Job::new(|_| panic!("on purpose")));
        let busy = pool.0.stats().busy;
        thread::sleep(NAP);
        assert_eq!(pool.0.stats().busy, busy);
    }
}
