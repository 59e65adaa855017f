//! What a row is, and how it is printed.

use crate::contenders::{Pool, THREADS};

/// What all contenders do in a row. Each run gives the checksum of its results.
pub struct Runs<'a> {
    pub sequential: &'a dyn Fn() -> u64,
    /// rayon's `collect`, where there is such a thing.
    pub eager: Option<&'a dyn Fn(&rayon::ThreadPool) -> u64>,
    pub ours: &'a dyn Fn(&Pool) -> u64,
}

/// A row of the table.
pub struct Row<'a> {
    pub name: &'a str,
    /// Items of a run, by which its time is divided.
    pub items: u64,
    pub base: Base,
    pub bars: &'a [Bar],
}

/// What a time is compared with.
#[derive(Clone, Copy)]
pub enum Base {
    /// rayon's eager `collect`.
    Eager,
    /// A part of the sequential time, and its name.
    Part(f64, &'static str),
}

/// Sequential code, divided among the threads at no cost.
pub const IDEAL: Base = Base::Part(1.0 / THREADS as f64, "ideal");

/// Sequential code as it is.
pub const SEQUENTIAL: Base = Base::Part(1.0, "sequential");

/// What one of ours must not exceed.
#[derive(Clone, Copy)]
pub enum Bar {
    /// The ratio of the row.
    Ratio(f64),
    /// The ratio of processor time to that of sequential code.
    Cpu(f64),
    /// Cores at work.
    Cores(f64),
    /// Nanoseconds for an item.
    Nanoseconds(f64),
    /// Something that has no column: its value stands beside the limit.
    Figure { name: &'static str, value: f64, limit: f64, unit: &'static str },
}

/// A line of the table: one contender in one row.
pub struct Line<'a> {
    pub row: &'a str,
    pub contender: &'a str,
    pub nanoseconds: f64,
    /// The ratio, and what it is to.
    pub ratio: Option<(f64, &'a str)>,
    pub cpu: Option<f64>,
    pub cores: f64,
    pub bars: &'a [Bar],
}

/// Prints what the table is, and the head of its columns.
pub fn print_head(rounds: usize) {
    println!(
        "{THREADS} threads; medians, rounds: {rounds}; ideal is sequential ÷ {THREADS}, eager is rayon's `install` \
         and `collect`;"
    );
    println!("CPU is processor time in ratio to that of sequential code, cores is processor time ÷ time");
    println!(
        "{:<24} {:<20} {:>13} {:>8} {:<12} {:>6} {:>6}  bar",
        "row", "contender", "ns per item", "ratio", "to", "CPU", "cores"
    );
}

impl Line<'_> {
    /// Prints it, and gives the bars that are missed.
    pub fn print(&self) -> Vec<String> {
        let Line { row, contender, nanoseconds, cores, .. } = self;
        let (ratio, to) = self.ratio.map_or_else(Default::default, |(ratio, to)| (format!("{ratio:.3}"), to));
        let cpu = self.cpu.map_or_else(String::new, |cpu| format!("{cpu:.2}"));
        let (mut missed, mut bars) = (Vec::new(), Vec::new());
        for bar in self.bars {
            let (name, value, limit, unit) = self.against(*bar);
            let name = if name.is_empty() { String::new() } else { format!("{name} ") };
            let shown = match bar {
                Bar::Figure { .. } => format!("{value:.2}{unit} "),
                _ => String::new(),
            };
            // A ratio that is no number misses its bar too.
            let kept = value <= limit;
            bars.push(format!("{name}{shown}≤ {limit}{unit}{}", if kept { "" } else { " MISSED" }));
            if !kept {
                missed.push(format!("{row}, {contender}: {name}{value:.3}{unit} > {limit}{unit}"));
            }
        }
        let bars = bars.join(", ");
        let line = format!(
            "{row:<24} {contender:<20} {nanoseconds:>13.2} {ratio:>8} {to:<12} {cpu:>6} {cores:>6.2}  {bars}"
        );
        println!("{}", line.trim_end());
        missed
    }

    /// What a bar is about, its value here, its limit, and their unit.
    fn against(&self, bar: Bar) -> (&'static str, f64, f64, &'static str) {
        match bar {
            Bar::Ratio(limit) => ("", self.ratio.map_or(f64::NAN, |(ratio, _)| ratio), limit, ""),
            Bar::Cpu(limit) => ("CPU", self.cpu.unwrap_or(f64::NAN), limit, ""),
            Bar::Cores(limit) => ("cores", self.cores, limit, ""),
            Bar::Nanoseconds(limit) => ("", self.nanoseconds, limit, " ns"),
            Bar::Figure { name, value, limit, unit } => (name, value, limit, unit),
        }
    }
}
