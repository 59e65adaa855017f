//! The promises and the table of failures, with real child processes: this very binary.

mod behaviour;
mod ends;
mod faults;
mod tasks;

use libtest_mimic::{Arguments, Trial};
use pool_core::watchdog::within;
use std::process::ExitCode;
use std::time::Duration;

/// A name that begins with what it is about, and what is to be seen.
pub type Test = (&'static str, fn());

/// Most tests wait most of the time, and two run at a time.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    // Children are told by an argument what kind of bad program they are.
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(kind) = arguments.get(1).and_then(|first| first.strip_prefix("as=")) {
        return tasks::bad_program(kind);
    }
    tasks::program();
    if let Some(kind) = arguments.get(1).and_then(|first| first.strip_prefix("parent=")) {
        return ends::parent(kind);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(2);
    let tests: &[&[Test]] = &[behaviour::TESTS, faults::TESTS, ends::TESTS];
    let trials = tests.iter().copied().flatten().map(|&(name, test)| {
        Trial::test(name, move || {
            within(LIMIT, test);
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
