//! One long `imap` inside a job, while the other threads of the pool have nothing else to do.

use super::measure::sample;
use super::ways::{Limit, Way, compare};
use super::{Bench, arithmetic};
use crate::contenders::{Contenders, Pool};
use pool_core::Executor;
use pool_core::work::{checksum, xorshift};
use rayon::prelude::*;
use std::iter;
use std::thread;
use std::time::Duration;

pub fn rows(bench: &Bench) {
    for threads in [2, 4] {
        computing(bench, "1ms", 1e6, 400, threads);
        computing(bench, "20us", 2e4, 20_000, threads);
        asleep(bench, threads);
    }
}

fn computing(bench: &Bench, name: &str, nanoseconds: f64, items: u64, threads: usize) {
    let rounds = arithmetic(nanoseconds);
    let f = move |x| xorshift(x, rounds);
    row(bench, &format!("inside {name} on {threads}"), items, threads, f, Some(1.10));
}

/// Here `par_iter` sets no bar: the row is about threads that sleep, and rayon's is made for those that compute.
fn asleep(bench: &Bench, threads: usize) {
    let f = |x| {
        thread::sleep(Duration::from_millis(20));
        x
    };
    row(bench, &format!("inside asleep on {threads}"), 100, threads, f, None);
}

/// The same `imap` from outside, inside `submit` and inside an item, beside `par_iter` inside another one, whose bar is
/// `par_iter`.
fn row(
    bench: &Bench,
    name: &str,
    items: u64,
    threads: usize,
    f: impl Fn(u64) -> u64 + Copy + Send + Sync + 'static,
    par_iter: Option<f64>,
) {
    if !bench.wants(name) {
        return;
    }
    let (contenders, items) = (Contenders::new(threads), bench.items(items));
    let expected = (0..items).fold(0, |sum, x| checksum(sum, f(x)));
    let outside = move |pool: &Pool| pool.imap(0..items, f).fold(0, checksum);
    let eager = || {
        let inner = |_| (0..items).into_par_iter().map(f).collect::<Vec<_>>().into_iter().fold(0, checksum);
        contenders.rayon.install(|| (0..1).into_par_iter().map(inner).sum())
    };
    let limits = || {
        let beside = par_iter.map(|limit| Limit::To(0, "par_iter", limit));
        iter::once(Limit::Ratio(1.10)).chain(beside).collect()
    };
    let mut ways = vec![Way::new("rayon par_iter", || sample(expected, eager))];
    for (backend, pool) in &contenders.ours {
        let base = Some((ways.len(), "outside"));
        let inside = |place, run: fn(&Pool, Call) -> u64| Way {
            base,
            limits: limits(),
            ..Way::new(format!("{backend}, {place}"), move || {
                let same = pool.clone();
                sample(expected, || run(pool, Box::new(move || outside(&same))))
            })
        };
        ways.push(Way::new(format!("{backend}, outside"), move || sample(expected, || outside(pool))));
        ways.push(inside("in submit", in_submit));
        ways.push(inside("in an item", in_an_item));
    }
    compare(bench, name, items, ways);
}

/// A call of `imap` that consumes it.
type Call = Box<dyn Fn() -> u64 + Send + Sync>;

fn in_submit(pool: &Pool, call: Call) -> u64 {
    pool.submit(call).join().expect("it does not panic")
}

fn in_an_item(pool: &Pool, call: Call) -> u64 {
    pool.imap(iter::once(()), move |()| call()).next().expect("there is one item")
}
