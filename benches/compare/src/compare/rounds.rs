//! Measures: every contender in turn, round by round, so that what the machine does meanwhile hits all of them.

use super::{memory, program};
use crate::contender::Settings;
use crate::entry::{Entry, Run};
use crate::report::{Measured, Results};
use crate::workloads::Workload;
use cpu_time::ProcessTime;
use std::time::{Duration, Instant};

/// Rounds, in each of which every contender has a turn. With five, the true median lies between the least and
/// the greatest in 94 of 100 cases.
pub const ROUNDS: usize = 5;

/// A contender with its number of items.
pub struct Turn<'a> {
    /// Which contender.
    pub entry: &'a Entry,
    /// How many items take about as long as wanted.
    pub items: u64,
    run: Box<dyn Run>,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Nanoseconds per item.
    pub nanoseconds: f64,
    /// Nanoseconds of all cores together per item.
    pub cpu: f64,
}

impl<'a> Turn<'a> {
    /// Makes a contender ready, and finds out how many items take about `slot`. `None` if it cannot run this.
    ///
    /// # Panics
    ///
    /// If its checksum is not that of sequential code.
    pub fn new(entry: &'a Entry, workload: &Workload, threads: usize, slot: Duration) -> Option<Turn<'a>> {
        if !entry.takes(workload) {
            return None;
        }
        let run = entry.ready(Settings { threads, window: workload.window });
        // Not more of them where there are many threads: an item may take milliseconds.
        let few = workload.step() * 4 * threads.min(4) as u64;
        let expected = workload.run(&crate::ours::Sequential, few);
        let got = run.run(workload, few)?;
        assert_eq!(Some(got), expected, "{} does {} wrong", entry.traits.name, workload.name);
        let mut turn = Turn { entry, items: few, run };
        turn.lengthen(workload, slot);
        Some(turn)
    }

    fn lengthen(&mut self, workload: &Workload, slot: Duration) {
        loop {
            let mut nanoseconds = self.sample(workload).nanoseconds;
            let enough = |nanoseconds: f64| nanoseconds * self.items as f64 * 2.0 > slot.as_nanos() as f64;
            if enough(nanoseconds) {
                // Something else may have taken the processor, and a first run is slower than others too.
                nanoseconds = nanoseconds.min(self.sample(workload).nanoseconds);
            }
            let factor = slot.as_nanos() as f64 / (nanoseconds * self.items as f64);
            let wanted = (self.items as f64 * factor.clamp(0.25, 16.0)) as u64;
            let least = 4 * workload.step();
            self.items = (wanted - wanted % workload.step()).max(least);
            if factor < 2.0 {
                return;
            }
        }
    }

    /// One run.
    pub fn sample(&self, workload: &Workload) -> Sample {
        let (started, cpu) = (Instant::now(), ProcessTime::now());
        self.run.run(workload, self.items);
        let (elapsed, cpu) = (started.elapsed(), cpu.elapsed());
        let per_item = |time: Duration| time.as_secs_f64() * 1e9 / self.items as f64;
        Sample { nanoseconds: per_item(elapsed), cpu: per_item(cpu) }
    }
}

/// A workload, with all who can run it. `tell` hears the name of the one whose turn it is.
pub fn results(
    entries: &[&Entry],
    workload: &Workload,
    (threads, cores): (usize, usize),
    slot: Duration,
    mut tell: impl FnMut(&str),
) -> Results {
    let mut turns = Vec::new();
    for entry in entries {
        tell(&entry.traits.name);
        turns.extend(Turn::new(entry, workload, threads, slot));
    }
    let mut samples = vec![Vec::new(); turns.len()];
    for _ in 0..ROUNDS {
        for (turn, samples) in turns.iter().zip(&mut samples) {
            tell(&turn.entry.traits.name);
            samples.push(turn.sample(workload));
        }
    }
    let measured = |(turn, samples): (&Turn<'_>, Vec<Sample>)| {
        tell(&format!("{}, memory", turn.entry.traits.name));
        Measured {
            contender: turn.entry.traits.name.clone(),
            items: turn.items,
            nanoseconds: samples.iter().map(|sample| sample.nanoseconds).collect(),
            cpu: samples.iter().map(|sample| sample.cpu).collect(),
            memory: memory::measure(turn.entry, workload, turn.items, threads),
        }
    };
    let entries: Vec<Measured> = turns.iter().zip(samples).map(measured).collect();
    // Sequential code is always the first contender.
    let part = turns.first().and_then(|turn| workload.ideal(turn.items, threads.min(cores)));
    let ideal = part.map(|part| entries[0].nanoseconds.iter().map(|time| time * part).collect());
    Results {
        workload: workload.name.into(),
        about: workload.about.into(),
        allocator: program::allocator().into(),
        ideal: ideal.unwrap_or_default(),
        entries,
    }
}
