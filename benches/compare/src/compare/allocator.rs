//! The workloads that allocate, once more in a program with another allocator, which this one starts for each of them.

use super::rounds;
use super::setup::cores;
use crate::entry::Entry;
use crate::report::Results;
use crate::workloads::{self, Workload};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// What the second program is asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    workload: String,
    contenders: Vec<String>,
    threads: usize,
    slot: Duration,
    rounds_per_millisecond: u64,
}

/// Has the second program measure a workload, with the same contenders.
///
/// # Panics
///
/// If it fails, as it does if a contender gives wrong results.
pub fn results(
    program: &Path,
    entries: &[&Entry],
    workload: &Workload,
    threads: usize,
    slot: Duration,
) -> Results {
    let request = Request {
        workload: workload.name.into(),
        contenders: entries.iter().map(|entry| entry.traits.name.clone()).collect(),
        threads,
        slot,
        rounds_per_millisecond: workloads::rounds_per_millisecond(),
    };
    let request = serde_json::to_string(&request).expect("a request is plain data");
    let output = Command::new(program).args(["--results-of", &request]).output();
    let output = output.unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{} gives no results: {error}\n{}", program.display(), String::from_utf8_lossy(&output.stderr))
    })
}

/// The second program.
pub fn child(request: &str, entries: &[Entry]) -> ExitCode {
    match results_of(request, entries) {
        Ok(results) => {
            println!("{results}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("compare: --results-of: {message}");
            ExitCode::from(2)
        }
    }
}

fn results_of(request: &str, entries: &[Entry]) -> Result<String, String> {
    let request: Request = serde_json::from_str(request).map_err(|error| error.to_string())?;
    let workload = workloads::named(&request.workload);
    let workload = workload.ok_or_else(|| format!("there is no workload {}", request.workload))?;
    workloads::set_rounds_per_millisecond(request.rounds_per_millisecond);
    let entries: Vec<&Entry> =
        entries.iter().filter(|entry| request.contenders.contains(&entry.traits.name)).collect();
    let results = rounds::results(&entries, &workload, (request.threads, cores()), request.slot, |_| ());
    serde_json::to_string(&results).map_err(|error| error.to_string())
}
