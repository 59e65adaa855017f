//! How long a result takes where items come one at a time.

use super::measure::{Sample, median, sample};
use super::row::{Bar, Line};
use super::{Bench, arithmetic};
use crate::contenders::Pool;
use pool_core::Executor;
use pool_core::work::{checksum, xorshift};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

pub fn rows(bench: &Bench) {
    slow_input(bench);
    ping_pong(bench);
    first_result(bench);
}

/// Measures the backends and prints them with the bars; what they are compared with, if anything, comes first and
/// has a name. Times are divided by `items`.
fn compare(
    bench: &Bench,
    row: &str,
    items: u64,
    beside: Option<(&str, &dyn Fn() -> Sample)>,
    ours: &dyn Fn(&Pool) -> Sample,
    bars: &[Bar],
) {
    let of = |index: usize| {
        let pool = &bench.contenders.ours[index].1;
        move || ours(pool)
    };
    let mut first = || beside.map_or(Sample { wall: f64::NAN, cpu: f64::NAN }, |(_, run)| run());
    let measured = bench.in_turn(&mut [&mut first, &mut of(0), &mut of(1), &mut of(2)]);
    let name = beside.map(|(name, _)| name);
    let lines = name.into_iter().map(|name| (name, &measured[0]));
    let backends = bench.contenders.ours.iter().map(|ours| ours.0).zip(&measured[1..]);
    for (contender, measured_one) in lines.chain(backends) {
        let is_ours = Some(contender) != name;
        bench.print(&Line {
            row,
            contender,
            nanoseconds: measured_one.wall() * 1e9 / items as f64,
            ratio: name.filter(|_| is_ours).map(|name| (measured_one.ratio(&measured[0]), name)),
            cpu: None,
            cores: measured_one.cores(),
            bars: if is_ours { bars } else { &[] },
        });
    }
}

/// An item every 100 µs, which then takes 1 µs: the median time from when it is there until its result is.
fn slow_input(bench: &Bench) {
    const GAP: Duration = Duration::from_micros(100);
    let name = "slow input, median";
    if !bench.wants(name) {
        return;
    }
    let (items, rounds) = (bench.items(2_000), arithmetic(1e3));
    let expected = (0..items).map(|x| xorshift(x, rounds)).fold(0, checksum);
    let ours = |pool: &Pool| {
        let origin = Instant::now();
        let input = (0..items).map(move |x| {
            thread::sleep((origin + GAP * x as u32).saturating_duration_since(Instant::now()));
            (x, Instant::now())
        });
        let mut latencies = Vec::with_capacity(items as usize);
        let taken = sample(expected, || {
            pool.imap(input, move |(x, there)| (xorshift(x, rounds), there)).fold(
                0,
                |sum, (result, there)| {
                    latencies.push(there.elapsed().as_secs_f64());
                    checksum(sum, result)
                },
            )
        });
        // Scaled like the time of a run, so that both have one unit.
        let latency = median(latencies.into_iter());
        Sample { wall: latency, cpu: taken.cpu / taken.wall * latency }
    };
    compare(bench, name, 1, None, &ours, &[Bar::Nanoseconds(100_000.0)]);
}

/// A round trip through two channels (mpsc) and a thread that sends back what it is sent.
fn echo() -> impl Fn(u64) -> u64 {
    let (send, receive) = mpsc::channel::<u64>();
    let (answer, answers) = mpsc::channel();
    thread::spawn(move || receive.iter().for_each(|x| answer.send(x).expect("the caller waits")));
    move |x| {
        send.send(x).expect("the thread listens");
        answers.recv().expect("the thread answers")
    }
}

/// Each item is there only after the result before it.
fn ping_pong(bench: &Bench) {
    let name = "ping-pong";
    if !bench.wants(name) {
        return;
    }
    let items = bench.items(5_000);
    let expected = (0..items).fold(0, checksum);
    let ask = echo();
    let round_trip = || sample(expected, || (0..items).map(&ask).fold(0, checksum));
    let ours = |pool: &Pool| {
        let (ask, asked) = mpsc::channel();
        let input = (0..items).inspect(move |x| {
            if *x > 0 {
                asked.recv().expect("the consumer asks for every item");
            }
        });
        sample(expected, || {
            pool.imap(input, |x| x).fold(0, |sum, x| {
                // After the last item the input is gone.
                let _ = ask.send(());
                checksum(sum, x)
            })
        })
    };
    compare(bench, name, items, Some(("mpsc", &round_trip)), &ours, &[Bar::Nanoseconds(25_000.0)]);
}

/// How long an idle pool takes for a first result.
fn first_result(bench: &Bench) {
    let name = "first result";
    if !bench.wants(name) {
        return;
    }
    let items = bench.items(2_000);
    let expected = (0..items).fold(0, checksum);
    let ask = echo();
    let round_trip = || sample(expected, || (0..items).map(&ask).fold(0, checksum));
    let first = |pool: &Pool, x| pool.imap(std::iter::once(x), |x| x).next().expect("there is one");
    let ours = |pool: &Pool| sample(expected, || (0..items).map(|x| first(pool, x)).fold(0, checksum));
    compare(bench, name, items, Some(("mpsc", &round_trip)), &ours, &[]);
}
