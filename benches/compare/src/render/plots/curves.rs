//! Plots with a curve for each contender.

use super::axis::{Axis, binary_ticks};
use super::canvas::{Chart, Drawn, chart, svg};
use crate::render::palette::{IDEAL, Marker, Palette, Style};
use crate::render::units;
use crate::report::{Curve, Report};
use plotters::element::{Circle, Cross, PathElement, TriangleMarker};
use plotters::style::ShapeStyle;

const HEIGHT: u32 = 680;
/// Room for the labels of the y axis.
const LEFT: u32 = 122;

/// Time per item against the work in it.
pub fn overhead(report: &Report, palette: &Palette) -> Option<String> {
    let curves = &report.overhead;
    let x = (Axis::log(xs(curves), units::time_tick)?, "work per item");
    let y = (Axis::log(ys(curves), units::time_tick)?, "time per item");
    Some(plot(curves, palette, x, y))
}

/// The same as a ratio to the ideal, where the small differences are.
pub fn overhead_ratio(report: &Report, palette: &Palette) -> Option<String> {
    let ideal = report.overhead.iter().find(|curve| curve.contender == IDEAL)?;
    let ideal_at = |x: f64| ideal.points.iter().find(|point| point.0 == x).map(|point| point.1);
    let divide = |curve: &Curve| {
        let points = curve.points.iter().filter_map(|(x, y)| Some((*x, y / ideal_at(*x)?)));
        Curve { contender: curve.contender.clone(), points: points.collect() }
    };
    let curves: Vec<Curve> = report.overhead.iter().map(divide).collect();
    let x = (Axis::log(xs(&curves), units::time_tick)?, "work per item");
    let y = (Axis::log(ys(&curves), units::short)?, "time per item ÷ ideal");
    Some(plot(&curves, palette, x, y))
}

/// Items per second against threads.
pub fn scaling(report: &Report, palette: &Palette) -> Option<String> {
    let curves = &report.scaling;
    let mut threads: Vec<f64> = xs(curves).filter(|x| x.is_finite()).collect();
    threads.sort_by(f64::total_cmp);
    // Of threads that are close together only the first is named.
    let near = threads.last().copied().unwrap_or(0.0) * 0.04;
    threads.dedup_by(|next, last| *next - *last < near);
    let x = (Axis::linear(xs(curves), units::short)?.tick(threads, units::short), "threads");
    let y = (Axis::linear(ys(curves), units::count_tick)?, "items per second");
    Some(plot(curves, palette, x, y))
}

/// Peak memory against the length of the input.
pub fn memory(report: &Report, palette: &Palette) -> Option<String> {
    let curves = &report.memory;
    let y = Axis::log(ys(curves), units::memory_tick)?;
    let (low, high) = ys(curves)
        .filter(|y| y.is_finite() && *y > 0.0)
        .fold((f64::MAX, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
    let y = (y.tick(binary_ticks(low, high), units::memory_tick), "peak memory");
    let x = (Axis::log(xs(curves), units::count_tick)?, "items in the input");
    Some(plot(curves, palette, x, y))
}

fn xs(curves: &[Curve]) -> impl Iterator<Item = f64> {
    curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.0))
}

fn ys(curves: &[Curve]) -> impl Iterator<Item = f64> {
    curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1))
}

fn plot(curves: &[Curve], palette: &Palette, x: (Axis, &str), y: (Axis, &str)) -> String {
    let mut curves: Vec<(&Curve, Style)> =
        curves.iter().map(|curve| (curve, palette.style(&curve.contender))).collect();
    curves.sort_by_key(|(_, style)| style.rank);
    svg(&format!("{} against {}", y.1, x.1), HEIGHT, |area| {
        let mut chart = chart(area, (&x.0, x.1), (&y.0, y.1), LEFT)?;
        for (curve, style) in curves {
            let points = curve.points.iter().filter(|point| x.0.takes(point.0) && y.0.takes(point.1));
            let points: Vec<_> = points.map(|point| (x.0.at(point.0), y.0.at(point.1))).collect();
            draw(&mut chart, &points, &style)?;
        }
        Ok(())
    })
}

fn draw(chart: &mut Chart<'_>, points: &[(f64, f64)], style: &Style) -> Drawn {
    let line = ShapeStyle::from(style.colour).stroke_width(style.width);
    if points.len() > 1 {
        chart.draw_series([PathElement::new(points, line)])?;
    }
    let points = points.iter().copied();
    match style.marker {
        Marker::Disc => drop(chart.draw_series(points.map(|point| Circle::new(point, 7, line.filled())))?),
        Marker::Ring => drop(chart.draw_series(points.map(|point| Circle::new(point, 6, line)))?),
        Marker::Triangle => drop(chart.draw_series(points.map(|point| TriangleMarker::new(point, 8, line)))?),
        Marker::Cross => drop(chart.draw_series(points.map(|point| Cross::new(point, 6, line)))?),
        Marker::None => {}
    }
    Ok(())
}
