//! Random imaps against sequential code (proptest).

use crate::oracle::{assert_same, caught, panic_on_purpose, sequential};
use crate::subject::AnyPool;
use crate::suite::list::promises;
use pool_core::Executor;
use pool_core::work::xorshift;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use std::time::Duration;

/// What an item costs.
#[derive(Debug, Clone, Copy)]
enum Cost {
    Nothing,
    Even,
    Uneven,
    Sleeps,
}

#[derive(Debug, Clone)]
struct Case {
    threads: usize,
    items: u64,
    window: Option<usize>,
    chunk: Option<usize>,
    cost: Cost,
    panics: BTreeSet<u64>,
    /// The input panics at this item.
    input_panic: Option<u64>,
    /// How many results are taken.
    taken: usize,
    started: bool,
    with_limit: bool,
}

fn any_case() -> impl Strategy<Value = Case> {
    let items = prop_oneof![3 => 0..20u64, 2 => 0..400u64, 1 => 0..20_000u64];
    let cost = prop_oneof![
        3 => Just(Cost::Nothing), 2 => Just(Cost::Even), 2 => Just(Cost::Uneven), 1 => Just(Cost::Sleeps),
    ];
    let window = proptest::option::weighted(0.7, prop_oneof![1..8usize, 1..300usize]);
    let chunk = proptest::option::weighted(0.5, prop_oneof![1..5usize, 1..100usize]);
    let settings = (1..=4usize, window, chunk, cost, any::<bool>(), proptest::bool::weighted(0.2));
    (items, settings).prop_flat_map(|(items, (threads, window, chunk, cost, started, with_limit))| {
        let end = items.max(1);
        let panics =
            prop_oneof![2 => Just(BTreeSet::new()), 1 => proptest::collection::btree_set(0..end, 0..12)];
        let input_panic = proptest::option::weighted(0.15, 0..end);
        let taken = prop_oneof![3 => Just(usize::MAX), 1 => 0..end as usize];
        (panics, input_panic, taken).prop_map(move |(panics, input_panic, taken)| Case {
            threads,
            items,
            window,
            chunk,
            cost,
            panics,
            input_panic,
            taken,
            started,
            with_limit,
        })
    })
}

fn compute(case: &Case, item: u64) -> u64 {
    if case.panics.contains(&item) {
        panic_on_purpose(item);
    }
    match case.cost {
        Cost::Nothing => item,
        Cost::Even => xorshift(item, 100),
        Cost::Uneven => xorshift(item, if item.is_multiple_of(50) { 5_000 } else { 10 }),
        Cost::Sleeps => {
            if item.is_multiple_of(64) {
                std::thread::sleep(Duration::from_micros(item % 5 * 50));
            }
            item
        }
    }
}

fn check(pool: &AnyPool, case: &Case) {
    let end = case.input_panic.map_or(case.items, |at| at.min(case.items));
    let mut expected = sequential(0..end, |item| compute(case, item));
    if case.input_panic.is_some_and(|at| at < case.items) {
        expected.push(crate::oracle::Outcome::Panicked(end));
    }
    expected.truncate(case.taken);

    let (of_input, of_function) = (case.clone(), case.clone());
    let input = (0..case.items).inspect(move |&item| {
        if of_input.input_panic == Some(item) {
            panic_on_purpose(item);
        }
    });
    let mut imap = pool.imap(input, move |item| compute(&of_function, item)).catch_panics();
    if let Some(window) = case.window {
        imap = imap.window(window);
    }
    if let Some(chunk) = case.chunk {
        imap = imap.chunk(chunk);
    }
    if case.started {
        imap = imap.start();
    }
    let with_limit = case.with_limit;
    let results = std::iter::from_fn(|| match with_limit {
        true => imap.next_timeout(Duration::from_secs(30)).unwrap(),
        false => imap.next(),
    });
    assert_same(&expected, &caught(results.take(case.taken)));
}

promises! {
    fn p1_random_imaps_agree_with_sequential_code(subject) {
        let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
        let pools: Vec<_> = (1..=4).map(|threads| subject.pool(threads)).collect();
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let result = TestRunner::new(config).run(&any_case(), |case| {
            check(&pools[case.threads - 1], &case);
            Ok(())
        });
        if let Err(failure) = result {
            panic!("{failure}");
        }
    }
}
