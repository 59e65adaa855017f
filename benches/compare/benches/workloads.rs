//! The workloads of a comparison, each for itself: all contenders on every workload that they take.
//!
//! `cargo bench -p pool-compare --bench workloads -- json` measures one of them, and `-- --test` runs everything
//! once. An iteration is one item (for `small` and `nested` one `imap`), so that criterion chooses how many items
//! a run has: enough for some 50 ms, whether a contender takes a nanosecond or a millisecond for each. The table
//! that hits all contenders with the same noise is that of the comparison; this is for looking at one.

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use pool_compare::contender::Settings;
use pool_compare::entry::Run;
use pool_compare::registry;
use pool_compare::workloads::{self, Workload};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn timed(contender: &dyn Run, workload: &Workload, items: u64) -> Duration {
    let started = Instant::now();
    black_box(contender.run(workload, items));
    started.elapsed()
}

fn measure(criterion: &mut Criterion, workload: &Workload, threads: usize) {
    let mut group = criterion.benchmark_group(workload.name);
    // Flat: all runs of the same length, since what a call costs must not weigh more in some of them.
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500));
    group.throughput(Throughput::Elements(workload.step()));
    let settings = Settings { threads, window: workload.window };
    for entry in registry::all().iter().filter(|entry| entry.takes(workload)) {
        let contender = entry.ready(settings);
        if contender.run(workload, 0).is_none() {
            continue;
        }
        group.bench_function(BenchmarkId::from_parameter(&entry.traits.name), |bencher| {
            bencher.iter_custom(|steps| timed(contender.as_ref(), workload, steps * workload.step()));
        });
    }
    group.finish();
}

fn main() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut criterion = Criterion::default().configure_from_args();
    for workload in &workloads::ALL {
        measure(&mut criterion, workload, threads);
    }
    criterion.final_summary();
}
