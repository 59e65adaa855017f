//! What the engine costs: our three backends beside rayon's eager `collect`.
//!
//! `cargo bench -p pool-harness --bench engine` first prints a table of ratios: every contender in turn,
//! five rounds, medians, so that what the machine does meanwhile hits all of them. Then criterion measures
//! each for itself. A filter (`-- none`) goes to criterion alone; `-- --test` runs everything once.

mod contenders;

use contenders::{Contenders, THREADS, medians, timed};
use criterion::{BenchmarkId, Criterion, Throughput};
use pool_core::Executor;
use pool_harness::work::{checksum, rounds_for, xorshift};
use rayon::prelude::*;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Name, nanoseconds of work per item, and items in a run.
const WORKS: [(&str, f64, u64); 6] = [
    ("none", 0.0, 10_000_000),
    ("50ns", 50.0, 4_000_000),
    ("100ns", 100.0, 2_000_000),
    ("1us", 1e3, 300_000),
    ("10us", 1e4, 30_000),
    ("1ms", 1e6, 400),
];

fn sequential(items: u64, rounds: u64) -> u64 {
    (0..items).map(|x| xorshift(x, rounds)).fold(0, checksum)
}

fn eager(pool: &rayon::ThreadPool, items: u64, rounds: u64) -> u64 {
    let results: Vec<u64> =
        pool.install(|| (0..items).into_par_iter().map(|x| xorshift(x, rounds)).collect());
    results.into_iter().fold(0, checksum)
}

fn ordered(pool: &dyn Executor, items: u64, rounds: u64, chunk: Option<usize>) -> u64 {
    let imap = (&pool).imap(0..items, move |x| xorshift(x, rounds));
    match chunk {
        Some(chunk) => imap.chunk(chunk).fold(0, checksum),
        None => imap.fold(0, checksum),
    }
}

fn ratios(contenders: &Contenders) {
    println!(
        "ns per item on {THREADS} threads, medians of 5; in brackets ÷ rayon's eager collect, ÷ sequential/2"
    );
    println!(
        "{:>8} {:>12} {:>12} {:>30} {:>30} {:>30}",
        "work", "sequential", "eager", "channel", "stealing", "rayon"
    );
    for (name, nanoseconds, items) in WORKS {
        table_row(contenders, name, items, rounds_for(nanoseconds), None);
    }
    table_row(contenders, "1us by 1", 1_000_000, rounds_for(1e3), Some(1));
}

fn table_row(contenders: &Contenders, name: &str, items: u64, rounds: u64, chunk: Option<usize>) {
    let sum = sequential(items, rounds);
    let ours = |index: usize| {
        let pool = contenders.ours[index].1.as_ref();
        move || timed(sum, || ordered(pool, items, rounds, chunk))
    };
    let medians = medians(&mut [
        &mut || timed(sum, || sequential(items, rounds)),
        &mut || timed(sum, || eager(&contenders.rayon, items, rounds)),
        &mut ours(0),
        &mut ours(1),
        &mut ours(2),
    ]);
    let nanoseconds = |time: f64| time * 1e9 / items as f64;
    print!("{name:>8} {:>12.2} {:>12.2}", nanoseconds(medians[0]), nanoseconds(medians[1]));
    for time in &medians[2..] {
        let (to_eager, to_ideal) = (time / medians[1], time / (medians[0] / THREADS as f64));
        print!(" {:>12.2} ({to_eager:>6.3}, {to_ideal:>6.3})", nanoseconds(*time));
    }
    println!();
}

/// How long an idle pool takes for a first result, beside two channels and a thread.
fn first_result(contenders: &Contenders) {
    let (send, receive) = mpsc::channel::<u64>();
    let (answer, answers) = mpsc::channel();
    std::thread::spawn(move || receive.iter().for_each(|x| answer.send(x).expect("somebody waits")));
    let repeat = |run: &mut dyn FnMut()| {
        let started = Instant::now();
        for _ in 0..500 {
            run();
        }
        started.elapsed() / 500
    };
    let mut round_trip = || {
        repeat(&mut || {
            send.send(1).expect("the thread listens");
            answers.recv().expect("the thread answers");
        })
    };
    let ours = |index: usize| {
        let pool = contenders.ours[index].1.as_ref();
        move || repeat(&mut || assert_eq!((&pool).imap(std::iter::once(1), |x| x).next(), Some(1)))
    };
    let medians = medians(&mut [&mut round_trip, &mut ours(0), &mut ours(1), &mut ours(2)]);
    print!("first result of an idle pool: mpsc round trip {:.1} us", medians[0] * 1e6);
    for ((name, _), time) in contenders.ours.iter().zip(&medians[1..]) {
        print!(", {name} {:.1} us ({:.2})", time * 1e6, time / medians[0]);
    }
    println!();
}

fn measure(criterion: &mut Criterion, contenders: &Contenders) {
    for (name, nanoseconds, items) in WORKS {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).measurement_time(Duration::from_secs(3));
        group.throughput(Throughput::Elements(items));
        let rounds = rounds_for(nanoseconds);
        group.bench_function("eager", |bencher| bencher.iter(|| eager(&contenders.rayon, items, rounds)));
        for (backend, pool) in &contenders.ours {
            group.bench_with_input(BenchmarkId::from_parameter(backend), pool, |bencher, pool| {
                bencher.iter(|| ordered(pool.as_ref(), items, rounds, None));
            });
        }
        group.finish();
    }
}

fn main() {
    let contenders = Contenders::new();
    let plain = std::env::args().skip(1).all(|argument| argument == "--bench");
    if plain {
        ratios(&contenders);
        first_result(&contenders);
    }
    let mut criterion = Criterion::default().configure_from_args();
    measure(&mut criterion, &contenders);
    criterion.final_summary();
}
