//! P12, P14: how many jobs of an imap its pool has, and how many of them have begun.
//!
//! A job points to the imap's shared state and means "come and do one turn". A thread that leaves the lock and sees
//! more work than it takes itself reserves one more job, and spawns it. A job that finds nothing ends. Work
//! appears under the lock, but for the two kinds of invariant 5 in [`engine`](super), so no job is missed.
//!
//! One worker calls the next: so a few that look for work are enough, and more would only take the lock from those who have
//! some.

/// How many workers may look for work at a time.
const MOST_LOOKING: usize = 2;

pub(crate) struct Workers {
    most: usize,
    /// There may be fewer than the pool has threads.
    limited: bool,
    /// Threads that are in an item, or pull one to begin with it; a consumer that works, too.
    at_work: usize,
    /// Queued and running.
    jobs: usize,
    queued: usize,
    /// Workers that have found nothing, and look on.
    looking: usize,
    /// The pool has dropped a job.
    pool_gone: bool,
}

impl Workers {
    pub(crate) fn new(threads: usize) -> Workers {
        Workers {
            most: threads,
            limited: false,
            at_work: 0,
            jobs: 0,
            queued: 0,
            looking: 0,
            pool_gone: false,
        }
    }

    /// At most this many jobs, though the pool may have more threads. To be called before the first.
    pub(crate) fn limit(&mut self, most: usize) {
        self.limited = most < self.most;
        self.most = self.most.min(most);
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.limited
    }

    /// Whether one more thread may begin with an item: the consumer comes on top of the jobs.
    pub(crate) fn may_begin(&self) -> bool {
        !self.limited || self.at_work < self.most
    }

    /// How many threads are in an item.
    pub(crate) fn at_work(&self) -> usize {
        self.at_work
    }

    pub(crate) fn begin_work(&mut self) {
        self.at_work += 1;
    }

    pub(crate) fn end_work(&mut self) {
        self.at_work -= 1;
    }

    /// The most jobs that there may be: one for each thread of the pool, or fewer.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Jobs in the middle of their turn.
    pub(crate) fn active(&self) -> usize {
        self.jobs - self.queued
    }

    /// Jobs that wait for a thread.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    pub(crate) fn is_full(&self) -> bool {
        self.jobs >= self.most
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs == 0
    }

    pub(crate) fn pool_is_gone(&self) -> bool {
        self.pool_gone
    }

    /// Whether one more worker may look on. The others end their turn, and are called when there is work.
    pub(crate) fn try_look(&mut self) -> bool {
        let may = self.looking < MOST_LOOKING;
        self.looking += usize::from(may);
        may
    }

    /// A worker that looked is at the lock again.
    pub(crate) fn end_look(&mut self) {
        self.looking -= 1;
    }

    /// Counts a job that the caller will spawn, if there may be one more.
    pub(crate) fn try_reserve(&mut self) -> bool {
        let may = !self.is_full() && !self.pool_gone;
        if may {
            self.jobs += 1;
            self.queued += 1;
        }
        may
    }

    pub(crate) fn begin_turn(&mut self) {
        self.queued -= 1;
    }

    pub(crate) fn end_turn(&mut self) {
        self.jobs -= 1;
    }

    /// The job goes back to the end of the pool's queue: the caller spawns it.
    pub(crate) fn requeue(&mut self) {
        self.queued += 1;
    }

    /// The pool has dropped a queued job.
    pub(crate) fn discard(&mut self) {
        self.queued -= 1;
        self.jobs -= 1;
        self.pool_gone = true;
    }

    /// A turn has not come to its end.
    pub(crate) fn lose(&mut self) {
        self.jobs -= 1;
        self.pool_gone = true;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{MOST_LOOKING, Workers};

    #[test]
    fn p14_there_is_at_most_one_job_for_each_thread() {
        let mut workers = Workers::new(2);
        assert!(workers.try_reserve() && workers.try_reserve());
        assert!(!workers.try_reserve());
        assert_eq!(workers.active(), 0, "queued jobs do not count");
        workers.begin_turn();
        assert_eq!(workers.active(), 1);
        workers.requeue();
        assert_eq!(workers.active(), 0);
        workers.begin_turn();
        workers.end_turn();
        assert!(workers.try_reserve());
    }

    #[test]
    fn p12_a_pool_that_drops_jobs_is_asked_no_more() {
        let mut workers = Workers::new(2);
        assert!(workers.try_reserve() && workers.try_reserve());
        workers.begin_turn();
        workers.discard();
        assert!(!workers.try_reserve());
        assert_eq!((workers.active(), workers.queued()), (1, 0), "one is still at work");
        workers.end_turn();
        assert!(workers.is_empty() && workers.pool_is_gone());
    }

    #[test]
    fn p17_a_limit_holds_for_all_that_begin_and_only_below_the_pool_s_threads() {
        let mut workers = Workers::new(2);
        workers.limit(3);
        assert!(!workers.is_limited() && workers.most() == 2);
        workers.begin_work();
        assert!(workers.may_begin());
        workers.limit(1);
        assert!(workers.is_limited() && !workers.may_begin());
        workers.end_work();
        assert!(workers.may_begin());
        assert!(workers.try_reserve() && !workers.try_reserve());
    }

    #[test]
    fn p13_few_workers_look_at_a_time() {
        let mut workers = Workers::new(512);
        let looking = (0..512).filter(|_| workers.try_look()).count();
        assert_eq!(looking, MOST_LOOKING);
        workers.end_look();
        assert!(workers.try_look() && !workers.try_look());
    }
}
