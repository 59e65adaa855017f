//! `iter.imap(&pool, f)`: stages one after the other, on the same pool.

use super::list::promises;
use crate::oracle::{OnPurpose, panic_on_purpose};
use pool_core::{Executor, IterExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

promises! {
    fn p1_chain_is_the_chain_of_maps(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let text: String = (0..3_000).map(|n| if n % 7 == 0 { "x\n".into() } else { format!("{n}\n") }).collect();
            let parse = |line: String| line.parse::<u64>();
            let render = |number: u64| format!("<{number}>");
            // The text is borrowed, and each stage pulls from the one before.
            let chained = text.lines().map(String::from).imap(&pool, parse).filter_map(Result::ok).imap(&pool, render);
            let expected = text.lines().map(String::from).map(parse).filter_map(Result::ok).map(render);
            assert!(chained.eq(expected), "threads {threads}");
        }
    }

    fn p8_chain_of_four_on_one_thread_finishes(subject) {
        for window in [1, 2, 4096] {
            let pool = subject.pool(1);
            let add = |x: u64| x + 1;
            let two = (0..500).imap(&pool, add).window(window).imap(&pool, add).window(window);
            let four = two.imap(&pool, add).window(window).imap(&pool, add).window(window);
            assert!(four.eq(4..504), "window {window}");
        }
    }

    fn p8_chain_inside_a_job_of_its_one_thread_finishes(subject) {
        let pool = Arc::new(subject.pool(1));
        let inner = pool.clone();
        let sum = pool.submit(move || {
            (0..500u64).imap(&inner, |x| x + 1).imap(&inner, |x| 2 * x).sum::<u64>()
        });
        assert_eq!(sum.join().unwrap(), 250_500);
    }

    fn p2_chain_is_lazy_and_pulled_here(subject) {
        let pool = subject.pool(2);
        let (me, pulled) = (thread::current().id(), Rc::new(()));
        let seen = pulled.clone();
        let input = (0..100u64).inspect(move |_| {
            assert_eq!(thread::current().id(), me);
            let _ = &seen;
        });
        let stage = input.imap(&pool, |x| x).imap(&pool, |x| x);
        assert_eq!(stage.size_hint(), (100, Some(100)));
        assert_eq!(stage.stats().pulled, 0);
        assert!(stage.eq(0..100));
        assert_eq!(Rc::strong_count(&pulled), 1);
    }

    fn p6_chain_hands_a_panic_of_an_early_stage_on(subject) {
        let pool = subject.pool(2);
        let early = |x: u64| if x == 50 { panic_on_purpose(x) } else { x };
        let mut chained = (0..100u64).imap(&pool, early).imap(&pool, |x| x);
        // It is a panic of the later stage's input, so it comes after the results before it, and ends it.
        assert!(chained.by_ref().take(50).eq(0..50));
        let payload = catch_unwind(AssertUnwindSafe(|| chained.next())).unwrap_err();
        assert_eq!(payload.downcast_ref::<OnPurpose>(), Some(&OnPurpose(50)));
        assert_eq!(chained.next(), None);
    }
}
