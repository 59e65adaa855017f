//! `imap_init`: a state for each thread at work.

use crate::oracle::{OnPurpose, Outcome, assert_same, caught, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Counted, Gate, LONG, SHORT, soon};
use pool_core::Executor;
use pool_core::work::xorshift;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A state that notices when two threads have it, and when it is used after a panic.
struct Watched {
    in_use: AtomicBool,
    spoilt: bool,
    _alive: Counted,
}

impl Watched {
    fn new(alive: &Alive) -> Watched {
        Watched { in_use: AtomicBool::new(false), spoilt: false, _alive: alive.new_one() }
    }

    fn work(&mut self, x: u64) -> u64 {
        assert!(!self.in_use.swap(true, Ordering::SeqCst), "two threads have the same state");
        let result = xorshift(x, x % 50);
        self.in_use.store(false, Ordering::SeqCst);
        result
    }
}

promises! {
    fn p16_states_are_at_most_one_per_thread_at_work(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for chunk in [None, Some(1), Some(16)] {
                let alive = Alive::default();
                let (made, of_states) = (Arc::new(AtomicUsize::new(0)), alive.clone());
                let count = made.clone();
                let init = move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    Watched::new(&of_states)
                };
                let mut imap = pool.imap_init(0..10_000u64, init, |state, x| state.work(x));
                if let Some(chunk) = chunk {
                    imap = imap.chunk(chunk);
                }
                assert!(imap.by_ref().eq((0..10_000).map(|x| xorshift(x, x % 50))));
                let made = made.load(Ordering::SeqCst);
                assert!((1..=threads).contains(&made), "{made} states for {threads} threads");
                // States are dropped at the end of the iteration, not with the imap.
                alive.wait_for(0);
            }
        }
    }

    fn p16_states_are_used_again(subject) {
        let pool = subject.pool(1);
        for with_limit in [false, true] {
            // One thread, so there is one state, and it sees every item.
            let mut imap = pool.imap_init(1..=500u64, || 0u64, |sum, x| {
                *sum += x;
                *sum
            });
            for n in 1..=500u64 {
                let sum = if with_limit { imap.next_timeout(LONG).unwrap() } else { imap.next() };
                assert_eq!(sum, Some(n * (n + 1) / 2));
            }
        }
    }

    fn p9_states_are_dropped_with_an_imap_that_is_dropped(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let alive = Alive::default();
            let gate = Gate::closed();
            let (door, of_states) = (gate.door(), alive.clone());
            let begun = Arc::new(AtomicUsize::new(0));
            let begins = begun.clone();
            let init = move || Watched::new(&of_states);
            let imap = pool.imap_init(0u64.., init, move |state, x| {
                if x >= 20 {
                    begins.fetch_add(1, Ordering::SeqCst);
                    door.pass();
                }
                state.work(x)
            });
            let imap = imap.chunk(1).window(50).start();
            soon("every thread hangs", || begun.load(Ordering::SeqCst) == threads);
            assert_eq!(alive.count(), threads);
            drop(imap);
            assert_eq!(alive.count(), threads, "a state was dropped under its user");
            gate.open();
            alive.wait_for(0);
        }
    }

    fn p2_states_are_made_in_vain_at_no_item(subject) {
        let pool = subject.pool(2);
        let none = pool.imap_init(std::iter::empty::<u64>(), || panic!("there is no item"), |(), x| x);
        assert_eq!(none.count(), 0);
    }

    /// The pool has one thread, so it is clear for which item it is.
    fn p6_states_whose_init_panics_at_its_item(subject) {
        let pool = subject.pool(1);
        let calls = AtomicUsize::new(0);
        let init = move || {
            let call = calls.fetch_add(1, Ordering::SeqCst) as u64;
            if call < 2 {
                panic_on_purpose(call);
            }
        };
        let results = pool.imap_init(0..20u64, init, |(), x| x).catch_panics();
        let mut expected = vec![Outcome::Panicked(0), Outcome::Panicked(1)];
        expected.extend((2..20).map(Outcome::Value));
        assert_same(&expected, &caught(results));
    }

    fn p6_states_whose_init_panics_sometimes(subject) {
        for threads in [1, 2, 4] {
            for chunk in [1, 5, 64] {
                let pool = subject.pool(threads);
                let calls = Arc::new(AtomicUsize::new(0));
                let count = calls.clone();
                let init = move || {
                    if count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                        panic_on_purpose(1_000);
                    }
                };
                // Every tenth item spoils its state, so that another one must be made.
                let f = |(): &mut (), x: u64| if x % 10 == 9 { panic_on_purpose(x) } else { x };
                let results = caught(pool.imap_init(0..300u64, init, f).chunk(chunk).catch_panics());
                assert_eq!(results.len(), 300);
                let mut of_init = 0;
                for (x, result) in (0..).zip(results) {
                    match result {
                        Outcome::Panicked(1_000) => of_init += 1,
                        Outcome::Panicked(at) => assert!(at == x && x % 10 == 9),
                        Outcome::Value(value) => assert!(value == x && x % 10 != 9),
                    }
                }
                assert_eq!(of_init, calls.load(Ordering::SeqCst).div_ceil(2));
            }
        }
    }

    fn p6_states_whose_init_always_panics(subject) {
        let pool = subject.pool(2);
        let imap = pool.imap_init(0..100u64, || panic_on_purpose(5), |(): &mut (), x| x);
        let results = caught(imap.catch_panics());
        assert_same(&vec![Outcome::Panicked(5); 100], &results);
        assert!(pool.imap(0..10, |x| x).eq(0..10), "the pool is as good as new");
    }

    fn p6_states_are_made_anew_after_a_panic(subject) {
        for threads in [1, 2] {
            for chunk in [1, 7, 200] {
                let pool = subject.pool(threads);
                let alive = Alive::default();
                let (made, of_states) = (Arc::new(AtomicUsize::new(0)), alive.clone());
                let count = made.clone();
                let init = move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    Watched::new(&of_states)
                };
                let imap = pool.imap_init(0..200u64, init, |state, x| {
                    assert!(!state.spoilt, "a state is used after a panic");
                    if x % 20 == 3 {
                        state.spoilt = true;
                        panic_on_purpose(x);
                    }
                    state.work(x)
                });
                let results: Vec<_> = imap.chunk(chunk).catch_panics().collect();
                for (x, result) in (0..).zip(results) {
                    match result {
                        Ok(value) => assert!(value == xorshift(x, x % 50) && x % 20 != 3),
                        Err(panic) => assert_eq!(panic.into_payload().downcast_ref(), Some(&OnPurpose(x))),
                    }
                }
                let made = made.load(Ordering::SeqCst);
                assert!(made <= 10 + threads, "{made} states");
                alive.wait_for(0);
            }
        }
    }

    fn p9_states_go_with_a_cancelled_imap(subject) {
        let pool = subject.pool(2);
        let alive = Alive::default();
        let of_states = alive.clone();
        let init = move || Watched::new(&of_states);
        let mut imap = pool.imap_init(0u64.., init, |state, x| state.work(x)).window(100);
        assert_eq!(imap.next(), Some(xorshift(0, 0)));
        imap.cancel_token().cancel();
        imap.by_ref().for_each(drop);
        alive.wait_for(0);
        assert!(imap.is_cancelled());
        std::thread::sleep(SHORT);
        assert_eq!(alive.count(), 0);
    }
}
