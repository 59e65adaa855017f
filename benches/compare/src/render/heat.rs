//! Who wins, at a glance: all contenders and all workloads in one table, in which colour is what is lost.

use super::escape::html as escape;
use super::rows::{by_cost, family, fastest};
use super::units;
use crate::contender::{Family, Traits};
use crate::report::{Measured, Report, median};
use crate::workloads;

/// The class of a cell, for how many times the best of its row it takes.
pub fn class(ratio: f64) -> &'static str {
    match ratio {
        4.0.. => "h4",
        2.0.. => "h3",
        1.4.. => "h2",
        1.15.. => "h1",
        _ => "h0",
    }
}

/// A column for each contender, ours first; a row for each workload, the cheapest first.
pub fn heat_map(report: &Report) -> String {
    let mut columns: Vec<&Traits> = report.contenders.iter().collect();
    columns.sort_by_key(|traits| {
        let rank = match traits.family {
            Family::Backend => 0,
            Family::Peer => 1,
            Family::Sequential => 2,
        };
        (rank, traits.variant)
    });
    let mut text = String::from(
        "<section>\n<h2 id=\"heat\">Who wins</h2>\n<p>Time, as a ratio to the fastest parallel contender of the row. Bold \
         is the fastest, or level with it but for noise; the stronger the colour, the more is lost. Lazy: takes an \
         endless input, in bounded memory. Live: a result comes before the next item must.</p>\n\
         <div class=\"scroll\"><table class=\"heat\">\n<thead>\n<tr><th scope=\"col\">workload</th>",
    );
    for traits in &columns {
        let ours = if traits.family == Family::Backend { " class=\"ours\"" } else { "" };
        text += &format!("<th scope=\"col\"{ours}><span>{}</span></th>", escape(&traits.name));
    }
    text += "</tr>\n";
    for (name, has) in
        [("lazy", (|traits| traits.lazy) as fn(&Traits) -> bool), ("live", |traits| traits.live)]
    {
        text += &format!("<tr class=\"marks\"><th scope=\"row\">{name}</th>");
        text.extend(columns.iter().map(|traits| if has(traits) { "<td>✓</td>" } else { "<td></td>" }));
        text += "</tr>\n";
    }
    text += "</thead>\n";
    for results in by_cost(report) {
        let like = workloads::named(&results.workload).map_or("", |workload| workload.like);
        text += &format!(
            "<tr><th scope=\"row\">{} <small>{}</small></th>",
            escape(&results.workload),
            escape(like)
        );
        let best = fastest(
            results.entries.iter().filter(|one| family(report, &one.contender) != Family::Sequential),
        );
        for traits in &columns {
            let measured = results.entries.iter().find(|one| one.contender == traits.name);
            text += &cell(traits, measured, best);
        }
        text += "</tr>\n";
    }
    text + "</table></div>\n</section>\n"
}

fn cell(traits: &Traits, measured: Option<&Measured>, best: Option<&Measured>) -> String {
    let (Some(measured), Some(best)) = (measured, best) else {
        return format!("<td>{}</td>", units::NONE);
    };
    let ratio = median(&measured.nanoseconds) / median(&best.nanoseconds);
    let level = measured.contender == best.contender || !measured.differs_from(best);
    let bold = if level && traits.family != Family::Sequential { " best" } else { "" };
    format!("<td class=\"{}{bold}\">{}</td>", class(ratio), units::ratio(ratio).trim_end_matches('×'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    /// The cells of a row, from its name on.
    fn row<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
        let row =
            page.split(&format!("<th scope=\"row\">{name} ")).nth(1).unwrap().split("</tr>").next().unwrap();
        row.split("<td").skip(1).collect()
    }

    #[test]
    fn every_row_has_every_contender_and_a_winner() {
        let report = sample::large();
        let page = heat_map(&report);
        for results in &report.workloads {
            let cells = row(&page, &results.workload);
            assert_eq!(cells.len(), report.contenders.len(), "{}", results.workload);
            let winners: Vec<_> = cells.iter().filter(|cell| cell.contains(" best\"")).collect();
            assert!(winners.iter().any(|cell| cell.contains(">1.00<")), "{}: {winners:?}", results.workload);
        }
    }

    #[test]
    fn ours_come_first_and_sequential_code_last() {
        let report = sample::large();
        let page = heat_map(&report);
        let at = |name: &str| page.find(&format!("<span>{name}</span>")).unwrap();
        let of = |family| {
            report.contenders.iter().filter(move |traits| traits.family == family).map(|one| at(&one.name))
        };
        let last_of_ours = of(Family::Backend).max().unwrap();
        assert!(of(Family::Peer).all(|peer| peer > last_of_ours));
        assert!(of(Family::Sequential).min().unwrap() > of(Family::Peer).max().unwrap());
    }

    #[test]
    fn what_takes_more_has_a_stronger_colour() {
        assert_eq!([1.0, 1.2, 1.5, 3.0, 90.0].map(class), ["h0", "h1", "h2", "h3", "h4"]);
        assert_eq!(class(f64::NAN), "h0");
    }

    #[test]
    fn odd_figures_do_no_harm() {
        for report in [sample::hostile(), sample::small(), sample::empty()] {
            assert!(!heat_map(&report).contains("<script"));
        }
    }
}
