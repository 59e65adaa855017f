//! How long after an item there is its result.

use super::axis::Axis;
use super::canvas::{ROW, WIDTH, chart, name_row, room_for, svg};
use crate::render::palette::Palette;
use crate::render::units;
use crate::report::Report;
use plotters::element::{Circle, Rectangle};
use plotters::style::ShapeStyle;

/// A row for each contender, the best on top: a line from the first percentile to the last, with a point at each,
/// the largest at the first.
pub fn latency(report: &Report, palette: &Palette) -> Option<String> {
    let mut rows: Vec<(&str, Vec<f64>)> = Vec::new();
    for latency in &report.latencies {
        let mut points = latency.percentiles.clone();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let times: Vec<f64> = points
            .into_iter()
            .map(|point| point.1 * 1e3)
            .filter(|time| time.is_finite() && *time > 0.0)
            .collect();
        if !times.is_empty() {
            rows.push((&latency.contender, times));
        }
    }
    rows.sort_by(|a, b| a.1[0].total_cmp(&b.1[0]));
    let x = Axis::log(rows.iter().flat_map(|row| row.1.clone()), units::time_tick)?;
    let y = Axis::rows(rows.len());
    let title = "from item to result";
    let count = rows.len();
    let svg = svg("latency", count as u32 * ROW + 136, |area| {
        let left = room_for(rows.iter().map(|row| row.0)).min(WIDTH / 2);
        let mut chart = chart(area, (&x, title), (&y, "percentiles 50 ● 90 • 99 • 99.9"), left)?;
        for (index, (name, times)) in rows.iter().enumerate() {
            let place = (count - index) as f64 - 0.5;
            let style = palette.style(name);
            let filled = ShapeStyle::from(style.colour).filled();
            let (first, last) = (x.at(times[0]), x.at(times[times.len() - 1]));
            chart.draw_series([Rectangle::new([(first, place - 0.06), (last, place + 0.06)], filled)])?;
            let points = times.iter().map(|time| (x.at(*time), place));
            for (rank, point) in points.enumerate() {
                let size = [12, 9, 7, 5].get(rank).copied().unwrap_or(5);
                chart.draw_series([Circle::new(point, size, filled)])?;
            }
            name_row(&chart, name, &x, place)?;
        }
        Ok(())
    });
    Some(svg)
}
