//! The engine on executors that run jobs exactly when the test says so: every promise in a second, on one thread.
//!
//! A job that is run by [`Manual::run_one`] inside an item or inside the input is another worker at just that moment.

use pool_core::doubles::{Inline, Manual};
use pool_core::watchdog::within;
use pool_core::{CancelToken, Cancelled, Executor, Imap, JobError, Place};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

/// Nothing here waits for another thread, so a test that takes as long hangs.
const LIMIT: Duration = Duration::from_secs(10);

/// A pool that its own jobs can use, too. It is leaked, so that an imap may borrow it for as long as it likes.
fn manual(threads: usize) -> &'static Manual {
    Box::leak(Box::new(Manual::new(threads)))
}

/// What there is now, without waiting.
fn ready<T>(imap: &mut Imap<'_, T>) -> Vec<T> {
    std::iter::from_fn(|| imap.next_timeout(NOW).ok().flatten()).collect()
}

/// Runs jobs and takes results until the end. Before the first call with a limit all jobs have run: from that call on
/// items go one by one.
fn drive<T>(pool: &Manual, imap: &mut Imap<'_, T>) -> Vec<T> {
    let mut results = Vec::new();
    loop {
        let mut ran = false;
        while pool.run_one() {
            ran = true;
        }
        match imap.next_timeout(NOW) {
            Ok(Some(result)) => results.push(result),
            Ok(None) => return results,
            Err(_) => assert!(ran || !pool.is_empty(), "no job is queued, and the imap has not ended"),
        }
    }
}

/// Counts what has been pulled.
fn counted<A>(items: impl Iterator<Item = A>) -> (impl Iterator<Item = A>, Arc<AtomicUsize>) {
    let pulled = Arc::new(AtomicUsize::new(0));
    let count = pulled.clone();
    (items.inspect(move |_| _ = count.fetch_add(1, SeqCst)), pulled)
}

#[test]
fn p1_jobs_that_run_inside_spawn() {
    within(LIMIT, || {
        for window in [1, 2, 100] {
            let imap = Inline.imap(0..500u64, |x| x + 1).window(window);
            assert!(imap.eq(1..=500), "window {window}");
        }
        assert_eq!(Inline.submit(|| 5).join().unwrap(), 5);
    });
}

#[test]
fn p1_a_head_that_is_late_holds_what_is_behind_it() {
    within(LIMIT, || {
        let pool = manual(2);
        let f = |x| {
            if x == 0 {
                // The other worker does all the rest while this one is in item 0.
                while pool.run_one() {}
            }
            x
        };
        let mut imap = pool.imap(0..40, f).window(50).start();
        assert!(drive(pool, &mut imap).into_iter().eq(0..40));
    });
}

#[test]
fn p1_without_order_each_result_comes_once() {
    within(LIMIT, || {
        let pool = manual(2);
        let f = |x| {
            if x == 0 {
                while pool.run_one() {}
            }
            x
        };
        let mut imap = pool.imap(0..40, f).window(50).unordered().start();
        let results = drive(pool, &mut imap);
        let mut seen = [false; 40];
        results.iter().for_each(|&x| assert!(!std::mem::replace(&mut seen[x], true)));
    });
}

#[test]
fn p2_no_job_is_spawned_before_the_first_next() {
    within(LIMIT, || {
        let pool = Manual::new(4);
        let imap = pool.imap(0..10, |x| x);
        assert!(pool.is_empty());
        let imap = imap.start();
        assert_eq!(pool.len(), 1, "one job, which spawns the others");
        drop(imap);
    });
}

#[test]
fn p3_jobs_stop_at_the_window() {
    within(LIMIT, || {
        let pool = Manual::new(2);
        let (input, pulled) = counted(0..100);
        let mut imap = pool.imap(input, |x| x).window(7).start();
        while pool.run_one() {}
        assert_eq!(pulled.load(SeqCst), 7);
        assert_eq!(imap.next_timeout(NOW), Ok(Some(0)));
        while pool.run_one() {}
        assert_eq!(pulled.load(SeqCst), 7, "result 0 may still be in the making");
        assert_eq!(imap.next_timeout(NOW), Ok(Some(1)));
        while pool.run_one() {}
        assert_eq!(pulled.load(SeqCst), 8);
    });
}

