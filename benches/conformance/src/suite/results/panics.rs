//! P6 panics, P7 input panics.

use crate::oracle::{OnPurpose, Outcome, assert_same, caught, panic_on_purpose, sequential};
use crate::suite::list::promises;
use pool_core::Executor;
use std::panic::{AssertUnwindSafe, catch_unwind};

promises! {
    fn p6_a_panic_surfaces_at_its_position_with_its_payload(subject) {
        let pool = subject.pool(2);
        for chunk in [1, 3, 10] {
            let mut imap = pool.imap(0..10u64, |x| if x == 4 { panic_on_purpose(x) } else { x }).chunk(chunk);
            for expected in 0..4 {
                assert_eq!(imap.next(), Some(expected));
            }
            let payload = catch_unwind(AssertUnwindSafe(|| imap.next())).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&OnPurpose(4)));
            assert!(imap.eq(5..10));
        }
    }

    fn p6_every_other_result_still_comes(subject) {
        let pool = subject.pool(3);
        let f = |x: u64| if x % 7 == 3 { panic_on_purpose(x) } else { x * 2 };
        let expected = sequential(0..1_000, f);
        for chunk in [1, 2, 16, 1_000] {
            assert_same(&expected, &caught(pool.imap(0..1_000, f).chunk(chunk).catch_panics()));
        }
        assert_same(&expected, &caught(pool.imap(0..1_000, f).catch_panics()));
    }

    fn p6_a_panic_on_every_item(subject) {
        let pool = subject.pool(2);
        let got = caught(pool.imap(0..500u64, |x| panic_on_purpose(x)).catch_panics());
        let expected: Vec<_> = (0..500).map(Outcome::Panicked).collect();
        assert_same(&expected, &got);
        // No worker has been lost.
        let (a, b) = (std::sync::Arc::new(std::sync::Barrier::new(2)), 0..2);
        assert_eq!(pool.imap(b, move |_| { a.wait(); }).chunk(1).count(), 2);
    }

    fn p6_settings_may_follow_catch_panics(subject) {
        let pool = subject.pool(2);
        let imap = pool.imap(0..50u64, |x| x).catch_panics().window(3).chunk(2).start();
        assert_eq!(imap.size_hint(), (50, Some(50)));
        assert!(imap.map(Result::unwrap).eq(0..50));
    }

    fn p7_a_panic_of_the_input_comes_after_the_results(subject) {
        for threads in [1, 2] {
            for at in [0u64, 1, 5, 3_000] {
                let pool = subject.pool(threads);
                let input = (0..10_000u64).inspect(move |&x| if x == at { panic_on_purpose(x) });
                let mut imap = pool.imap(input, |x| x);
                for expected in 0..at {
                    assert_eq!(imap.next(), Some(expected));
                }
                let payload = catch_unwind(AssertUnwindSafe(|| imap.next())).unwrap_err();
                assert_eq!(payload.downcast_ref(), Some(&OnPurpose(at)));
                assert_eq!(imap.next(), None);
                assert_eq!(imap.next(), None);
            }
        }
    }

    fn p7_caught_it_is_the_last_result(subject) {
        let pool = subject.pool(2);
        let input = (0..9u64).inspect(|&x| if x == 6 { panic_on_purpose(x) });
        let got = caught(pool.imap(input, |x| x).chunk(4).window(8).catch_panics());
        let mut expected: Vec<_> = (0..6).map(Outcome::Value).collect();
        expected.push(Outcome::Panicked(6));
        assert_same(&expected, &got);
    }
}
