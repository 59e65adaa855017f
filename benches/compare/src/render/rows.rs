//! One workload as the rows of a table, for every form of it.

use super::units;
use crate::contender::Family;
use crate::report::{Measured, Report, Results, median, range};

/// What the columns are called. The first says how the contender stands, the others are [`Row::cells`].
pub const COLUMNS: [&str; 8] =
    ["", "contender", "per item", "spread", "ratio to ideal", "CPU per item", "CPU ratio", "peak memory"];

/// The column of the time per item.
const TIME: usize = 2;
/// The column of the ratio to the ideal.
const RATIO: usize = 4;

/// What the [`COLUMNS`] mean, in a line or two of text.
pub const LEGEND: &str = "Sorted by the median time per item; spread: the lowest and the highest round, from the \
median. Ratio to ideal: median over the rounds, 1 is perfect. CPU ratio: CPU time of all threads against that of \
sequential code.";

/// What the columns of a workload are called, which may have been measured with another allocator too.
pub fn columns(other: Option<&Results>) -> Vec<String> {
    let mut columns = COLUMNS.map(String::from).to_vec();
    if let Some(Results { allocator, .. }) = other {
        columns.insert(TIME + 1, format!("with {allocator}"));
        columns.insert(RATIO + 2, format!("ratio with {allocator}"));
    }
    columns
}

/// What the columns mean, in a few lines of text.
pub fn legend(report: &Report) -> String {
    match report.with_other_allocator.first() {
        None => LEGEND.into(),
        Some(Results { allocator, .. }) => format!(
            "{LEGEND} With {allocator}: measured right after, in a program with that allocator; the ratio is to the \
             ideal of that program. All other figures are with the system's allocator."
        ),
    }
}

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
    cells: Vec<String>,
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

/// The rows of a workload, the fastest first, with the [`columns`] that its results with another allocator ask for.
pub fn rows(report: &Report, results: &Results, other: Option<&Results>) -> Vec<Row> {
    let family = |measured: &Measured| family(report, &measured.contender);
    let sequential = results.entries.iter().find(|entry| family(entry) == Family::Sequential);
    let parallel = results.entries.iter().filter(|entry| family(entry) != Family::Sequential);
    let best = fastest(parallel);
    let row = |measured: &Measured| {
        let median = median(&measured.nanoseconds);
        let level = family(measured) != Family::Sequential
            && best.is_some_and(|best| best.contender == measured.contender || !measured.differs_from(best));
        let mut cells = cells(measured, results, sequential).to_vec();
        if let Some(other) = other {
            let again = other.entries.iter().find(|entry| entry.contender == measured.contender);
            let cell = |text: fn(&Measured, &Results) -> String| {
                again.map_or(units::NONE.into(), |again| text(again, other))
            };
            // The mark is no cell.
            cells.insert(TIME, cell(|again, _| units::time(self::median(&again.nanoseconds))));
            cells.insert(RATIO + 1, cell(|again, other| units::ratio(again.ratio_to(&other.ideal))));
        }
        Row { family: family(measured), level, median, cells }
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

/// The workloads, the cheapest first: what an item costs in sequential code, or the most where that was not measured.
pub fn by_cost(report: &Report) -> Vec<&Results> {
    let cost = |results: &Results| {
        let sequential =
            results.entries.iter().find(|one| family(report, &one.contender) == Family::Sequential);
        sequential.map_or(f64::INFINITY, |measured| median(&measured.nanoseconds))
    };
    let mut workloads: Vec<&Results> = report.workloads.iter().collect();
    workloads.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    workloads
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    /// The cells of a contender, by the names of their columns.
    fn cell(report: &Report, workload: &str, contender: &str, column: &str) -> Option<String> {
        let results = report.workloads.iter().find(|results| results.workload == workload).unwrap();
        let other = report.with_other_allocator(results);
        let at = columns(other).iter().position(|name| name == column)?;
        let rows = rows(report, results, other);
        assert!(rows.iter().all(|row| row.cells().len() + 1 == columns(other).len()));
        rows.iter().find(|row| row.cells()[0] == contender).map(|row| row.cells()[at - 1].clone())
    }

    #[test]
    fn the_cheapest_workload_comes_first() {
        let report = sample::large();
        let workloads = by_cost(&report);
        let names: Vec<_> = workloads.iter().map(|results| results.workload.as_str()).collect();
        assert_eq!(names[..4], ["empty", "50ns", "strings", "100ns"]);
        assert_eq!(names.last(), Some(&"compress"));
        assert_eq!(names.len(), report.workloads.len());
    }

    #[test]
    fn another_allocator_stands_beside_the_first() {
        let report = sample::large();
        let cell = |contender, column| cell(&report, "strings", contender, column).unwrap();
        assert_eq!([cell("channel", "per item"), cell("channel", "with mimalloc")], ["27.6 ns", "22.1 ns"]);
        assert_eq!(
            [cell("channel", "ratio to ideal"), cell("channel", "ratio with mimalloc")],
            ["1.19×", "0.95×"]
        );
        assert_eq!(cell("threads-and-channels", "with mimalloc"), units::NONE);
    }

    #[test]
    fn what_does_not_allocate_has_no_columns_for_it() {
        assert_eq!(cell(&sample::large(), "1us", "channel", "with mimalloc"), None);
        assert!(cell(&sample::large(), "1us", "channel", "per item").is_some());
    }
}
