//! A process registers for `membarrier` when its first pool is made, and never in an imap, whose first result would have to
//! wait for the kernel. Each case has a process of its own: what is registered, and a filter, are never taken back.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use pool_channel::ChannelPool;
use pool_conformance::chaos::Chaos;
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use rustix::thread::{MembarrierCommand, MembarrierQuery, membarrier, membarrier_query};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};
use std::process::Command;

/// The number of the system call.
const MEMBARRIER: i64 = if cfg!(target_arch = "x86_64") { 324 } else { 283 };

/// The environment variable that tells a process its case.
const CASE: &str = "POOL_REGISTRATION";

const CASES: [&str; 6] = ["own executor", "channel", "stealing", "rayon", "from_pool", "global"];

fn make(case: &str) -> Box<dyn Executor> {
    match case {
        "channel" => Box::new(ChannelPool::new(2).unwrap()),
        "stealing" => Box::new(StealingPool::new(2).unwrap()),
        "rayon" => Box::new(RayonPool::new(2).unwrap()),
        "from_pool" => {
            let rayon = rayon::ThreadPoolBuilder::new().num_threads(2).build();
            Box::new(RayonPool::from_pool(rayon.unwrap().into()))
        }
        "global" => Box::new(RayonPool::global()),
        _ => Box::new(Chaos::new(2)),
    }
}

/// From now on the system kills this process if one of its threads registers.
fn forbid_registration() -> Result<(), Box<dyn std::error::Error>> {
    let command = MembarrierCommand::RegisterPrivateExpedited as u64;
    let is_registration = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, command)?;
    let forbidden = [(MEMBARRIER, vec![SeccompRule::new(vec![is_registration])?])].into_iter().collect();
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter =
        SeccompFilter::new(forbidden, SeccompAction::Allow, SeccompAction::KillProcess, architecture)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(apply_filter_all_threads(&program)?)
}

fn run(case: &str) {
    let pool = make(case);
    // The kernel refuses the barrier to a process that is not registered.
    let registered = membarrier(MembarrierCommand::PrivateExpedited).is_ok();
    assert_eq!(registered, case != CASES[0]);
    if let Err(error) = forbid_registration() {
        eprintln!("SKIPPED: this system allows no filter: {error}");
        return;
    }
    assert!(pool.imap(0..20_000u64, |x| x).eq(0..20_000));
    assert_eq!(pool.imap(0..20_000u64, |x| x).unordered().count(), 20_000);
}

#[test]
fn p5_a_pool_registers_and_no_imap_does() {
    if let Ok(case) = std::env::var(CASE) {
        return within(LIMIT, move || run(&case));
    }
    if !membarrier_query().contains(MembarrierQuery::REGISTER_PRIVATE_EXPEDITED) {
        eprintln!("SKIPPED: this system has no membarrier");
        return;
    }
    let program = std::env::current_exe().unwrap();
    for case in CASES {
        let status = Command::new(&program).env(CASE, case).status().unwrap();
        assert!(status.success(), "{case}: {status}");
    }
}
