//! Which is fastest, and where ours lose: in sentences, and as one table of all workloads.

use super::rows::{by_cost, family, fastest, plain_backends};
use super::units;
use crate::contender::Family;
use crate::report::{Measured, Report, Results, median};
use std::collections::BTreeMap;

/// The eager peer that the summary always shows: neither lazy nor bounded, and the one to beat.
pub const EAGER: &str = "rayon-collect";

/// How the fastest of ours compares with one of the others.
enum Outcome<'a> {
    Faster,
    Level,
    Slower(f64, &'a str),
}

/// The answers, in a few sentences.
pub fn sentences(report: &Report) -> Vec<String> {
    let mut sentences = vec![most_often(report)];
    sentences.push(against(report, "all others, lazy or not", |_| true));
    sentences.push(against(report, "the others that are lazy", |name| is_lazy(report, name)));
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// Who is fastest in how many workloads.
fn most_often(report: &Report) -> String {
    let mut wins: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for results in &report.workloads {
        let parallel =
            results.entries.iter().filter(|one| family(report, &one.contender) != Family::Sequential);
        if let Some(best) = fastest(parallel) {
            wins.entry(&best.contender).or_default().push(&results.workload);
        }
    }
    let mut wins: Vec<_> = wins.into_iter().collect();
    wins.sort_by_key(|(_, workloads)| std::cmp::Reverse(workloads.len()));
    let wins: Vec<String> = wins.iter().map(|(name, list)| format!("{name} ({})", list.join(", "))).collect();
    match wins.len() {
        0 => String::new(),
        _ => format!("Fastest by the median, noise aside: {}.", wins.join("; ")),
    }
}

/// Where the fastest of ours is faster and slower than the fastest of some others.
fn against(report: &Report, whom: &str, takes_part: impl Fn(&str) -> bool) -> String {
    let (mut faster, mut level, mut slower) = (Vec::new(), Vec::new(), Vec::new());
    for results in &report.workloads {
        match outcome(report, results, &takes_part) {
            Some(Outcome::Faster) => faster.push(results.workload.as_str()),
            Some(Outcome::Level) => level.push(results.workload.as_str()),
            Some(Outcome::Slower(ratio, other)) => slower.push((ratio, &results.workload, other)),
            None => {}
        }
    }
    if faster.is_empty() && level.is_empty() && slower.is_empty() {
        return String::new();
    }
    slower.sort_by(|a, b| b.0.total_cmp(&a.0));
    let slower: Vec<String> = slower
        .iter()
        .map(|(ratio, workload, other)| format!("{workload} ({} {other})", units::ratio(*ratio)))
        .collect();
    let list = |names: &[&str]| if names.is_empty() { "nowhere".into() } else { names.join(", ") };
    let slower = if slower.is_empty() { "nowhere".into() } else { slower.join(", ") };
    format!(
        "The fastest of ours against the fastest of {whom}: slower in {slower}; level, within noise, in {}; faster \
         in {}.",
        list(&level),
        list(&faster),
    )
    .replace("in nowhere", "nowhere")
}

fn outcome<'a>(
    report: &Report,
    results: &'a Results,
    takes_part: impl Fn(&str) -> bool,
) -> Option<Outcome<'a>> {
    let ours = fastest(ours(report, results))?;
    let peer = fastest(peers(report, results).filter(|one| takes_part(&one.contender)))?;
    let ratio = ours.ratio_to(&peer.nanoseconds);
    Some(match ours.differs_from(peer) {
        false => Outcome::Level,
        true if ratio < 1.0 => Outcome::Faster,
        true => Outcome::Slower(ratio, &peer.contender),
    })
}

fn ours<'a>(report: &Report, results: &'a Results) -> impl Iterator<Item = &'a Measured> {
    results.entries.iter().filter(|one| plain_backends(report).any(|name| name == one.contender))
}

fn peers<'a>(report: &Report, results: &'a Results) -> impl Iterator<Item = &'a Measured> {
    results.entries.iter().filter(|one| family(report, &one.contender) == Family::Peer)
}

fn is_lazy(report: &Report, name: &str) -> bool {
    report.contenders.iter().any(|traits| traits.name == name && traits.lazy)
}

/// A cell of the [`overview`].
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// The ratio to the ideal, or the time per item where there is no ideal.
    pub text: String,
    /// Who it is, where the column does not say so.
    pub who: Option<String>,
    /// The ratio to the ideal, where there is one.
    pub ratio: Option<f64>,
    /// Whether it is the lowest of the row.
    pub best: bool,
}

/// The ratio to the ideal of ours, the best lazy peer and the eager one, for each workload.
#[derive(Debug)]
pub struct Overview {
    /// What the columns are called, without that of the workloads.
    pub columns: Vec<String>,
    /// The workload, and a cell for each column.
    pub rows: Vec<(String, Vec<Cell>)>,
}

/// One table of all workloads.
pub fn overview(report: &Report) -> Overview {
    let mut columns: Vec<String> = plain_backends(report).map(String::from).collect();
    let with_eager = report.contenders.iter().any(|traits| traits.name == EAGER);
    columns.push("best lazy peer".into());
    columns.extend(with_eager.then(|| EAGER.into()));
    let row = |results: &Results| {
        let find = |name: &str| results.entries.iter().find(|one| one.contender == name);
        let mut entries: Vec<(Option<&Measured>, bool)> =
            plain_backends(report).map(|name| (find(name), false)).collect();
        let lazy = peers(report, results).filter(|one| is_lazy(report, &one.contender));
        entries.push((fastest(lazy), true));
        entries.extend(with_eager.then(|| (find(EAGER), false)));
        let best = fastest(entries.iter().filter_map(|(entry, _)| *entry)).map(|best| &best.contender);
        let cell = |(entry, named): (Option<&Measured>, bool)| match entry {
            None => Cell { text: units::NONE.into(), ..Cell::default() },
            Some(entry) => cell(entry, results, named, best == Some(&entry.contender)),
        };
        (results.workload.clone(), entries.into_iter().map(cell).collect())
    };
    Overview { columns, rows: by_cost(report).into_iter().map(row).collect() }
}

fn cell(entry: &Measured, results: &Results, named: bool, best: bool) -> Cell {
    let ratio = Some(entry.ratio_to(&results.ideal)).filter(|ratio| ratio.is_finite());
    let text = ratio.map_or_else(|| units::time(median(&entry.nanoseconds)), units::ratio);
    Cell { text, who: named.then(|| entry.contender.clone()), ratio, best }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn says_who_wins_and_where_ours_lose() {
        let sentences = sentences(&sample::small());
        assert_eq!(
            sentences,
            [
                "Fastest by the median, noise aside: rayon-collect (1us).",
                "The fastest of ours against the fastest of all others, lazy or not: slower in 1us (1.11× \
                 rayon-collect); level, within noise, nowhere; faster nowhere.",
                "The fastest of ours against the fastest of the others that are lazy: slower nowhere; level, \
                 within noise, nowhere; faster in 1us.",
            ]
        );
    }

    #[test]
    fn a_cell_for_each_column() {
        for report in [sample::small(), sample::large(), sample::hostile(), sample::empty()] {
            let overview = overview(&report);
            assert_eq!(overview.rows.len(), report.workloads.len());
            assert!(overview.rows.iter().all(|(_, cells)| cells.len() == overview.columns.len()));
        }
    }
}
