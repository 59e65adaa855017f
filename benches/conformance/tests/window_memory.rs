//! P3: the default window goes by time, so that large results do not fill memory. Alone in its process, whose memory it
//! measures.
#![cfg(target_os = "linux")]

mod every_backend;

use every_backend::on_each_pool;
use pool_core::Executor;
use pool_core::peak::peak;
use pool_core::watchdog::{LIMIT, within};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// At most this much above what was needed before, in KiB.
const MOST: u64 = 128 << 10;

/// The input ends, so that a window that is too wide is a failure and not the end of the machine.
const ITEMS: u64 = 400;

/// Results of 1 MiB that take 2 ms, and a consumer that takes 20 ms for each, and then stops.
fn check(name: &str, pool: &Arc<dyn Executor>, start: u64) {
    let mut results = pool.imap(0..ITEMS, |_| {
        thread::sleep(Duration::from_millis(2));
        vec![1u8; 1 << 20]
    });
    for _ in 0..20 {
        assert_eq!(results.next().map(|result| result.len()), Some(1 << 20));
        thread::sleep(Duration::from_millis(20));
    }
    // Until the pool has come to rest.
    let mut pulled = 0;
    while pulled != results.stats().pulled {
        pulled = results.stats().pulled;
        thread::sleep(Duration::from_millis(100));
    }
    let grown = peak().expect("Linux tells").saturating_sub(start);
    println!("{name}: {pulled} pulled, peak memory {grown} KiB above the start");
    assert!(grown <= MOST, "{name}: {grown} KiB, with {pulled} results of 1 MiB pulled");
    assert!(results.all(|result| result.len() == 1 << 20), "the rest comes all the same");
}

#[test]
fn p3_large_results_do_not_fill_memory() {
    within(LIMIT, || {
        let start = peak().expect("Linux tells");
        on_each_pool(2, |name, pool| check(name, pool, start));
    });
}
