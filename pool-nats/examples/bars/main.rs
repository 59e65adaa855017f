//! How fast it is: the bars, each beside what it is compared with, in the same run.
//!
//! ```sh
//! cargo run --release -p pool-nats --example bars
//! ```
//!
//! It starts a `nats-server` on a free port and three worker processes (of this very program), and ends them.

mod by_hand;
mod rig;

use clap::{Parser, Subcommand};
use pool_channel::ChannelPool;
use pool_nats::{NatsPool, RemoteImap, Storage, Task, Worker};
use rig::{Processes, median};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// As little work as there can be.
pub const EMPTY: Task<u64, u64> = Task::named("empty");
/// Sleeps for this many microseconds.
const SLEEP: Task<u64, u64> = Task::named("sleep");
/// Works for this many microseconds.
const SPIN: Task<u64, u64> = Task::named("spin");
/// A result of this many bytes.
const BYTES: Task<u64, Vec<u8>> = Task::named("bytes");

#[derive(Parser)]
#[command(about = "Measures pool-nats on this machine")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Only the rows whose names contain this.
    #[arg(long, default_value = "")]
    only: String,
    /// Rounds of which the median is told.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Subcommand)]
enum Role {
    /// A worker; started by the program itself.
    #[command(hide = true)]
    Worker { url: String, threads: usize },
    /// A worker of the loop that is written by hand.
    #[command(hide = true)]
    ByHand { url: String, batch: u64 },
    /// A master that maps this many items and tells its memory.
    #[command(hide = true)]
    Memory { url: String, items: u64 },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.role {
        Some(Role::Worker { url, threads }) => worker(&url, threads),
        Some(Role::ByHand { url, batch }) => by_hand::worker(&url, batch),
        Some(Role::Memory { url, items }) => memory(&url, items),
        None => measure(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bars: {error}");
            ExitCode::FAILURE
        }
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn worker(url: &str, threads: usize) -> Result<()> {
    Worker::builder(url)
        .build()?
        .task(EMPTY, |x| x)
        .task(SLEEP, |micros| {
            std::thread::sleep(Duration::from_micros(micros));
            micros
        })
        .task(SPIN, spin)
        .task(BYTES, |length| vec![7; length as usize])
        .run(&ChannelPool::new(threads)?)?;
    Ok(())
}

fn spin(micros: u64) -> u64 {
    let began = Instant::now();
    while began.elapsed() < Duration::from_micros(micros) {
        std::hint::spin_loop();
    }
    micros
}

/// Maps `0..items` with the function that does nothing, checks the results, and tells the items a second.
fn empty(pool: &NatsPool, items: u64, set: impl Fn(RemoteImap<u64>) -> RemoteImap<u64>) -> Result<f64> {
    let began = Instant::now();
    let mut expected = 0;
    for result in set(pool.imap(EMPTY, 0..items)) {
        if result? != expected {
            return Err(format!("wrong result at {expected}").into());
        }
        expected += 1;
    }
    if expected != items {
        return Err(format!("{expected} results of {items}").into());
    }
    Ok(items as f64 / began.elapsed().as_secs_f64())
}

fn pool(url: &str) -> Result<NatsPool> {
    Ok(NatsPool::builder(url).storage(Storage::Memory).ack_wait(Duration::from_millis(600)).build()?)
}

fn memory(url: &str, items: u64) -> Result<()> {
    let rate = empty(&pool(url)?, items, |imap| imap)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown here");
    println!("{}, {:.0} k items/s", peak.trim(), rate / 1e3);
    Ok(())
}

fn measure(arguments: &Arguments) -> Result<()> {
    let wanted = |name: &str| name.contains(&arguments.only);
    let rounds = arguments.rounds.max(1);
    println!("| | measured | bar |\n|---|---|---|");
    for (name, batch, items, bar) in [
        ("empty function, automatic batches", None, 1_000_000, 650e3),
        ("empty function, one item a message", Some(1), 500_000, 35e3),
    ] {
        if !wanted(name) {
            continue;
        }
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let hand = batch.unwrap_or(by_hand::BATCH);
            let rig = Processes::start()?;
            rig.by_hand(3, hand)?;
            let by_hand = by_hand::master(rig.url(), items, hand)?;
            drop(rig);
            let rig = Processes::start()?;
            rig.workers(3, 1)?;
            let pool = pool(rig.url())?;
            let imap = |imap: RemoteImap<u64>| match batch {
                Some(batch) => imap.batch(batch as usize).window(1024),
                None => imap,
            };
            empty(&pool, items / 10, imap)?;
            let rate = empty(&pool, items, imap)?;
            ours.push(rate);
            theirs.push(by_hand);
            ratios.push(rate / by_hand);
        }
        println!(
            "| {name}, median of {rounds} | {:.0} k items/s; by hand {:.0} k; ratio {:.2} | ≥ {:.0} k, ≥ 0.8 |",
            median(&mut ours) / 1e3,
            median(&mut theirs) / 1e3,
            median(&mut ratios),
            bar / 1e3,
        );
    }
    let name = "10 ms of sleep an item, 3 workers of 8 threads";
    if wanted(name) {
        let rig = Processes::start()?;
        rig.workers(3, 8)?;
        let pool = pool(rig.url())?;
        pool.imap(SLEEP, [10_000; 100]).try_for_each(|result| result.map(drop))?;
        let items = 10_000;
        let began = Instant::now();
        pool.imap(SLEEP, std::iter::repeat_n(10_000, items)).try_for_each(|result| result.map(drop))?;
        let parallel = items as f64 * 0.01 / began.elapsed().as_secs_f64();
        println!("| {name} | {parallel:.1} at a time, {:.2} of 24 | ≥ 0.9 |", parallel / 24.0);
    }
    for (name, signal, bar) in [
        ("kill -9 of one of three workers, ack_wait 0.6 s", "KILL", "≤ 1 s"),
        ("one of three workers leaves (SIGTERM)", "TERM", "none, ≤ 100 ms"),
    ] {
        if wanted(name) {
            disturbed(name, signal, bar)?;
        }
    }
    let name = "1 MiB results";
    if wanted(name) {
        let rig = Processes::start()?;
        rig.workers(3, 1)?;
        let pool = pool(rig.url())?;
        let items = 300;
        let began = Instant::now();
        for result in pool.imap(BYTES, std::iter::repeat_n(1 << 20, items)) {
            if result?.len() != 1 << 20 {
                return Err("wrong length".into());
            }
        }
        println!("| {name} | {:.0} MiB/s | ≥ 64 MiB/s |", items as f64 / began.elapsed().as_secs_f64());
    }
    let name = "memory of the master, 10 million items";
    if wanted(name) {
        let rig = Processes::start()?;
        rig.workers(3, 1)?;
        println!("| {name} | {} | ≤ 64 MiB |", rig.memory(10_000_000)?.trim());
    }
    let name = "curve";
    if wanted(name) {
        curve()?;
    }
    Ok(())
}

/// Items of 5 ms, a signal to a worker in the middle, and the longest time without a result.
fn disturbed(name: &str, signal: &str, bar: &str) -> Result<()> {
    let rig = Processes::start()?;
    rig.workers(3, 1)?;
    let pool = pool(rig.url())?;
    let micros = |x: u64| 5_000 + x % 7;
    let mut imap = pool.imap(SLEEP, (0..1200).map(micros));
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    for x in 0..1200 {
        let result = imap.next().ok_or("the results end early")??;
        if result != micros(x) {
            return Err(format!("wrong result at {x}").into());
        }
        if x == 400 {
            rig.signal(signal)?;
        }
        // Before, workers are starting.
        if x > 400 {
            longest = longest.max(last.elapsed());
        }
        last = Instant::now();
    }
    let stats = imap.stats();
    println!("| {name} | {} redelivered, longest gap {longest:.0?} | {bar} |", stats.redelivered);
    Ok(())
}

/// What size of work pays: the same work on one thread here, and by three workers.
fn curve() -> Result<()> {
    let rig = Processes::start()?;
    rig.workers(3, 1)?;
    let pool = pool(rig.url())?;
    println!("\n| work an item | here, 1 thread | 3 workers | ratio |\n|---|---|---|---|");
    for micros in [1u64, 10, 100, 1_000, 10_000, 100_000] {
        let items = (2_000_000 / micros).clamp(30, 200_000);
        for (name, task) in [("computing", SPIN), ("sleeping", SLEEP)] {
            if name == "sleeping" && micros < 1_000 {
                continue;
            }
            let began = Instant::now();
            for _ in 0..items {
                if name == "computing" {
                    spin(micros);
                } else {
                    std::thread::sleep(Duration::from_micros(micros));
                }
            }
            let here = began.elapsed().as_secs_f64();
            let began = Instant::now();
            let input = std::iter::repeat_n(micros, items as usize);
            pool.imap(task, input).try_for_each(|result| result.map(drop))?;
            let remote = began.elapsed().as_secs_f64();
            let each = |seconds: f64| format!("{:.1} µs", seconds / items as f64 * 1e6);
            println!("| {micros} µs, {name} | {} | {} | {:.2} |", each(here), each(remote), here / remote);
        }
    }
    Ok(())
}
