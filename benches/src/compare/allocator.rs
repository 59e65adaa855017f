//! The workloads that allocate, once more with another allocator.
//!
//! A program has one allocator, which is chosen when it is built. So a second program, which is the first with
//! mimalloc, lies beside it: `compare_mimalloc` beside `compare`. The first starts the second for each of these
//! workloads, right after its own rounds.

use super::rounds;
use super::setup::cores;
use crate::contender::Entry;
use crate::report::Results;
use crate::workloads::{self, Workload};
use serde::{Deserialize, Serialize};
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// What the name of a program with mimalloc ends with.
const SUFFIX: &str = "_mimalloc";

/// What the second program is asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    workload: String,
    contenders: Vec<String>,
    threads: usize,
    slot: Duration,
    rounds_per_millisecond: u64,
}

/// The allocator of this program, as far as its name says.
pub fn name() -> &'static str {
    if stem().is_some_and(|stem| stem.ends_with(SUFFIX)) { "mimalloc" } else { "system" }
}

fn stem() -> Option<String> {
    Some(std::env::current_exe().ok()?.file_stem()?.to_string_lossy().into_owned())
}

/// The second program. The error says how to get it.
pub fn program() -> Result<PathBuf, String> {
    let stem = stem().ok_or("this program does not know where it is")?;
    let name = format!("{stem}{SUFFIX}{EXE_SUFFIX}");
    let program = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name(name);
    if program.exists() {
        return Ok(program);
    }
    let package = env!("CARGO_PKG_NAME");
    let remedy = match stem.as_str() {
        "compare" => format!("; `cargo build --release -p {package} --bins` builds it"),
        _ => String::new(),
    };
    Err(format!("there is no {}, so nothing is measured with mimalloc{remedy}", program.display()))
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
    let request: Request = match serde_json::from_str(request) {
        Ok(request) => request,
        Err(error) => {
            eprintln!("compare: --results-of: {error}");
            return ExitCode::from(2);
        }
    };
    let Some(workload) = workloads::named(&request.workload) else {
        eprintln!("compare: --results-of: there is no workload {}", request.workload);
        return ExitCode::from(2);
    };
    workloads::set_rounds_per_millisecond(request.rounds_per_millisecond);
    let entries: Vec<&Entry> =
        entries.iter().filter(|entry| request.contenders.contains(&entry.traits.name)).collect();
    let results = rounds::results(&entries, &workload, (request.threads, cores()), request.slot, |_| ());
    println!("{}", serde_json::to_string(&results).expect("results are plain data"));
    ExitCode::SUCCESS
}
