//! P17: an imap uses all threads that no other work needs, also inside a job.

use crate::suite::list::promises;
use crate::suite::parts::{LONG, soon};
use pool_core::Executor;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Where a number of threads meet, again and again.
struct Meeting {
    threads: usize,
    /// How many have come, in all.
    came: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    fn of(threads: usize) -> Arc<Meeting> {
        Arc::new(Meeting { threads, came: Mutex::new(0), changed: Condvar::new() })
    }

    fn meet(&self) {
        let mut came = self.came.lock().unwrap();
        let round = *came / self.threads;
        *came += 1;
        self.changed.notify_all();
        let wait = |came: &mut usize| *came / self.threads == round;
        let (_came, timeout) = self.changed.wait_timeout_while(came, LONG, wait).unwrap();
        assert!(!timeout.timed_out(), "the other threads did not come");
    }
}

/// Rounds of as many items as there are threads, which all must run at the same time.
fn meets(pool: &impl Executor, threads: usize) {
    meets_within(pool, threads, None);
}

/// The same, where the imap may have this many threads.
fn meets_within(pool: &impl Executor, threads: usize, limit: Option<usize>) {
    const ROUNDS: usize = 20;
    let meeting = Meeting::of(threads);
    let f = move |x: usize| {
        meeting.meet();
        x
    };
    // A consumer in a job pulls its head only, so there must be room when a worker pulls for it.
    let mut results = pool.imap(0..threads * ROUNDS, f).window(threads * 16).chunk(1);
    if let Some(limit) = limit {
        results = results.threads(limit);
    }
    assert!(results.eq(0..threads * ROUNDS));
}

promises! {
    fn p17_every_thread_works_for_an_imap(subject) {
        for threads in [1, 2, 4, 64] {
            meets(&subject.pool(threads), threads);
        }
    }

    fn p17_every_thread_works_for_an_imap_in_a_job(subject) {
        for threads in [1, 2, 4] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            pool.submit(move || meets(&inner, threads)).join().unwrap();
        }
    }

    fn p17_every_thread_works_for_an_imap_in_an_item(subject) {
        for threads in [1, 2, 4] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            assert_eq!(pool.imap(0..1, move |x| (meets(&inner, threads), x).1).count(), 1);
        }
    }

    /// The thread that waits in its `next` is one of those that work.
    fn p17_a_consumer_in_a_job_works(subject) {
        let pool = Arc::new(subject.pool(2));
        let inner = pool.clone();
        let (mine, of_it) = pool.submit(move || {
            let me = thread::current().id();
            let count = Arc::new(AtomicUsize::new(0));
            let here = count.clone();
            let results = inner.imap(0..2_000u64, move |x| {
                here.fetch_add(usize::from(thread::current().id() == me), Ordering::SeqCst);
                // Long enough for both to have a part.
                (0..2_000).fold(x, |x, n| std::hint::black_box(x ^ n) ^ n)
            });
            assert!(results.eq(0..2_000));
            (count.load(Ordering::SeqCst), 2_000)
        }).join().unwrap();
        assert!(mine >= of_it / 20, "{mine} of {of_it}");
    }

    fn p17_a_limit_of_threads_is_used_up(subject) {
        for limit in [1, 2, 3] {
            let pool = Arc::new(subject.pool(4));
            meets_within(&pool, limit, Some(limit));
            let inner = pool.clone();
            pool.submit(move || meets_within(&inner, limit, Some(limit))).join().unwrap();
        }
        meets_within(&subject.pool(2), 2, Some(5));
    }

    /// Also where the consumer is in a job, and works.
    fn p17_no_more_threads_than_asked_for_are_in_an_item(subject) {
        for (limit, unordered) in [(1, false), (1, true), (2, false), (3, true)] {
            let pool = Arc::new(subject.pool(4));
            let inner = pool.clone();
            let most_at_once = move || {
                let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
                let seen = counts.clone();
                let f = move |x: u64| {
                    seen.1.fetch_max(seen.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let y = (0..500).fold(x, |x, n| std::hint::black_box(x ^ n) ^ n);
                    thread::yield_now();
                    seen.0.fetch_sub(1, Ordering::SeqCst);
                    y
                };
                let results = inner.imap(0..3_000u64, f).threads(limit);
                assert_eq!(if unordered { results.unordered().count() } else { results.count() }, 3_000);
                counts.1.load(Ordering::SeqCst)
            };
            let outside = most_at_once();
            let inside = pool.submit(most_at_once).join().unwrap();
            assert!(outside <= limit && inside <= limit, "{outside} and {inside} of {limit}");
        }
    }

    /// Where it was begun does not matter: what counts is the thread that calls.
    fn p16_an_imap_that_has_left_its_job_runs_nothing_on_its_consumer(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let ran: Arc<Mutex<HashSet<_>>> = Arc::default();
            let (of_items, of_input) = (ran.clone(), ran.clone());
            let begin = move |_| {
                let (of_items, of_input) = (of_items.clone(), of_input.clone());
                let note = |threads: &Mutex<HashSet<_>>| _ = threads.lock().unwrap().insert(thread::current().id());
                let input = (0..400u64).inspect(move |_| note(&of_input));
                let f = move |x| (note(&of_items), x).1;
                let mut imap = inner.clone().into_imap(input, f);
                assert!(imap.by_ref().take(20).eq(0..20));
                imap
            };
            let mut imap = pool.imap(0..1, begin).next().unwrap();
            soon("what was begun has ended", || ran.lock().unwrap().len() <= threads);
            assert!(imap.by_ref().eq(20..400));
            assert!(!ran.lock().unwrap().contains(&thread::current().id()));
        }
    }
}
