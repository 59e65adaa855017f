//! Items that all take the same time, in one long `imap`.

use super::measure::sample;
use super::row::{Bar, Base, IDEAL, Line, Row, Runs, SEQUENTIAL};
use super::{Bench, arithmetic};
use crate::contenders::{Contenders, Pool};
use pool_core::Executor;
use pool_core::work::{checksum, xorshift};
use rayon::prelude::*;

/// Name, nanoseconds of work per item, and items of a run.
pub const WORKS: [(&str, f64, u64); 8] = [
    ("none", 0.0, 10_000_000),
    ("50ns", 50.0, 4_000_000),
    ("100ns", 100.0, 2_000_000),
    ("1us", 1e3, 200_000),
    ("5us", 5e3, 40_000),
    ("10us", 1e4, 20_000),
    ("40us", 4e4, 5_000),
    ("1ms", 1e6, 300),
];

pub fn sequential(items: u64, rounds: u64) -> u64 {
    (0..items).map(|x| xorshift(x, rounds)).fold(0, checksum)
}

pub fn eager(pool: &rayon::ThreadPool, items: u64, rounds: u64) -> u64 {
    let results: Vec<u64> =
        pool.install(|| (0..items).into_par_iter().map(|x| xorshift(x, rounds)).collect());
    results.into_iter().fold(0, checksum)
}

pub fn ordered(pool: &Pool, items: u64, rounds: u64) -> u64 {
    pool.imap(0..items, move |x| xorshift(x, rounds)).fold(0, checksum)
}

pub fn rows(bench: &Bench) {
    for (name, nanoseconds, items) in WORKS {
        let (base, bars): (Base, &[Bar]) = match name {
            "none" => (Base::Eager, &[]),
            "50ns" => (Base::Eager, &[Bar::Ratio(1.20)]),
            "100ns" => (Base::Eager, &[Bar::Ratio(1.16)]),
            _ => (IDEAL, &[Bar::Ratio(1.04), Bar::Cpu(1.10)]),
        };
        let (items, rounds) = (bench.items(items), arithmetic(nanoseconds));
        let row = Row { name: &format!("even {name}"), items, base, bars };
        compare(bench, &bench.contenders, &row, rounds, &ordered);
    }
    by_one(bench);
    one_thread(bench);
    unordered(bench, "unordered 1us", 1e3, 200_000);
    unordered(bench, "unordered 10us", 1e4, 20_000);
}

/// All contenders on items that take `rounds` of arithmetic.
fn compare(
    bench: &Bench,
    contenders: &Contenders,
    row: &Row,
    rounds: u64,
    ours: &dyn Fn(&Pool, u64, u64) -> u64,
) {
    let runs = Runs {
        sequential: &|| sequential(row.items, rounds),
        eager: Some(&|pool| eager(pool, row.items, rounds)),
        ours: &|pool| ours(pool, row.items, rounds),
    };
    bench.compare_on(contenders, row, &runs);
}

fn by_one(bench: &Bench) {
    let (items, rounds) = (bench.items(200_000), arithmetic(1e3));
    let by_one = |pool: &Pool, items, rounds| {
        pool.imap(0..items, move |x| xorshift(x, rounds)).chunk(1).fold(0, checksum)
    };
    let row = Row { name: "chunk(1) 1us", items, base: IDEAL, bars: &[Bar::Ratio(1.5)] };
    compare(bench, &bench.contenders, &row, rounds, &by_one);
}

/// A pool of one thread uses one core: the consumer only waits.
fn one_thread(bench: &Bench) {
    let name = "one thread 1us";
    if bench.wants(name) {
        let (items, rounds) = (bench.items(200_000), arithmetic(1e3));
        let row = Row { name, items, base: SEQUENTIAL, bars: &[Bar::Ratio(1.15), Bar::Cores(1.15)] };
        compare(bench, &Contenders::new(1), &row, rounds, &ordered);
    }
}

/// Each backend's `unordered` beside its own ordered way.
fn unordered(bench: &Bench, name: &str, nanoseconds: f64, items: u64) {
    if !bench.wants(name) {
        return;
    }
    let (items, rounds) = (bench.items(items), arithmetic(nanoseconds));
    let in_order = sequential(items, rounds);
    let f = move |x| xorshift(x, rounds);
    let in_any = (0..items).map(f).fold(0, u64::wrapping_add);
    let with_order = |index: usize| {
        let pool = &bench.contenders.ours[index].1;
        move || sample(in_order, || ordered(pool, items, rounds))
    };
    let without = |index: usize| {
        let pool = &bench.contenders.ours[index].1;
        move || sample(in_any, || pool.imap(0..items, f).unordered().fold(0, u64::wrapping_add))
    };
    let measured = bench.in_turn(&mut [
        &mut || sample(in_order, || sequential(items, rounds)),
        &mut with_order(0),
        &mut without(0),
        &mut with_order(1),
        &mut without(1),
        &mut with_order(2),
        &mut without(2),
    ]);
    for ((backend, _), pair) in bench.contenders.ours.iter().zip(measured[1..].chunks(2)) {
        for (own, order) in pair.iter().zip(["ordered", "unordered"]) {
            let compared = order == "unordered";
            bench.print(&Line {
                row: name,
                contender: &format!("{backend}, {order}"),
                nanoseconds: own.wall() * 1e9 / items as f64,
                ratio: compared.then(|| (own.ratio(&pair[0]), "ordered")),
                cpu: Some(own.cpu_ratio(&measured[0])),
                cores: own.cores(),
                bars: if compared { &[Bar::Ratio(1.05)] } else { &[] },
            });
        }
    }
}
