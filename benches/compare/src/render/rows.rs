//! One workload as the rows of a table, for every form of it.

use super::units;
use crate::contender::Family;
use crate::report::{Measured, Report, Results, median, range};

/// What the columns of [`Row::cells`] are called. The first column says how the contender stands.
pub const COLUMNS: [&str; 8] =
    ["", "contender", "per item", "spread", "ratio to ideal", "CPU per item", "CPU ratio", "peak memory"];

/// What the columns mean, in a line or two of text.
pub const LEGEND: &str = "Sorted by the median time per item; spread: the lowest and the highest round, from the \
median. Ratio to ideal: median over the rounds, 1 is perfect. CPU ratio: CPU time of all threads against that of \
sequential code.";

/// What the marks mean.
pub const MARKS: &str = "• is ours; = is no slower, beyond noise, than the fastest parallel one.";

/// One contender in the table of a workload.
#[derive(Debug)]
pub struct Row {
    /// Whose it is.
    pub family: Family,
    /// Whether it is the fastest parallel one, or the same but for noise.
    pub level: bool,
    /// Nanoseconds per item.
    pub median: f64,
    cells: [String; 7],
}

impl Row {
    /// The text of every column but the first.
    pub fn cells(&self) -> &[String] {
        &self.cells
    }

    /// The first column.
    pub fn mark(&self) -> String {
        let ours = if self.family == Family::Backend { "•" } else { " " };
        let level = if self.level { "=" } else { " " };
        format!("{ours}{level}")
    }
}

/// The rows of a workload, the fastest first.
pub fn rows(report: &Report, results: &Results) -> Vec<Row> {
    let family = |measured: &Measured| family(report, &measured.contender);
    let sequential = results.entries.iter().find(|entry| family(entry) == Family::Sequential);
    let parallel = results.entries.iter().filter(|entry| family(entry) != Family::Sequential);
    let best = fastest(parallel);
    let row = |measured: &Measured| {
        let median = median(&measured.nanoseconds);
        let level = family(measured) != Family::Sequential
            && best.is_some_and(|best| best.contender == measured.contender || !measured.differs_from(best));
        Row { family: family(measured), level, median, cells: cells(measured, results, sequential) }
    };
    let mut rows: Vec<_> = results.entries.iter().map(row).collect();
    rows.sort_by(|a, b| a.median.total_cmp(&b.median));
    rows
}

fn cells(measured: &Measured, results: &Results, sequential: Option<&Measured>) -> [String; 7] {
    let middle = median(&measured.nanoseconds);
    let cpu: Vec<f64> = match sequential {
        Some(sequential) => measured.cpu.iter().zip(&sequential.cpu).map(|(cpu, one)| cpu / one).collect(),
        None => Vec::new(),
    };
    [
        measured.contender.clone(),
        units::time(middle),
        units::spread(middle, range(&measured.nanoseconds)),
        units::ratio(measured.ratio_to(&results.ideal)),
        units::time(median(&measured.cpu)),
        units::ratio(median(&cpu)),
        measured.memory.map_or(units::NONE.into(), |kib| units::memory(kib as f64)),
    ]
}

/// Whose a contender is; something that nobody knows is a peer.
pub fn family(report: &Report, name: &str) -> Family {
    report.contenders.iter().find(|traits| traits.name == name).map_or(Family::Peer, |traits| traits.family)
}

/// The one with the lowest median.
pub fn fastest<'a>(entries: impl Iterator<Item = &'a Measured>) -> Option<&'a Measured> {
    entries
        .filter(|entry| !median(&entry.nanoseconds).is_nan())
        .min_by(|a, b| median(&a.nanoseconds).total_cmp(&median(&b.nanoseconds)))
}

/// The contenders that are a backend as it is, neither `…-by-1` nor `…-cold`.
pub fn plain_backends(report: &Report) -> impl Iterator<Item = &str> {
    let plain = report.contenders.iter().filter(|one| one.family == Family::Backend && !one.variant);
    plain.map(|traits| traits.name.as_str())
}