#[test]
fn p4_an_item_begins_before_the_next_is_pulled_where_no_other_worker_comes() {
    within(LIMIT, || {
        let pool = manual(2);
        let begun = Arc::new(AtomicUsize::new(0));
        let (count, seen) = (begun.clone(), begun);
        let input =
            (0..20).inspect(move |&x| assert_eq!(seen.load(SeqCst), x, "item {x} was pulled too early"));
        let mut imap = pool.imap(input, move |x| count.store(x + 1, SeqCst)).window(16).chunk(4).start();
        assert_eq!(drive(pool, &mut imap).len(), 20);
    });
}

#[test]
fn p4_what_a_feeder_has_pulled_is_taken_while_it_is_in_the_input() {
    within(LIMIT, || {
        let pool = manual(2);
        let (arrive, arrived) = mpsc::channel();
        let (done, others) = mpsc::channel();
        let (arrived, others) = (Mutex::new(arrived), Mutex::new(others));
        // The input gives item 4 when the three before it are done, which its feeder has in its ring.
        let input = (0..16).inspect(move |&x| {
            if x == 4 {
                arrive.send(()).unwrap();
                others.lock().unwrap().iter().take(3).for_each(drop);
            }
        });
        let f = move |x| {
            if x == 0 {
                // The other worker comes, and is in the input when this one goes on.
                std::thread::spawn(move || assert!(pool.run_one()));
                arrived.lock().unwrap().recv().unwrap();
            } else {
                // After item 4 no thread listens.
                let _ = done.send(());
            }
            x
        };
        let imap = pool.imap(input, f).window(64).chunk(8).start();
        while pool.run_one() {}
        assert!(imap.eq(0..16));
    });
}

#[test]
fn p5_a_result_can_be_had_while_its_chunk_goes_on() {
    within(LIMIT, || {
        let pool = manual(1);
        let imap = Arc::new(Mutex::new(None));
        let mine = imap.clone();
        let f = move |x: u64| {
            if x > 0 {
                let mut imap: std::sync::MutexGuard<'_, Option<Imap<'_, u64>>> = mine.lock().unwrap();
                let before = imap.as_mut().unwrap().next_timeout(NOW);
                assert_eq!(before, Ok(Some(x - 1)), "the result before is there while item {x} runs");
            }
            x
        };
        *imap.lock().unwrap() = Some(pool.imap(0..5, f).window(8).chunk(8).start());
        while pool.run_one() {}
        let mut imap = imap.lock().unwrap().take().unwrap();
        assert_eq!(drive(pool, &mut imap), [4]);
    });
}

#[test]
fn p6_a_panic_takes_one_place_in_a_chunk() {
    within(LIMIT, || {
        let pool = manual(1);
        let f = |x| if x % 3 == 1 { panic_any(x) } else { x };
        let mut imap = pool.imap(0..10, f).window(16).chunk(16).catch_panics().start();
        for (x, result) in drive(pool, &mut imap).into_iter().enumerate() {
            match result {
                Ok(result) => assert!(result == x && x % 3 != 1),
                Err(panic) => assert!(panic.into_payload().downcast_ref() == Some(&x) && x % 3 == 1),
            }
        }
    });
}

#[test]
fn p6_a_state_is_not_used_again_after_a_panic() {
    within(LIMIT, || {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let init = move || count.fetch_add(1, SeqCst);
        let f = |state: &mut usize, x| if x == 2 { panic!("on purpose") } else { *state };
        let states: Vec<_> = Inline.imap_init(0..6, init, f).catch_panics().map(Result::ok).collect();
        assert_eq!(states, [Some(0), Some(0), None, Some(1), Some(1), Some(1)]);
    });
}

