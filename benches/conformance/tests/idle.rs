//! P13: an idle pool uses no CPU. Alone in its process, whose CPU time it measures.
#![cfg(target_os = "linux")]

mod cpu_time;
mod every_backend;

use cpu_time::cpu_time;
use every_backend::on_each_pool;
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

/// What an idle second costs: the first of three that costs nothing, or the best of them, since a test
/// machine has other things to do.
fn idle_cost() -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(50));
        let before = cpu_time();
        std::thread::sleep(Duration::from_secs(1));
        least = least.min(Duration::from_nanos(cpu_time() - before));
        if least < LIMIT_PER_SECOND {
            break;
        }
    }
    least
}

/// Polling every millisecond, by one thread, costs some 5 ms a second.
const LIMIT_PER_SECOND: Duration = Duration::from_millis(2);

fn check(name: &str, pool: &Arc<dyn Executor>) {
    let limit = LIMIT_PER_SECOND;
    assert!(pool.imap(0..100_000u64, |x| x).eq(0..100_000));
    let cost = idle_cost();
    assert!(cost < limit, "{name}: an idle second of the pool costs {cost:?} of CPU");

    let (send, receive) = mpsc::channel();
    send.send(1).unwrap();
    let mut waiting = pool.imap(receive, |x: u64| x).start();
    assert_eq!(waiting.next(), Some(1));
    let cost = idle_cost();
    assert!(cost < limit, "{name}: waiting for the input costs {cost:?} of CPU a second");

    std::thread::scope(|scope| {
        let consumer = scope.spawn(move || waiting.next());
        let cost = idle_cost();
        assert!(cost < limit, "{name}: a consumer that waits costs {cost:?} of CPU a second");
        drop(send);
        assert_eq!(consumer.join().unwrap(), None);
    });
}

#[test]
fn p13_an_idle_pool_uses_no_cpu() {
    within(LIMIT, || on_each_pool(4, check));
}
