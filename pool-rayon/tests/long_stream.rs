//! P15: a long stream runs in constant memory, on every backend. Alone in its process, whose memory it measures. It is here
//! and not with the suite, since its full length is for a release build, which takes minutes there and seconds here.
#![cfg(target_os = "linux")]

use pool_channel::ChannelPool;
use pool_core::Executor;
use pool_core::peak::peak;
use pool_core::watchdog::within;
use pool_core::work::checksum;
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::time::Duration;

fn check(name: &str, pool: &dyn Executor) {
    let items: u64 = if cfg!(debug_assertions) { 3_000_000 } else { 100_000_000 };
    (&pool).submit(|| ()).join().unwrap();
    let before = peak().expect("Linux tells");
    let sum = (&pool).imap(0..items, |x| x).fold(0, checksum);
    // The kernel counts pages per core and sums up late, so that a peak may seem to have shrunk.
    let grown = peak().expect("Linux tells").saturating_sub(before);
    assert_eq!(sum, (0..items).fold(0, checksum));
    println!("{name}: {items} items, peak memory {grown} KiB above the pool's own");
    assert!(grown < 32 * 1024, "{name}: {grown} KiB for {items} items");
}

#[test]
fn p15_a_long_stream_runs_in_constant_memory() {
    within(Duration::from_secs(120), || {
        check("channel", &ChannelPool::new(2).unwrap());
        check("stealing", &StealingPool::new(2).unwrap());
        check("rayon", &RayonPool::new(2).unwrap());
    });
}
