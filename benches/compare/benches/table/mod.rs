//! The table of bars: what the engine costs, beside what it must not exceed.
//!
//! Each line has a row's name, a contender, its time per item, the ratio to what the row's bar names, its
//! processor time in ratio to that of sequential code, the cores that were at work (processor time ÷ time), and
//! the bars, with a mark where one is missed. Times are medians over the rounds. Ratios are taken within a round, and
//! then their median. A quiet machine gives sequential code 1.00 cores: less means that something else ran, and that
//! the figures are of little use. Every run's results are checked by a sum in which order counts.
//!
//! `ENGINE_ROWS=json,even` measures only rows whose names contain one of these, and `ENGINE_ROWS=` all of them;
//! `ENGINE_ROUNDS` or `--rounds` says how many rounds, and `ENGINE_LINES` how many lines `json lines` has. With any of
//! these, criterion does not run.

mod blocks;
mod calls;
mod current;
pub mod even;
mod inside;
mod many;
mod measure;
mod options;
mod process;
mod row;
mod text;
mod uneven;
mod waiting;
mod ways;

use crate::contenders::{Contenders, THREADS};
use measure::{Measured, Sample, in_turn, sample};
use options::Options;
use pool_compare::workloads::{rounds_per_millisecond, set_rounds_per_millisecond};
use pool_core::work::xorshift;
use row::{Base, Line, Row, Runs};
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::time::Instant;

/// Everything that rows need.
pub struct Bench {
    contenders: Contenders,
    /// Whether the global allocator is mimalloc and not the system's: it is one for the whole program, so there are
    /// two programs.
    mimalloc: bool,
    options: Options,
    missed: RefCell<Vec<String>>,
    /// Whether a row was asked for that there is.
    found: Cell<bool>,
}

/// Measures or tests the rows that are asked for, and tells whether criterion is asked for too.
pub fn run(mimalloc: bool) -> bool {
    if process::is_child() {
        return false;
    }
    set_rounds_per_millisecond(calibrate());
    let options = Options::read(mimalloc);
    let criterion = options.criterion;
    if options.table || options.test {
        let (missed, found) = (RefCell::default(), Cell::new(false));
        Bench { contenders: Contenders::new(THREADS), mimalloc, options, missed, found }.rows();
    }
    criterion
}

/// The rounds of arithmetic that take a millisecond. Each attempt is so short that at least one of them has
/// the processor for itself, also on a busy machine.
fn calibrate() -> u64 {
    const ATTEMPTS: usize = 100;
    const ROUNDS: u64 = 500_000;
    let attempt = |seed| {
        let started = Instant::now();
        black_box(xorshift(seed, ROUNDS));
        started.elapsed().as_secs_f64()
    };
    let fastest = (0..).take(ATTEMPTS).map(attempt).fold(f64::INFINITY, f64::min);
    (ROUNDS as f64 * 1e-3 / fastest) as u64
}

/// The rounds of arithmetic that take this long.
pub fn arithmetic(nanoseconds: f64) -> u64 {
    (nanoseconds * 1e-6 * rounds_per_millisecond() as f64) as u64
}

impl Bench {
    fn rows(&self) {
        if !self.options.test {
            row::print_head(self.options.rounds);
        }
        even::rows(self);
        calls::rows(self);
        text::rows(self);
        blocks::rows(self);
        uneven::rows(self);
        waiting::rows(self);
        inside::rows(self);
        many::rows(self);
        current::rows(self);
        process::rows(self);
        let missed = self.missed.take();
        match missed.len() {
            _ if !self.found.get() => println!("no row has such a name"),
            _ if self.options.test => println!("every row of the table has the right results"),
            0 => println!("no bar is missed"),
            count => println!("bars missed: {count}\n  {}", missed.join("\n  ")),
        }
    }

    /// Whether a row is asked for.
    fn wants(&self, row: &str) -> bool {
        let rows = &self.options.rows;
        let wanted = rows.is_empty() || rows.iter().any(|part| row.contains(part.as_str()));
        self.found.set(self.found.get() || wanted);
        wanted
    }

    /// The items of a run; a test has few of them, since only the results matter.
    fn items(&self, items: u64) -> u64 {
        if self.options.test { (items / 1_000).max(20).min(items) } else { items }
    }

    /// Gives every run a turn in each round; tests give each of them one.
    fn in_turn(&self, runs: &mut [&mut dyn FnMut() -> Sample]) -> Vec<Measured> {
        in_turn(if self.options.test { 1 } else { self.options.rounds }, runs)
    }

    /// A row in which all contenders do the same.
    fn compare(&self, row: &Row, runs: &Runs) {
        self.compare_on(&self.contenders, row, runs);
    }

    /// The same, on other pools.
    fn compare_on(&self, contenders: &Contenders, row: &Row, runs: &Runs) {
        if !self.wants(row.name) {
            return;
        }
        let expected = (runs.sequential)();
        let mut sequential = || sample(expected, runs.sequential);
        // Without an eager way, nothing is measured in its place.
        let mut eager = || match runs.eager {
            Some(eager) => sample(expected, || eager(&contenders.rayon)),
            None => Sample { wall: f64::NAN, cpu: f64::NAN },
        };
        let ours = |index: usize| move || sample(expected, || (runs.ours)(&contenders.ours[index].1));
        let measured =
            self.in_turn(&mut [&mut sequential, &mut eager, &mut ours(0), &mut ours(1), &mut ours(2)]);
        let (sequential, eager) = (&measured[0], &measured[1]);
        let names =
            ["sequential", "rayon eager"].into_iter().chain(contenders.ours.iter().map(|ours| ours.0));
        for (index, (name, measured)) in names.zip(&measured).enumerate() {
            if index == 1 && runs.eager.is_none() {
                continue;
            }
            let ratio = (index > 0).then(|| match row.base {
                Base::Eager => (measured.ratio(eager), "eager"),
                Base::Part(part, base) => (measured.ratio(sequential) / part, base),
            });
            self.print(&Line {
                row: row.name,
                contender: name,
                nanoseconds: measured.wall() * 1e9 / row.items as f64,
                ratio,
                cpu: (index > 0).then(|| measured.cpu_ratio(sequential)),
                cores: measured.cores(),
                bars: if index > 1 { row.bars } else { &[] },
            });
        }
    }

    /// Prints a line, and remembers the bars that it misses. Tests are about the results alone.
    fn print(&self, line: &Line) {
        if !self.options.test {
            self.missed.borrow_mut().extend(line.print());
        }
    }
}
