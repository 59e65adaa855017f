//! An imap inside an item of a busy one runs inline, and leaves the pool's other threads to the outer imap; it gets
//! them when they are free.

use crate::subject::AnyPool;
use crate::suite::list::promises;
use crate::suite::parts::LONG;
use crate::suite::wrapped::{Wrapped, Wrapper};
use pool_core::work::xorshift;
use pool_core::{Executor, backend::Job};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// How many items the outer imap has, each with an inner imap.
pub(super) const IMAPS: u64 = 600;

/// How many items an inner imap has.
pub(super) const ITEMS: u64 = 40;

/// A pool, seen by the inner imaps: it counts the jobs that they give it.
pub(super) type Inner = Wrapped<CountsJobs>;

pub(super) struct CountsJobs {
    pool: Arc<AnyPool>,
    jobs: AtomicUsize,
}

impl Wrapper for CountsJobs {
    fn pool(&self) -> &dyn Executor {
        &self.pool
    }
    fn spawn(&self, job: Job) {
        self.jobs.fetch_add(1, Ordering::SeqCst);
        self.pool.spawn(job);
    }
}

impl Inner {
    pub(super) fn of(pool: &Arc<AnyPool>) -> Arc<Inner> {
        Arc::new(Wrapped(CountsJobs { pool: pool.clone(), jobs: AtomicUsize::new(0) }))
    }

    fn jobs(&self) -> usize {
        self.0.jobs.load(Ordering::SeqCst)
    }

    /// Fails unless most inner imaps did without another thread. An imap that does not run inline calls a thread at its
    /// first item, so if none ran inline there are at least as many jobs as imaps.
    #[track_caller]
    fn assert_mostly_inline(&self) {
        let jobs = self.jobs();
        // The engine guesses whether all threads have enough to do, and some runs of this suite guess badly on purpose.
        let guesses_well = std::env::var_os("POOL_POLICY").is_none_or(|policy| policy == "measured");
        if self.pool_id().is_some() && guesses_well {
            assert!(jobs < IMAPS as usize / 2, "{IMAPS} inner imaps called {jobs} threads");
        }
    }
}

/// Runs `check` in each item of a busy imap, and fails unless it ran inline in most of them.
#[track_caller]
pub(super) fn in_a_busy_imap(pool: AnyPool, check: impl Fn(&Inner, u64) + Send + Sync + 'static) {
    let pool = Arc::new(pool);
    let inner = Inner::of(&pool);
    let shared = inner.clone();
    pool.imap(0..IMAPS, move |n| check(&shared, n)).for_each(drop);
    inner.assert_mostly_inline();
}

/// Numbers, until another thread than this one has worked on one of them, and the function that notes that.
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
    fn p8_inner_imaps_of_a_busy_one_call_no_threads(subject) {
        for threads in [1, 2, 3] {
            for chunk in [None, Some(1), Some(8)] {
                let pool = Arc::new(subject.pool(threads));
                let inner = Inner::of(&pool);
                let shared = inner.clone();
                let sum = move |n| shared.imap(n..n + ITEMS, |x| xorshift(x, 20)).fold(0, u64::wrapping_add);
                let outer = pool.imap(0..IMAPS, sum);
                let outer = if let Some(chunk) = chunk { outer.chunk(chunk) } else { outer };
                let expected = |n| (n..n + ITEMS).map(|x| xorshift(x, 20)).fold(0, u64::wrapping_add);
                assert!(outer.eq((0..IMAPS).map(expected)));
                inner.assert_mostly_inline();
            }
        }
    }

    /// Only the consumer works on the outer imap: the pool's only thread is in the job that iterates.
    fn p8_inner_imaps_call_no_threads_where_only_the_consumer_works(subject) {
        for chunk in [1, 8] {
            let pool = Arc::new(subject.pool(1));
            let (outer, inner) = (pool.clone(), Inner::of(&pool));
            let shared = inner.clone();
            let sum = move |n| shared.imap(n..n + ITEMS, |x| xorshift(x, 20)).fold(0, u64::wrapping_add);
            let count = pool.submit(move || outer.imap(0..IMAPS, sum).chunk(chunk).count());
            assert_eq!(count.join().unwrap(), IMAPS as usize);
            inner.assert_mostly_inline();
        }
    }

    /// The consumer takes one result, and waits for what the pool does meanwhile.
    fn p14_an_inner_imap_that_was_started_goes_on_without_its_consumer(subject) {
        for round in 0..8 {
            let pool = Arc::new(subject.pool(2));
            let inner = pool.clone();
            let outer = pool.imap(0..IMAPS, move |n| {
                xorshift(n, 200);
                if n == IMAPS / 2 + round {
                    let (send, receive) = mpsc::channel();
                    let mut imap = inner.imap(0..ITEMS, move |x| send.send(x).unwrap()).start();
                    assert_eq!(imap.next(), Some(()));
                    let last = iter::from_fn(|| receive.recv_timeout(LONG).ok()).find(|x| *x == ITEMS - 1);
                    assert_eq!(last, Some(ITEMS - 1), "no thread went on");
                    assert_eq!(imap.count(), ITEMS as usize - 1);
                }
                n
            });
            assert!(outer.eq(0..IMAPS));
        }
    }

    /// It begins while the outer imap is busy, and ends when another thread comes.
    fn p14_an_inner_imap_gets_the_threads_when_the_outer_one_has_run_dry(subject) {
        for round in 0..8 {
            let pool = Arc::new(subject.pool(2));
            let inner = pool.clone();
            let outer = pool.imap(0..IMAPS, move |n| {
                xorshift(n, 200);
                if n == IMAPS / 2 + round {
                    let (input, work) = until_helped();
                    inner.imap(input, work).for_each(drop);
                }
                n
            });
            assert!(outer.eq(0..IMAPS));
        }
    }

    fn p14_an_inner_imap_in_the_slow_head_of_a_full_window_gets_the_threads(subject) {
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

    /// Each inner imap calls a thread, although the outer one is busy.
    fn p14_inner_imaps_on_another_pool_use_its_threads(subject) {
        let (pool, other) = (subject.pool(2), Arc::new(subject.pool(1)));
        let inner = Inner::of(&other);
        let shared = inner.clone();
        let outer = pool.imap(0..IMAPS, move |n| shared.imap(n..n + ITEMS, |x| x).sum::<u64>());
        assert!(outer.eq((0..IMAPS).map(|n| (n..n + ITEMS).sum::<u64>())));
        assert!(inner.jobs() >= IMAPS as usize);
    }
}
