//! P15: a long stream runs in constant memory. Alone in its process, whose memory it measures.
#![cfg(target_os = "linux")]

mod every_backend;

use every_backend::on_each_pool;
use pool_core::Executor;
use pool_core::peak::peak;
use pool_core::watchdog::within;
use pool_core::work::checksum;
use std::sync::Arc;
use std::time::Duration;

fn check(name: &str, pool: &Arc<dyn Executor>) {
    let items: u64 = if cfg!(debug_assertions) { 3_000_000 } else { 100_000_000 };
    pool.submit(|| ()).join().unwrap();
    let before = peak().expect("Linux tells");
    let sum = pool.imap(0..items, |x| x).fold(0, checksum);
    // The kernel counts pages per core and sums up late, so that a peak may seem to have shrunk.
    let grown = peak().expect("Linux tells").saturating_sub(before);
    assert_eq!(sum, (0..items).fold(0, checksum));
    println!("{name}: {items} items, peak memory {grown} KiB above the pool's own");
    assert!(grown < 32 * 1024, "{name}: {grown} KiB for {items} items");
}

#[test]
fn p15_a_long_stream_runs_in_constant_memory() {
    within(Duration::from_secs(120), || on_each_pool(2, check));
}
