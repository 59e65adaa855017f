//! The comparison of contenders, as a program.
//!
//! `cargo run --release -p pool-compare --bin compare` compares the three backends of this workspace and what
//! others use. [The crate](crate) says how a program of your own does the same with your backend among them.
//!
//! # Method
//!
//! For every workload each contender first runs few items, and its checksum must be that of sequential code; then
//! it gets as many items as take about the same time. There are five rounds, and in each every contender has one
//! turn, so that what else the machine does hits all. Figures are medians, ratios are medians of the ratios within
//! a round, and two contenders are said to differ only if one was slower in all five rounds. Memory is measured in
//! processes of their own.
//!
//! Workloads that allocate are measured twice if beside the program `compare` there is one called `compare_mimalloc`,
//! which does the same and has that allocator. With any other name it is the same: `mine` and `mine_mimalloc`.

mod allocator;
mod baseline;
mod curves;
mod memory;
mod options;
mod program;
mod rounds;
mod setup;

use crate::contender::Family;
use crate::entry::Entry;
use crate::render;
use crate::report::{Report, Results};
use crate::workloads::Workload;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use options::{Options, Plan};
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The longest that one run is to take. Eager contenders have all results of a run in memory.
const LONGEST: Duration = Duration::from_millis(300);
/// What a process for memory takes beside its run.
const PROCESS: Duration = Duration::from_millis(25);

