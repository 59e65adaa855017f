//! Jobs that wait inside rayon, on the threads that our other jobs need.
//!
//! Rayon has a thread that waits run whatever it finds. A job of ours must not be among that: it would keep
//! the one below from going on, and may well wait for it.

use pool_rayon::backend::Job;
use pool_rayon::{Executor, RayonPool};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn rayon_pool(threads: usize) -> Arc<rayon::ThreadPool> {
    Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

/// Runs `body` on a thread of its own, so that a hang is a failure.
fn within<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (send, receive) = mpsc::channel();
    let thread = thread::spawn(move || send.send(body()));
    match receive.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(_) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

/// Has this thread run what rayon has for it, as a wait inside rayon would.
fn run_what_rayon_has() {
    while rayon::yield_now() == Some(rayon::Yield::Executed) {}
}

#[test]
fn p4_no_job_begins_on_top_of_one_that_waits() {
    within(|| {
        for pools in [1, 2] {
            let rayon = rayon_pool(1);
            let outer = RayonPool::from_pool(rayon.clone());
            let inner = if pools == 1 { None } else { Some(RayonPool::from_pool(rayon)) };
            let (send, events) = mpsc::channel();
            let (entered, enter) = mpsc::channel();
            let (go, gate) = mpsc::channel::<()>();
            let below = send.clone();
            outer.spawn(Job::new(move |_| {
                entered.send(()).unwrap();
                gate.recv().unwrap();
                run_what_rayon_has();
                below.send("below").unwrap();
            }));
            enter.recv_timeout(LIMIT).unwrap();
            for _ in 0..3 {
                let send = send.clone();
                inner.as_ref().unwrap_or(&outer).spawn(Job::new(move |_| send.send("above").unwrap()));
            }
            go.send(()).unwrap();
            let order: Vec<_> =
                (0..4).map(|_| events.recv_timeout(LIMIT).expect("all of them run")).collect();
            assert_eq!(order, ["below", "above", "above", "above"], "{pools} pools");
        }
    })
}

#[test]
fn p4_an_idle_thread_runs_what_a_waiting_one_leaves() {
    for _ in 0..200 {
        let pool = RayonPool::new(2).unwrap();
        let (send, ran) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        pool.spawn(Job::new(move |executor| {
            // The request lies in this thread's own deque, where this thread mostly finds it first.
            executor.spawn(Job::new(move |_| send.send(()).unwrap()));
            run_what_rayon_has();
            tell.send(ran.recv_timeout(LIMIT)).unwrap();
        }));
        assert_eq!(told.recv().unwrap(), Ok(()));
    }
}

/// Input that gives item `k + ahead` when the consumer has result `k`, and a function that uses rayon.
#[test]
fn p4_an_input_may_wait_for_a_result_that_waits_in_rayon() {
    within(|| {
        let (rounds, ahead) = (1_000, 2);
        for threads in [2, 3] {
            let pool = RayonPool::from_pool(rayon_pool(threads));
            let (send, receive) = mpsc::channel::<u64>();
            let mut imap = pool.imap(receive, |x| {
                rayon::join(thread::yield_now, || thread::sleep(Duration::from_micros(100)));
                x
            });
            (0..ahead).for_each(|k| send.send(k).unwrap());
            for k in 0..rounds {
                assert_eq!(imap.next(), Some(k));
                send.send(k + ahead).unwrap();
            }
        }
    });
}

#[test]
fn p8_calls_inside_rayon_inside_a_job_finish() {
    within(|| {
        for threads in [1, 2] {
            let pool = Arc::new(RayonPool::new(threads).unwrap());
            let inner = pool.clone();
            let sums = pool.imap(0..50u64, move |n| {
                let (left, right) = rayon::join(
                    || inner.imap(0..n, |x| x).sum::<u64>() + inner.map(0..n, |x| x).into_iter().sum::<u64>(),
                    || {
                        let submitted = inner.submit(move || n).join().unwrap();
                        submitted + inner.scope(|s| s.submit(|| n).join().unwrap())
                    },
                );
                left + right
            });
            assert!(sums.eq((0..50).map(|n| n * n - n + 2 * n)), "{threads} threads");
        }
    });
}

#[test]
fn p12_what_a_waiting_job_leaves_runs_before_the_pool_is_gone() {
    within(|| {
        for _ in 0..100 {
            let ran = Arc::new(AtomicBool::new(false));
            let pool = RayonPool::new(1).unwrap();
            let runs = ran.clone();
            pool.spawn(Job::new(move |executor| {
                executor.spawn(Job::new(move |_| runs.store(true, SeqCst)));
                run_what_rayon_has();
            }));
            drop(pool);
            assert!(ran.load(SeqCst));
        }
    });
}
