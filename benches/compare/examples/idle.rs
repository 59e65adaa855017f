//! What an idle pool costs: processor time of this process in a minute, with pools of 1, 16 and 64 threads that have worked and
//! wait, one backend after the other. An imap that waits for its input is one more row.
//!
//! `cargo run --release -p pool-compare --example idle -- 60`; the argument is how many seconds each waits.

use cpu_time::ProcessTime;
use pool_channel::ChannelPool;
use pool_core::Executor;
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::error::Error;
use std::sync::mpsc;
use std::thread::sleep;
use std::time::Duration;

/// Prints the processor time of a wait, in microseconds a minute.
fn row(name: &str, wait: Duration) {
    // What has ended goes to sleep first.
    sleep(Duration::from_millis(200));
    let began = ProcessTime::now();
    sleep(wait);
    let a_minute = began.elapsed().as_secs_f64() * 60.0 / wait.as_secs_f64();
    println!("{name:<40} {:>10.0} µs of processor time a minute", a_minute * 1e6);
}

fn idle(name: &str, pool: &dyn Executor, wait: Duration) {
    let threads = pool.threads();
    assert!((&pool).imap(0..10_000_u64, |x| x + 1).eq(1..10_001));
    row(&format!("{name}, {threads} threads"), wait);
    if threads == 16 {
        let (send, receive) = mpsc::channel();
        let mut results = (&pool).imap(receive, |x: u64| x).start();
        send.send(7).expect("the input is there");
        assert_eq!(results.next(), Some(7));
        row(&format!("{name}, an imap whose input waits"), wait);
        drop(send);
        assert_eq!(results.next(), None);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(60.0), |seconds| seconds.parse())?;
    let wait = Duration::try_from_secs_f64(seconds)?;
    row("no pool", wait);
    for threads in [1, 16, 64] {
        idle("channel", &ChannelPool::new(threads)?, wait);
        idle("stealing", &StealingPool::new(threads)?, wait);
        idle("rayon", &RayonPool::new(threads)?, wait);
    }
    Ok(())
}
