//! P10 time-outs: `next_timeout`, and the iterator `timeout`.

use crate::oracle::panic_on_purpose;
use crate::subject::AnyPool;
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Counted, Door, Gate, LONG, SHORT, at_last, late, soon};
use pool_core::{CancelToken, Executor, TimedOut};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

/// Adds results that may be errors of the function, or late.
fn sum(pool: &AnyPool, door: Door) -> Result<u64, Box<dyn Error>> {
    let mut sum = 0;
    let halves = pool.imap(0..4u64, move |x| {
        if x == 3 {
            door.pass();
        }
        u8::try_from(x)
    });
    for half in halves.timeout(Duration::from_millis(300)) {
        sum += u64::from(half??);
    }
    Ok(sum)
}

promises! {
    fn p10_polling_without_waiting(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let mut results = pool.imap(0..500u64, gate.holds(100));
            let mut expected = 0;
            loop {
                match results.next_timeout(Duration::ZERO) {
                    Ok(Some(result)) => {
                        assert_eq!(result, expected);
                        expected += 1;
                    }
                    Ok(None) => break,
                    Err(late) => {
                        assert_eq!((late.index(), late.waited()), (expected, Duration::ZERO));
                        if expected == 100 {
                            gate.open();
                        }
                        thread::yield_now();
                    }
                }
            }
            assert_eq!(expected, 500);
        }
    }

    fn p10_timeout_gives_results_that_are_in_time(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let in_time = pool.imap(0..2_000u64, |x| x * 2).timeout(LONG);
            assert_eq!(in_time.size_hint(), (2_000, None));
            let results: Result<Vec<u64>, TimedOut> = in_time.collect();
            assert!(results.unwrap().into_iter().eq((0..2_000).map(|x| x * 2)));
        }
    }

    fn p10_timeout_waits_for_the_same_item_again(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let mut results = pool.imap(0..6u64, gate.holds(2)).timeout(SHORT);
        assert_eq!(at_last(&mut results), Some(0));
        assert_eq!(at_last(&mut results), Some(1));
        for _ in 0..3 {
            assert_eq!(late(&mut results), 2);
        }
        results.set_limit(LONG);
        gate.open();
        assert!(results.by_ref().map(Result::unwrap).eq(2..6));
        assert!(results.next().is_none(), "fused");
        assert_eq!(results.size_hint(), (0, Some(0)));
    }

    /// The function's own error and the pool's cannot be taken for each other.
    fn p10_timed_out_is_an_error_of_its_own(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let started = Instant::now();
        let error = sum(&pool, gate.door()).unwrap_err();
        assert!(started.elapsed() >= Duration::from_millis(300));
        let late = error.downcast_ref::<TimedOut>().expect("the type of the pool");
        assert_eq!(late.waited(), Duration::from_millis(300));
        assert!(late.to_string().contains(&format!("item {}", late.index())), "{late}");
    }

    fn p10_a_panic_surfaces_in_a_call_with_a_limit(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..3u64, |x| if x == 1 { panic_on_purpose(x) } else { x }).timeout(LONG);
        assert_eq!(results.next(), Some(Ok(0)));
        assert!(catch_unwind(AssertUnwindSafe(|| results.next())).is_err());
        assert!(!results.give_up(), "it was not late");
        assert_eq!(results.next(), Some(Ok(2)));
        assert_eq!(results.next(), None);
    }

    /// Counted values tell what is dropped before the gate opens, and what afterwards.
    fn p9_dropping_an_imap_with_a_limit_does_not_wait(subject) {
        for give_up in [false, true] {
            let pool = subject.pool(2);
            let alive = Alive::default();
            let gate = Gate::closed();
            let (door, of_items) = (gate.door(), alive.clone());
            let input = (0..1_000u64).map(move |x| (x, of_items.new_one()));
            let imap = pool.imap(input, move |(x, item): (u64, Counted)| {
                if x == 5 {
                    door.pass();
                }
                item
            });
            let mut results = imap.chunk(4).start().timeout(SHORT);
            for _ in 0..4 {
                assert!(at_last(&mut results).is_some());
            }
            while results.next().unwrap().is_ok() {}
            if give_up {
                assert!(results.give_up());
                let _ = results.next();
            }
            drop(results);
            // Only what hangs is left, and what is in the same chunk.
            soon("the rest is dropped", || alive.count() <= 4);
            assert!(alive.count() >= 1);
            gate.open();
            alive.wait_for(0);
        }
    }

    fn p10_cancel_with_in_any_order(subject) {
        let pool = subject.pool(2);
        let token = CancelToken::new();
        let mut before = pool.imap(0u64.., |x| x).cancel_with(&token).timeout(LONG);
        let mut after = pool.imap(0u64.., |x| x).timeout(LONG).cancel_with(&token);
        for results in [&mut before, &mut after] {
            assert_eq!(results.next(), Some(Ok(0)));
        }
        token.cancel();
        for results in [&mut before, &mut after] {
            results.by_ref().for_each(drop);
            assert!(results.get_ref().is_cancelled());
        }
    }

    /// An item that is waited for again is counted once; one that is given up, or panics, is counted.
    fn p10_numbered_numbers_items_and_not_calls(subject) {
        let pool = subject.pool(3);
        let gate = Gate::closed();
        let door = gate.door();
        let results = pool.imap(0..30usize, move |x| {
            if x == 4 || x == 9 {
                door.pass();
            }
            if x == 20 {
                panic_on_purpose(20);
            }
            x
        });
        let mut results = results.timeout(SHORT).numbered();
        let (mut expected, mut waits) = (0, 0);
        loop {
            let next = match catch_unwind(AssertUnwindSafe(|| results.next())) {
                Ok(next) => next,
                Err(_) => {
                    assert_eq!(expected, 20);
                    expected += 1;
                    continue;
                }
            };
            match next {
                None => break,
                Some(Ok((index, x))) => {
                    assert_eq!((index, x), (expected as u64, expected));
                    expected += 1;
                }
                Some(Err(late)) => {
                    assert_eq!(late.index(), expected as u64);
                    waits += 1;
                    if expected == 4 && waits > 3 {
                        assert!(results.give_up());
                        expected += 1;
                    } else if expected == 9 && waits > 6 {
                        gate.open();
                    }
                }
            }
        }
        assert!(expected == 30 && waits > 6);
    }
}
