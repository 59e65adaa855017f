//! A line inside an item of a busy one leaves the pool's other threads alone, and has them when they are free.

use super::parts::LONG;
use super::promises;
use crate::work::xorshift;
use pool_core::{Executor, Job};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// How many items the outer line has, each with an inner line.
pub(super) const LINES: u64 = 600;

/// How many items an inner line has.
pub(super) const ITEMS: u64 = 40;

/// A pool, seen by the inner lines: it counts the jobs that they give it.
pub(super) struct Inner<P> {
    pool: Arc<P>,
    jobs: AtomicUsize,
}

impl<P: Executor> Inner<P> {
    pub(super) fn of(pool: &Arc<P>) -> Arc<Inner<P>> {
        Arc::new(Inner { pool: pool.clone(), jobs: AtomicUsize::new(0) })
    }

    /// Fails unless most inner lines did without another thread. One that is not alone calls a thread at its
    /// first item, so without going alone there are at least as many jobs as lines.
    #[track_caller]
    fn assert_mostly_alone(&self) {
        let jobs = self.jobs.load(Ordering::SeqCst);
        // It is a guess whether there is enough for all threads, and some runs of this suite guess badly on purpose.
        let guesses_well = std::env::var_os("POOL_POLICY").is_none_or(|policy| policy == "measured");
        if self.pool.pool_id().is_some() && guesses_well {
            assert!(jobs < LINES as usize / 2, "{LINES} inner lines called {jobs} threads");
        }
    }
}

impl<P: Executor> Executor for Inner<P> {
    fn threads(&self) -> usize {
        self.pool.threads()
    }
    fn spawn(&self, job: Job) {
        self.jobs.fetch_add(1, Ordering::SeqCst);
        self.pool.spawn(job);
    }
    fn has_waiting(&self) -> bool {
        self.pool.has_waiting()
    }
    fn is_worker(&self) -> bool {
        self.pool.is_worker()
    }
    fn pool_id(&self) -> Option<usize> {
        self.pool.pool_id()
    }
}

/// Runs `check` in each item of a busy line, and fails unless it went alone in most of them.
#[track_caller]
pub(super) fn in_a_busy_line<P>(pool: P, check: impl Fn(&Inner<P>, u64) + Send + Sync + 'static)
where
    P: Executor + 'static,
{
    let pool = Arc::new(pool);
    let inner = Inner::of(&pool);
    let shared = inner.clone();
    pool.imap(0..LINES, move |n| check(&shared, n)).for_each(drop);
    inner.assert_mostly_alone();
}

/// Numbers until one has been worked on by another thread than this one, and the function that sees to it.
fn until_helped() -> (impl Iterator<Item = u64> + Send + 'static, impl Fn(u64) + Send + Sync + 'static) {
    let helped = Arc::new(AtomicBool::new(false));
    let (help, me) = (helped.clone(), thread::current().id());
    let input = (0..).take_while(move |_| !helped.load(Ordering::SeqCst));
    let work = move |x| {
        xorshift(x, 200);
        if thread::current().id() != me {
            help.store(true, Ordering::SeqCst);
        }
    };
    (input, work)
}

promises! {
    fn p8_inner_lines_of_a_busy_one_call_no_threads(subject) {
        for threads in [1, 2, 3] {
            for chunk in [None, Some(1), Some(8)] {
                let pool = Arc::new(subject.pool(threads));
                let inner = Inner::of(&pool);
                let shared = inner.clone();
                let sum = move |n| shared.imap(n..n + ITEMS, |x| xorshift(x, 20)).fold(0, u64::wrapping_add);
                let outer = pool.imap(0..LINES, sum);
                let outer = if let Some(chunk) = chunk { outer.chunk(chunk) } else { outer };
                let expected = |n| (n..n + ITEMS).map(|x| xorshift(x, 20)).fold(0, u64::wrapping_add);
                assert!(outer.eq((0..LINES).map(expected)));
                inner.assert_mostly_alone();
            }
        }
    }

    /// Nobody but the consumer works on the outer line: the pool's only thread is in the job that iterates.
    fn p8_inner_lines_call_no_threads_where_only_the_consumer_works(subject) {
        for chunk in [1, 8] {
            let pool = Arc::new(subject.pool(1));
            let (outer, inner) = (pool.clone(), Inner::of(&pool));
            let shared = inner.clone();
            let sum = move |n| shared.imap(n..n + ITEMS, |x| xorshift(x, 20)).fold(0, u64::wrapping_add);
            let count = pool.submit(move || outer.imap(0..LINES, sum).chunk(chunk).count());
            assert_eq!(count.join().unwrap(), LINES as usize);
            inner.assert_mostly_alone();
        }
    }

    /// The consumer takes one result, and waits for what the pool does meanwhile.
    fn p14_an_inner_line_that_was_started_goes_on_without_its_consumer(subject) {
        for round in 0..8 {
            let pool = Arc::new(subject.pool(2));
            let inner = pool.clone();
            let outer = pool.imap(0..LINES, move |n| {
                xorshift(n, 200);
                if n == LINES / 2 + round {
                    let (send, receive) = mpsc::channel();
                    let mut line = inner.imap(0..ITEMS, move |x| send.send(x).unwrap()).start();
                    assert_eq!(line.next(), Some(()));
                    let last = iter::from_fn(|| receive.recv_timeout(LONG).ok()).find(|x| *x == ITEMS - 1);
                    assert_eq!(last, Some(ITEMS - 1), "nobody went on");
                    assert_eq!(line.count(), ITEMS as usize - 1);
                }
                n
            });
            assert!(outer.eq(0..LINES));
        }
    }

    /// It begins while the outer line is busy, and ends when another thread comes.
    fn p14_an_inner_line_gets_the_threads_when_the_outer_one_has_run_dry(subject) {
        for round in 0..8 {
            let pool = Arc::new(subject.pool(2));
            let inner = pool.clone();
            let outer = pool.imap(0..LINES, move |n| {
                xorshift(n, 200);
                if n == LINES / 2 + round {
                    let (input, work) = until_helped();
                    inner.imap(input, work).for_each(drop);
                }
                n
            });
            assert!(outer.eq(0..LINES));
        }
    }

    fn p14_an_inner_line_in_the_slow_head_of_a_full_window_gets_the_threads(subject) {
        let pool = Arc::new(subject.pool(2));
        let inner = pool.clone();
        let outer = pool.imap(0..200u64, move |n| {
            xorshift(n, 200);
            if n % 50 == 49 {
                let (input, work) = until_helped();
                inner.imap(input, work).for_each(drop);
            }
            n
        });
        assert!(outer.window(16).take(200).eq(0..200));
    }

    /// Each inner line calls a thread, although the outer one is busy.
    fn p14_inner_lines_on_another_pool_use_its_threads(subject) {
        let (pool, other) = (subject.pool(2), Arc::new(subject.pool(1)));
        let inner = Inner::of(&other);
        let shared = inner.clone();
        let outer = pool.imap(0..LINES, move |n| shared.imap(n..n + ITEMS, |x| x).sum::<u64>());
        assert!(outer.eq((0..LINES).map(|n| (n..n + ITEMS).sum::<u64>())));
        assert!(inner.jobs.load(Ordering::SeqCst) >= LINES as usize);
    }
}
