//! The bars: what an item costs, beside sequential code and Python's `multiprocessing.Pool(2).imap` in the same minute.
//!
//! `cargo run --release -p pool-process --example process_bars`; a number as argument is the seconds for each row.

use pool_process::{ProcessPool, Task, Tasks};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const EMPTY: Task<u64, u64> = Task::named("empty");
const SPIN: Task<u64, u64> = Task::named("spin");
const EXIT: Task<u64, u64> = Task::named("exit");

/// Two processes, as in all rows.
const PROCESSES: usize = 2;

const PYTHON: &str = "
import sys, time
from multiprocessing import Pool
def same(x): return x
if __name__ == '__main__':
    limit = float(sys.argv[1])
    with Pool(2) as pool:
        for chunk in [1, 64, 1024, 8192]:
            count, began = 0, time.time()
            for _ in pool.imap(same, range(4000000 if chunk > 1 else 100000), chunksize=chunk):
                count += 1
                if count % 1024 == 0 and time.time() - began > limit: break
            print(chunk, count / (time.time() - began), flush=True)
";

fn spin(x: u64) -> u64 {
    let until = Instant::now() + Duration::from_micros(10);
    while Instant::now() < until {}
    x
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program =
        Tasks::new().task(EMPTY, |x| x).task(SPIN, spin).task(EXIT, |_| std::process::exit(1)).serve();
    let limit = Duration::from_secs_f64(std::env::args().nth(1).map_or(Ok(2.0), |text| text.parse())?);
    let pool = ProcessPool::builder(program).processes(PROCESSES).build()?;

    let python = python(limit);
    let best = python.iter().map(|row| row.1).fold(0.0, f64::max);
    let single = python.iter().find(|row| row.0 == 1.0).map_or(0.0, |row| row.1);
    for (chunk, rate) in &python {
        println!("Python, chunk size {chunk:>4}: {rate:>12.0} items/s");
    }
    let rate = rate(pool.imap(EMPTY, 0..), limit);
    println!("empty, automatic:        {rate:>12.0} items/s, {:.1} times Python's best", rate / best);
    let rate = self::rate(pool.imap(EMPTY, 0..).batch(1), limit);
    println!("empty, one a message:    {rate:>12.0} items/s, {:.1} times Python's", rate / single);

    let (began, mut count) = (Instant::now(), 0u64);
    while began.elapsed() < limit {
        count += spin(1);
    }
    let sequential = count as f64 / began.elapsed().as_secs_f64();
    let rate = self::rate(pool.imap(SPIN, 0..), limit);
    let ratio = sequential * PROCESSES as f64 / rate;
    println!("10 µs:                   {rate:>12.0} items/s, {ratio:.2} of sequential ÷ {PROCESSES} in time");

    let mut waits: Vec<Duration> = (0..30).map(|_| replaced(&pool)).collect();
    waits.sort();
    println!(
        "a new child, and its first result, after a death: p50 {:.1?}, most {:.1?}",
        waits[15], waits[29]
    );
    Ok(())
}

/// Results a second.
fn rate(mut imap: impl Iterator<Item = Result<u64, pool_process::TaskError>>, limit: Duration) -> f64 {
    // What was not measured yet is found out first.
    for _ in 0..10_000 {
        imap.next();
    }
    let (began, mut count) = (Instant::now(), 0u64);
    while began.elapsed() < limit {
        for _ in 0..100 {
            imap.next();
        }
        count += 100;
    }
    count as f64 / began.elapsed().as_secs_f64()
}

/// From the death of both children to the first result of a new one.
fn replaced(pool: &ProcessPool) -> Duration {
    let deaths = pool.imap(EXIT, 0..PROCESSES as u64).batch(1).filter(Result::is_err).count();
    assert_eq!(deaths, PROCESSES);
    let began = Instant::now();
    assert_eq!(pool.imap(EMPTY, [7]).next(), Some(Ok(7)));
    began.elapsed()
}

/// Chunk sizes, and items a second.
fn python(limit: Duration) -> Vec<(f64, f64)> {
    let run = || -> std::io::Result<String> {
        let folder = std::env::temp_dir().join(format!("pool-process-bars-{}.py", std::process::id()));
        std::fs::File::create(&folder)?.write_all(PYTHON.as_bytes())?;
        let mut command = Command::new("python3");
        let output = command.arg(&folder).arg(limit.as_secs_f64().to_string()).stderr(Stdio::null()).output();
        std::fs::remove_file(&folder)?;
        Ok(String::from_utf8_lossy(&output?.stdout).into_owned())
    };
    let text = run().unwrap_or_else(|error| {
        println!("there is no python3: {error}");
        String::new()
    });
    text.lines()
        .filter_map(|line| {
            let (chunk, rate) = line.split_once(' ')?;
            Some((chunk.parse().ok()?, rate.parse().ok()?))
        })
        .collect()
}
