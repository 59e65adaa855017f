//! `items.imap(pool, f)`: stages one after the other, on the same pool, sent to its threads or local.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, LONG};
use crate::suite::whereabouts::{Calls, Home};
use pool_core::{CancelToken, Executor, Imap, IterExt, Place};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

/// The lines of a text, the numbers in it, and what is made of each.
fn text() -> String {
    (0..3_000).map(|n| if n % 7 == 0 { "x\n".into() } else { format!("{n}\n") }).collect()
}

fn parse(line: String) -> Result<u64, std::num::ParseIntError> {
    line.parse()
}

fn render(number: u64) -> String {
    format!("<{number}>")
}

/// The last stage of a chain is told that another one was cancelled.
fn is_told<P: Place>(mut last: Imap<'_, u64, P>, token: &CancelToken) {
    assert_eq!(last.by_ref().take(10).count(), 10);
    assert!(!last.is_cancelled());
    token.cancel();
    last.by_ref().for_each(drop);
    assert!(last.is_cancelled());
}

promises! {
    fn p1_chain_is_the_chain_of_maps(subject) {
        for threads in [1, 2, 4] {
            let pool = Arc::new(subject.pool(threads));
            let text = text();
            let lines = || text.lines().map(String::from);
            let expected: Vec<_> = lines().map(parse).filter_map(Result::ok).map(render).collect();
            // The text is borrowed, and each stage pulls from the one before.
            let local = lines().local().imap(&pool, parse).filter_map(Result::ok).local().imap(&pool, render);
            assert!(local.eq(expected.iter().cloned()), "threads {threads}");
            let owned = lines().collect::<Vec<_>>().into_iter();
            let sent = owned.imap(pool.clone(), parse).filter_map(Result::ok).imap(pool.clone(), render);
            assert!(sent.eq(expected), "threads {threads}");
        }
    }

    fn p8_chain_of_four_on_one_thread_finishes(subject) {
        for window in [1, 2, 4096] {
            let pool = Arc::new(subject.pool(1));
            let add = |x: u64| x + 1;
            let two = (0..500).imap(&pool, add).window(window).local().imap(&pool, add).window(window);
            let four = two.local().imap(&pool, add).window(window).local().imap(&pool, add).window(window);
            assert!(four.eq(4..504), "local, window {window}");
            let sent = || pool.clone();
            let two = (0..500).imap(sent(), add).window(window).imap(sent(), add).window(window);
            let four = two.imap(sent(), add).window(window).imap(sent(), add).window(window);
            assert!(four.eq(4..504), "sent, window {window}");
        }
    }

    fn p8_chain_inside_a_job_of_its_one_thread_finishes(subject) {
        let pool = Arc::new(subject.pool(1));
        let (local, sent) = (pool.clone(), pool.clone());
        let sum = pool.submit(move || {
            (0..500u64).imap(&local, |x| x + 1).local().imap(&local, |x| 2 * x).sum::<u64>()
        });
        assert_eq!(sum.join().unwrap(), 250_500);
        let sum = pool.submit(move || {
            (0..500u64).imap(sent.clone(), |x| x + 1).imap(sent, |x| 2 * x).sum::<u64>()
        });
        assert_eq!(sum.join().unwrap(), 250_500);
    }

    fn p2_chain_is_lazy_and_a_local_one_is_pulled_here(subject) {
        let pool = subject.pool(2);
        let (me, pulled) = (thread::current().id(), Rc::new(()));
        let seen = pulled.clone();
        let input = (0..100u64).inspect(move |_| {
            assert_eq!(thread::current().id(), me);
            let _ = &seen;
        });
        let stage = input.local().imap(&pool, |x| x).local().imap(&pool, |x| x);
        assert_eq!(stage.size_hint(), (100, Some(100)));
        assert_eq!(stage.stats().pulled, 0);
        assert!(stage.eq(0..100));
        assert_eq!(Rc::strong_count(&pulled), 1);
    }

    /// The same as `pool.imap` in this, too, whatever the executor is.
    fn p16_chain_is_pulled_on_the_threads_of_the_pool(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let home = Home::of(&pool);
            let calls = Calls::new();
            assert!(calls.input(500).imap(&pool, calls.function()).eq(0..500));
            let f = calls.function();
            assert!(calls.input(500).imap_init(&pool, calls.init(), move |(), x| f(x)).eq(0..500));
            let first = calls.input(500).imap(pool.clone(), calls.function());
            assert!(first.imap(&pool, calls.function()).eq(0..500));
            home.check(&calls, &format!("threads {threads}"));
        }
    }

    fn p6_chain_hands_a_panic_of_an_early_stage_on(subject) {
        let pool = Arc::new(subject.pool(2));
        let early = |x: u64| if x == 50 { panic_on_purpose(x) } else { x };
        // It is a panic of the later stage's input, so it comes after the results before it, and ends it.
        let check = |mut chained: Box<dyn Iterator<Item = u64> + '_>| {
            assert!(chained.by_ref().take(50).eq(0..50));
            let payload = catch_unwind(AssertUnwindSafe(|| chained.next())).unwrap_err();
            assert_eq!(payload.downcast_ref::<OnPurpose>(), Some(&OnPurpose(50)));
            assert_eq!(chained.next(), None);
        };
        check(Box::new((0..100u64).imap(&pool, early).local().imap(&pool, |x| x)));
        check(Box::new((0..100u64).imap(pool.clone(), early).imap(&pool, |x| x)));
    }

    /// The batch that the panic cuts short comes before it.
    fn p7_chain_of_batches_hands_a_panic_of_an_early_stage_on(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            for (most, limit) in [(7, None), (7, Some(LONG)), (100, None)] {
                let early = |x: u64| if x == 50 { panic_on_purpose(x) } else { x };
                let mut batches = (0..100u64).imap(pool.clone(), early).batches(most);
                if let Some(limit) = limit {
                    batches = batches.within(limit);
                }
                let mut chained = batches.imap(&pool, |batch| batch);
                let all: Vec<u64> = (0..50).collect();
                assert!(chained.by_ref().take(50usize.div_ceil(most)).eq(all.chunks(most).map(<[u64]>::to_vec)));
                let payload = catch_unwind(AssertUnwindSafe(|| chained.next())).unwrap_err();
                assert_eq!(payload.downcast_ref::<OnPurpose>(), Some(&OnPurpose(50)));
                assert_eq!(chained.next(), None);
            }
        }
    }

    fn p9_chain_dropped_in_the_middle_drops_everything_once(subject) {
        for taken in [0, 1, 100] {
            let pool = Arc::new(subject.pool(2));
            let (alive, results) = (Alive::default(), Alive::default());
            let (of_items, of_results) = (alive.clone(), results.clone());
            let items = (0..1_000).map(move |_| of_items.new_one());
            let first = items.imap(pool.clone(), move |item| (item, of_results.new_one()));
            let mut second = first.imap(pool.clone(), |pair| pair);
            assert_eq!(second.by_ref().take(taken).count(), taken);
            drop(second);
            alive.wait_for(0);
            results.wait_for(0);
        }
    }

    /// However far behind it is, with adapters between, sent or local.
    fn p12_chain_is_told_that_a_stage_was_cancelled(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let first = |token| (0u64..).imap(pool.clone(), |x| x).window(4).cancel_with(token).filter(|x| x % 2 == 0);
            let token = CancelToken::new();
            is_told(first(&token).imap(&pool, |x| x).window(4), &token);
            let token = CancelToken::new();
            is_told(first(&token).local().imap(&pool, |x| x).window(4), &token);
            let token = CancelToken::new();
            let second = first(&token).imap(pool.clone(), |x| x).window(4).catch_panics();
            is_told(second.map_while(Result::ok).imap(&pool, |x| x).window(4), &token);
            let token = CancelToken::new();
            is_told(first(&token).batches(3).imap(&pool, |batch| batch[0]).window(4), &token);
        }
    }

    fn p12_chain_that_reaches_its_end_is_not_cancelled(subject) {
        let pool = Arc::new(subject.pool(2));
        // An imap that ends early inside of an item is no stage of this one.
        let inner = pool.clone();
        let first = (0..50u64).imap(pool.clone(), move |x| {
            let cancelled = (0u64..).imap(inner.clone(), |x| x).window(2);
            cancelled.cancel_token().cancel();
            (cancelled.count() < 3, x).1
        });
        let mut last = first.imap(&pool, |x| x);
        assert!(last.by_ref().eq(0..50));
        assert!(!last.is_cancelled());
    }

    /// Nor is one that ends early while the input makes an item.
    fn p12_chain_whose_input_uses_an_imap_that_was_cancelled_is_not(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool_core::Sequential;
            let input = (0..500u64).map(move |x| {
                let mut cancelled = inner.imap(0u64.., |x| x);
                cancelled.cancel_token().cancel();
                (cancelled.next(), x).1
            });
            let mut pooled = pool.imap(input.clone(), |x| x);
            assert!(pooled.by_ref().eq(0..500) && !pooled.is_cancelled());
            let mut local = input.local().imap(&pool, |x| x);
            assert!(local.by_ref().eq(0..500) && !local.is_cancelled());
        }
    }
}
