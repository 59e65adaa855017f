//! `compare.md`.

use super::escape::markdown as escape;
use super::rows::{MARKS, by_cost, columns, legend, rows};
use super::summary;
use super::table::method;
use crate::report::Report;
use std::fmt::Write as _;

/// The report as Markdown: a summary, how it was measured, and a table for each workload.
pub fn markdown(report: &Report) -> String {
    let mut text = String::from("# Comparison\n\n");
    for sentence in summary::sentences(report) {
        text += &format!("- {}\n", escape(&sentence));
    }
    text += "\nRatio to the ideal (sequential code of the same round, divided among the threads at no cost), or the \
             time per item where there is no ideal. The lowest of a row is bold.\n\n";
    text += &overview(report);
    text += &setup(report);
    for results in by_cost(report) {
        text += &format!("\n## {}\n\n{}.\n\n", escape(&results.workload), escape(&results.about));
        let other = report.with_other_allocator(results);
        let columns = columns(other);
        text += &format!("{}|---|---|{}\n", line(columns.clone()), "--:|".repeat(columns.len() - 2));
        for row in rows(report, results, other) {
            let cells = row.cells().iter().map(|cell| escape(cell));
            text += &line(std::iter::once(escape(row.mark().trim())).chain(cells));
        }
    }
    text += "\n## Contenders\n\n";
    text += "| name | what is called | lazy | live | starts threads in each call |\n|---|---|---|---|---|\n";
    for traits in &report.contenders {
        let flags =
            [traits.lazy, traits.live, traits.cold].map(|flag| if flag { "yes" } else { "no" }.into());
        text += &line([escape(&traits.name), escape(&traits.about)].into_iter().chain(flags));
    }
    text
}

fn overview(report: &Report) -> String {
    let overview = summary::overview(report);
    let mut text =
        line(std::iter::once("workload".into()).chain(overview.columns.iter().map(|name| escape(name))));
    text += &line(std::iter::once("---".into()).chain(overview.columns.iter().map(|_| "--:".into())));
    for (workload, cells) in &overview.rows {
        let cells = cells.iter().map(|cell| {
            let strong = if cell.best { "**" } else { "" };
            let who = cell.who.as_deref().map_or(String::new(), |who| format!(" {}", escape(who)));
            format!("{strong}{}{strong}{who}", cell.text)
        });
        text += &line(std::iter::once(escape(workload)).chain(cells));
    }
    text
}

fn setup(report: &Report) -> String {
    let setup = &report.setup;
    let mut text = String::from("\n## How it was measured\n\n");
    writeln!(text, "- {}, {}", escape(&setup.processor), escape(&setup.system)).expect("a string takes all");
    writeln!(text, "- {}", escape(&method(report))).expect("a string takes all");
    writeln!(text, "- {}\n- {}\n", escape(&legend(report)), escape(MARKS)).expect("a string takes all");
    // Four spaces make code of anything, whatever quotes are in it.
    writeln!(text, "Repeat it with\n\n    {}", setup.command.replace(['\n', '\r'], " "))
        .expect("a string takes all");
    text
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn all_are_in_it() {
        let report = sample::large();
        let text = markdown(&report);
        assert!(report.workloads.iter().all(|one| text.contains(&format!("\n## {}\n", one.workload))));
        assert!(report.contenders.iter().all(|one| text.contains(&format!("\n| {} |", one.name))));
        assert!(text.contains(&report.setup.command));
        assert_eq!(text.matches("| with mimalloc |").count(), report.with_other_allocator.len());
    }

    #[test]
    fn every_row_has_the_cells_of_its_table() {
        for report in [sample::small(), sample::large(), sample::hostile()] {
            let text = markdown(&report);
            let tables = text.split("\n\n").filter(|block| block.starts_with('|'));
            for table in tables {
                let cells = |line: &str| line.replace("\\|", "").matches('|').count();
                let head = cells(table.lines().next().unwrap());
                assert!(table.lines().all(|line| cells(line) == head), "{table}");
            }
        }
    }

    #[test]
    fn names_are_no_markup() {
        let text = markdown(&sample::hostile());
        // What is indented is code.
        let mut prose = text.lines().filter(|line| !line.starts_with("    "));
        assert!(!prose.any(|line| line.contains("<script")), "{text}");
    }

    #[test]
    fn an_empty_report_is_fine() {
        assert!(markdown(&sample::empty()).contains(super::super::units::NONE));
    }
}