#[test]
fn p7_a_panic_of_the_input_comes_behind_the_last_item_once() {
    within(LIMIT, || {
        let pool = manual(2);
        let input = (0..10).inspect(|&x| {
            if x == 5 {
                panic_any("input")
            }
        });
        let mut imap = pool.imap(input, |x| x).window(16).catch_panics().start();
        let mut results = drive(pool, &mut imap);
        let panic = results.pop().and_then(Result::err).expect("the panic is the last");
        assert_eq!(panic.into_payload().downcast_ref(), Some(&"input"));
        assert!(results.into_iter().map(Result::unwrap).eq(0..5));
    });
}

#[test]
fn p8_an_imap_inside_an_item_needs_no_other_thread() {
    within(LIMIT, || {
        let sum = |x: u64| Inline.imap(0..x, |y| y).window(3).sum::<u64>();
        assert!(Inline.imap(0..50, sum).eq((0..50).map(|x: u64| x * x.saturating_sub(1) / 2)));
        let pool = manual(1);
        let nested = move |x: u64| {
            let mapped = pool.map(0..x, |y| y).into_iter().sum::<u64>();
            let submitted = pool.submit(move || x).join().unwrap();
            let scoped = pool.scope(|s| s.imap(0..x, |y| y).sum::<u64>());
            assert_eq!((mapped, submitted), (scoped, x));
            mapped
        };
        let mut imap = pool.imap(0..20, nested).start();
        assert!(drive(pool, &mut imap).into_iter().eq((0..20).map(|x: u64| x * x.saturating_sub(1) / 2)));
    });
}

#[test]
fn p9_jobs_of_a_dropped_imap_do_nothing() {
    within(LIMIT, || {
        let pool = Manual::new(2);
        let imap = pool.imap(0..10, |_| panic!("it must not begin")).start();
        drop(imap);
        while pool.run_one() {}
    });
}

#[test]
fn p9_items_and_results_are_dropped_once_with_a_job_still_queued() {
    within(LIMIT, || {
        for taken in 0..4 {
            let pool = manual(2);
            let alive = Arc::new(());
            let items: Vec<_> = (0..8).map(|_| alive.clone()).collect();
            let mut imap = pool.imap(items, |item| item).window(4).chunk(2).start();
            pool.run_one();
            imap.by_ref().take(taken).for_each(drop);
            drop(imap);
            assert_eq!(Arc::strong_count(&alive), 1, "after {taken} results");
        }
    });
}

