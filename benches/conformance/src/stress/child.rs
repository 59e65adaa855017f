//! The process that runs the scenarios of one policy.

use super::run::run;
use super::scenario::{POLICIES, Scenario, policy_of};
use super::values::Thrown;
use super::{GROWTH, HANG, Options, status};
use crate::subject::AnySubject;
use pool_core::watchdog::within;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After this many scenarios the memory is what it should stay.
const WARM: u64 = 100;

/// Runs scenarios from this seed on for as long as told. Returns whether they were without a fault.
pub(super) fn run_all(options: &Options, subjects: &[Arc<AnySubject>], from: u64) -> bool {
    let limit = Duration::from_secs(options.seconds.unwrap_or(0));
    let (since, mut count, mut seed) = (Instant::now(), 0, from);
    let mut memory = None;
    loop {
        if run_one(options, subjects, seed) == Some(false) {
            println!("{count} scenarios before it had no fault, in {:.1?}", since.elapsed());
            return false;
        }
        count += 1;
        if count == WARM {
            memory = Some(status("VmRSS:"));
        }
        if since.elapsed() >= limit {
            break;
        }
        if options.seed.is_none() {
            seed += POLICIES.len() as u64;
        }
    }
    let policy = POLICIES[policy_of(from)];
    println!("policy {policy}: {count} scenarios from seed {from} in {:.1?}, no fault", since.elapsed());
    let grown = memory.map_or(0, |memory| status("VmRSS:").saturating_sub(memory));
    if grown > GROWTH {
        println!("the memory grew by {grown} KiB");
    }
    grown <= GROWTH
}

/// `None` if it is one of another backend.
fn run_one(options: &Options, subjects: &[Arc<AnySubject>], seed: u64) -> Option<bool> {
    let scenario = Scenario::new(seed);
    let subject = subjects[scenario.backend % subjects.len()].clone();
    if options.backend.as_ref().is_some_and(|wanted| wanted != subject.name()) {
        return None;
    }
    println!("seed {seed}");
    let (name, kept) = (subject.name(), scenario.clone());
    let result = catch_unwind(AssertUnwindSafe(|| within(HANG, move || run(&kept, &subject))));
    let faults = result.unwrap_or_else(|payload| match Thrown::of(payload) {
        Thrown::Other(text) => vec![text],
        _ => vec![String::from("a panic that is not of the scenario")],
    });
    if !faults.is_empty() {
        println!("FAULT on {name} with policy {}; again: --seed {seed}", POLICIES[policy_of(seed)]);
        faults.iter().for_each(|fault| println!("  {fault}"));
        println!("{scenario:#?}");
    }
    Some(faults.is_empty())
}
