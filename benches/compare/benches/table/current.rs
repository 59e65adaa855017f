//! What an item pays for a look at itself, which it may take for each line of a log.

use super::Bench;
use super::measure::sample;
use super::ways::{Limit, Way, compare};
use pool_core::{Executor, current};
use std::hint::black_box;
use std::iter;

pub fn rows(bench: &Bench) {
    let name = "current";
    if bench.wants(name) {
        let calls = bench.items(20_000_000);
        let index = way(bench, "index", calls, || current().index().map_or(0, |index| index + 1));
        let wanted = way(bench, "is_cancelled", calls, || u64::from(!current().is_cancelled()));
        compare(bench, name, calls, vec![index, wanted]);
    }
}

/// One item that asks so often. Each answer is 1.
fn way<'a>(
    bench: &'a Bench,
    contender: &str,
    calls: u64,
    ask: impl Fn() -> u64 + Copy + Send + Sync + 'static,
) -> Way<'a> {
    let pool = &bench.contenders.ours[0].1;
    let asks = move |()| (0..calls).map(|_| black_box(ask())).sum::<u64>();
    let run = move || sample(calls, || pool.imap(iter::once(()), asks).sum());
    Way { limits: vec![Limit::Nanoseconds(5.0)], ..Way::new(contender, run) }
}
