//! Pools that have many more threads than the machine has cores.

use super::measure::{Sample, sample};
use super::ways::{Limit, Way, compare};
use super::{Bench, arithmetic, even};
use crate::contenders::{Contenders, THREADS};
use pool_core::Executor;
use pool_core::work::checksum;
use rayon::prelude::*;
use std::iter;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

pub fn rows(bench: &Bench) {
    asleep(bench, 128, |_| Limit::EachRound(1.05));
    asleep(bench, 512, |rayon| Limit::Ratio(if rayon { 4.0 } else { 2.0 }));
    computing(bench);
}

fn sleep(x: u64) -> u64 {
    thread::sleep(Duration::from_millis(1));
    x
}

/// Items that sleep, beside threads that only count items. `limit` is told whether the backend is rayon's, which may
/// take longer.
fn asleep(bench: &Bench, threads: usize, limit: fn(bool) -> Limit) {
    let name = &format!("asleep 1ms on {threads}");
    if !bench.wants(name) {
        return;
    }
    let (contenders, items) = (Contenders::new(threads), bench.items(200 * threads as u64));
    let (in_order, in_any) = ((0..items).fold(0, checksum), (0..items).sum());
    let eager = || {
        let results: Vec<u64> = contenders.rayon.install(|| (0..items).into_par_iter().map(sleep).collect());
        results.into_iter().fold(0, checksum)
    };
    let compared = |rayon, way| Way {
        base: Some((0, "plain")),
        limits: vec![limit(rayon), Limit::Beyond(if rayon { 30.0 } else { 12.0 })],
        ..way
    };
    let mut ways = vec![Way::new("plain threads", || plain(threads, items, in_any))];
    ways.push(Way { base: Some((0, "plain")), ..Way::new("rayon eager", || sample(in_order, eager)) });
    for (backend, pool) in &contenders.ours {
        let rayon = *backend == "rayon";
        let ordered = move || sample(in_order, || pool.imap(0..items, sleep).fold(0, checksum));
        let unordered = move || sample(in_any, || pool.imap(0..items, sleep).unordered().sum());
        ways.push(compared(rayon, Way::new(format!("{backend}, ordered"), ordered)));
        ways.push(compared(rayon, Way::new(format!("{backend}, unordered"), unordered)));
    }
    compare(bench, name, items, ways);
}

/// Threads that take the next number of a counter and sleep. As with a pool, neither their start nor their end counts.
fn plain(threads: usize, items: u64, expected: u64) -> Sample {
    let (next, sum) = (AtomicU64::new(0), AtomicU64::new(0));
    let all = Barrier::new(threads + 1);
    let work = || {
        all.wait();
        let numbers = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        sum.fetch_add(numbers.take_while(|x| *x < items).map(sleep).sum(), Ordering::Relaxed);
        all.wait();
    };
    thread::scope(|s| {
        (0..threads).for_each(|_| drop(s.spawn(work)));
        sample(expected, || {
            all.wait();
            all.wait();
            sum.load(Ordering::Relaxed)
        })
    })
}

/// More threads than cores gain nothing where items compute, and must not cost much.
fn computing(bench: &Bench) {
    const MANY: usize = 64;
    let name = &format!("20us on {MANY}");
    if !bench.wants(name) {
        return;
    }
    let (items, rounds) = (bench.items(20_000), arithmetic(2e4));
    let expected = even::sequential(items, rounds);
    let many = Contenders::new(MANY);
    let mut ways = Vec::new();
    for ((backend, few), (_, many)) in bench.contenders.ours.iter().zip(&many.ours) {
        let run = |pool| move || sample(expected, || even::ordered(pool, items, rounds));
        let base = Some((ways.len(), "2 threads"));
        ways.push(Way::new(format!("{backend}, {THREADS} threads"), run(few)));
        ways.push(Way {
            base,
            limits: vec![Limit::Ratio(1.10)],
            ..Way::new(format!("{backend}, {MANY} threads"), run(many))
        });
    }
    compare(bench, name, items, ways);
}
