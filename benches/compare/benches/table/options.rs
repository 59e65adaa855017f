//! The command line and the environment, and what they ask for.

use crate::contenders::is_test;
use std::env;

/// What is to be done.
pub struct Options {
    /// Measure the table.
    pub table: bool,
    /// Only run each row once with few items, to see that its results are right.
    pub test: bool,
    /// Let criterion measure, with its own options.
    pub criterion: bool,
    /// Rounds, in each of which every contender has a turn.
    pub rounds: usize,
    /// Only rows whose name contains one of these; all if it is empty.
    pub rows: Vec<String>,
    /// Lines in the file of `json lines`.
    pub lines: u64,
}

impl Options {
    /// Reads `--rounds N`, `--test`, `ENGINE_ROUNDS`, `ENGINE_ROWS` and `ENGINE_LINES`.
    ///
    /// Each of them but `--test` means the table alone. All other arguments are criterion's, and mean criterion
    /// alone.
    pub fn read(mimalloc: bool) -> Options {
        let mut arguments: Vec<String> =
            env::args().skip(1).filter(|argument| argument != "--bench").collect();
        let at = arguments.iter().position(|argument| argument == "--rounds");
        let rounds_given = at.map(|at| {
            let rounds = arguments.get(at + 1).unwrap_or_else(|| panic!("--rounds needs a number")).clone();
            arguments.drain(at..at + 2);
            number("--rounds", &rounds)
        });
        let test = is_test();
        let rows = env::var("ENGINE_ROWS").ok();
        let rounds = rounds_given.or_else(|| variable("ENGINE_ROUNDS"));
        let lines = variable("ENGINE_LINES");
        let only_table = rows.is_some() || rounds.is_some() || lines.is_some();
        let plain = arguments.is_empty();
        // The other rows do not allocate, so they are the same with every allocator.
        let usual = if mimalloc { "strings,json lines" } else { "" };
        let rows = rows.unwrap_or_else(|| usual.into());
        Options {
            table: !test && (plain || only_table),
            test,
            criterion: test || !only_table,
            rounds: rounds.unwrap_or(5).max(1) as usize,
            rows: rows.split(',').filter(|row| !row.is_empty()).map(String::from).collect(),
            lines: lines.unwrap_or(200_000).clamp(1_000, 1_000_000),
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| number(name, &value))
}

fn number(name: &str, value: &str) -> u64 {
    value.parse().unwrap_or_else(|_| panic!("{name} needs a number, not `{value}`"))
}
