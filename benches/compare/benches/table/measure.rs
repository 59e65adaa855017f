//! Measures: every contender in turn, round by round, so that what the machine does meanwhile hits all of them.

use cpu_time::ProcessTime;
use std::time::Instant;

/// What one run took, in seconds.
#[derive(Clone, Copy)]
pub struct Sample {
    /// By the clock on the wall; or a latency, where a row is about one.
    pub wall: f64,
    /// Of all cores together.
    pub cpu: f64,
}

/// Measures a run, whose result must be right.
pub fn sample(expected: u64, run: impl FnOnce() -> u64) -> Sample {
    let (started, cpu) = (Instant::now(), ProcessTime::now());
    let sum = run();
    let sample = Sample { wall: started.elapsed().as_secs_f64(), cpu: cpu.elapsed().as_secs_f64() };
    assert_eq!(sum, expected, "the results are wrong, or in the wrong order");
    sample
}

/// All runs of one contender, a sample for each round.
pub struct Measured(Vec<Sample>);

impl Measured {
    /// The median of the times, in seconds.
    pub fn wall(&self) -> f64 {
        median(self.0.iter().map(|sample| sample.wall))
    }

    /// How many cores were at work: the median of processor time to time.
    pub fn cores(&self) -> f64 {
        median(self.0.iter().map(|sample| sample.cpu / sample.wall))
    }

    /// The ratio to another's time, within each round, and of these the median.
    pub fn ratio(&self, base: &Measured) -> f64 {
        median(self.0.iter().zip(&base.0).map(|(own, base)| own.wall / base.wall))
    }

    /// The same of the processor time.
    pub fn cpu_ratio(&self, base: &Measured) -> f64 {
        median(self.0.iter().zip(&base.0).map(|(own, base)| own.cpu / base.cpu))
    }

    /// The largest of the ratios to another's time.
    pub fn worst_ratio(&self, base: &Measured) -> f64 {
        self.0.iter().zip(&base.0).map(|(own, base)| own.wall / base.wall).fold(0.0, f64::max)
    }

    /// The processor time beyond another's, in seconds.
    pub fn cpu_beyond(&self, base: &Measured) -> f64 {
        median(self.0.iter().zip(&base.0).map(|(own, base)| own.cpu - base.cpu))
    }
}

/// Gives every run a turn in each round.
pub fn in_turn(rounds: usize, runs: &mut [&mut dyn FnMut() -> Sample]) -> Vec<Measured> {
    let mut measured: Vec<_> = runs.iter().map(|_| Measured(Vec::new())).collect();
    for _ in 0..rounds {
        for (run, measured) in runs.iter_mut().zip(&mut measured) {
            measured.0.push(run());
        }
    }
    measured
}

/// The middle one, or the mean of the two in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}
