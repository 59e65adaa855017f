//! Bars of the ratio to what would be ideal.

use super::axis::Axis;
use super::canvas::{ROW, WIDTH, chart, letters, name_row, room_for, svg};
use crate::render::palette::Palette;
use crate::render::units;
use crate::report::Results;
use plotters::element::{EmptyElement, PathElement, Rectangle, Text};
use plotters::style::ShapeStyle;
use plotters::style::text_anchor::{HPos, VPos};

/// The ratio to the ideal of each contender on a workload, the best on top. The axis is logarithmic and bars begin
/// at 1, so that twice the ideal is as far from it wherever one looks.
pub fn bars(results: &Results, palette: &Palette) -> Option<String> {
    let entries =
        results.entries.iter().map(|entry| (entry.contender.as_str(), entry.ratio_to(&results.ideal)));
    let mut entries: Vec<_> = entries.filter(|(_, ratio)| ratio.is_finite() && *ratio > 0.0).collect();
    entries.sort_by(|a, b| a.1.total_cmp(&b.1));
    // The least axis goes to 2, or noise would look like something.
    let ratios = entries.iter().map(|entry| entry.1).chain([1.0, 2.0]);
    let x = Axis::log(ratios, units::short)?.with_room(0.12);
    if entries.is_empty() {
        return None;
    }
    let count = entries.len();
    let y = Axis::rows(count);
    let title = "time ÷ ideal";
    let svg = svg(&format!("{title} on {}", results.workload), count as u32 * ROW + 136, |area| {
        let left = room_for(entries.iter().map(|entry| entry.0)).min(WIDTH / 2);
        let mut chart = chart(area, (&x, title), (&y, "the best on top"), left)?;
        for (index, (name, ratio)) in entries.iter().enumerate() {
            let place = (count - index) as f64 - 0.5;
            let style = palette.style(name);
            let ends = [(x.at(1.0), place - 0.34), (x.at(*ratio), place + 0.34)];
            chart.draw_series([Rectangle::new(ends, ShapeStyle::from(style.colour).filled())])?;
            let number = Text::new(units::digits(*ratio), (8, 0), letters(HPos::Left, VPos::Center));
            chart.plotting_area().draw(&(EmptyElement::at((x.at(ratio.max(1.0)), place)) + number))?;
            name_row(&chart, name, &x, place)?;
        }
        let one = vec![(x.at(1.0), 0.0), (x.at(1.0), count as f64)];
        chart.draw_series([PathElement::new(one, ShapeStyle::from(super::canvas::INK).stroke_width(2))])?;
        Ok(())
    });
    Some(svg)
}
