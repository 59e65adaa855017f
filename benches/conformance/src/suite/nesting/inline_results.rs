//! The results of an imap inside an item of a busy one: those of sequential code, also where items panic,
//! calls have limits, and imaps are dropped.

use super::inline::{IMAPS, ITEMS, Inner, in_a_busy_imap};
use crate::oracle::{OnPurpose, assert_same, caught, panic_on_purpose, sequential};
use crate::suite::list::promises;
use crate::suite::parts::Alive;
use pool_core::work::xorshift;
use pool_core::{CancelToken, Executor, Imap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// An item that panics now and then.
fn fragile(x: u64) -> u64 {
    if x % 7 == 3 { panic_on_purpose(x) } else { xorshift(x, 5) }
}

/// The outcome of a call that may panic.
fn next_caught<T>(imap: &mut Imap<'_, T>) -> Result<Option<T>, u64> {
    catch_unwind(AssertUnwindSafe(|| imap.next()))
        .map_err(|payload| payload.downcast::<OnPurpose>().unwrap().0)
}

promises! {
    fn p6_panics_of_an_inner_imap_come_in_their_places(subject) {
        in_a_busy_imap(subject.pool(2), |inner, n| {
            let items = n..n + ITEMS;
            let expected = sequential(items.clone(), fragile);
            assert_same(&expected, &caught(inner.imap(items.clone(), fragile).catch_panics()));
            let mut imap = inner.imap(items.clone(), fragile);
            for x in items {
                let expected = if x % 7 == 3 { Err(x) } else { Ok(Some(fragile(x))) };
                assert_eq!(next_caught(&mut imap), expected);
            }
            assert_eq!(next_caught(&mut imap), Ok(None));
        });
    }

    fn p7_a_panic_in_the_input_of_an_inner_imap_comes_last(subject) {
        in_a_busy_imap(subject.pool(2), |inner, n| {
            let stop = n % ITEMS;
            let input = (0..ITEMS).map(move |x| if x == stop { panic_on_purpose(x) } else { x });
            let mut imap = inner.imap(input, |x| x + 1);
            for x in 0..stop {
                assert_eq!(next_caught(&mut imap), Ok(Some(x + 1)));
            }
            assert_eq!(next_caught(&mut imap), Err(stop));
            assert_eq!(next_caught(&mut imap), Ok(None));
            assert_eq!(imap.size_hint(), (0, Some(0)));
        });
    }

    fn p11_the_size_hint_of_an_inner_imap_is_exact(subject) {
        in_a_busy_imap(subject.pool(2), |inner, n| {
            let mut imap = inner.imap(0..ITEMS, fragile);
            for left in (0..ITEMS as usize).rev() {
                let _ = next_caught(&mut imap);
                assert_eq!(imap.size_hint(), (left, Some(left)), "imap {n}");
            }
            assert_eq!(imap.next(), None);
        });
    }

    fn p11_the_stats_of_an_inner_imap_add_up(subject) {
        in_a_busy_imap(subject.pool(2), |inner, _| {
            let mut imap = inner.imap(0..ITEMS, |x| x);
            for delivered in 1..=ITEMS {
                imap.next().unwrap();
                let stats = imap.stats();
                assert_eq!(stats.delivered, delivered);
                assert_eq!(stats.pulled, stats.waiting + stats.running + stats.blocked + delivered, "{stats}");
                assert!(stats.pulled <= ITEMS, "{stats}");
            }
        });
    }

    fn p9_an_inner_imap_that_is_dropped_on_the_way_drops_everything_once(subject) {
        let alive = Alive::default();
        let counted = alive.clone();
        in_a_busy_imap(subject.pool(2), move |inner, n| {
            let items: Vec<_> = (0..ITEMS).map(|x| (x, counted.new_one())).collect();
            let results = counted.clone();
            let mut imap = inner.imap(items, move |(x, _item)| (x, results.new_one()));
            for x in 0..n % (ITEMS + 2) {
                assert_eq!(imap.next().map(|result| result.0), (x < ITEMS).then_some(x));
            }
        });
        alive.wait_for(0);
    }

    fn p10_a_call_with_a_limit_loses_nothing_of_an_inner_imap(subject) {
        in_a_busy_imap(subject.pool(2), |inner, n| {
            let me = thread::current().id();
            // Few enough imaps with a limit that the others show.
            let ask = n % 8 == 0;
            let mut imap = inner.imap(0..ITEMS, |x| (x, thread::current().id()));
            let mut next = 0;
            while next < ITEMS {
                if ask
                    && next % 5 == 2
                    && let Ok(result) = imap.next_timeout(Duration::ZERO)
                {
                    let (x, runner) = result.unwrap();
                    assert_eq!(x, next);
                    assert_ne!(runner, me, "item {x} ran in a call with a limit");
                    next += 1;
                }
                assert_eq!(imap.next().map(|result| result.0), (next < ITEMS).then_some(next));
                next += 1;
            }
            assert_eq!(imap.next(), None);
        });
    }

    fn p10_an_item_of_an_inner_imap_can_be_given_up(subject) {
        in_a_busy_imap(subject.pool(2), |inner, n| {
            let give_up = n % 8 == 0;
            let mut imap = inner.imap(0..ITEMS, |x| x);
            assert!(imap.by_ref().take(5).eq(0..5));
            if give_up {
                let mut limited = imap.timeout(Duration::ZERO);
                let first = limited.next().unwrap();
                if let Err(late) = first {
                    assert_eq!(late.index(), 5);
                    assert!(limited.give_up());
                }
                imap = limited.into_inner();
                assert!(imap.by_ref().eq(6..ITEMS));
            } else {
                assert!(imap.by_ref().eq(5..ITEMS));
            }
        });
    }

    fn p1_an_unordered_inner_imap_gives_each_result_once(subject) {
        in_a_busy_imap(subject.pool(2), |inner, _| {
            let mut seen = [false; ITEMS as usize];
            for x in inner.imap(0..ITEMS, |x| x).unordered() {
                assert!(!std::mem::replace(&mut seen[x as usize], true), "{x} came twice");
            }
            assert!(seen.iter().all(|seen| *seen));
        });
    }

    fn p6_an_inner_imap_with_state_makes_a_new_one_after_a_panic(subject) {
        let alive = Alive::default();
        let counted = alive.clone();
        in_a_busy_imap(subject.pool(2), move |inner, _| {
            let states = counted.clone();
            let init = move || (false, states.new_one());
            let spoil = |state: &mut (bool, _), x| {
                assert!(!state.0, "a state was used after a panic");
                state.0 = x % 7 == 3;
                fragile(x)
            };
            let results = inner.imap_init(0..ITEMS, init, spoil).catch_panics();
            assert_same(&sequential(0..ITEMS, fragile), &caught(results));
        });
        alive.wait_for(0);
    }

    fn p9_an_inner_imap_can_be_cancelled_from_its_item(subject) {
        in_a_busy_imap(subject.pool(2), |inner, _| {
            let token = CancelToken::new();
            let (cancel, cancelled_by) = (token.clone(), OnceLock::new());
            // Endless, which its size hint does not say, since `collect` would ask for the memory.
            let imap = inner.imap((0..).take_while(|_| true), move |x| {
                let me = thread::current().id();
                assert_ne!(cancelled_by.get(), Some(&me), "item {x} began behind the cancel");
                if x == ITEMS / 2 {
                    cancel.cancel();
                    cancelled_by.set(me).unwrap();
                }
                x
            });
            let mut imap = imap.window(ITEMS as usize).cancel_with(&token);
            let got: Vec<_> = imap.by_ref().collect();
            assert!(got.iter().copied().eq(0..got.len() as u64), "{got:?}");
            assert!(imap.is_cancelled());
            assert_eq!(imap.size_hint(), (0, Some(0)));
        });
    }

    fn p1_large_results_of_an_inner_imap(subject) {
        in_a_busy_imap(subject.pool(2), |inner, n| {
            // Code of 32 bits that is not optimised copies it more often.
            const LEN: usize = if cfg!(target_pointer_width = "32") { 1 << 15 } else { 1 << 16 };
            let results = inner.imap(0..4, move |x| [(n + x) as u8; LEN]);
            assert!(results.map(|block| block[n as usize]).eq((0..4).map(|x| (n + x) as u8)));
        });
    }

    /// The imaps ran inline where they began, and come to another thread with the rest of their chunk.
    fn p11_an_inner_imap_can_be_moved_to_another_thread(subject) {
        let pool = Arc::new(subject.pool(2));
        let inner = Inner::of(&pool);
        pool.scope(|scope| {
            let begin = |_| {
                let mut imap = inner.imap(0..ITEMS, |x| x);
                assert_eq!(imap.next(), Some(0));
                imap
            };
            for (n, mut imap) in scope.imap(0..IMAPS, begin).enumerate() {
                // Some are dropped.
                assert!(imap.by_ref().take(n % 80).eq((1..ITEMS).take(n % 80)));
            }
        });
    }
}
