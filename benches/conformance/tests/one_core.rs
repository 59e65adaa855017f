//! P16: a pool of one thread uses one core. Alone in its process, whose CPU time it measures.
#![cfg(target_os = "linux")]

mod cpu_time;
mod every_backend;

use cpu_time::cpu_time;
use every_backend::on_each_pool;
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use pool_core::work::{rounds_for, xorshift};
use std::sync::Arc;
use std::time::Instant;

/// Items of 1 µs, and a consumer that only takes the results. The best of three, since a consumer that is switched out
/// often has more to do.
fn check(name: &str, pool: &Arc<dyn Executor>) {
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
    within(LIMIT, || on_each_pool(1, check));
}
