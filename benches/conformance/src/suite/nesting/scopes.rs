//! `scope` and `map`: borrowed data, waiting, panics.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use pool_core::{Executor, JobError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Runs a scope that panics, and gives the payload.
fn payload_of(f: impl FnOnce()) -> u64 {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    payload.downcast::<OnPurpose>().expect("with its own payload").0
}

promises! {
    fn p9_scope_lends_what_is_on_the_stack(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let words: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
            let (total, joined) = pool.scope(|s| {
                let joined = s.submit(|| words.concat());
                let lengths = s.imap(&words, |word| word.len());
                (lengths.sum::<usize>(), joined.join().unwrap())
            });
            assert_eq!(joined, words.concat());
            assert_eq!(total, joined.len());
        }
    }

    fn p9_scope_results_may_borrow(subject) {
        let pool = subject.pool(2);
        let text = String::from("a bb ccc");
        let longest = pool.scope(|s| {
            let first = s.submit(|| text.split(' ').next().unwrap());
            let words: Vec<&str> = s.imap(text.split(' '), |word| word).collect();
            assert_eq!((first.join().unwrap(), words.len()), ("a", 3));
            words[2].len()
        });
        assert_eq!(longest, 3);
    }

    fn p9_scope_waits_for_jobs_whose_handles_were_dropped(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let ran = AtomicUsize::new(0);
            for _ in 0..50 {
                ran.store(0, SeqCst);
                pool.scope(|s| {
                    for _ in 0..20 {
                        drop(s.submit(|| ran.fetch_add(1, SeqCst)));
                    }
                });
                assert_eq!(ran.load(SeqCst), 20);
            }
        }
    }

    fn p9_scope_waits_for_jobs_of_jobs(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let ran = AtomicUsize::new(0);
            pool.scope(|s| {
                drop(s.submit(|| {
                    ran.fetch_add(1, SeqCst);
                    drop(s.submit(|| {
                        ran.fetch_add(1, SeqCst);
                        drop(s.submit(|| ran.fetch_add(1, SeqCst)));
                    }));
                }));
            });
            assert_eq!(ran.load(SeqCst), 3);
        }
    }

    fn p9_scope_waits_for_what_a_dropped_imap_runs(subject) {
        let pool = subject.pool(2);
        for _ in 0..50 {
            // Freed at the end of each round: a job that still looked at it would be caught by a sanitizer.
            let data: Vec<u64> = (0..100).collect();
            let running = AtomicUsize::new(0);
            pool.scope(|s| {
                let mut imap = s.imap(&data, |x| {
                    running.fetch_add(1, SeqCst);
                    std::hint::black_box(*x);
                    running.fetch_sub(1, SeqCst);
                    x
                });
                assert_eq!(imap.next(), Some(&0));
            });
            assert_eq!(running.load(SeqCst), 0);
        }
    }

    fn p9_scope_ends_an_imap_that_was_leaked(subject) {
        let pool = subject.pool(2);
        let calls = AtomicUsize::new(0);
        pool.scope(|s| {
            let mut imap = s.imap(0u64.., |x| {
                calls.fetch_add(1, SeqCst);
                x
            });
            assert_eq!(imap.next(), Some(0));
            std::mem::forget(imap);
        });
        let after = calls.load(SeqCst);
        // Give a job that might still be at it a chance: the pool has one thread per job, and runs them in turn.
        for _ in 0..10 {
            pool.submit(|| ()).join().unwrap();
        }
        assert_eq!(calls.load(SeqCst), after);
    }

    fn p9_scope_panic_of_the_body_waits_for_the_jobs(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let ran = AtomicUsize::new(0);
            let (release, gate) = mpsc::channel();
            let payload = payload_of(|| {
                pool.scope(|s| {
                    let ran = &ran;
                    drop(s.submit(move || {
                        gate.recv().unwrap();
                        ran.fetch_add(1, SeqCst);
                    }));
                    drop(s.submit(move || ran.fetch_add(1, SeqCst)));
                    release.send(()).unwrap();
                    panic_on_purpose(7);
                });
            });
            assert_eq!((payload, ran.load(SeqCst)), (7, 2));
            assert_eq!(pool.submit(|| 1).join().unwrap(), 1);
        }
    }

    fn p9_scope_panic_of_a_job_waits_for_the_others(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let ran = AtomicUsize::new(0);
            let payload = payload_of(|| {
                pool.scope(|s| {
                    drop(s.submit(|| panic_on_purpose(8)));
                    for _ in 0..20 {
                        drop(s.submit(|| ran.fetch_add(1, SeqCst)));
                    }
                });
            });
            assert_eq!((payload, ran.load(SeqCst)), (8, 20));
        }
    }

    fn p6_scope_panic_that_was_joined_is_not_repeated(subject) {
        let pool = subject.pool(2);
        pool.scope(|s| match s.submit(|| panic_on_purpose(9)).join() {
            Err(JobError::Panicked(_)) => {}
            other => panic!("{other:?}"),
        });
    }

    fn p10_scope_handles_have_limits_and_can_be_cancelled(subject) {
        let pool = subject.pool(1);
        let (release, gate) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let ran = AtomicUsize::new(0);
        pool.scope(|s| {
            let mut busy = s.submit(move || {
                begun.send(()).unwrap();
                gate.recv().unwrap();
            });
            begins.recv().unwrap();
            let queued = s.submit(|| ran.fetch_add(1, SeqCst));
            assert!(busy.join_timeout(Duration::from_millis(1)).is_err());
            assert!(queued.cancel());
            assert!(matches!(queued.join(), Err(JobError::Cancelled)));
            release.send(()).unwrap();
            busy.join().unwrap();
        });
        assert_eq!(ran.load(SeqCst), 0);
    }

    fn p8_scope_and_map_inside_f(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let sums = pool.imap(0..100u64, move |n| {
                let data: Vec<u64> = (0..n % 20).collect();
                let mapped = inner.map(&data, |x| x + 1);
                let submitted = inner.scope(|s| {
                    let handles: Vec<_> = (0..3).map(|_| s.submit(|| data.len() as u64)).collect();
                    drop(s.submit(|| data.len()));
                    handles.into_iter().map(|handle| handle.join().unwrap()).sum::<u64>()
                });
                (mapped, submitted)
            });
            for (n, (mapped, submitted)) in sums.enumerate() {
                let n = n as u64 % 20;
                assert!(mapped.into_iter().eq(1..=n));
                assert_eq!(submitted, 3 * n);
            }
        }
    }

    fn p1_map_is_sequential_map(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for len in [0u64, 1, 2, 3, 100, 10_000] {
                let data: Vec<u64> = (0..len).collect();
                let expected: Vec<u64> = data.iter().map(|x| x * x).collect();
                assert_eq!(pool.map(&data, |x| x * x), expected);
                assert_eq!(pool.map(data.iter().filter(|x| **x % 3 == 0), |x| x * x),
                    data.iter().filter(|x| **x % 3 == 0).map(|x| x * x).collect::<Vec<_>>());
            }
        }
    }

    fn p6_map_panics_with_the_first_item_that_does(subject) {
        let pool = subject.pool(2);
        for _ in 0..20 {
            let payload = payload_of(|| {
                pool.map(0..1_000u64, |x| if x % 100 == 41 { panic_on_purpose(x) } else { x });
            });
            assert_eq!(payload, 41);
        }
        assert_eq!(pool.map([1, 2], |x| x), [1, 2]);
    }

    fn p7_map_panics_with_what_comes_first_of_item_and_input(subject) {
        let pool = subject.pool(2);
        for (bad_item, bad_input, expected) in [(40, 500, 40), (499, 500, 499), (500, 499, 499), (0, 0, 0)] {
            for _ in 0..20 {
                let input = (0..1_000u64).inspect(move |&x| {
                    if x == bad_input && x != bad_item {
                        panic_on_purpose(x);
                    }
                });
                let payload = payload_of(|| {
                    pool.map(input, |x| if x == bad_item { panic_on_purpose(x) } else { x });
                });
                assert_eq!(payload, expected);
            }
        }
    }

    fn p9_map_drops_everything_once(subject) {
        let pool = subject.pool(2);
        let alive = Arc::new(());
        let items: Vec<_> = (0..500).map(|n| (n, alive.clone())).collect();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.map(items, |(n, item)| if n == 250 { panic_on_purpose(n) } else { item })
        }));
        assert!(caught.is_err());
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
