//! Functions that give a `Result`: collected, the error is that of sequential code.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use crate::suite::parts::Gate;
use pool_core::Executor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

promises! {
    /// The later error is computed first: the earlier item waits for it.
    fn p1_fallible_the_error_is_that_of_the_first_item(subject) {
        for threads in [2, 4] {
            let pool = subject.pool(threads);
            let gate = Arc::new(Gate::closed());
            let later = gate.clone();
            let imap = pool.imap(0..100u64, move |x| match x {
                3 => {
                    later.door().pass();
                    Err(x)
                }
                7 => {
                    later.open();
                    Err(x)
                }
                _ => Ok(x),
            });
            let result: Result<Vec<u64>, u64> = imap.chunk(1).collect();
            assert_eq!(result, Err(3));
        }
    }

    fn p1_fallible_many_errors(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for first in [0, 1, 17, 999] {
                let f = move |x: u64| if x >= first && x % 2 == first % 2 { Err(x) } else { Ok(x) };
                let result: Result<Vec<u64>, u64> = pool.imap(0..2_000u64, f).collect();
                assert_eq!(result, Err(first));
                let sum: Result<u64, u64> = pool.imap(0..2_000u64, f).sum();
                assert_eq!(sum, Err(first));
                let option: Option<Vec<u64>> = pool.imap(0..2_000u64, move |x| f(x).ok()).collect();
                assert_eq!(option, None);
            }
            let right: Result<Vec<u64>, u64> = pool.imap(0..2_000u64, Ok).collect();
            assert!(right.unwrap().into_iter().eq(0..2_000));
        }
    }

    /// The input is endless, so that the collection ends only because of the error.
    fn p9_fallible_what_has_not_begun_is_cancelled(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (begun, after) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
            let (begins, late) = (begun.clone(), after.clone());
            let imap = pool.imap(0u64.., move |x| {
                begins.fetch_add(1, Ordering::SeqCst);
                // After the collection has ended, counts what begins.
                let _ = late.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
                    (count != usize::MAX).then(|| count + 1)
                });
                std::thread::sleep(std::time::Duration::from_micros(20));
                if x == 50 { Err(x) } else { Ok(x) }
            });
            let result: Result<Vec<u64>, u64> = imap.window(1_000).collect();
            after.store(0, Ordering::SeqCst);
            assert_eq!(result, Err(50));
            drop(pool);
            // Each thread may have been on its way into one item.
            assert!(after.load(Ordering::SeqCst) <= threads, "{after:?} items began after the end");
            assert!(begun.load(Ordering::SeqCst) <= 1_000 + 51);
        }
    }

    fn p6_fallible_panics_and_errors_keep_their_order(subject) {
        let pool = subject.pool(2);
        for (panics, fails) in [(5, 9), (9, 5)] {
            let f = move |x: u64| {
                if x == panics {
                    panic_on_purpose(x);
                }
                if x == fails { Err(x) } else { Ok(x) }
            };
            let collect = || pool.imap(0..50u64, f).chunk(1).collect::<Result<Vec<u64>, u64>>();
            let result = catch_unwind(AssertUnwindSafe(collect));
            match result {
                Ok(result) => assert!(fails < panics && result == Err(fails)),
                Err(_) => assert!(panics < fails),
            }
        }
    }

    /// Without `collect`, errors are results like any other.
    fn p1_fallible_results_after_an_error_can_be_had(subject) {
        let pool = subject.pool(2);
        let results = pool.imap(0..100u64, |x| if x % 10 == 0 { Err(x) } else { Ok(x) });
        assert!(results.eq((0..100u64).map(|x| if x % 10 == 0 { Err(x) } else { Ok(x) })));
    }
}
