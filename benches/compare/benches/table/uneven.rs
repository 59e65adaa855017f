//! Items of which some take much longer than others.

use super::Bench;
use super::measure::sample;
use super::row::{Bar, Base, Line, Row, Runs};
use crate::contenders::{Contenders, Pool, THREADS};
use pool_compare::contender::Contender;
use pool_compare::ours::Sequential;
use pool_compare::workloads::named;
use pool_core::Executor;
use pool_core::work::{checksum, xorshift};
use rayon::prelude::*;
use std::ops::Range;
use std::thread;
use std::time::Duration;

pub fn rows(bench: &Bench) {
    workload(bench, "skewed", 10_000);
    workload(bench, "slow-head", 15_000);
    long_among_tiny(bench);
}

/// A backend as it is, with its default window.
#[derive(Clone)]
struct Ours(Pool);

impl Contender for Ours {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        self.0.imap(items, f).for_each(sink);
    }
}

/// A workload of the comparison, in ratio to the bound of list scheduling.
fn workload(bench: &Bench, name: &str, items: u64) {
    let workload = named(name).expect("there is one of that name");
    let items = bench.items(items);
    let bound = workload.ideal(items, THREADS).expect("items do not wait for results");
    let row = Row { name, items, base: Base::Part(bound, "bound"), bars: &[Bar::Ratio(1.05)] };
    let run = |sum: Option<u64>| sum.expect("every contender can run it");
    let runs = Runs {
        sequential: &|| run(workload.run(&Sequential, items)),
        eager: None,
        ours: &|pool| run(workload.run(&Ours(pool.clone()), items)),
    };
    bench.compare(&row, &runs);
}

/// A run of items that sleep in the middle of tiny ones, which come in chunks of thousands by then. One
/// round only: where a chunk of sleeping items stays with one thread, a run takes seconds.
fn long_among_tiny(bench: &Bench) {
    const SLEEPING: u64 = 1_024;
    const SLEEP: Duration = Duration::from_millis(4);
    const POOL: u32 = 8;
    let name = "long among tiny, once";
    if !bench.wants(name) {
        return;
    }
    let contenders = Contenders::new(POOL as usize);
    let (items, sleeping) = (bench.items(3_000_000), bench.items(SLEEPING));
    let asleep = items / 2..items / 2 + sleeping;
    let f = |asleep: Range<u64>| {
        move |x| {
            if asleep.contains(&x) {
                thread::sleep(SLEEP);
            }
            xorshift(x, 1)
        }
    };
    let expected = (0..items).map(f(0..0)).fold(0, checksum);
    let slept = (SLEEP * sleeping as u32 / POOL).as_secs_f64();
    let measure = |contender: &str, run: &dyn Fn(Range<u64>) -> u64, bars: &[Bar]| {
        let measured = super::in_turn(
            1,
            &mut [&mut || sample(expected, || run(0..0)), &mut || sample(expected, || run(asleep.clone()))],
        );
        bench.print(&Line {
            row: name,
            contender,
            nanoseconds: measured[1].wall() * 1e9 / items as f64,
            ratio: Some((measured[1].wall() / (measured[0].wall() + slept), "ideal")),
            cpu: None,
            cores: measured[1].cores(),
            bars,
        });
    };
    let eager = |asleep| {
        let results: Vec<u64> =
            contenders.rayon.install(|| (0..items).into_par_iter().map(f(asleep)).collect());
        results.into_iter().fold(0, checksum)
    };
    measure("rayon eager", &eager, &[]);
    for (backend, pool) in &contenders.ours {
        measure(backend, &|asleep| pool.imap(0..items, f(asleep)).fold(0, checksum), &[Bar::Ratio(1.3)]);
    }
}
