//! Many short calls on a warm pool, calls inside of calls, and the other ways to hand over work.

use super::row::{Bar, Base, IDEAL, Row, Runs};
use super::{Bench, arithmetic, even};
use crate::contenders::Pool;
use pool_core::Executor;
use pool_core::work::{checksum, xorshift};
use rayon::prelude::*;
use std::ops::Range;

/// Items of an inner `imap`.
const INNER: u64 = 50;

pub fn rows(bench: &Bench) {
    // Name, items of a call, nanoseconds of work, calls of a run, bar.
    for (name, length, nanoseconds, calls, bar) in [
        ("calls of 3 at 1us", 3, 1e3, 20_000, 1.2),
        ("calls of 10 at 1us", 10, 1e3, 10_000, 1.2),
        ("calls of 100 at 1us", 100, 1e3, 2_000, 1.5),
        ("calls of 10 at 100ns", 10, 100.0, 20_000, 1.5),
    ] {
        let items = bench.items(calls) * length;
        let row = Row { name, items, base: Base::Eager, bars: &[Bar::Ratio(bar)] };
        calls_of(bench, &row, length, arithmetic(nanoseconds));
    }
    nested(bench, "nested 50 at 1us", 4_000, 1e3, &[Bar::Ratio(1.1)]);
    nested(bench, "nested 50 at 50ns", 20_000, 50.0, &[]);
    submit(bench);
    map(bench);
    scope(bench);
}

/// The numbers of the items of a call.
fn numbers(call: u64, length: u64) -> Range<u64> {
    call * length..(call + 1) * length
}

fn calls_of(bench: &Bench, row: &Row, length: u64, rounds: u64) {
    let f = move |x| xorshift(x, rounds);
    let calls = 0..row.items / length;
    let eager = |pool: &rayon::ThreadPool| {
        calls.clone().fold(0, |sum, call| {
            let results: Vec<u64> = pool.install(|| numbers(call, length).into_par_iter().map(f).collect());
            results.into_iter().fold(sum, checksum)
        })
    };
    let ours = |pool: &Pool| {
        calls.clone().fold(0, |sum, call| pool.imap(numbers(call, length), f).fold(sum, checksum))
    };
    let sequential = || even::sequential(row.items, rounds);
    bench.compare(row, &Runs { sequential: &sequential, eager: Some(&eager), ours: &ours });
}

fn nested(bench: &Bench, name: &str, calls: u64, nanoseconds: f64, bars: &[Bar]) {
    let (calls, rounds) = (bench.items(calls), arithmetic(nanoseconds));
    let f = move |x| xorshift(x, rounds);
    let sequential =
        || (0..calls).map(|call| numbers(call, INNER).map(f).fold(0, checksum)).fold(0, checksum);
    let eager = |pool: &rayon::ThreadPool| {
        let inner = |call| {
            let results: Vec<u64> = numbers(call, INNER).into_par_iter().map(f).collect();
            results.into_iter().fold(0, checksum)
        };
        let results: Vec<u64> = pool.install(|| (0..calls).into_par_iter().map(inner).collect());
        results.into_iter().fold(0, checksum)
    };
    let ours = |pool: &Pool| {
        let same = pool.clone();
        let inner = move |call| same.imap(numbers(call, INNER), f).fold(0, checksum);
        pool.imap(0..calls, inner).fold(0, checksum)
    };
    let row = Row { name, items: calls * INNER, base: IDEAL, bars };
    bench.compare(&row, &Runs { sequential: &sequential, eager: Some(&eager), ours: &ours });
}

/// A storm of jobs: all are handed over, and then all are joined.
fn submit(bench: &Bench) {
    let (items, rounds) = (bench.items(100_000), arithmetic(1e3));
    let ours = |pool: &Pool| {
        let handles: Vec<_> = (0..items).map(|x| pool.submit(move || xorshift(x, rounds))).collect();
        handles.into_iter().map(|handle| handle.join().expect("it does not panic")).fold(0, checksum)
    };
    let row = Row { name: "submit 1us", items, base: IDEAL, bars: &[] };
    bench.compare(&row, &Runs { sequential: &|| even::sequential(items, rounds), eager: None, ours: &ours });
}

fn map(bench: &Bench) {
    let ours = |pool: &Pool, data: &[u64], rounds| {
        pool.map(data, |x| xorshift(*x, rounds)).into_iter().fold(0, checksum)
    };
    borrowed(bench, "map 1us", &ours);
}

fn scope(bench: &Bench) {
    let ours = |pool: &Pool, data: &[u64], rounds| {
        pool.scope(|s| s.imap(data, |x| xorshift(*x, rounds)).fold(0, checksum))
    };
    borrowed(bench, "scope 1us", &ours);
}

/// Work on a slice that is borrowed.
fn borrowed(bench: &Bench, name: &str, ours: &dyn Fn(&Pool, &[u64], u64) -> u64) {
    let (items, rounds) = (bench.items(100_000), arithmetic(1e3));
    let data: Vec<u64> = (0..items).collect();
    let eager = |pool: &rayon::ThreadPool| {
        let results: Vec<u64> = pool.install(|| data.par_iter().map(|x| xorshift(*x, rounds)).collect());
        results.into_iter().fold(0, checksum)
    };
    let row = Row { name, items, base: IDEAL, bars: &[] };
    let runs = Runs {
        sequential: &|| even::sequential(items, rounds),
        eager: Some(&eager),
        ours: &|pool| ours(pool, &data, rounds),
    };
    bench.compare(&row, &runs);
}
