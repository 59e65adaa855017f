//! What a comparison found: the contents of `compare.json`.

use crate::contender::Traits;
use crate::workloads::{self, Span};
use serde::{Deserialize, Serialize};

/// Everything that one comparison found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Where and how it was measured.
    pub setup: Setup,
    /// Who took part.
    pub contenders: Vec<Traits>,
    /// Each workload that was run, with the threads of [`Setup::threads`].
    pub workloads: Vec<Results>,
    /// Those of them that allocate, measured once more in a program with another allocator. Empty if there was none.
    pub with_other_allocator: Vec<Results>,
    /// Time per item against the work in it, for the plot.
    pub overhead: Vec<Curve>,
    /// Items per second against threads, for the plot; work of 10 µs.
    pub scaling: Vec<Curve>,
    /// Peak memory in KiB against the length of the input, for the plot; no work.
    pub memory: Vec<Curve>,
    /// How long after an item there is its result.
    pub latencies: Vec<Latency>,
    /// Which thread ran which item when.
    pub timelines: Vec<Timeline>,
}

/// Where and how a comparison was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// The command that repeats it.
    pub command: String,
    /// Cores that the process may use.
    pub cores: usize,
    /// The processor, as the system names it.
    pub processor: String,
    /// The operating system.
    pub system: String,
    /// Seconds since 1970.
    pub time: u64,
    /// Whether it was the short run.
    pub quick: bool,
    /// Rounds, in each of which every contender has a turn.
    pub rounds: usize,
    /// Threads of each contender.
    pub threads: usize,
    /// Seconds that the comparison took.
    pub seconds: f64,
}

/// One workload, with all that ran it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    /// The name of the workload.
    pub workload: String,
    /// What is done for an item.
    pub about: String,
    /// The allocator of the program that measured it.
    pub allocator: String,
    /// What would be ideal, in nanoseconds per item for each round: sequential code of that round, divided among
    /// the threads at no cost. Empty where nothing can be divided.
    pub ideal: Vec<f64>,
    /// Each contender that can run it.
    pub entries: Vec<Measured>,
}

/// One contender on one workload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// The name of the contender.
    pub contender: String,
    /// Items in each run.
    pub items: u64,
    /// Nanoseconds per item, for each round.
    pub nanoseconds: Vec<f64>,
    /// Nanoseconds of all cores together per item, for each round.
    pub cpu: Vec<f64>,
    /// Peak memory in KiB above that of a process that has only its threads. `None` where it is not known.
    pub memory: Option<u64>,
}

/// A line in a plot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Curve {
    /// The name of the contender; `ideal` is one too.
    pub contender: String,
    /// Its points, by `x`.
    pub points: Vec<(f64, f64)>,
}

/// How long after an item there is its result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Latency {
    /// The name of the contender.
    pub contender: String,
    /// Percentile (0 to 100), and microseconds.
    pub percentiles: Vec<(f64, f64)>,
}

/// Which thread ran which item when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timeline {
    /// The name of the contender.
    pub contender: String,
    /// The name of the workload.
    pub workload: String,
    /// All items.
    pub spans: Vec<Span>,
}

/// The middle of some values.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

/// The least and the greatest of some values: where there are five or more, the true median lies between them
/// in 94 of 100 cases or more, whatever the noise is like.
pub fn range(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
}

impl Report {
    /// The same workload with another allocator.
    pub fn with_other_allocator(&self, results: &Results) -> Option<&Results> {
        self.with_other_allocator.iter().find(|other| other.workload == results.workload)
    }

    /// For which part of its time sequential code waited for a core, which something else on the machine had: the
    /// median over the workloads. 0 where it had one all the time.
    pub fn waited(&self) -> f64 {
        let waited = |results: &Results| {
            let sequential = results.entries.first()?;
            // An input that sleeps is no sign of a busy machine.
            if workloads::named(&results.workload).is_some_and(|workload| workload.is_paced()) {
                return None;
            }
            Some((1.0 - median(&sequential.cpu) / median(&sequential.nanoseconds)).max(0.0))
        };
        let parts: Vec<f64> = self.workloads.iter().filter_map(waited).collect();
        if parts.is_empty() { 0.0 } else { median(&parts) }
    }
}

impl Measured {
    /// Median of the ratios to other figures of the same rounds.
    pub fn ratio_to(&self, others: &[f64]) -> f64 {
        median(&self.ratios_to(others))
    }

    /// Whether it differs from another beyond noise: slower in every round, or faster in every round, of at least
    /// five. (With five that happens by chance in one case of sixteen.)
    pub fn differs_from(&self, other: &Measured) -> bool {
        let (low, high) = range(&self.ratios_to(&other.nanoseconds));
        low > 1.0 || high < 1.0
    }

    /// The ratios to other figures of the same rounds, round by round.
    pub fn ratios_to(&self, others: &[f64]) -> Vec<f64> {
        self.nanoseconds.iter().zip(others).map(|(mine, other)| mine / other).collect()
    }
}
