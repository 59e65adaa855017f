//! The process that was called: it has a child for each policy, and tells if one is killed or aborts.

use super::scenario::Scenario;
use super::{CHILD, Options};
use std::env::current_exe;
use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Command, Stdio};

/// Runs the seeds of one policy in another process. Returns whether they were without a fault.
pub(super) fn run(options: &Options, policy: &str, from: u64, seconds: u64) -> bool {
    let mut command = Command::new(current_exe().expect("a program knows its file"));
    command.env(CHILD, from.to_string()).env("POOL_POLICY", policy);
    command.args(["--seconds", &seconds.to_string()]).stdout(Stdio::piped());
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(backend) = &options.backend {
        command.args(["--backend", backend]);
    }
    let mut child = command.spawn().expect("it starts");
    let last = last_seed(child.stdout.take().expect("it is piped"));
    let status = child.wait().expect("it was started");
    // 1 is said by the child itself, and 2 by both.
    if let (None | Some(3..), Some(seed)) = (status.code(), last) {
        eprintln!("the process ended with {status}; again: --seed {seed}\n{:#?}", Scenario::new(seed));
    }
    status.success()
}

/// Prints what the child says, but for the seeds that it begins.
fn last_seed(said: ChildStdout) -> Option<u64> {
    let mut last = None;
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        match line.strip_prefix("seed ") {
            Some(seed) => last = seed.parse().ok(),
            None => println!("{line}"),
        }
    }
    last
}
