//! P13: an idle pool uses no CPU. Alone in its process, whose CPU time it measures.
#![cfg(target_os = "linux")]

mod cpu_time;
mod every_backend;

use cpu_time::cpu_time;
use every_backend::on_each_pool;
use pool_core::watchdog::{LIMIT, within};
use pool_core::{Executor, Imap};
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

/// The pools are measured together: if they cost nothing, none does.
fn check(pools: &[Arc<dyn Executor>]) {
    let limit = LIMIT_PER_SECOND;
    for pool in pools {
        assert!(pool.imap(0..100_000u64, |x| x).eq(0..100_000));
    }
    let cost = idle_cost();
    assert!(cost < limit, "an idle second of all pools costs {cost:?} of CPU");

    let (senders, mut waiting): (Vec<_>, Vec<_>) = pools.iter().map(waiting_for_input).unzip();
    let cost = idle_cost();
    assert!(cost < limit, "waiting for the inputs costs {cost:?} of CPU a second");

    std::thread::scope(|scope| {
        let consumers: Vec<_> = waiting.iter_mut().map(|waiting| scope.spawn(|| waiting.next())).collect();
        let cost = idle_cost();
        assert!(cost < limit, "consumers that wait cost {cost:?} of CPU a second");
        drop(senders);
        for consumer in consumers {
            assert_eq!(consumer.join().unwrap(), None);
        }
    });
}

/// An imap that has given one result, and whose input gives no more until the sender is dropped.
fn waiting_for_input(pool: &Arc<dyn Executor>) -> (mpsc::Sender<u64>, Imap<'_, u64>) {
    let (send, receive) = mpsc::channel();
    send.send(1).unwrap();
    let mut waiting = pool.imap(receive, |x: u64| x).start();
    assert_eq!(waiting.next(), Some(1));
    (send, waiting)
}

#[test]
fn p13_an_idle_pool_uses_no_cpu() {
    within(LIMIT, || {
        let mut pools = Vec::new();
        on_each_pool(4, |_, pool| pools.push(pool.clone()));
        check(&pools);
    });
}
