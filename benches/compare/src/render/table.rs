//! The tables for the terminal.

use super::rows::{COLUMNS, LEGEND, MARKS, Row, by_cost, rows};
use super::units;
use crate::report::Report;
use std::fmt::Write as _;

/// The widest line.
const WIDTH: usize = 100;
/// The widest column; longer names are cut.
const CELL: usize = 24;

/// A table for each workload, in lines of 100 characters at most.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for line in [method(report), LEGEND.into(), MARKS.into()] {
        text += &wrap(&line);
    }
    for results in by_cost(report) {
        text += "\n";
        text += &wrap(&format!("{}: {}", results.workload, results.about));
        text += &grid(&rows(report, results, None));
    }
    text
}

/// How it was measured, in a sentence.
pub fn method(report: &Report) -> String {
    let setup = &report.setup;
    let chance = match setup.rounds {
        0..5 => " Fewer than five rounds say little about noise.",
        _ => "",
    };
    format!(
        "{} threads on {} cores, {} rounds in each of which every contender has a turn, {:.0} s in all; {}.{chance}{}",
        setup.threads,
        setup.cores,
        setup.rounds,
        setup.seconds,
        units::date(setup.time),
        busy(report.waited()),
    )
}

/// A warning, if sequential code had to wait for a core: then whatever wants all cores did so even more.
fn busy(waited: f64) -> String {
    let per_cent = (waited * 100.0).round();
    if per_cent < 3.0 {
        return String::new();
    }
    format!(
        " The machine was busy: sequential code waited {per_cent} % of the time for a core, so the ratios tell little."
    )
}

/// The rows under their head, in columns as wide as they must be.
fn grid(rows: &[Row]) -> String {
    let mut lines = vec![COLUMNS.map(|name| name.replace("ratio to ideal", "to ideal")).to_vec()];
    for row in rows {
        let mut line = vec![row.mark()];
        line.extend(row.cells().iter().map(|cell| cut(cell, CELL)));
        lines.push(line);
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // Names stand on the left, numbers on the right; `{:>}` counts characters, not bytes.
            let written =
                if column < 2 { write!(row, "{cell:<width$}  ") } else { write!(row, "{cell:>width$}  ") };
            written.expect("a string takes all");
        }
        text += row.trim_end();
        text += "\n";
    }
    text
}

fn cut(cell: &str, width: usize) -> String {
    let cell = plain(cell);
    if cell.chars().count() <= width {
        return cell;
    }
    cell.chars().take(width - 1).chain(['…']).collect()
}

/// A text without line feeds and escapes, which would tear the table.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Breaks a text between words, and cuts what is too long for a line.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().map(|word| cut(word, WIDTH)) {
        let last = lines.last_mut().expect("there is one");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word);
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(&word);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn all_are_in_it_within_the_width() {
        let report = sample::large();
        let text = text(&report);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        for results in &report.workloads {
            assert!(text.contains(&format!("\n{}: ", results.workload)));
        }
        for traits in &report.contenders {
            assert!(text.contains(&traits.name), "{}", traits.name);
        }
    }

    #[test]
    fn a_busy_machine_is_named() {
        let mut report = sample::large();
        let sequential = |report: &mut Report, part: f64| {
            for results in &mut report.workloads {
                let measured = &mut results.entries[0];
                measured.cpu = measured.nanoseconds.iter().map(|time| time * part).collect();
            }
        };
        sequential(&mut report, 0.99);
        assert!(!text(&report).contains("busy"));
        sequential(&mut report, 0.75);
        assert!(text(&report).contains("busy: sequential code waited 25 %"), "{}", method(&report));
    }

    #[test]
    fn columns_align() {
        let report = sample::large();
        let text = text(&report);
        let block: Vec<&str> = text.split("\n\n").nth(1).unwrap().lines().skip(1).collect();
        let ends = |line: &str| line.chars().count();
        // The last column is on the right, and every row has something in it.
        assert!(block.iter().all(|line| ends(line) == ends(block[0])), "{text}");
    }

    #[test]
    fn odd_figures_and_names_do_no_harm() {
        let text = text(&sample::hostile());
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
