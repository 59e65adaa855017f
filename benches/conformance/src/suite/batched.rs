//! `imap_batched`: blocks go through the pool, single results come out.

use super::list::promises;
use super::parts::{Alive, Counted, Gate, LONG, SHORT, at_last, soon};
use crate::oracle::{OnPurpose, assert_same, caught, panic_on_purpose, sequential};
use pool_core::work::xorshift;
use pool_core::{CancelToken, Executor};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

promises! {
    fn p1_batched_single_results_come_in_order(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for n in [1, 2, 7, 64, 299, 300, 301, usize::MAX] {
                let f = |x: u64| xorshift(x, x % 17 * 50);
                let mut results = pool.imap_batched(0..300u64, n, f);
                for (count, expected) in (0..300).map(f).enumerate() {
                    assert_eq!(results.size_hint(), (300 - count, Some(300 - count)));
                    assert_eq!(results.next(), Some(expected), "threads {threads} n {n}");
                }
                assert_eq!((results.next(), results.next()), (None, None));
                assert_eq!(results.size_hint(), (0, Some(0)));
            }
            assert_eq!(pool.imap_batched(0..0u64, 5, |x| x).next(), None);
            assert!(pool.imap_batched(0..100_000u64, 256, |x| x).eq(0..100_000));
        }
    }

    fn p3_batched_is_lazy_and_within_the_window(subject) {
        for (threads, window, n) in [(1, 1, 1), (2, 1, 8), (2, 10, 4), (2, 7, 7), (4, 100, 30), (2, 5, 100)] {
            let pool = subject.pool(threads);
            let (handed, pulled) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let (seen, pulls) = (handed.clone(), pulled.clone());
            let input = (0..1_000u64).inspect(move |item| {
                pulls.fetch_add(1, Ordering::SeqCst);
                let handed = seen.load(Ordering::SeqCst);
                assert!(*item < handed + window, "item {item} was pulled at {handed}");
            });
            let imap = pool.imap_batched(input, n, |x| x).window(window as usize);
            pool.submit(|| ()).join().unwrap();
            assert_eq!(pulled.load(Ordering::SeqCst), 0);
            for result in imap {
                assert_eq!(result, handed.load(Ordering::SeqCst));
                handed.fetch_add(1, Ordering::SeqCst);
            }
            assert_eq!(handed.load(Ordering::SeqCst), 1_000);
        }
    }

    /// Also where no window was set.
    fn p3_batched_an_endless_input_is_pulled_within_bounds(subject) {
        let pool = subject.pool(2);
        let pulled = Arc::new(AtomicU64::new(0));
        let pulls = pulled.clone();
        let endless = (0u64..).inspect(move |_| _ = pulls.fetch_add(1, Ordering::SeqCst));
        let mut results = pool.imap_batched(endless, 100, |x| x).start();
        assert_eq!(results.next(), Some(0));
        thread::sleep(4 * SHORT);
        let most = 2 * pool_core::MAX_DEFAULT_WINDOW_PER_THREAD as u64 + 100;
        assert!(pulled.load(Ordering::SeqCst) <= most);
    }

    fn p6_batched_a_panic_takes_one_place(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for n in [1, 5, 64, 1_000] {
                for panics in [|x| x % 7 == 3, |x| x < 9, |x| x > 190, |x| x % 64 > 60, |_| true] {
                    let f = move |x: u64| if panics(x) { panic_on_purpose(x) } else { x };
                    let expected = sequential(0..200, f);
                    assert_same(&expected, &caught(pool.imap_batched(0..200u64, n, f).catch_panics()));
                }
            }
            // Uncaught, each goes through one call of `next`, and the next call goes on.
            let f = |x: u64| if x == 4 { panic_on_purpose(x) } else { x };
            let mut results = pool.imap_batched(0..10u64, 8, f);
            assert!(results.by_ref().take(4).eq(0..4));
            let payload = catch_unwind(AssertUnwindSafe(|| results.next())).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&OnPurpose(4)));
            assert!(results.eq(5..10));
        }
    }

    fn p7_batched_a_panic_of_the_input_comes_after_the_results(subject) {
        for at in [0u64, 1, 7, 8, 9, 100] {
            let pool = subject.pool(2);
            let input = (0..1_000u64).inspect(move |&x| if x == at { panic_on_purpose(x) });
            let mut results = pool.imap_batched(input, 8, |x| x);
            assert!(results.by_ref().take(at as usize).eq(0..at));
            let payload = catch_unwind(AssertUnwindSafe(|| results.next())).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&OnPurpose(at)));
            assert_eq!((results.next(), results.size_hint()), (None, (0, Some(0))));
        }
    }

    fn p11_batched_an_input_that_is_not_fused(subject) {
        let pool = subject.pool(2);
        for n in [1, 2, 3, 10] {
            let input = || {
                let mut calls = 0;
                std::iter::from_fn(move || {
                    calls += 1;
                    (calls != 4).then_some(calls)
                })
            };
            assert_eq!(pool.imap_batched(input(), n, |x| x).take(20).collect::<Vec<_>>(), [1, 2, 3]);
            assert_eq!(pool.map(input().take(20), |x| x), [1, 2, 3]);
        }
    }

    fn p10_batched_limits_are_as_ever(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let results = pool.imap_batched(0..40u64, 8, gate.holds(17));
        let mut results = results.timeout(SHORT);
        for expected in 0..16 {
            assert_eq!(at_last(&mut results), Some(expected));
        }
        // The whole block is late, and each of its items is given up on its own.
        for expected in 16..19 {
            let late = results.next().unwrap().unwrap_err();
            assert_eq!((late.index(), late.waited()), (expected, SHORT));
            assert_eq!(results.next().unwrap().unwrap_err().index(), expected, "nothing is lost");
            assert!(results.give_up());
        }
        gate.open();
        for expected in 19..40 {
            assert_eq!(at_last(&mut results), Some(expected));
        }
        assert_eq!(results.next(), None);
    }

    fn p10_batched_a_whole_block_is_given_up(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let results = pool.imap_batched(0..40u64, 8, gate.holds(17));
        let mut results = results.timeout(SHORT);
        let mut seen = Vec::new();
        while let Some(result) = results.next() {
            match result {
                Ok(x) => seen.push(x),
                // A busy machine may make other items late; those are waited for.
                Err(late) if (16..24).contains(&late.index()) => assert!(results.give_up()),
                Err(_) => {}
            }
        }
        assert!(seen.into_iter().eq((0..16).chain(24..40)));
    }

    fn p10_batched_item_timeout_is_one_for_each_item(subject) {
        let pool = subject.pool(3);
        let gate = Gate::closed();
        let results = pool.imap_batched(0..30u64, 8, gate.holds(17));
        let results = results.item_timeout(Duration::from_millis(300)).map(|result| result.map_err(|late| late.index()));
        assert!(results.eq((0..30).map(|x| if x == 17 { Err(x) } else { Ok(x) })));
    }

    fn p1_batched_unordered_gives_each_result_once(subject) {
        let pool = subject.pool(4);
        let results = pool.imap_batched(0..1_000u64, 16, |x| xorshift(0, x % 17 * 100) ^ x).unordered();
        let seen: HashSet<u64> = results.collect();
        assert_eq!(seen, (0..1_000u64).map(|x| xorshift(0, x % 17 * 100) ^ x).collect());
    }

    fn p8_batched_inside_its_own_function(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let sums = pool.imap_batched(0..40u64, 6, move |n| inner.imap_batched(0..n, 5, |x| x).sum::<u64>());
            assert!(sums.eq((0..40).map(|n: u64| n * n.saturating_sub(1) / 2)));
        }
    }

    fn p9_batched_everything_is_dropped_once(subject) {
        for taken in [0, 1, 20, 37, 100] {
            let pool = subject.pool(2);
            let alive = Alive::default();
            let (of_items, of_results, running) = (alive.clone(), alive.clone(), Arc::new(AtomicUsize::new(0)));
            let input = (0..100u64).map(move |x| (x, of_items.new_one()));
            let runs = running.clone();
            let mut results = pool.imap_batched(input, 16, move |(x, item): (u64, Counted)| {
                runs.fetch_add(1, Ordering::SeqCst);
                drop(item);
                if x % 10 == 5 {
                    panic_on_purpose(x);
                }
                of_results.new_one()
            });
            for _ in 0..taken {
                let _ = catch_unwind(AssertUnwindSafe(|| results.next()));
            }
            drop(results);
            alive.wait_for(0);
        }
    }

    fn p9_batched_ends_by_a_token(subject) {
        let pool = subject.pool(2);
        let token = CancelToken::new();
        let mut results = pool.imap_batched(0u64.., 16, |x| x).cancel_with(&token).catch_panics();
        assert_eq!(results.next().map(Result::unwrap), Some(0));
        token.cancel();
        let rest = results.by_ref().count() as u64;
        assert!(results.is_cancelled() && (rest + 1).is_multiple_of(16), "whole blocks come before the end");
    }

    /// The head's block is ready, so nothing waits.
    fn p10_batched_next_timeout_of_zero_looks(subject) {
        let pool = subject.pool(2);
        let ran = Arc::new(Mutex::new(0));
        let runs = ran.clone();
        let mut results = pool.imap_batched(0..32u64, 16, move |x| (*runs.lock().unwrap() += 1, x).1).start();
        soon("both blocks have run", || *ran.lock().unwrap() == 32);
        assert_eq!(results.next_timeout(LONG), Ok(Some(0)));
        for expected in 1..16 {
            assert_eq!(results.next_timeout(Duration::ZERO), Ok(Some(expected)));
        }
    }
}
