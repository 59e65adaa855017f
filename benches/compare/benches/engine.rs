//! What the engine costs: our three backends beside sequential code and rayon's eager `collect`.
//!
//! `cargo bench -p pool-compare --bench engine` first measures the [`table`] of bars, with every contender in
//! turn. Then criterion measures each for itself. `ENGINE_ROWS=json,even` measures these rows alone. A filter
//! (`-- none`) goes to criterion alone; `-- --test` runs everything once and prints no table.

mod contenders;
mod table;

use contenders::{Contenders, THREADS, is_test};
use criterion::{BenchmarkId, Criterion, Throughput};
use std::time::Duration;
use table::arithmetic;
use table::even::{WORKS, eager, ordered};

fn measure(criterion: &mut Criterion, contenders: &Contenders) {
    let scale = if is_test() { 100 } else { 1 };
    for (name, nanoseconds, items) in WORKS {
        let items = (items / scale).max(1);
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).measurement_time(Duration::from_secs(3));
        group.throughput(Throughput::Elements(items));
        let rounds = arithmetic(nanoseconds);
        group.bench_function("eager", |bencher| bencher.iter(|| eager(&contenders.rayon, items, rounds)));
        for (backend, pool) in &contenders.ours {
            group.bench_with_input(BenchmarkId::from_parameter(backend), pool, |bencher, pool| {
                bencher.iter(|| ordered(pool, items, rounds));
            });
        }
        group.finish();
    }
}

fn main() {
    if table::run(false) {
        let mut criterion = Criterion::default().configure_from_args();
        measure(&mut criterion, &Contenders::new(THREADS));
        criterion.final_summary();
    }
}
