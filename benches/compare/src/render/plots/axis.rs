//! Axes with ticks at round numbers, and labels with units.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// An axis. Logarithms are taken here, since the ticks of `plotters` on logarithmic axes are only powers of ten,
/// too few for a short axis.
#[derive(Debug, Clone)]
pub struct Axis {
    log: bool,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A logarithmic axis for the values that are greater than zero; `None` if there are none.
    pub fn log(values: impl IntoIterator<Item = f64>, label: fn(f64) -> String) -> Option<Axis> {
        let (low, high) = bounds(values.into_iter().filter(|value| *value > 0.0))?;
        // One value alone stands in the middle.
        let factor = if low < high { (high / low).powf(0.03) } else { 2.0 };
        let (low, high) = ((low / factor).max(1e-300), (high * factor).min(1e300));
        Some(
            Axis { log: true, low: low.log10(), high: high.log10(), ticks: Vec::new() }
                .tick(log_ticks(low, high), label),
        )
    }

    /// An axis from zero on; `None` if there are no values.
    pub fn linear(values: impl IntoIterator<Item = f64>, label: fn(f64) -> String) -> Option<Axis> {
        let (_, high) = bounds(values.into_iter().filter(|value| *value >= 0.0))?;
        let high = if high > 0.0 { high.min(1e300) * 1.04 } else { 1.0 };
        Some(Axis { log: false, low: 0.0, high, ticks: Vec::new() }.tick(ticks(0.0, high, 6), label))
    }

    /// An axis without ticks, for this many rows.
    pub fn rows(count: usize) -> Axis {
        Axis { log: false, low: 0.0, high: count.max(1) as f64, ticks: Vec::new() }
    }

    /// Puts ticks at other values.
    pub fn tick(self, values: impl IntoIterator<Item = f64>, label: fn(f64) -> String) -> Axis {
        let ticks = values.into_iter().map(|value| (self.at(value), label(value)));
        let ticks = ticks.filter(|(place, _)| (self.low..=self.high).contains(place)).collect();
        Axis { ticks, ..self }
    }

    /// Adds empty room at the high end, as a part of the length.
    pub fn with_room(mut self, part: f64) -> Axis {
        self.high += (self.high - self.low) * part;
        self
    }

    /// Whether a value has a place on it.
    pub fn takes(&self, value: f64) -> bool {
        value.is_finite() && if self.log { value > 0.0 } else { value >= 0.0 }
    }

    /// The place of a value, in the units of `plotters`.
    pub fn at(&self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    /// The place of a value as a part of the length.
    pub fn part(&self, value: f64) -> f64 {
        ((self.at(value) - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// The low end, in the units of `plotters`.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// Places and labels of the ticks.
    pub fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (first, last): (i32, i32)) -> i32 {
        let part = (place - self.low) / (self.high - self.low);
        first + (part * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // There are no lines between ticks.
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|(place, _)| *place).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, place: &f64) -> String {
        self.ticks.iter().find(|tick| tick.0 == *place).map(|tick| tick.1.clone()).unwrap_or_default()
    }
}

fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |bounds, value| match bounds {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = (high / low).log10();
    if decades < 1.0 {
        return ticks(low, high, 6);
    }
    let powers =
        |step: i32| (first..=last).filter(move |power| power % step == 0).map(|power| 10_f64.powi(power));
    if decades < 2.5 {
        return powers(1).flat_map(|power| [power, 2.0 * power, 5.0 * power]).collect();
    }
    powers((decades / 6.0).ceil() as i32).collect()
}

/// Ticks for sizes of memory: powers of two.
pub fn binary_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log2().floor() as i32, high.log2().ceil() as i32);
    let step = (f64::from(last - first) / 6.0).ceil().max(1.0) as i32;
    (first..=last).filter(|power| power % step == 0).map(|power| 2_f64.powi(power)).collect()
}

/// Multiples of 1, 2 or 5 times a power of ten, about as many as asked for.
fn ticks(low: f64, high: f64, count: u32) -> Vec<f64> {
    let rough = (high - low) / f64::from(count);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).ceil();
    (0..=count + 1).map(|index| (first + f64::from(index)) * step).filter(|tick| *tick <= high).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::units;

    fn labels(axis: Option<Axis>) -> Vec<String> {
        axis.unwrap().ticks.into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Axis::linear([0.5, 4.0], units::short)), ["0", "1", "2", "3", "4"]);
        assert_eq!(
            labels(Axis::log([10.0, 1e6], units::time_tick)),
            ["10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms"]
        );
        assert_eq!(labels(Axis::log([1.0, 40.0], units::short)), ["1", "2", "5", "10", "20"]);
        assert_eq!(labels(Axis::log([1.0, 2.1], units::short)), ["1", "1.2", "1.4", "1.6", "1.8", "2"]);
        assert_eq!(binary_ticks(100.0, 1500.0), [64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0]);
    }

    #[test]
    fn odd_values_do_no_harm() {
        assert!(Axis::log([0.0, -1.0, f64::NAN, f64::INFINITY], units::short).is_none());
        assert!(Axis::linear([], units::short).is_none());
        assert!(!labels(Axis::log([5.0], units::short)).is_empty());
        assert!(!labels(Axis::linear([0.0], units::short)).is_empty());
        assert!(Axis::log([1e-320, f64::MAX], units::short).is_some());
        assert!(Axis::linear([f64::MAX], units::short).is_some());
    }
}
