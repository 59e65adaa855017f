//! What the rest of the interface costs, beside the nearest thing that there is.
//!
//! `cargo bench -p pool-compare --bench features` prints a table: every contender in turn, five rounds,
//! medians. `-- --test` runs each with few items.

mod contenders;

use contenders::{Contenders, THREADS, is_test};
use futures::StreamExt;
use pool_core::work::{checksum, rounds_for, xorshift};
use pool_core::{Executor, StreamImapExt};
use pool_rayon::RayonPool;
use rayon::prelude::*;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const WORKS: [(&str, f64, u64); 4] =
    [("none", 0.0, 4_000_000), ("50ns", 50.0, 2_000_000), ("1us", 1e3, 200_000), ("10us", 1e4, 20_000)];

/// All items, or few where it only has to run.
#[derive(Clone, Copy)]
struct Scale(u64);

impl Scale {
    fn of(self, items: u64) -> u64 {
        (items / self.0).max(100)
    }
}

/// Medians over five rounds of all runs in turn, so that what the machine does meanwhile hits all of them.
fn medians(runs: &mut [&mut dyn FnMut() -> Duration]) -> Vec<f64> {
    let mut times = vec![Vec::new(); runs.len()];
    for _ in 0..5 {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            times.push(run().as_secs_f64());
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    times.iter().map(|times| times[2]).collect()
}

/// How long a run takes, whose result must be right.
fn timed(expected: u64, run: impl FnOnce() -> u64) -> Duration {
    let started = Instant::now();
    assert_eq!(run(), expected);
    started.elapsed()
}

/// Prints the base in nanoseconds per item, and the others as ratios to it.
fn row(title: &str, items: u64, medians: &[f64]) {
    print!("{title:<44} {:>12.1}", medians[0] * 1e9 / items as f64);
    for time in &medians[1..] {
        print!(" {:>9.3}", time / medians[0]);
    }
    println!();
}

fn unordered(contenders: &Contenders, scale: Scale) {
    println!(
        "\nordered in ns per item; unordered and imap_init in its place, and with `stats` every 100 items"
    );
    for (name, nanoseconds, items) in WORKS {
        let (items, rounds) = (scale.of(items), rounds_for(nanoseconds));
        for (backend, pool) in &contenders.ours {
            let pool = &pool.as_ref();
            let f = move |x| xorshift(x, rounds);
            let medians = medians(&mut [
                &mut || timed(items, || pool.imap(0..items, f).map(black_box).count() as u64),
                &mut || timed(items, || pool.imap(0..items, f).unordered().map(black_box).count() as u64),
                &mut || {
                    timed(items, || {
                        let results = pool.imap_init(0..items, || 0, move |_, x| f(x));
                        results.map(black_box).count() as u64
                    })
                },
                &mut || {
                    timed(items, || {
                        let mut results = pool.imap(0..items, f);
                        let mut count = 0;
                        while let Some(result) = results.next() {
                            black_box(result);
                            count += 1;
                            if count % 100 == 0 {
                                black_box(results.stats());
                            }
                        }
                        count
                    })
                },
            ]);
            row(&format!("{backend}, {name}: ordered, unordered, init, stats"), items, &medians);
        }
    }
}

/// One item in a hundred takes a hundred times as long: when are 99 of 100 results there?
fn skewed(contenders: &Contenders, scale: Scale) {
    println!("\n1 % of items 100 times slower: time until 99 % of results are there");
    let (items, rounds) = (scale.of(10_000), rounds_for(1e4));
    let arrival = |results: &mut dyn Iterator<Item = u64>| {
        let started = Instant::now();
        let first = results.take((items - items / 100) as usize).map(black_box).count();
        assert_eq!(first as u64, items - items / 100);
        started.elapsed()
    };
    for (backend, pool) in &contenders.ours {
        let pool = &pool.as_ref();
        // The slow ones come first in each hundred, where they block most.
        let f = move |x| xorshift(x, if x % 100 == 0 { 100 * rounds } else { rounds });
        let medians = medians(&mut [&mut || arrival(&mut pool.imap(0..items, f)), &mut || {
            arrival(&mut pool.imap(0..items, f).unordered())
        }]);
        row(&format!("{backend}: ordered, unordered"), items, &medians);
    }
}

fn submit(contenders: &Contenders, scale: Scale) {
    println!("\n`rayon::ThreadPool::spawn` and a channel in ns; `submit` and `join` in its place");
    let jobs = scale.of(20_000);
    let rayon = || {
        let started = Instant::now();
        for _ in 0..jobs {
            let (send, receive) = mpsc::channel();
            contenders.rayon.spawn(move || send.send(()).expect("the receiver waits"));
            receive.recv().expect("it answers");
        }
        started.elapsed()
    };
    let ours = |index: usize| {
        let pool = contenders.ours[index].1.as_ref();
        move || {
            let started = Instant::now();
            for _ in 0..jobs {
                (&pool).submit(|| ()).join().expect("it does not panic");
            }
            started.elapsed()
        }
    };
    row(
        "rayon, channel, stealing, rayon",
        jobs,
        &medians(&mut [&mut { rayon }, &mut ours(0), &mut ours(1), &mut ours(2)]),
    );
}

fn short(contenders: &Contenders, scale: Scale) {
    println!("\na round trip through two channels and a thread in ns; an `imap` of ten items in its place");
    let (rounds, rounds_of_work) = (scale.of(20_000), rounds_for(50.0));
    let (send, receive) = mpsc::channel::<u64>();
    let (answer, answers) = mpsc::channel();
    std::thread::spawn(move || receive.iter().for_each(|x| answer.send(x).expect("the receiver waits")));
    let round_trip = || {
        timed(rounds, || {
            (0..rounds).filter(|x| send.send(*x).is_ok() && answers.recv().is_ok()).count() as u64
        })
    };
    let ours = |index: usize| {
        let pool = contenders.ours[index].1.as_ref();
        let ten = move |_: &u64| (&pool).imap(0..10, move |x| xorshift(x, rounds_of_work)).count() == 10;
        move || timed(rounds, || (0..rounds).filter(ten).count() as u64)
    };
    let medians = medians(&mut [&mut { round_trip }, &mut ours(0), &mut ours(1), &mut ours(2)]);
    row("channel, stealing, rayon", rounds, &medians);
}

fn map(contenders: &Contenders, scale: Scale) {
    println!("\n`par_iter().map().collect()` over a slice in ns per item; `map` in its place");
    for (name, nanoseconds) in [("none", 0.0), ("50ns", 50.0), ("1us", 1e3)] {
        let rounds = rounds_for(nanoseconds);
        let data: Vec<u64> = (0..scale.of(1_000_000)).collect();
        let sum = data.iter().fold(0, |sum, x| checksum(sum, xorshift(*x, rounds)));
        let check = |results: Vec<u64>| results.into_iter().fold(0, checksum);
        let data = &data;
        let ours = |index: usize| {
            let pool = contenders.ours[index].1.as_ref();
            move || timed(sum, || check((&pool).map(data, |x| xorshift(*x, rounds))))
        };
        let eager = || {
            let f = |x: &u64| xorshift(*x, rounds);
            timed(sum, || check(contenders.rayon.install(|| data.par_iter().map(f).collect())))
        };
        let medians = medians(&mut [&mut { eager }, &mut ours(0), &mut ours(1), &mut ours(2)]);
        row(&format!("{name}: rayon, channel, stealing, rayon"), data.len() as u64, &medians);
    }
}

fn stream(contenders: &Contenders, scale: Scale) {
    println!("\nthe iterator in ns per item; the stream in its place");
    let items = scale.of(100_000);
    for (name, nanoseconds) in [("none", 0.0), ("1us", 1e3), ("10us", 1e4)] {
        let rounds = rounds_for(nanoseconds);
        for (backend, pool) in &contenders.ours {
            let pool = pool.as_ref();
            let f = move |x| xorshift(x, rounds);
            let sum = (0..items).map(f).fold(0, checksum);
            let iterator = || timed(sum, || (&pool).imap(0..items, f).fold(0, checksum));
            let stream = || {
                timed(sum, || {
                    let stream = (&pool).imap(0..items, f).into_stream();
                    futures::executor::block_on(stream.fold(0, async |sum, x| checksum(sum, x)))
                })
            };
            let medians = medians(&mut [&mut { iterator }, &mut { stream }]);
            row(&format!("{backend}, {name}: iterator, stream"), items, &medians);
        }
    }
}

/// Work on the items of a stream, as a stage of an asynchronous chain.
fn stage(contenders: &Contenders, scale: Scale) {
    println!("\n`spawn_blocking` in `buffered(64 per thread)` in ns per item; `stream.imap` in its place");
    for (kind, mut builder) in [
        ("one thread", tokio::runtime::Builder::new_current_thread()),
        ("multi-thread", tokio::runtime::Builder::new_multi_thread()),
    ] {
        let runtime = builder.worker_threads(THREADS).max_blocking_threads(THREADS).build();
        stage_on(kind, &runtime.expect("a runtime starts"), contenders, scale);
    }
}

fn stage_on(kind: &str, runtime: &tokio::runtime::Runtime, contenders: &Contenders, scale: Scale) {
    for (name, nanoseconds, items) in [("1us", 1e3, 200_000), ("10us", 1e4, 20_000), ("100us", 1e5, 4_000)] {
        let (items, rounds) = (scale.of(items), rounds_for(nanoseconds));
        let f = move |x| xorshift(x, rounds);
        let sum = (0..items).map(f).fold(0, checksum);
        let buffered = || {
            let jobs = futures::stream::iter(0..items).map(|x| tokio::task::spawn_blocking(move || f(x)));
            let results = jobs.buffered(64 * THREADS);
            let add = async |sum, x: Result<u64, _>| checksum(sum, x.expect("it does not panic"));
            timed(sum, || runtime.block_on(results.fold(0, add)))
        };
        let ours = |index: usize| {
            let pool = contenders.ours[index].1.as_ref();
            move || {
                let results = futures::stream::iter(0..items).imap(pool, f).window(64 * THREADS);
                timed(sum, || runtime.block_on(results.fold(0, async |sum, x| checksum(sum, x))))
            }
        };
        let medians = medians(&mut [&mut { buffered }, &mut ours(0), &mut ours(1), &mut ours(2)]);
        row(&format!("{name}, {kind}: buffered, channel, stealing, rayon"), items, &medians);
    }
}

/// The push side beside the iterator.
fn sink(contenders: &Contenders, scale: Scale) {
    println!("\nsequential code in ns per item; `imap` and `sink` in its place");
    for (name, nanoseconds, items) in [("1us", 1e3, 200_000), ("10us", 1e4, 20_000), ("100us", 1e5, 4_000)] {
        let (items, rounds) = (scale.of(items), rounds_for(nanoseconds));
        let f = move |x| xorshift(x, rounds);
        let expected = (0..items).map(f).fold(0, checksum);
        for (backend, pool) in &contenders.ours {
            let pool = &pool.as_ref();
            let medians = medians(&mut [
                &mut || timed(expected, || (0..items).map(f).fold(0, checksum)),
                &mut || timed(expected, || pool.imap(0..items, f).fold(0, checksum)),
                &mut || {
                    timed(expected, || {
                        let mut sum = 0;
                        let mut sink = pool.sink(f, |x| sum = checksum(sum, x));
                        (0..items).for_each(|x| sink.push(x));
                        sink.finish();
                        sum
                    })
                },
            ]);
            row(&format!("{backend}, {name}: sequential, imap, sink"), items, &medians);
        }
    }
}

/// Items that are tiny and allocated, where the allocator counts for as much as we do.
fn allocating(contenders: &Contenders, scale: Scale) {
    println!("\nsequential `String`s of 70 ns in ns per item; `imap` in its place");
    let items = scale.of(1_000_000);
    let f = |x: u64| (0..3).map(|part| (x ^ part).to_string()).collect::<String>();
    let sum = |sum: u64, text: String| checksum(sum, text.len() as u64 ^ u64::from(text.as_bytes()[0]));
    let expected = (0..items).map(f).fold(0, sum);
    for (backend, pool) in &contenders.ours {
        let pool = &pool.as_ref();
        let medians = medians(&mut [&mut || timed(expected, || (0..items).map(f).fold(0, sum)), &mut || {
            timed(expected, || pool.imap(0..items, f).fold(0, sum))
        }]);
        row(&format!("{backend}: sequential, imap"), items, &medians);
    }
}

/// What an imap and `par_iter` cost each other on one rayon pool: each alone, beside an endless one of its own kind, and beside
/// an endless one of the other kind. Half of the threads would be 2.
fn beside(_: &Contenders, scale: Scale) {
    println!("\nalone in ns per item; beside its own kind, and beside the other one, in its place");
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().expect("threads start");
    let rayon = Arc::new(rayon);
    let pool = &RayonPool::from_pool(rayon.clone());
    for (name, nanoseconds, items) in [("1us", 1e3, 200_000), ("10us", 1e4, 20_000), ("1ms", 1e6, 200)] {
        let (items, rounds) = (scale.of(items), rounds_for(nanoseconds));
        let f = move |x| xorshift(x, rounds);
        let expected = (0..items).map(f).fold(0, checksum);
        let eager = || {
            let results: Vec<u64> = rayon.install(|| (0..items).into_par_iter().map(f).collect());
            results.into_iter().fold(0, checksum)
        };
        let ours = || pool.imap(0..items, f).fold(0, checksum);
        let beside = |other: &(dyn Fn() -> u64 + Sync), run: &dyn Fn() -> u64| {
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        assert_eq!(other(), expected);
                    }
                });
                // The other one has the threads by now.
                thread::sleep(Duration::from_millis(2));
                let time = timed(expected, run);
                over.store(true, Ordering::Relaxed);
                time
            })
        };
        let of_eager =
            medians(&mut [&mut || timed(expected, eager), &mut || beside(&eager, &eager), &mut || {
                beside(&ours, &eager)
            }]);
        row(&format!("{name}: par_iter, beside par_iter, beside imap"), items, &of_eager);
        let of_ours =
            medians(&mut [&mut || timed(expected, ours), &mut || beside(&ours, &ours), &mut || {
                beside(&eager, &ours)
            }]);
        row(&format!("{name}: imap, beside imap, beside par_iter"), items, &of_ours);
    }
}

type Part = fn(&Contenders, Scale);

fn main() {
    let scale = Scale(if is_test() { 1_000 } else { 1 });
    let wanted = |name: &str| {
        let filters: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    };
    let contenders = Contenders::new(THREADS);
    println!("{THREADS} threads; medians of 5; the first column is the base, the others are ratios to it");
    let parts: [(&str, Part); 10] = [
        ("unordered", unordered),
        ("skewed", skewed),
        ("submit", submit),
        ("short", short),
        ("map", map),
        ("stream", stream),
        ("stage", stage),
        ("sink", sink),
        ("allocating", allocating),
        ("beside", beside),
    ];
    for (name, part) in parts {
        if wanted(name) {
            part(&contenders, scale);
        }
    }
}
