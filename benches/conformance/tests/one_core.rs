//! P16: a pool of one thread uses one core. Alone in its process, whose CPU time it measures.
#![cfg(target_os = "linux")]

use pool_channel::ChannelPool;
use pool_conformance::work::{rounds_for, xorshift};
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::time::Instant;

/// Nanoseconds of CPU that the threads of this process have used.
fn cpu_time() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
    let times = tasks.flatten().filter_map(|task| {
        let times = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<u64>().ok()
    });
    times.sum()
}

/// Items of 1 µs, and a consumer that only takes the results. The best of three, since a consumer that is switched out
/// often has more to do.
fn check(name: &str, pool: &impl Executor) {
    const ITEMS: u64 = 200_000;
    let rounds = rounds_for(1_000.0);
    let cores = (0..3).map(|_| {
        let (began, before) = (Instant::now(), cpu_time());
        assert_eq!(pool.imap(0..ITEMS, move |x| xorshift(x, rounds)).count() as u64, ITEMS);
        (cpu_time() - before) as f64 / began.elapsed().as_nanos() as f64
    });
    let best = cores.fold(f64::MAX, f64::min);
    assert!(best <= 1.3, "{name}: a pool of one thread used {best:.2} cores");
}

#[test]
fn p16_a_pool_of_one_thread_uses_one_core() {
    within(LIMIT, || {
        check("channel", &ChannelPool::new(1).unwrap());
        check("stealing", &StealingPool::new(1).unwrap());
        check("rayon", &RayonPool::new(1).unwrap());
    });
}
