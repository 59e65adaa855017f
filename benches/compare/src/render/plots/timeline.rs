//! Which thread ran which item when.

use super::axis::Axis;
use super::canvas::{Area, Drawn, GRID, WIDTH, small_letters, svg};
use crate::render::units;
use crate::report::{Report, Timeline, median};
use crate::workloads::Span;
use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{HSLColor, RGBColor, ShapeStyle};

const LEFT: i32 = 40;
const RIGHT: i32 = WIDTH as i32 - 40;
/// Height of a name.
const NAME: i32 = 32;
/// Below the last line: the labels of the axis.
const BELOW: i32 = 68;
/// Items have one of so many colours, by their number.
const COLOURS: u64 = 12;
/// Items as much longer than the middle one are long.
const LONG: f64 = 5.0;

/// All time lines of a workload under one another, on one axis, so that they can be compared.
pub fn timelines(report: &Report, workload: &str) -> Option<String> {
    let lines: Vec<&Timeline> = report.timelines.iter().filter(|line| line.workload == workload).collect();
    let ends = lines.iter().flat_map(|line| line.spans.iter().map(|span| span.end * 1e3));
    let x = Axis::linear(ends, units::time_tick)?;
    let height = lines.iter().map(|line| NAME + height_of(line) + 12).sum::<i32>() + BELOW;
    let svg = svg(&format!("time lines of {workload}"), height as u32, |area| {
        let bottom = height - BELOW;
        for (place, label) in x.ticks() {
            let at = pixel(&x, *place);
            let line = vec![(at, 8), (at, bottom)];
            area.draw(&PathElement::new(line, ShapeStyle::from(GRID).stroke_width(2)))?;
            area.draw(&Text::new(label.clone(), (at, bottom + 6), small_letters(HPos::Center, VPos::Top)))?;
        }
        let title = Text::new(
            "since the beginning",
            (WIDTH as i32 / 2, height - 6),
            small_letters(HPos::Center, VPos::Bottom),
        );
        area.draw(&title)?;
        let mut top = 0;
        for line in lines {
            area.draw(&Text::new(
                line.contender.clone(),
                // Beside the line of the axis, and not on it.
                (LEFT + 6, top + 6),
                small_letters(HPos::Left, VPos::Top),
            ))?;
            draw(area, line, &x, top + NAME)?;
            top += NAME + height_of(line) + 12;
        }
        Ok(())
    });
    Some(svg)
}

fn threads(line: &Timeline) -> usize {
    line.spans.iter().map(|span| span.thread + 1).max().unwrap_or(1)
}

/// The height of a thread: less where there are many.
fn lane(line: &Timeline) -> i32 {
    (160 / threads(line) as i32).clamp(6, 20)
}

fn height_of(line: &Timeline) -> i32 {
    threads(line) as i32 * lane(line)
}

fn pixel(x: &Axis, nanoseconds: f64) -> i32 {
    LEFT + (x.part(nanoseconds) * f64::from(RIGHT - LEFT)).round() as i32
}

/// A rectangle on a thread.
#[derive(Clone, Copy, PartialEq)]
struct Block {
    thread: usize,
    start: i32,
    end: i32,
    colour: RGBColor,
}

fn draw(area: &Area<'_>, line: &Timeline, x: &Axis, top: i32) -> Drawn {
    let lane = lane(line);
    for thread in 0..threads(line) as i32 {
        let middle = top + thread * lane + lane / 2;
        let line = vec![(LEFT, middle), (RIGHT, middle)];
        area.draw(&PathElement::new(line, ShapeStyle::from(GRID).stroke_width(1)))?;
    }
    for block in blocks(line, x) {
        let top = top + block.thread as i32 * lane;
        // A gap between items, if there is room for one.
        let end = if block.end - block.start > 4 { block.end - 1 } else { block.end };
        let corners = [(block.start, top + 1), (end, top + lane - 2)];
        area.draw(&Rectangle::new(corners, ShapeStyle::from(block.colour).filled()))?;
    }
    Ok(())
}

/// The items as rectangles. Those too short to be seen are drawn as one with their neighbours of the same colour.
fn blocks(line: &Timeline, x: &Axis) -> Vec<Block> {
    let sound = |span: &&Span| span.start.is_finite() && span.end.is_finite() && span.start >= 0.0;
    let mut spans: Vec<&Span> = line.spans.iter().filter(sound).collect();
    spans.sort_by(|a, b| (a.thread, a.start).partial_cmp(&(b.thread, b.start)).expect("all are finite"));
    let lengths: Vec<f64> = spans.iter().map(|span| span.end - span.start).collect();
    let (long, count) = (median(&lengths) * LONG, spans.iter().map(|span| span.item + 1).max().unwrap_or(1));
    let mut blocks: Vec<Block> = Vec::new();
    for span in spans {
        let start = pixel(x, span.start * 1e3);
        let end = pixel(x, span.end * 1e3).max(start + 1);
        let colour = if span.end - span.start > long { LONG_COLOUR } else { colour(span.item, count) };
        let block = Block { thread: span.thread, start, end, colour };
        match blocks.last_mut() {
            Some(last)
                if last.thread == block.thread
                    && last.colour == colour
                    && end - start < 4
                    && start <= last.end + 1 =>
            {
                last.end = end.max(last.end);
            }
            _ => blocks.push(block),
        }
    }
    blocks
}

/// The colour of long items.
pub const LONG_COLOUR: RGBColor = RGBColor(0xD8, 0x2A, 0x5B);

/// The colour of an item of so many: from blue to yellow.
pub fn colour(item: u64, count: u64) -> RGBColor {
    let part = (item * COLOURS / count.max(1)).min(COLOURS - 1) as f64 / (COLOURS - 1) as f64;
    let (red, green, blue) = HSLColor((225.0 - 180.0 * part) / 360.0, 0.6, 0.5).rgb();
    RGBColor(red, green, blue)
}
