//! Where and how a comparison was measured.

use super::options::Plan;
use super::program;
use super::rounds::ROUNDS;
use crate::report::Setup;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Where and how this comparison was measured.
pub fn setup(plan: &Plan, cores: usize, elapsed: Duration) -> Setup {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Setup {
        command: command(),
        cores,
        processor: processor().unwrap_or_else(|| std::env::consts::ARCH.into()),
        system: std::env::consts::OS.into(),
        time: since_1970.map_or(0, |time| time.as_secs()),
        quick: plan.quick,
        rounds: ROUNDS,
        threads: plan.threads,
        seconds: elapsed.as_secs_f64(),
    }
}

/// How to run this program again, from the folder of its workspace.
fn command() -> String {
    // Not `args`, which panics if a file's name is not Unicode.
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let name = Path::new(&program).file_stem().map_or("compare".into(), |name| name.to_string_lossy());
    let options: Vec<_> = words.collect();
    let separator = if options.is_empty() { "" } else { " -- " };
    // Cargo says which package it runs, and that need not be this one.
    let package = std::env::var("CARGO_PKG_NAME").map_or(String::new(), |package| format!(" -p {package}"));
    // `cargo run` builds one program only.
    let both = program::with_mimalloc()
        .map_or(String::new(), |_| format!("cargo build --release{package} --bins && "));
    format!("{both}cargo run --release{package} --bin {name}{separator}{}", options.join(" "))
}

/// The processor's name, where Linux tells.
fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(line.trim_start_matches([' ', '\t', ':']).into())
}
