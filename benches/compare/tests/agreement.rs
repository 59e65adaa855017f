//! Every contender on every workload that it takes gives what sequential code gives, in the same order. One that
//! loses or swaps a result is not to be called fast.

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use pool_compare::contender::Settings;
use pool_compare::registry;
use pool_compare::workloads::{self, Workload};
use pool_core::watchdog::{LIMIT, within};

/// Enough for more than one block, chunk or buffer where items are short, and few where they are long.
fn items(workload: &Workload) -> u64 {
    match workload.name {
        "hash" | "compress" => 3,
        "1ms" => 10,
        "10us" | "skewed" | "slow-head" => 300,
        "json" | "json-blocks" | "slow-input" | "ping-pong" => 100,
        "small" | "nested" => 3 * workload.step(),
        _ => 3000,
    }
}

/// `None` if the contender cannot run it.
fn checksum(name: &str, workload: Workload, threads: usize, items: u64) -> Option<u64> {
    let name = name.to_string();
    within(LIMIT, move || {
        let contenders = registry::all();
        let entry = contenders.iter().find(|entry| entry.traits.name == name).expect("it is in the list");
        entry.ready(Settings { threads, window: workload.window }).run(&workload, items)
    })
}

fn agrees(name: &str, workload: Workload) -> Result<Completion, Failed> {
    for items in [0, items(&workload)] {
        let right = checksum("sequential", workload, 1, items);
        for threads in [1, 2, 4] {
            let found = checksum(name, workload, threads, items);
            if found.is_none() && workload.name == "storm" {
                return Ok(Completion::ignored_with("it knows no single jobs"));
            }
            assert_eq!(found, right, "{items} items, {threads} threads");
        }
    }
    Ok(Completion::Completed)
}

fn main() {
    let mut trials = Vec::new();
    for entry in registry::all() {
        for workload in workloads::ALL.into_iter().filter(|workload| entry.takes(workload)) {
            let name = entry.traits.name.clone();
            let test = format!("{name}::{}", workload.name);
            trials.push(Trial::ignorable_test(test, move || agrees(&name, workload)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
