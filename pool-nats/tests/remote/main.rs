//! The promises and the table of failures, with real worker processes and a real `nats-server`.
//!
//! Every test has its own server on a free port. Without a `nats-server` that is new enough all tests are skipped, which is
//! said loudly; with `POOL_NATS_REQUIRED=1` that is a failure.

mod behaviour;
mod credentials;
mod errors;
mod faults;
mod probe;
mod scene;
mod security;
mod server;
mod tasks;

use libtest_mimic::{Arguments, Trial};
use scene::{Test, play};
use std::process::ExitCode;

/// Most tests wait most of the time.
const AT_ONCE: usize = 6;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "worker") {
        return match tasks::main(&arguments[2..]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("worker: {error}");
                ExitCode::from(3)
            }
        };
    }
    if arguments.get(1).is_some_and(|first| first == "master") {
        // Works until it is killed.
        return tasks::endless_master(&arguments[2]);
    }
    if arguments.get(1).is_some_and(|first| first == "lonely") {
        return tasks::lonely_master(&arguments[2]);
    }
    let missing = server::missing();
    if let Some(why) = &missing {
        eprintln!("\n*** SKIPPED: {why}, so nothing of pool-nats is tested: {} ***\n", server::INSTALL);
        if std::env::var_os("POOL_NATS_REQUIRED").is_some_and(|value| value == "1") {
            eprintln!("POOL_NATS_REQUIRED=1: that is a failure.");
            return ExitCode::FAILURE;
        }
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let tests: &[&[(&'static str, Test)]] =
        &[behaviour::TESTS, faults::TESTS, errors::TESTS, security::TESTS];
    let trials = tests.iter().copied().flatten().map(|&(name, test)| {
        Trial::test(name, move || play(test).map_err(Into::into)).with_ignored_flag(missing.is_some())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
