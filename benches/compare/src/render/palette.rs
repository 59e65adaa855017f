//! How each contender looks, the same in every plot.
//!
//! The colour of a contender is also its key: it is unique, so that a style sheet and a script find all marks of
//! a contender by it, give it another colour on a dark page, and dashes.

use crate::contender::{Family, Traits};
use crate::report::Report;
use plotters::style::RGBColor;
use std::collections::{BTreeMap, HashSet};

/// The name of what would be ideal, which is a curve too.
pub const IDEAL: &str = "ideal";

/// The shape of the points of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// A filled circle.
    Disc,
    /// An empty circle.
    Ring,
    /// A triangle.
    Triangle,
    /// A cross.
    Cross,
    /// Nothing.
    None,
}

/// How a contender looks.
#[derive(Debug, Clone)]
pub struct Style {
    /// The colour on a light page, and the key.
    pub colour: RGBColor,
    /// The colour on a dark page.
    pub dark: RGBColor,
    /// The width of a line, in pixels of a plot.
    pub width: u32,
    /// The dashes of a line, as in SVG; empty for none.
    pub dashes: &'static str,
    /// The shape of a point.
    pub marker: Marker,
    /// What is more important is drawn later.
    pub rank: u8,
}

impl Style {
    /// The key, as it is in a plot.
    pub fn key(&self) -> String {
        hex(self.colour)
    }
}

/// A colour as in SVG.
pub fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The looks of all contenders of a report.
#[derive(Debug)]
pub struct Palette {
    styles: BTreeMap<String, Style>,
}

/// Hue and lightness of the backends: blue, orange, green and purple. Green looks lighter than it is.
const HUES: [(f64, f64); 4] = [(214.0, 0.40), (20.0, 0.42), (155.0, 0.30), (285.0, 0.42)];
/// Widths of the backends: where curves coincide, the narrower lie on the wider and all are seen.
const WIDTHS: [u32; 4] = [10, 7, 4, 5];
const DASHES: [&str; 3] = ["", "18 7", "7 7"];
const MARKERS: [Marker; 3] = [Marker::Ring, Marker::Triangle, Marker::Cross];

impl Palette {
    /// Gives each contender of a report its looks.
    pub fn new(report: &Report) -> Palette {
        let mut palette = Palette { styles: BTreeMap::new() };
        let of = |family| move |traits: &&Traits| traits.family == family;
        let contenders = || report.contenders.iter();
        palette.add(IDEAL, grey(0.25, 0.85, "3 9"));
        contenders()
            .filter(of(Family::Sequential))
            .for_each(|one| palette.add(&one.name, grey(0.5, 0.6, "14 10")));
        palette.add_backends(contenders().filter(of(Family::Backend)));
        let mut peers: Vec<&str> =
            contenders().filter(of(Family::Peer)).map(|one| one.name.as_str()).collect();
        // What is in a plot but not in the list gets its looks as well.
        let curves = [&report.overhead, &report.scaling, &report.memory].into_iter().flatten();
        peers.extend(curves.map(|curve| curve.contender.as_str()));
        peers.extend(report.latencies.iter().map(|latency| latency.contender.as_str()));
        peers.extend(report.workloads.iter().flat_map(|one| &one.entries).map(|one| one.contender.as_str()));
        let mut seen = HashSet::new();
        peers.retain(|name| !palette.styles.contains_key(*name) && seen.insert(*name));
        for (index, name) in peers.iter().enumerate() {
            palette.add(name, peer(index, peers.len()));
        }
        palette
    }

    fn add_backends<'a>(&mut self, backends: impl Iterator<Item = &'a Traits> + Clone) {
        let plain = backends.clone().filter(|one| !one.variant);
        for (index, one) in plain.enumerate() {
            self.add(&one.name, backend(index));
            let variants =
                backends.clone().filter(|other| other.variant && is_variant(&other.name, &one.name));
            for (number, variant) in variants.enumerate() {
                self.add(&variant.name, backend_variant(index, number));
            }
        }
    }

    /// Adds a style, in the nearest colour that no other has yet.
    fn add(&mut self, name: &str, mut style: Style) {
        while self.styles.values().any(|other| other.colour == style.colour) {
            style.colour.2 = style.colour.2.wrapping_add(1);
        }
        self.styles.insert(name.into(), style);
    }

    /// How a contender looks.
    pub fn style(&self, name: &str) -> Style {
        self.styles.get(name).cloned().unwrap_or_else(|| grey(0.4, 0.7, ""))
    }

    /// All styles.
    pub fn styles(&self) -> impl Iterator<Item = &Style> {
        self.styles.values()
    }
}

fn grey(light: f64, dark: f64, dashes: &'static str) -> Style {
    let (colour, dark) = (hsl(220.0, 0.05, light), hsl(220.0, 0.05, dark));
    Style { colour, dark, width: 4, dashes, marker: Marker::None, rank: 2 }
}

fn backend(index: usize) -> Style {
    let (hue, light) = HUES[index % HUES.len()];
    let (colour, dark) = (hsl(hue, 0.85, light), hsl(hue, 0.85, light + 0.22));
    Style { colour, dark, width: WIDTHS[index % WIDTHS.len()], dashes: "", marker: Marker::Disc, rank: 3 }
}

/// Whether a name is that of a variant: the other name, a hyphen, and what is different.
fn is_variant(name: &str, other: &str) -> bool {
    name.strip_prefix(other).is_some_and(|rest| rest.starts_with('-'))
}

fn backend_variant(index: usize, number: usize) -> Style {
    let (hue, light) = HUES[index % HUES.len()];
    let (colour, dark) = (hsl(hue, 0.6, light + 0.17), hsl(hue, 0.5, light + 0.12));
    Style { colour, dark, width: 4, dashes: DASHES[1 + number % 2], marker: Marker::None, rank: 1 }
}

/// Peers have muted colours from all around the circle, neighbours far apart.
fn peer(index: usize, count: usize) -> Style {
    let stride = [7, 5, 3, 2, 1].into_iter().find(|stride| !count.is_multiple_of(*stride)).unwrap_or(1);
    let hue = (index * stride % count.max(1)) as f64 * 360.0 / count.max(1) as f64;
    let lightness = [0.42, 0.52][index % 2];
    let (colour, dark) = (hsl(hue + 45.0, 0.38, lightness), hsl(hue + 45.0, 0.38, lightness + 0.14));
    let (dashes, marker) = (DASHES[index % DASHES.len()], MARKERS[index / DASHES.len() % MARKERS.len()]);
    Style { colour, dark, width: 2, dashes, marker, rank: 0 }
}

fn hsl(hue: f64, saturation: f64, lightness: f64) -> RGBColor {
    let strength = saturation * lightness.min(1.0 - lightness);
    let channel = |offset: f64| {
        let place = (offset + hue / 30.0).rem_euclid(12.0);
        let value = lightness - strength * (place - 3.0).min(9.0 - place).clamp(-1.0, 1.0);
        (value * 255.0).round() as u8
    };
    RGBColor(channel(0.0), channel(8.0), channel(4.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn colours_are_unique() {
        let palette = Palette::new(&sample::large());
        let keys: HashSet<String> = palette.styles().map(Style::key).collect();
        assert_eq!(keys.len(), palette.styles().count());
        assert!(keys.len() > 20);
        assert_eq!(hex(hsl(0.0, 1.0, 0.5)), "#FF0000");
        assert_eq!(hex(hsl(120.0, 1.0, 0.25)), "#008000");
    }
}