#[test]
fn p9_nothing_begins_after_a_cancel_and_what_is_finished_still_comes() {
    within(LIMIT, || {
        let pool = manual(1);
        let mut imap = pool.imap(0..100, |x| x).window(5).start();
        while pool.run_one() {}
        let token = imap.cancel_token();
        token.cancel();
        while pool.run_one() {}
        assert_eq!(imap.by_ref().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(imap.is_cancelled() && imap.next().is_none());
    });
}

#[test]
fn p9_a_cancel_in_a_chunk_lets_no_further_item_begin() {
    within(LIMIT, || {
        let pool = manual(2);
        let token = CancelToken::new();
        let cancel = token.clone();
        let f = move |x| match x {
            // The other worker comes, and takes the rest as one chunk.
            0 => {
                while pool.run_one() {}
                x
            }
            1 => x,
            2 => {
                cancel.cancel();
                x
            }
            _ => panic!("item {x} began after the cancel"),
        };
        let mut imap = pool.imap(0..8, f).window(8).chunk(8).cancel_with(&token).catch_panics().start();
        while pool.run_one() {}
        assert_eq!(imap.by_ref().map(|result| result.unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(imap.is_cancelled());
    });
}

#[test]
fn p9_a_worker_drops_what_it_brings_to_an_imap_that_is_gone() {
    within(LIMIT, || {
        let pool = manual(2);
        let alive = Arc::new(());
        let items: Vec<_> = (0..8).map(|_| alive.clone()).collect();
        let imap = Arc::new(Mutex::new(None));
        let mine = imap.clone();
        // The consumer leaves while the worker is in item 0.
        let f = move |item| {
            drop(mine.lock().unwrap().take());
            item
        };
        *imap.lock().unwrap() = Some(pool.imap(items, f).window(8).chunk(8).start());
        assert!(pool.run_one() && imap.lock().unwrap().is_none());
        assert!(!pool.is_empty(), "another job keeps the imap's state alive");
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

#[test]
fn p9_a_scope_waits_for_a_job_that_another_thread_runs() {
    within(LIMIT, || {
        let pool = manual(1);
        let (began, begun) = mpsc::channel();
        let (go_on, gate) = mpsc::channel::<()>();
        let ended = AtomicBool::new(false);
        let (pool_of_thread, ended_of_job) = (pool, &ended);
        let worker = pool.scope(|s| {
            let job = s.submit(move || {
                began.send(()).unwrap();
                gate.recv().unwrap();
                ended_of_job.store(true, SeqCst);
            });
            drop(job);
            let worker = std::thread::spawn(move || assert!(pool_of_thread.run_one()));
            begun.recv().unwrap();
            // From now on the scope waits, and a third thread lets the job end.
            let opener = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                go_on.send(()).unwrap();
            });
            (worker, opener)
        });
        assert!(ended.load(SeqCst), "the scope has ended before its job");
        worker.0.join().unwrap();
        worker.1.join().unwrap();
    });
}

#[test]
fn p8_a_scope_on_a_thread_of_the_pool_runs_its_jobs_itself_once() {
    within(LIMIT, || {
        let pool = manual(1);
        let count = Arc::new(AtomicUsize::new(0));
        let counts = count.clone();
        let outer = pool.submit(move || {
            let (counts, local) = (counts, 1);
            pool.scope(|s| drop(s.submit(|| counts.fetch_add(local, SeqCst))));
        });
        while pool.run_one() {}
        assert!(outer.is_finished());
        assert_eq!(count.load(SeqCst), 1);
    });
}

#[test]
fn p10_a_time_out_loses_nothing() {
    within(LIMIT, || {
        let pool = manual(1);
        let mut imap = pool.imap(0..3, |x| x).start();
        for _ in 0..3 {
            assert!(imap.next_timeout(NOW).is_err_and(|late| late.index() == 0));
        }
        assert_eq!(drive(pool, &mut imap), [0, 1, 2]);
    });
}

#[test]
fn p10_an_item_that_was_given_up_takes_its_place_with_it() {
    within(LIMIT, || {
        let pool = manual(2);
        let mut imap = pool.imap(0..6, |x| x).window(3).start().timeout(NOW);
        assert!(imap.next().is_some_and(|late| late.is_err()));
        assert!(imap.give_up());
        let mut results = Vec::new();
        for result in imap {
            match result {
                Ok(result) => results.push(result),
                Err(_) => assert!(pool.run_one()),
            }
        }
        assert_eq!(results, [1, 2, 3, 4, 5]);
    });
}

#[test]
fn p11_the_hint_counts_what_is_in_flight() {
    within(LIMIT, || {
        let pool = manual(2);
        let mut imap = pool.imap(0..10, |x| x).window(4).start();
        while pool.run_one() {}
        assert_eq!(imap.size_hint(), (10, Some(10)));
        assert!(!ready(&mut imap).is_empty());
        let left = imap.size_hint().0;
        assert_eq!(drive(pool, &mut imap).len(), left);
        assert_eq!(imap.size_hint(), (0, Some(0)));
        assert_eq!((imap.next(), imap.next()), (None, None), "fused");
    });
}

#[test]
fn p12_a_consumer_whose_jobs_were_discarded_gets_cancelled() {
    within(LIMIT, || {
        let pool = Manual::new(2);
        let mut imap = pool.imap(0..10, |x| x).start();
        pool.discard();
        let payload = catch_unwind(AssertUnwindSafe(|| imap.next())).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&Cancelled));
        assert_eq!(imap.next(), None);

        let handle = pool.submit(|| ());
        pool.discard();
        assert!(handle.is_finished());
        assert!(matches!(handle.join(), Err(JobError::Cancelled)));
    });
}

#[test]
fn p12_what_was_computed_before_is_still_delivered() {
    within(LIMIT, || {
        let pool = Manual::new(1);
        let mut imap = pool.imap(0..10, |x| x).window(3).start();
        while pool.run_one() {}
        assert_eq!(imap.next(), Some(0));
        assert_eq!(imap.next(), Some(1));
        pool.discard();
        assert_eq!(imap.next(), Some(2));
    });
}

#[test]
fn p12_a_cancelled_job_never_runs() {
    within(LIMIT, || {
        let pool = Manual::new(1);
        let handle = pool.submit(|| panic!("it must not run"));
        assert!(handle.cancel());
        assert!(!handle.cancel(), "once");
        assert!(pool.run_one());
        assert!(matches!(handle.join(), Err(JobError::Cancelled)));
    });
}

#[test]
fn p10_a_job_that_is_late_is_waited_for_again() {
    within(LIMIT, || {
        let pool = Manual::new(1);
        let mut handle = pool.submit(|| 3);
        assert!(handle.join_timeout(Duration::from_millis(5)).is_err());
        assert!(!handle.is_finished());
        assert!(pool.run_one());
        assert_eq!(handle.join_timeout(Duration::from_secs(30)).unwrap().unwrap(), 3);
        // Its result has been taken.
        assert!(matches!(handle.join(), Err(JobError::Cancelled)));
    });
}

#[test]
fn p13_an_imap_that_has_no_room_or_has_ended_has_no_jobs() {
    within(LIMIT, || {
        let pool = Manual::new(4);
        let mut imap = pool.imap(0..100, |x| x).window(8).start();
        while pool.run_one() {}
        assert!(pool.is_empty(), "it waits for the consumer");
        assert_eq!(drive(&pool, &mut imap).len(), 100);
        while pool.run_one() {}
        assert!(pool.is_empty());
    });
}

#[test]
fn p14_at_most_one_job_for_each_thread() {
    within(LIMIT, || {
        let pool = Manual::new(3);
        let mut imap = pool.imap(0..1_000u64, |x| x).window(4).start();
        let mut results = Vec::new();
        while results.len() < 1_000 {
            assert!(pool.len() <= 3);
            pool.run_one();
            results.extend(ready(&mut imap));
        }
        assert!(results.into_iter().eq(0..1_000));
    });
}

thread_local! {
    /// A job of [`drive_apart`] is being run.
    static IN_POOL: Cell<bool> = const { Cell::new(false) };
}

/// Takes results until the end, and runs a job where there is none, which can tell by [`IN_POOL`].
fn drive_apart<T, P: Place>(pool: &Manual, imap: &mut Imap<'_, T, P>) -> Vec<T> {
    let mut results = Vec::new();
    loop {
        match imap.next_timeout(NOW) {
            Ok(Some(result)) => results.push(result),
            Ok(None) => return results,
            Err(_) => {
                IN_POOL.set(true);
                assert!(pool.run_one());
                IN_POOL.set(false);
            }
        }
    }
}

#[test]
fn p16_the_consumer_runs_nothing() {
    within(LIMIT, || {
        let pool = manual(1);
        let input = (0..50).inspect(|_| assert!(IN_POOL.get(), "the input was pulled by the consumer"));
        let mut imap = pool.imap(input, |_| assert!(IN_POOL.get(), "an item ran on the consumer")).window(3);
        assert_eq!(drive_apart(pool, &mut imap).len(), 50);
    });
}

#[test]
fn p16_a_local_input_is_pulled_by_the_consumer_and_the_items_run_on_the_pool() {
    within(LIMIT, || {
        let pool = manual(2);
        let input = (0..20).inspect(|_| assert!(!IN_POOL.get(), "the input was pulled by a worker"));
        let f = |x| {
            assert!(IN_POOL.get(), "an item ran on the consumer");
            x
        };
        let mut imap = pool.imap_local(input, f).window(4);
        assert!(drive_apart(pool, &mut imap).into_iter().eq(0..20));
    });
}
