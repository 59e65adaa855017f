//! What a pool can tell about its workers.

use std::fmt;
use std::time::Duration;

/// What the workers of a pool have done since it was built. From each backend's `stats()`.
///
/// It is a copy: ask again for newer figures, and subtract two copies for a span of time. Asking costs some tens of
/// nanoseconds per worker and holds no worker up. The workers are not read at one instant, so a job that runs meanwhile
/// may be in one figure and not yet in another.
///
/// Its `Display` is a table, a line for each worker and one for all of them:
///
/// ```
/// # use pool_stealing::{Executor, StealingPool};
/// let pool = StealingPool::new(2)?;
/// for x in 0..10 {
///     pool.submit(move || x * x).join().unwrap();
/// }
/// let stats = pool.stats();
/// assert_eq!(stats.workers.len(), 2);
/// assert_eq!(stats.total().jobs, 10);
/// println!("{stats}");
/// // worker       jobs       busy     sleeps     steals
/// //      0          7     11.2µs          6          0
/// //      1          3      4.0µs          4          0
/// //  total         10     15.2µs         10          0
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// One for each thread of the pool, in the order of their indices.
    pub workers: Vec<WorkerStats>,
}

/// What one worker of a pool has done; or all of them, from [`PoolStats::total`].
///
/// A consumer in a job works in its `next` (P17); that counts as time of the job. Outside of jobs a consumer works for no
/// pool (P16).
///
/// ```
/// # use pool_stealing::{Executor, StealingPool};
/// let pool = StealingPool::new(1)?;
/// pool.submit(|| ()).join().unwrap();
/// let worker = &pool.stats().workers[0];
/// assert_eq!((worker.jobs, worker.steals), (1, 0));
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Jobs that it has begun. One `submit` is one job, even if another thread has run its function by then
    /// or cancelled it. An `imap` needs few: one job goes from item to item until there are none, or until
    /// another job waits for the thread.
    pub jobs: u64,
    /// The wall-clock time that it has spent in jobs, including a running one. A job that blocks counts as busy, in a
    /// function as in the input of an `imap`. A job inside a job does not count twice.
    pub busy: Duration,
    /// How often it went to sleep because there was no job.
    ///
    /// When rayon's threads sleep cannot be seen. For `RayonPool` this is how often a thread went back to rayon because
    /// no job was left.
    pub sleeps: u64,
    /// Jobs that it took from the deque of another worker. 0 in pools that have no deques, `ChannelPool` and
    /// `RayonPool`.
    pub steals: u64,
}

impl PoolStats {
    /// The sum over all workers. `busy` may be longer than the pool has lived.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2)?;
    /// let before = pool.stats().total();
    /// pool.imap(0..1000, |x| x + 1).for_each(drop);
    /// println!("busy for {:?}", pool.stats().total().busy - before.busy);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn total(&self) -> WorkerStats {
        let mut total = WorkerStats::default();
        for worker in &self.workers {
            total.jobs += worker.jobs;
            total.busy += worker.busy;
            total.sleeps += worker.sleeps;
            total.steals += worker.steals;
        }
        total
    }
}

/// For authors of backends: the workers' [`Counters::stats`](crate::backend::Counters::stats), in order.
impl FromIterator<WorkerStats> for PoolStats {
    fn from_iter<I: IntoIterator<Item = WorkerStats>>(workers: I) -> PoolStats {
        PoolStats { workers: workers.into_iter().collect() }
    }
}

impl fmt::Display for PoolStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>6} {:>10} {:>10} {:>10} {:>10}", "worker", "jobs", "busy", "sleeps", "steals")?;
        for (index, worker) in self.workers.iter().enumerate() {
            writeln!(f, "{index:>6} {worker}")?;
        }
        write!(f, "{:>6} {}", "total", self.total())
    }
}

/// One line of the table, without its first column.
impl fmt::Display for WorkerStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WorkerStats { jobs, busy, sleeps, steals } = self;
        write!(f, "{jobs:>10} {busy:>10.1?} {sleeps:>10} {steals:>10}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_a_person() {
        let first =
            WorkerStats { jobs: 12, busy: Duration::from_micros(1_500), sleeps: 3, ..WorkerStats::default() };
        let second = WorkerStats { jobs: 1, busy: Duration::from_secs(200), steals: 1, ..first.clone() };
        let stats: PoolStats = [first, second].into_iter().collect();
        let expected = "\
worker       jobs       busy     sleeps     steals
     0         12      1.5ms          3          0
     1          1     200.0s          3          1
 total         13     200.0s          6          1";
        assert_eq!(stats.to_string(), expected);
    }
}
