//! Peak memory, each run in a process of its own: what one contender has freed, the next would seem not to need.

use crate::contender::Settings;
use crate::entry::Entry;
use crate::workloads::{self, Workload};
use pool_core::peak::peak;
use std::process::{Command, ExitCode, Stdio};

/// Peak memory of a run in KiB, above what the process had just before. `None` where the system does not tell.
pub fn measure(entry: &Entry, workload: &Workload, items: u64, threads: usize) -> Option<u64> {
    let rounds = workloads::rounds_per_millisecond();
    let run = format!("{},{items},{threads},{rounds},{}", workload.name, entry.traits.name);
    let mut command = Command::new(std::env::current_exe().ok()?);
    let output = command.args(["--memory-of", &run]).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The process of one run.
pub fn child(run: &str, entries: &[Entry]) -> ExitCode {
    match peak_of(run, entries) {
        Some(peak) => {
            println!("{peak}");
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

fn peak_of(run: &str, entries: &[Entry]) -> Option<u64> {
    // The name comes last, and may have commas.
    let [workload, items, threads, rounds, name] = run.splitn(5, ',').collect::<Vec<_>>().try_into().ok()?;
    workloads::set_rounds_per_millisecond(rounds.parse().ok()?);
    let entry = entries.iter().find(|entry| entry.traits.name == name)?;
    let workload = workloads::named(workload)?;
    let run = entry.ready(Settings { threads: threads.parse().ok()?, window: workload.window });
    run.run(&workload, workload.step())?;
    // Linux: the peak is from now on. Where that is not allowed, an earlier peak counts as had before.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak()?;
    run.run(&workload, items.parse().ok()?)?;
    Some(peak()?.saturating_sub(before))
}
