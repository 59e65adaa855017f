//! The plots of the page, each an SVG with a caption.

mod axis;
mod bars;
mod canvas;
mod curves;
mod latency;
mod timeline;

use super::palette::Palette;
use crate::report::Report;

pub use bars::bars;
pub use curves::{memory, overhead, overhead_ratio, scaling};
pub use latency::latency;
pub use timeline::timelines;

/// A plot with what is said about it.
#[derive(Debug)]
pub struct Figure {
    /// What it shows.
    pub title: String,
    /// The question that it answers, and how to read it.
    pub caption: String,
    /// The plot.
    pub svg: String,
    /// Whether it is one of the time lines, which stand below the others since they are tall.
    pub is_timeline: bool,
}

/// Workloads whose ratio to the ideal is shown as bars.
const UNEVEN: [&str; 2] = ["skewed", "slow-head"];

/// How the titles of time lines begin.
const TIMELINES: &str = "Time lines";

/// All plots for which a report has something.
pub fn figures(report: &Report, palette: &Palette) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |title: String, caption: &str, svg: Option<String>| {
        let is_timeline = title.starts_with(TIMELINES);
        figures.extend(svg.map(|svg| Figure { title, caption: caption.into(), svg, is_timeline }));
    };
    add(
        "Overhead".into(),
        "From which length of an item on is it worth it? Both axes are logarithmic. The dotted line is sequential \
         code divided among the threads at no cost; the nearer to it, the better. Where a curve is flat, the time is \
         all overhead; above the dashed line of sequential code, one thread would be faster.",
        overhead(report, palette),
    );
    add(
        "Overhead, as a ratio".into(),
        "How much is lost? The same times, divided by the ideal: 1 is perfect, 2 is twice the time. The axes are \
         logarithmic.",
        overhead_ratio(report, palette),
    );
    add(
        "Throughput".into(),
        "Does it scale? Items of 10 µs; the dotted line is one thread's rate times the threads. A curve that bends \
         away from it loses what further threads could give; threads beyond the cores can give nothing.",
        scaling(report, palette),
    );
    add(
        "Memory".into(),
        "Is memory bounded? Items without work, both axes logarithmic. A curve that stays flat is that of something \
         lazy, which holds a window of items; one that climbs holds the whole input or output.",
        memory(report, palette),
    );
    for workload in UNEVEN {
        let results = report.workloads.iter().find(|results| results.workload == workload);
        let Some(results) = results else { continue };
        add(
            format!("Uneven items: {workload}"),
            &format!(
                "What do uneven items cost? {}. The bars are the time divided by that of greedy list scheduling, in \
                 which each thread that is free takes the next item at once. Shorter is better; 1 is as good as any \
                 scheduler that does not know the future.",
                results.about
            ),
            bars(results, palette),
        );
    }
    add(
        "Latency".into(),
        "How soon after an item is its result there, if items come one at a time? The large point is the median; to \
         its right are the percentiles 90, 99 and 99.9. The axis is logarithmic; further left is better.",
        latency(report, palette),
    );
    let mut workloads: Vec<&str> = Vec::new();
    for timeline in &report.timelines {
        if !workloads.contains(&timeline.workload.as_str()) {
            workloads.push(&timeline.workload);
        }
    }
    for workload in workloads {
        add(
            format!("{TIMELINES}: {workload}"),
            "Who does what when? Each strip is a thread and each block an item; gaps are time without work. Colours \
             go from blue for the first items to yellow for the last, so that blue to the right of yellow is an item \
             that came late; items more than five times as long as the middle one are red. All have one axis: what \
             ends further left was faster.",
            timelines(report, workload),
        );
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn a_full_report_has_all_plots() {
        let report = sample::large();
        let figures = figures(&report, &Palette::new(&report));
        let titles: Vec<&str> = figures.iter().map(|figure| figure.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "Overhead",
                "Overhead, as a ratio",
                "Throughput",
                "Memory",
                "Uneven items: skewed",
                "Uneven items: slow-head",
                "Latency",
                "Time lines: skewed",
                "Time lines: slow-head",
            ]
        );
        for figure in figures {
            assert_well_formed(&figure.svg);
            assert!(!figure.svg.contains("NaN"), "{}", figure.title);
        }
    }

    #[test]
    fn nothing_and_odd_figures_do_no_harm() {
        for report in [sample::empty(), sample::small(), sample::hostile()] {
            for figure in figures(&report, &Palette::new(&report)) {
                assert_well_formed(&figure.svg);
                assert!(!figure.svg.contains("<script"));
            }
        }
    }

    /// Every tag is closed, in turn.
    fn assert_well_formed(svg: &str) {
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').expect("a tag ends");
            assert!(!text.contains('>') && tag.matches('"').count() % 2 == 0, "{tag}");
            let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty());
    }
}
