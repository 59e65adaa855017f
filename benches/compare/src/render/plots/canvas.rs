//! What all plots share: their size, their letters, and a chart with axes.
//!
//! A plot is 900 units wide and scales with the page. Its letters are so large that they can be read where it is
//! as narrow as a phone: 27 units are 10 pixels of 336.

use super::axis::Axis;
use crate::render::escape;
use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{EmptyElement, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, IntoTextStyle, RGBColor, ShapeStyle, TRANSPARENT, TextStyle};
use std::error::Error;

/// The width of every plot.
pub const WIDTH: u32 = 900;
/// The height of a row that has a name.
pub const ROW: u32 = 38;
/// The colour of letters; the style sheet has another for a dark page.
pub const INK: RGBColor = BLACK;
/// The colour of the lines at ticks; the style sheet has another for a dark page.
pub const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDE);

/// The longest name that fits beside a row.
const NAME: usize = 22;
/// The size of letters, which is 1.24 times that in the SVG.
const LETTERS: f64 = 33.0;
/// Where there are many names under one another, which must not outweigh what they name.
const SMALL: f64 = 24.0;

/// Where a plot is drawn.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A plot with two axes.
pub type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;
/// Whether drawing worked.
pub type Drawn<T = ()> = Result<T, Box<dyn Error>>;

/// An SVG that scales with the page; `label` is for those who cannot see it.
pub fn svg(label: &str, height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
    let drawn = draw(&area).and_then(|()| Ok(area.present()?));
    drop(area);
    drawn.expect("a string takes all");
    let inner = text.split_once('>').map_or("", |(_, inner)| inner);
    format!(r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">{inner}"#, escape::html(label))
}

/// Letters with their anchor.
pub fn letters(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    letters_of(LETTERS, horizontal, vertical)
}

/// The same, smaller.
pub fn small_letters(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    letters_of(SMALL, horizontal, vertical)
}

fn letters_of(size: f64, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    ("sans-serif", size).into_text_style(&(WIDTH, WIDTH)).color(&INK).pos(Pos::new(horizontal, vertical))
}

/// Draws two axes. What is on the y axis is said above it, where it need not be turned.
pub fn chart<'a>(
    area: &Area<'a>,
    (x, x_title): (&Axis, &str),
    (y, y_title): (&Axis, &str),
    left: u32,
) -> Drawn<Chart<'a>> {
    area.draw(&Text::new(y_title.to_string(), (6, 4), letters(HPos::Left, VPos::Top)))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(48)
        .margin_right(44)
        .margin_bottom(6)
        .x_label_area_size(80)
        .y_label_area_size(left)
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart
        .configure_mesh()
        .bold_line_style(ShapeStyle::from(GRID).stroke_width(2))
        .light_line_style(TRANSPARENT)
        .axis_style(ShapeStyle::from(GRID).stroke_width(2))
        .label_style(("sans-serif", LETTERS, &INK))
        .axis_desc_style(("sans-serif", LETTERS, &INK))
        .x_desc(x_title)
        .draw()?;
    Ok(chart)
}

/// How much room the names of rows need on the left.
pub fn room_for<'n>(names: impl Iterator<Item = &'n str>) -> u32 {
    let longest = names.map(|name| cut(name).chars().count()).max().unwrap_or(0);
    20 + 15 * longest as u32
}

/// Draws the name of a row on the left of it, rows counted from the top.
pub fn name_row(chart: &Chart<'_>, name: &str, x: &Axis, place: f64) -> Drawn {
    let label = Text::new(cut(name), (-12, 0), letters(HPos::Right, VPos::Center));
    chart.plotting_area().draw(&(EmptyElement::at((x.low(), place)) + label))?;
    Ok(())
}

/// The start of a name that is too long.
pub fn cut(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.into();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}
