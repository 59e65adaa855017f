//! An imap in which nothing begins behind an item that has failed.

use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, LONG, SHORT, soon};
use pool_core::{Executor, Imap, IterExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Fails from this item on.
fn below(failed: u64) -> impl Fn(u64) -> Result<u64, u64> + Send + Sync + Copy + 'static {
    move |x| if x < failed { Ok(x) } else { Err(x) }
}

/// What comes, where this item is the lowest that fails.
fn ends_with(results: impl Iterator<Item = Result<u64, u64>>, failed: u64) {
    let expected = (0..failed).map(Ok).chain([Err(failed)]);
    assert!(results.eq(expected), "all below {failed}, its error, and the end");
}

promises! {
    fn p1_the_lowest_error_comes_last(subject) {
        for threads in [1, 2, 4] {
            let pool = Arc::new(subject.pool(threads));
            for failed in [0, 1, 17, 5_000] {
                ends_with(pool.imap(0.., below(failed)).fail_fast(), failed);
                ends_with((0..).local().imap(&pool, below(failed)).fail_fast(), failed);
                ends_with(pool.imap_init(0.., || (), move |(), x| below(failed)(x)).fail_fast(), failed);
                ends_with(pool.clone().into_imap(0.., below(failed)).chunk(7).fail_fast().start(), failed);
                pool.scope(|s| ends_with(s.imap(0.., below(failed)).window(3).fail_fast(), failed));
                // In a job, and there beside an imap that keeps all threads busy.
                let inner = pool.clone();
                let nested = pool.imap(0..4, move |_| ends_with(inner.imap(0.., below(failed)).fail_fast(), failed));
                assert_eq!(nested.count(), 4);
            }
        }
        ends_with(pool_core::Sequential.imap(0.., below(9)).fail_fast(), 9);
        ends_with(pool_core::Sequential.imap(0.., below(9)).fail_fast().unordered(), 9);
    }

    /// Its error is not handed out, so it must neither end the imap nor hold it up.
    fn p4_an_item_that_fails_after_it_was_given_up_does_not_count(subject) {
        let pool = subject.pool(2);
        let failing = |gate: &Gate| {
            let door = gate.door();
            move |x: u64| {
                if x == 2 {
                    door.pass();
                }
                below(2)(if x == 2 { 2 } else { x % 2 })
            }
        };
        let expected = |x: u64| (x != 2).then_some(Ok(x % 2));
        // Given up by the caller.
        let (gate, mut came) = (Gate::closed(), Vec::new());
        let mut results = pool.imap(0..40u64, failing(&gate)).window(4).fail_fast().timeout(SHORT);
        while let Some(result) = results.next() {
            match result {
                Ok(result) => came.push(result),
                Err(late) if late.index() == 2 => {
                    assert!(results.give_up());
                    gate.open();
                    results.set_limit(LONG);
                }
                Err(late) => assert_ne!(late.waited(), LONG, "it hangs"),
            }
        }
        assert!(came.into_iter().eq((0..40).filter_map(expected)));
        // Given up by its own limit.
        let gate = Gate::closed();
        let mut results = pool.imap(0..40u64, failing(&gate)).window(4).fail_fast().item_timeout(SHORT);
        assert!(results.any(|result| result.is_err_and(|late| late.index() == 2)), "it is held up");
        gate.open();
        assert_eq!(results.count(), 37);
    }

    fn p1_a_lower_error_that_is_found_later_comes_last(subject) {
        let pool = subject.pool(3);
        let has_failed = Arc::new(AtomicBool::new(false));
        let f = move |x| match x {
            20 => {
                soon("a higher item has failed", || has_failed.load(Ordering::SeqCst));
                Err(x)
            }
            30 => {
                has_failed.store(true, Ordering::SeqCst);
                Err(x)
            }
            _ => Ok(x),
        };
        ends_with(pool.imap(0.., f).window(100).chunk(1).fail_fast(), 20);
    }

    /// The consumer is far behind all the time.
    fn p9_nothing_begins_behind_an_item_that_has_failed(subject) {
        for (threads, unordered, chunk) in [(1, false, 1_000), (2, false, 1), (2, false, 1_000), (4, true, 1)] {
            let pool = subject.pool(threads);
            let (failed, after) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
            let begun_after = after.clone();
            let f = move |x| {
                if x == 50 {
                    failed.store(true, Ordering::SeqCst);
                    return Err(x);
                }
                if failed.load(Ordering::SeqCst) {
                    after.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(x)
            };
            let results = pool.imap(0..u64::MAX, f).window(3_000).chunk(chunk).fail_fast();
            let results = if unordered { results.unordered() } else { results }.start();
            soon("no item runs", || results.stats().pulled > 50 && results.stats().running == 0);
            let after = begun_after.load(Ordering::SeqCst);
            // One for each thread, and what begins while the one that has failed cannot say so.
            assert!(after < 300, "{after} items began");
            assert!(results.stats().pulled < 3_000, "the input goes on");
            assert!(results.into_iter().any(|result| result.is_err()));
        }
    }

    fn p4_the_end_behind_an_error_does_not_wait_for_the_input(subject) {
        for (threads, unordered) in [(1, false), (2, false), (2, true), (4, true)] {
            // A single item, and many at a time.
            for failed in [2, 50] {
                let pool = subject.pool(threads);
                let gate = Gate::closed();
                let input = (0..failed + 11).map(gate.holds(failed + 10));
                let results = pool.imap(input, below(failed)).fail_fast();
                let count = if unordered { results.unordered().count() } else { results.count() } as u64;
                assert!(count > failed && count <= failed + 10, "{count} results");
            }
        }
    }

    /// One thread is in the input, for a single item, when the other one's item fails.
    fn p4_the_end_without_order_does_not_wait_for_an_item_that_is_being_pulled(subject) {
        let pool = subject.pool(2);
        let (gate, pulls) = (Gate::closed(), Arc::new(AtomicBool::new(false)));
        let (door, pulling) = (gate.door(), pulls.clone());
        let input = (0..3u64).inspect(move |&x| {
            if x == 2 {
                pulling.store(true, Ordering::SeqCst);
                door.pass();
            }
        });
        let f = move |x| {
            if x == 1 {
                soon("the other thread pulls", || pulls.load(Ordering::SeqCst));
            }
            below(1)(x)
        };
        let results = pool.imap(input, f).window(2).unordered().fail_fast();
        assert!(results.eq([Ok(0), Err(1)]));
        gate.open();
    }

    fn p6_a_panic_is_a_failure_where_it_is_a_result(subject) {
        let pool = subject.pool(2);
        for alone in [false, true] {
            let f = |x: u64| if x == 33 { panic!("on purpose") } else { x };
            let imap: Imap<'_, u64> = if alone { pool_core::Sequential.imap(0.., f) } else { pool.imap(0.., f) };
            let mut results = imap.catch_panics().fail_fast();
            assert!(results.by_ref().take(33).map(Result::unwrap).eq(0..33));
            assert_eq!(results.next().unwrap().unwrap_err().index(), Some(33));
            assert!(results.next().is_none());
        }
    }

    fn p10_an_item_that_is_late_is_a_failure(subject) {
        for unordered in [false, true] {
            let pool = subject.pool(3);
            let gate = Gate::closed();
            let results = pool.imap(0.., gate.holds(5)).item_timeout(Duration::from_millis(20)).fail_fast();
            let results = if unordered { results.unordered() } else { results };
            // On a busy machine others may be late, too.
            let late: Vec<_> = results.filter_map(Result::err).map(|late| late.index()).collect();
            assert!(if unordered { !late.is_empty() } else { late.len() == 1 && late[0] <= 5 }, "{late:?}");
        }
    }

    fn p9_what_an_error_leaves_behind_is_dropped_once(subject) {
        for (threads, unordered) in [(1, false), (2, false), (2, true)] {
            let pool = subject.pool(threads);
            let alive = Alive::default();
            let of_input = alive.clone();
            let input = (0..3_000).map(move |x| (x, of_input.new_one()));
            let f = |(x, value)| if x == 700 { Err(value) } else { Ok(value) };
            let results = pool.imap(input, f).fail_fast();
            let count = if unordered { results.unordered().count() } else { results.count() };
            assert!(count >= 701 && (unordered || count == 701));
            drop(pool);
            alive.wait_for(0);
        }
    }

    fn p11_an_imap_that_may_end_early_promises_no_least_length(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..100, below(1_000)).fail_fast();
        assert_eq!(results.size_hint(), (0, Some(100)));
        assert_eq!(results.by_ref().count(), 100, "without a failure there is no difference");
        assert_eq!(results.size_hint(), (0, Some(0)));
    }
}