/// Reads the command line (`--help` says what there is), compares, prints, and writes the files.
///
/// The first entry must be [`sequential`](crate::ours::sequential): all are compared with it. Exits with 0; with 1
/// if there is a `--baseline` and a backend has become slower; with 2 if an option makes no sense, or a file or standard
/// output cannot be read or written.
///
/// # Panics
///
/// If the first entry is not sequential code, if two have the same name, or if a contender gives wrong results.
pub fn main(entries: Vec<Entry>) -> ExitCode {
    let first = entries.first().map(|entry| entry.traits.family);
    assert_eq!(first, Some(Family::Sequential), "the first contender must be `ours::sequential()`");
    for (index, entry) in entries.iter().enumerate() {
        let name = &entry.traits.name;
        assert!(entries[..index].iter().all(|other| other.traits.name != *name), "two contenders are {name}");
    }
    let options = Options::parse();
    if let Some(run) = &options.memory_of {
        return memory::child(run, &entries);
    }
    if let Some(request) = &options.results_of {
        return allocator::child(request, &entries);
    }
    match run(&options, entries) {
        Ok(code) => code,
        Err(message) => {
            warn(format_args!("compare: {message}"));
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options, entries: Vec<Entry>) -> Result<ExitCode, String> {
    if options.list {
        say(&list(&entries))?;
        return Ok(ExitCode::SUCCESS);
    }
    // What can fail does so before minutes are spent.
    let cores = setup::cores();
    let plan = options.plan(entries, cores)?;
    let earlier = options.baseline.as_deref().map(baseline::read).transpose()?;
    if let Some(earlier) = &earlier {
        baseline::check(earlier, &plan)?;
    }
    std::fs::create_dir_all(&options.out).map_err(|error| cannot_write(&options.out, error))?;
    if cfg!(debug_assertions) {
        warn("compare: this is a debug build, whose figures mean nothing; use --release");
    }
    let report = measure(&plan, cores);
    // First the files: they are worth more than what standard output may refuse.
    let written = write(options, &report)?;
    say(&render::table::text(&report))?;
    for path in written {
        say(&format!("wrote {}\n", path.display()))?;
    }
    let Some(earlier) = earlier else { return Ok(ExitCode::SUCCESS) };
    let changes = baseline::changes(&earlier, &report);
    say(&format!("\n{}", baseline::text(&changes, options.max_loss)))?;
    let lost = changes.iter().any(|change| change.is_loss(options.max_loss));
    Ok(ExitCode::from(u8::from(lost)))
}

/// Writes to standard output. Not `print!`, which panics where that cannot be written.
fn say(text: &str) -> Result<(), String> {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| format!("standard output: {error}"))
}

/// Writes to standard error. No message may end the work, so it is no error if that cannot be written.
fn warn(message: impl Display) {
    let _ = std::io::stderr().write_all(format!("{message}\n").as_bytes());
}

fn list(entries: &[Entry]) -> String {
    let line = |name: &str, about: &str| format!("  {name:<18} {about}\n");
    let contenders: String =
        entries.iter().map(|entry| line(&entry.traits.name, &entry.traits.about)).collect();
    let workloads: String =
        crate::workloads::ALL.iter().map(|workload| line(workload.name, workload.about)).collect();
    format!("contenders:\n{contenders}workloads:\n{workloads}")
}

fn write(options: &Options, report: &Report) -> Result<Vec<PathBuf>, String> {
    let json = serde_json::to_string(report).expect("a report is plain data");
    let files = [
        ("compare.json", json),
        ("compare.md", render::markdown::markdown(report)),
        ("report.html", render::html::html(report)),
    ];
    let write = |(name, contents): (&str, String)| {
        let path = options.out.join(name);
        std::fs::write(&path, contents).map_err(|error| cannot_write(&path, error))?;
        Ok(path)
    };
    files.into_iter().map(write).collect()
}

fn cannot_write(path: &Path, error: std::io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

/// Who takes part in which part.
fn measure(plan: &Plan, cores: usize) -> Report {
    let started = Instant::now();
    let works: &[f64] = if plan.quick {
        &[0.0, 100.0, 1e3, 1e4]
    } else {
        &[0.0, 20.0, 50.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5, 1e6]
    };
    let all: Vec<&Entry> = plan.entries.iter().collect();
    // New threads for each call matter where calls are short.
    let warm: Vec<&Entry> =
        all.iter().copied().filter(|entry| !(entry.traits.cold && entry.traits.variant)).collect();
    let plain: Vec<&Entry> = all.iter().copied().filter(|entry| !entry.traits.variant).collect();
    let contenders = |workload: &str| if workload == "small" { &all } else { &warm };

    let other = match program::with_mimalloc() {
        Ok(program) => Some(program),
        Err(reason) => {
            if program::allocator() == "system" && plan.workloads.iter().any(|workload| workload.allocates) {
                warn(format_args!("compare: {reason}"));
            }
            None
        }
    };

    // In each part a contender has some runs to find out how many items it needs, and then those that count.
    let turns = |runs: usize| runs + 3;
    let of_workload = |workload: &Workload| {
        let able = contenders(workload.name).iter().filter(|entry| entry.takes(workload));
        let times = if workload.allocates && other.is_some() { 2 } else { 1 };
        able.count() * (turns(rounds::ROUNDS) + 1) * times
    };
    let of_workloads: usize = plan.workloads.iter().map(of_workload).sum();
    let of_plots = warm.len() * works.len() * turns(3)
        + plain.len() * (plan.scale.len() * turns(3) + 3 + 4)
        + plain.len();
    let processes = of_workloads / (turns(rounds::ROUNDS) + 1) + plain.len() * 4;
    let all_turns = of_workloads + of_plots;
    let progress = progress(all_turns as u64);
    // How long a run may take from now on: what took longer than it should, later parts make up for.
    let slot = || {
        let left = (all_turns as u64).saturating_sub(progress.position()).max(1);
        let part = left as f64 / all_turns as f64;
        let for_processes = (PROCESS * processes as u32).mul_f64(part);
        let time = plan.limit.saturating_sub(started.elapsed() + for_processes);
        (time.max(plan.limit.mul_f64(part / 4.0)) / left as u32).min(LONGEST)
    };
    let tell = |part: &str, name: &str, turns: usize| {
        progress.set_message(format!("{part}: {name}"));
        progress.inc(turns as u64);
    };

    let mut done = 0;
    let mut with_other_allocator = Vec::new();
    let workloads: Vec<Results> = plan
        .workloads
        .iter()
        .map(|workload| {
            let name = workload.name;
            if progress.is_hidden() {
                warn(name);
            }
            let entries = contenders(name);
            let threads = (plan.threads, cores);
            let results = rounds::results(entries, workload, threads, slot(), |who| tell(name, who, 1));
            if let (true, Some(program)) = (workload.allocates, &other) {
                tell(name, "all, with mimalloc", 0);
                with_other_allocator.push(allocator::results(
                    program,
                    entries,
                    workload,
                    plan.threads,
                    slot(),
                ));
            }
            done += of_workload(workload);
            progress.set_position(done as u64);
            results
        })
        .collect();
    let overhead = curves::overhead(&warm, plan.threads, works, slot(), |who| tell("work", who, turns(3)));
    let scaling = curves::scaling(&plain, &plan.scale, slot(), |who| tell("threads", who, turns(3)));
    let empty = overhead_of_empty(&plain, &overhead);
    let memory = curves::memory(&empty, plan.threads, slot(), |who| tell("memory", who, 3));
    let latencies = curves::latencies(&plain, plan.threads, slot(), |who| tell("latency", who, 4));
    let warm_only: Vec<&Entry> = plain.iter().copied().filter(|entry| !entry.traits.cold).collect();
    let timelines = curves::timelines(&warm_only[1..], plan.threads, |who| tell("time line", who, 1));
    progress.finish_and_clear();
    Report {
        setup: setup::setup(plan, cores, started.elapsed()),
        contenders: all.iter().map(|entry| entry.traits.clone()).collect(),
        workloads,
        with_other_allocator,
        overhead,
        scaling,
        memory,
        latencies,
        timelines,
    }
}

/// How long each takes for an empty item, so that what is slow gets fewer of them.
fn overhead_of_empty<'a>(entries: &[&'a Entry], overhead: &[crate::report::Curve]) -> Vec<(&'a Entry, f64)> {
    let time = |entry: &Entry| {
        let curve = overhead.iter().find(|curve| curve.contender == entry.traits.name)?;
        curve.points.first().map(|(_, time)| *time)
    };
    entries.iter().filter_map(|entry| Some((*entry, time(entry)?))).collect()
}

fn progress(turns: u64) -> ProgressBar {
    let progress = ProgressBar::new(turns);
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {elapsed_precise} {msg}");
    progress.set_style(style.expect("the template is right"));
    progress.enable_steady_tick(Duration::from_millis(500));
    progress
}
