//! A stream of results that are always ready leaves tokio's only thread to timers and other tasks.

use futures::StreamExt;
use pool_channel::ChannelPool;
use pool_conformance::chaos::Chaos;
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::sleep;

/// The results that are there before the first is asked for.
const READY: u64 = 50_000;

/// Results without a turn of another task: 128, and another task may come a turn late.
const MOST: u64 = 2 * 128;

fn check(name: &'static str, pool: &'static (impl Executor + 'static)) {
    // Endless, and so wide that the pool is always ahead of a task that takes a microsecond for each result.
    let imap = pool.imap(0u64.., |x| x).window(READY as usize).start();
    let started = Instant::now();
    while imap.stats().blocked < READY {
        assert!(started.elapsed() < LIMIT, "{name}: the window is not filled");
        thread::sleep(Duration::from_millis(1));
    }
    let mut stream = imap.into_stream();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let turns = Rc::new(Cell::new(0u64));
        let count = turns.clone();
        let other = spawn_local(async move {
            loop {
                count.set(count.get() + 1);
                yield_now().await;
            }
        });
        let timer = sleep(Duration::from_millis(50));
        tokio::pin!(timer);
        let (mut results, mut in_a_row, mut seen) = (0u64, 0, 0);
        loop {
            tokio::select! {
                () = &mut timer => break,
                result = stream.next() => {
                    assert_eq!(result, Some(results), "{name}");
                    results += 1;
                }
            }
            in_a_row = if turns.get() == seen { in_a_row + 1 } else { 0 };
            seen = turns.get();
            assert!(in_a_row <= MOST, "{name}: {in_a_row} results without a turn of another task");
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(1) {
                std::hint::spin_loop();
            }
        }
        assert!(turns.get() > 0, "{name}: another task had no turn in 50 ms");
        other.abort();
    });
}

/// A pool that lives as long as the process, as a stream in a task needs.
fn leaked<P>(pool: P) -> &'static P {
    Box::leak(Box::new(pool))
}

#[test]
fn p14_stream_leaves_room_for_a_timer_and_a_task_on_channel() {
    within(LIMIT, || check("channel", leaked(ChannelPool::new(2).unwrap())));
}

#[test]
fn p14_stream_leaves_room_for_a_timer_and_a_task_on_stealing() {
    within(LIMIT, || check("stealing", leaked(StealingPool::new(2).unwrap())));
}

#[test]
fn p14_stream_leaves_room_for_a_timer_and_a_task_on_rayon() {
    within(LIMIT, || check("rayon", leaked(RayonPool::new(2).unwrap())));
}

#[test]
fn p14_stream_leaves_room_for_a_timer_and_a_task_on_chaos() {
    within(LIMIT, || check("chaos", leaked(Chaos::new(2))));
}
