//! What the plots show besides the workloads: time against work, throughput against threads, memory against
//! length, latencies and time lines.

use super::memory;
use super::rounds::Turn;
use super::setup::cores;
use crate::contender::Settings;
use crate::entry::Entry;
use crate::render::palette::IDEAL;
use crate::report::{Curve, Latency, Timeline, median};
use crate::workloads::{self, Workload};
use std::time::Duration;

/// Time per item in nanoseconds against the work in it, which is what sequential code takes. The last curve is
/// what would be ideal.
pub fn overhead(
    entries: &[&Entry],
    threads: usize,
    works: &[f64],
    slot: Duration,
    mut tell: impl FnMut(&str),
) -> Vec<Curve> {
    let mut curves = named(entries);
    for nanoseconds in works {
        let workload = workloads::even(*nanoseconds);
        let mut work = *nanoseconds;
        for (index, (entry, curve)) in entries.iter().zip(&mut curves).enumerate() {
            tell(&entry.traits.name);
            let Some(time) = time_per_item(entry, &workload, threads, slot) else { continue };
            if index == 0 {
                work = time;
            }
            curve.points.push((work, time));
        }
    }
    let share = threads.min(cores()) as f64;
    let ideal = curves.first().map(|sequential| ideal(sequential, |time, _| time / share));
    curves.extend(ideal);
    curves
}

/// Items per second against threads, with 10 µs of work in each. The last curve is what would be ideal.
pub fn scaling(
    entries: &[&Entry],
    scale: &[usize],
    slot: Duration,
    mut tell: impl FnMut(&str),
) -> Vec<Curve> {
    let workload = workloads::even(1e4);
    let mut curves = named(entries);
    for threads in scale {
        for (entry, curve) in entries.iter().zip(&mut curves) {
            tell(&entry.traits.name);
            let Some(time) = time_per_item(entry, &workload, *threads, slot) else { continue };
            curve.points.push((*threads as f64, 1e9 / time));
        }
    }
    let cores = cores() as f64;
    let ideal = curves.first().map(|sequential| ideal(sequential, |rate, threads| rate * threads.min(cores)));
    curves.extend(ideal);
    curves
}

/// Peak memory in KiB against the number of empty items. `nanoseconds` is how long a contender takes for one:
/// what would take too long is left out.
pub fn memory(
    entries: &[(&Entry, f64)],
    threads: usize,
    slot: Duration,
    mut tell: impl FnMut(&str),
) -> Vec<Curve> {
    let workload = workloads::ALL[0];
    let mut curves = Vec::new();
    for (entry, nanoseconds) in entries {
        tell(&entry.traits.name);
        let lengths = [1e3, 1e4, 1e5, 1e6, 1e7];
        let bearable = |items: &f64| items * nanoseconds < slot.as_nanos() as f64 * 5.0;
        let point =
            |items: f64| Some((items, memory::measure(entry, &workload, items as u64, threads)? as f64));
        let points = lengths.into_iter().filter(bearable).filter_map(point).collect();
        curves.push(Curve { contender: entry.traits.name.clone(), points });
    }
    curves
}

/// How long after an item there is its result, where the input has one every 200 µs.
pub fn latencies(
    entries: &[&Entry],
    threads: usize,
    slot: Duration,
    mut tell: impl FnMut(&str),
) -> Vec<Latency> {
    let gap = Duration::from_micros(200);
    let items = (slot.as_micros() * 3 / gap.as_micros()).max(200) as u64;
    let mut found = Vec::new();
    for entry in entries {
        tell(&entry.traits.name);
        let run = entry.ready(Settings { threads, window: workloads::ALL[0].window });
        let mut times = run.latencies(items, gap);
        if times.is_empty() {
            continue;
        }
        times.sort_unstable();
        let at = |percentile: f64| {
            let index = (times.len() as f64 * percentile / 100.0) as usize;
            (percentile, times[index.min(times.len() - 1)].as_secs_f64() * 1e6)
        };
        let percentiles = [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9].into_iter().map(at).collect();
        found.push(Latency { contender: entry.traits.name.clone(), percentiles });
    }
    found
}

/// Which thread ran which of 300 items when, if the first is slow.
pub fn timelines(entries: &[&Entry], threads: usize, mut tell: impl FnMut(&str)) -> Vec<Timeline> {
    let workload = workloads::named("slow-head").expect("it is one of the workloads");
    let mut found = Vec::new();
    for entry in entries {
        tell(&entry.traits.name);
        let run = entry.ready(Settings { threads, window: workload.window });
        // The second is the one that counts: caches are warm, and threads started.
        run.spans(&workload, 300);
        let spans = run.spans(&workload, 300);
        found.push(Timeline { contender: entry.traits.name.clone(), workload: workload.name.into(), spans });
    }
    found
}

/// Nanoseconds per item, the median of three runs. `None` if the contender cannot run this.
fn time_per_item(entry: &Entry, workload: &Workload, threads: usize, slot: Duration) -> Option<f64> {
    let turn = Turn::new(entry, workload, threads, slot)?;
    let times: Vec<f64> = (0..3).map(|_| turn.sample(workload).nanoseconds).collect();
    Some(median(&times))
}

/// What would be ideal, from each point of sequential code: `of` its value and where it is.
fn ideal(sequential: &Curve, of: impl Fn(f64, f64) -> f64) -> Curve {
    let points = sequential.points.iter().map(|(x, value)| (*x, of(*value, *x))).collect();
    Curve { contender: IDEAL.into(), points }
}

fn named(entries: &[&Entry]) -> Vec<Curve> {
    entries.iter().map(|entry| Curve { contender: entry.traits.name.clone(), points: Vec::new() }).collect()
}
