//! The pool around rayon's global one, from every kind of thread.

use pool_rayon::{Executor, RayonPool};
use std::collections::HashSet;
use std::sync::{Arc, Barrier, mpsc};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Runs the body in a thread of its own, and fails if it hangs.
fn watched(body: impl FnOnce() + Send + 'static) {
    let (send, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        body();
        let _ = send.send(());
    });
    match ended.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap(),
    }
}

/// The threads of rayon's global pool, asked from a thread that is in none.
fn global_threads() -> HashSet<ThreadId> {
    thread::spawn(|| rayon::broadcast(|_| thread::current().id())).join().unwrap().into_iter().collect()
}

/// The threads that run jobs of this pool: one each, which meet.
fn threads_of(pool: &RayonPool) -> HashSet<ThreadId> {
    let meeting = Arc::new(Barrier::new(pool.threads()));
    let jobs = (0..pool.threads()).map(|_| {
        let meeting = meeting.clone();
        pool.submit(move || {
            meeting.wait();
            thread::current().id()
        })
    });
    let jobs: Vec<_> = jobs.collect();
    jobs.into_iter().map(|job| job.join().unwrap()).collect()
}

#[test]
fn jobs_run_on_the_global_threads() {
    watched(|| {
        let pool = RayonPool::global();
        assert_eq!(threads_of(&pool), global_threads());
        assert!(pool.imap(0..10_000u64, |x| x + 1).eq(1..10_001));
        drop(pool);
        // They live on, and serve the next one.
        assert_eq!(threads_of(&RayonPool::global()), global_threads());
    });
}

/// Rayon's functions are called by a thread of our own there, which is waited for.
#[test]
fn a_token_of_unpark_is_left_alone_on_a_thread_of_another_pool() {
    watched(|| {
        let other = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        other.install(|| {
            let short = Duration::from_millis(20);
            for _ in 0..20 {
                drop(RayonPool::global());
                let started = Instant::now();
                thread::park_timeout(short);
                assert!(started.elapsed() >= short, "a token was left");
            }
        });
    });
}

#[test]
fn jobs_run_there_also_from_threads_of_another_pool() {
    watched(|| {
        let other = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let (seen, sum) = other.install(|| {
            // Made and used inside another pool, whose threads it must not take for its own.
            let pool = RayonPool::global();
            assert_eq!(pool.threads(), global_threads().len());
            let ran = pool.submit(|| thread::current().id());
            while !ran.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            (ran.join().unwrap(), pool.imap(0..1_000u64, |x| x).sum::<u64>())
        });
        assert!(global_threads().contains(&seen));
        assert_eq!(sum, 499_500);
    });
}

#[test]
fn nested_on_the_global_threads() {
    watched(|| {
        let pool = Arc::new(RayonPool::global());
        let inner = pool.clone();
        // In a closure of rayon's own, and in jobs.
        rayon::scope(|_| assert_eq!(pool.imap(0..100u64, |x| x).sum::<u64>(), 4_950));
        let sums = pool.imap(1..50u64, move |n| inner.imap(0..n, |x| x).sum::<u64>());
        assert!(sums.eq((1..50).map(|n| n * (n - 1) / 2)));
    });
}

#[test]
fn dropping_it_runs_what_is_queued() {
    watched(|| {
        let pool = RayonPool::global();
        let handles: Vec<_> = (0..500).map(|x| pool.submit(move || x)).collect();
        pool.join();
        assert!(handles.iter().all(|handle| handle.is_finished()));
    });
}
