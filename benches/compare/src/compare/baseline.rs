//! Compares a report with an earlier one.
//!
//! Two runs may be on machines of different speed, or on one that was busy. So what is compared is the ratio to
//! sequential code of the same round; and something is lost only if no round of now is as good as any round of then.

use super::options::Plan;
use crate::contender::Family;
use crate::report::{Report, Results, median, range};
use std::fmt::Write;
use std::path::Path;

/// How a contender changed on a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The name of the workload.
    pub workload: String,
    /// The name of the contender.
    pub contender: String,
    /// Medians of the ratio to sequential code, then and now.
    pub ratios: (f64, f64),
    /// Whether all rounds of one run are better than all rounds of the other.
    pub beyond_noise: bool,
    /// Whether it is a backend, which is not to become slower.
    pub is_backend: bool,
}

impl Change {
    /// How much slower, in per cent; below 0 if faster.
    pub fn percent(&self) -> f64 {
        (self.ratios.1 / self.ratios.0 - 1.0) * 100.0
    }

    /// Whether it is a backend that is slower by more than this many per cent, beyond noise.
    pub fn is_loss(&self, percent: f64) -> bool {
        self.is_backend && self.beyond_noise && self.percent() > percent
    }
}

/// Reads the compare.json of an earlier run.
pub fn read(path: &Path) -> Result<Report, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text)
        .map_err(|error| format!("{} is not a compare.json of this version: {error}", path.display()))
}

/// Whether what is to be measured can be compared with an earlier run.
pub fn check(then: &Report, plan: &Plan) -> Result<(), String> {
    if then.setup.threads != plan.threads {
        let (then, now) = (then.setup.threads, plan.threads);
        return Err(format!("the baseline has {then} threads and this run {now}; give the same --threads"));
    }
    let now = |name: &str| plan.entries[1..].iter().any(|entry| entry.traits.name == name);
    let common = then
        .workloads
        .iter()
        .filter(|earlier| plan.workloads.iter().any(|workload| workload.name == earlier.workload))
        .any(|earlier| earlier.entries.iter().any(|measured| now(&measured.contender)));
    match common {
        true => Ok(()),
        false => Err("the baseline has no contender and workload in common with this run".into()),
    }
}

/// What changed, for every contender and workload that is in both.
pub fn changes(then: &Report, now: &Report) -> Vec<Change> {
    let backend =
        |name: &str| now.contenders.iter().any(|one| one.name == name && one.family == Family::Backend);
    let mut changes = Vec::new();
    for results in &now.workloads {
        let Some(earlier) = then.workloads.iter().find(|earlier| earlier.workload == results.workload) else {
            continue;
        };
        for measured in results.entries.iter().skip(1) {
            let name = &measured.contender;
            let (Some(before), Some(after)) = (ratios(earlier, name), ratios(results, name)) else {
                continue;
            };
            let ((best_before, worst_before), (best_after, worst_after)) = (range(&before), range(&after));
            changes.push(Change {
                workload: results.workload.clone(),
                contender: name.clone(),
                ratios: (median(&before), median(&after)),
                beyond_noise: best_after > worst_before || worst_after < best_before,
                is_backend: backend(name),
            });
        }
    }
    changes
}

/// The ratio to sequential code, round by round.
fn ratios(results: &Results, contender: &str) -> Option<Vec<f64>> {
    let sequential = results.entries.first()?;
    let measured = results.entries.iter().find(|measured| measured.contender == contender)?;
    Some(measured.ratios_to(&sequential.nanoseconds))
}

/// What changed beyond noise, in words.
pub fn text(changes: &[Change], max_loss: f64) -> String {
    let mut text = String::from("Against the baseline, in ratios to sequential code:\n");
    for change in changes.iter().filter(|change| change.beyond_noise) {
        let mark = if change.is_loss(max_loss) { "  LOSS" } else { "" };
        let (name, workload, (then, now)) = (&change.contender, &change.workload, change.ratios);
        let _ = writeln!(
            text,
            "  {workload:<12} {name:<18} {then:>8.3} {now:>8.3} {:>+7.1} %{mark}",
            change.percent()
        );
    }
    let quiet = changes.iter().filter(|change| !change.beyond_noise).count();
    let _ = writeln!(text, "  {quiet} of {} did not change beyond noise.", changes.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(ratios: (f64, f64), beyond_noise: bool, is_backend: bool) -> Change {
        Change { workload: "1us".into(), contender: "mine".into(), ratios, beyond_noise, is_backend }
    }

    #[test]
    fn only_a_backend_beyond_noise_and_beyond_the_limit_is_a_loss() {
        assert!(change((0.5, 0.6), true, true).is_loss(10.0));
        assert!(!change((0.5, 0.6), true, true).is_loss(25.0));
        assert!(!change((0.5, 0.6), false, true).is_loss(10.0));
        assert!(!change((0.5, 0.6), true, false).is_loss(10.0));
        assert!(!change((0.6, 0.5), true, true).is_loss(10.0));
    }

    #[test]
    fn a_loss_is_said() {
        let text = text(&[change((0.5, 0.6), true, true), change((0.5, 0.5), false, true)], 10.0);
        assert!(text.contains("+20.0 %  LOSS") && text.contains("1 of 2 did not"), "{text}");
    }
}
