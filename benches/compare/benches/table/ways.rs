//! Rows in which a contender is compared with another way of its own, or with threads that need no pool.

use super::Bench;
use super::measure::{Measured, Sample};
use super::row::{Bar, Line};

/// A way to do the work of a row.
pub struct Way<'a> {
    pub contender: String,
    pub run: Box<dyn FnMut() -> Sample + 'a>,
    /// The place in the row of the way that this one is compared with, and its name.
    pub base: Option<(usize, &'static str)>,
    pub limits: Vec<Limit>,
}

/// What a way must not exceed.
pub enum Limit {
    /// The ratio to the base.
    Ratio(f64),
    /// The ratio to the base in each of the rounds, and not their median.
    EachRound(f64),
    /// The ratio to the way of the row at this place, which has this name.
    To(usize, &'static str, f64),
    /// Microseconds of processor time for an item, beyond those of the base.
    Beyond(f64),
    /// Nanoseconds for an item.
    Nanoseconds(f64),
}

impl<'a> Way<'a> {
    /// A way that is compared with nothing.
    pub fn new(contender: impl Into<String>, run: impl FnMut() -> Sample + 'a) -> Way<'a> {
        Way { contender: contender.into(), run: Box::new(run), base: None, limits: Vec::new() }
    }
}

/// Measures the ways in turn, and prints a line for each.
pub fn compare(bench: &Bench, row: &str, items: u64, mut ways: Vec<Way>) {
    let mut runs: Vec<_> = ways.iter_mut().map(|way| &mut *way.run as &mut dyn FnMut() -> Sample).collect();
    let measured = bench.in_turn(&mut runs);
    for (way, own) in ways.iter().zip(&measured) {
        let base = way.base.map(|(index, name)| (&measured[index], name));
        let bars: Vec<Bar> = way
            .limits
            .iter()
            .map(|limit| limit.bar(own, base.map_or(own, |(base, _)| base), &measured, items))
            .collect();
        bench.print(&Line {
            row,
            contender: &way.contender,
            nanoseconds: own.wall() * 1e9 / items as f64,
            ratio: base.map(|(base, name)| (own.ratio(base), name)),
            cpu: None,
            cores: own.cores(),
            bars: &bars,
        });
    }
}

impl Limit {
    fn bar(&self, own: &Measured, base: &Measured, all: &[Measured], items: u64) -> Bar {
        match *self {
            Limit::Ratio(limit) => Bar::Ratio(limit),
            Limit::Nanoseconds(limit) => Bar::Nanoseconds(limit),
            Limit::EachRound(limit) => {
                Bar::Figure { name: "worst", value: own.worst_ratio(base), limit, unit: "" }
            }
            Limit::To(index, name, limit) => {
                Bar::Figure { name, value: own.ratio(&all[index]), limit, unit: "" }
            }
            Limit::Beyond(limit) => {
                let value = own.cpu_beyond(base) * 1e6 / items as f64;
                Bar::Figure { name: "CPU beyond", value, limit, unit: " us" }
            }
        }
    }
}
