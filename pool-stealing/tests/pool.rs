//! What the pool promises by itself. The engine's promises are checked on every pool by the conformance
//! suite.

#![cfg(not(loom))]

use pool_stealing::backend::Job;
use pool_stealing::{Executor, JobError, StealingPool};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Runs the body in a thread of its own, and fails if it hangs.
fn watched(body: impl FnOnce() + Send + 'static) {
    let (send, done) = mpsc::channel();
    let thread = thread::spawn(move || {
        body();
        send.send(()).unwrap();
    });
    match done.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test has not finished after 20 s"),
        _ => thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
    }
}

/// Occupies one worker until the sender is dropped.
fn block(pool: &StealingPool) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    pool.spawn(Job::new(move |_| {
        begin.send(()).unwrap();
        let _ = released.recv();
    }));
    begun.recv().unwrap();
    release
}

#[test]
fn jobs_from_many_threads_all_run_once() {
    watched(|| {
        let pool = StealingPool::new(2).unwrap();
        let runs: Arc<[AtomicUsize]> = (0..10_000).map(|_| AtomicUsize::new(0)).collect();
        thread::scope(|scope| {
            for quarter in 0..4 {
                let (pool, runs) = (&pool, &runs);
                scope.spawn(move || {
                    for index in (quarter..10_000).step_by(4) {
                        let runs = runs.clone();
                        pool.spawn(Job::new(move |_| {
                            runs[index].fetch_add(1, Ordering::Relaxed);
                        }));
                    }
                });
            }
        });
        pool.join();
        assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1));
    });
}

#[test]
fn a_panicking_job_loses_no_worker() {
    watched(|| {
        let pool = StealingPool::new(1).unwrap();
        assert!(matches!(pool.submit(|| panic!("expected")).join(), Err(JobError::Panicked(_))));
        assert_eq!(pool.submit(|| 42).join().unwrap(), 42);
    });
}

#[test]
fn jobs_spawned_from_jobs_run() {
    /// A binary tree of jobs; counts its leaves.
    fn grow(depth: u32, leaves: Arc<AtomicUsize>) -> Job {
        Job::new(move |executor| {
            if depth == 0 {
                leaves.fetch_add(1, Ordering::Relaxed);
            } else {
                executor.spawn(grow(depth - 1, leaves.clone()));
                executor.spawn(grow(depth - 1, leaves));
            }
        })
    }
    for threads in [1, 2, 4] {
        watched(move || {
            let leaves = Arc::new(AtomicUsize::new(0));
            let pool = StealingPool::new(threads).unwrap();
            pool.spawn(grow(12, leaves.clone()));
            drop(pool);
            assert_eq!(leaves.load(Ordering::Relaxed), 1 << 12);
        });
    }
}

#[test]
fn a_job_behind_a_long_job_is_stolen() {
    watched(|| {
        let pool = StealingPool::new(2).unwrap();
        for _ in 0..1_000 {
            let (send, done) = mpsc::channel();
            pool.spawn(Job::new(move |executor| {
                let (send_inner, inner) = mpsc::channel();
                executor.spawn(Job::new(move |_| send_inner.send(()).unwrap()));
                inner.recv().unwrap();
                send.send(()).unwrap();
            }));
            done.recv().unwrap();
        }
    });
}

/// A job waits for one in its own worker's deque, so the other worker must have taken that.
#[test]
fn a_stolen_job_is_counted() {
    watched(|| {
        let pool = StealingPool::new(2).unwrap();
        let (send, stolen) = mpsc::channel();
        let outer = Job::new(move |executor| {
            let (begin, begun) = mpsc::channel();
            executor.spawn(Job::new(move |_| begin.send(()).unwrap()));
            begun.recv().unwrap();
            send.send(()).unwrap();
        });
        pool.spawn(outer);
        stolen.recv().unwrap();
        let stats = pool.stats();
        assert_eq!((stats.total().jobs, stats.total().steals), (2, 1), "{stats}");
        let thief = stats.workers.iter().find(|worker| worker.steals == 1).unwrap();
        assert_eq!(thief.jobs, 1, "{stats}");
    });
}

/// A worker looks into its own deque also where it looks into those of others.
#[test]
fn what_a_worker_takes_from_itself_is_not_stolen() {
    watched(|| {
        let pool = StealingPool::new(1).unwrap();
        let (send, ran) = mpsc::channel();
        pool.spawn(Job::new(move |executor| {
            for _ in 0..100 {
                let send = send.clone();
                executor.spawn(Job::new(move |_| send.send(()).unwrap()));
            }
        }));
        assert_eq!(ran.iter().count(), 100);
        let total = pool.stats().total();
        assert_eq!((total.jobs, total.steals), (101, 0), "{total}");
    });
}

#[test]
fn spawning_from_a_thread_inside_a_job_works() {
    watched(|| {
        let pool = StealingPool::new(1).unwrap();
        let (send, done) = mpsc::channel();
        pool.spawn(Job::new(move |executor| {
            thread::scope(|scope| {
                scope.spawn(|| executor.spawn(Job::new(move |_| send.send(()).unwrap())));
            });
        }));
        drop(pool);
        assert_eq!(done.try_recv(), Ok(()));
    });
}

#[test]
fn a_job_may_spawn_on_another_stealing_pool() {
    watched(|| {
        let other = Arc::new(StealingPool::new(1).unwrap());
        let pool = StealingPool::new(1).unwrap();
        let name = pool.submit({
            let other = other.clone();
            move || other.submit(|| thread::current().id())
        });
        let (inner, here) = (name.join().unwrap().join().unwrap(), pool.submit(|| thread::current().id()));
        assert_ne!(inner, here.join().unwrap());
    });
}

#[test]
fn drop_runs_what_is_queued() {
    watched(|| {
        let pool = StealingPool::new(1).unwrap();
        let release = block(&pool);
        let handles: Vec<_> = (0..100).map(|i| pool.submit(move || i)).collect();
        drop(release);
        drop(pool);
        assert!(handles.iter().all(|handle| handle.is_finished()));
        assert!(handles.into_iter().map(|handle| handle.join().unwrap()).eq(0..100));
    });
}

#[test]
fn a_closing_pool_keeps_all_its_workers() {
    watched(|| {
        let pool = StealingPool::new(2).unwrap();
        let (send, done) = mpsc::channel();
        pool.spawn(Job::new(move |executor| {
            // Time for the closing to happen; the outcome does not depend on it.
            thread::sleep(Duration::from_millis(20));
            let (send_inner, inner) = mpsc::channel();
            executor.spawn(Job::new(move |_| send_inner.send(()).unwrap()));
            inner.recv().unwrap();
            send.send(()).unwrap();
        }));
        drop(pool);
        assert_eq!(done.try_recv(), Ok(()));
    });
}

#[test]
fn a_pool_may_be_dropped_by_its_own_job() {
    for threads in [1, 2] {
        watched(move || {
            let pool = Arc::new(StealingPool::new(threads).unwrap());
            let (send_pool, pools) = mpsc::channel::<Arc<StealingPool>>();
            let first = pool.submit(move || {
                let pool = pools.recv().unwrap();
                let last = pool.submit(|| 7);
                drop(pool);
                last
            });
            let queued: Vec<_> = (0..100).map(|i| pool.submit(move || i)).collect();
            send_pool.send(pool).unwrap();
            assert_eq!(first.join().unwrap().join().unwrap(), 7);
            assert!(queued.into_iter().map(|handle| handle.join().unwrap()).eq(0..100));
        });
    }
}

#[test]
fn terminate_cancels_what_is_queued() {
    watched(|| {
        let pool = StealingPool::new(1).unwrap();
        let release = block(&pool);
        let handles: Vec<_> = (0..100).map(|i| pool.submit(move || i)).collect();
        let terminator = thread::spawn(move || pool.terminate());
        // They are cancelled at once, while the long job is still running.
        for handle in handles {
            assert!(matches!(handle.join(), Err(JobError::Cancelled)));
        }
        drop(release);
        terminator.join().unwrap();
    });
}

#[test]
fn terminate_drops_what_is_spawned_later() {
    watched(|| {
        let pool = StealingPool::new(2).unwrap();
        let (begin, begun) = mpsc::channel();
        let (send, done) = mpsc::channel();
        pool.spawn(Job::new(move |executor| {
            begin.send(()).unwrap();
            // The handle of the inner job outlives the pool.
            thread::sleep(Duration::from_millis(50));
            send.send((&executor).submit(|| 1)).unwrap();
        }));
        begun.recv().unwrap();
        pool.terminate();
        assert!(matches!(done.recv().unwrap().join(), Err(JobError::Cancelled)));
    });
}

#[test]
fn a_job_that_spawns_itself_starves_nobody() {
    fn again(stop: Arc<AtomicBool>) -> Job {
        Job::new(move |executor| {
            if !stop.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_micros(100));
                executor.spawn(again(stop));
            }
        })
    }
    watched(|| {
        // Against a job in the injector.
        let stop = Arc::new(AtomicBool::new(false));
        let pool = StealingPool::new(1).unwrap();
        pool.spawn(again(stop.clone()));
        assert_eq!(pool.submit(|| 42).join().unwrap(), 42);
        stop.store(true, Ordering::Relaxed);
    });
    watched(|| {
        // Against a job in the deque of a worker that is busy.
        let stop = Arc::new(AtomicBool::new(false));
        let pool = StealingPool::new(2).unwrap();
        let (send_inner, inner) = mpsc::channel();
        pool.spawn(again(stop.clone()));
        pool.spawn(again(stop.clone()));
        pool.spawn(Job::new(move |executor| {
            let (send, done) = mpsc::channel();
            executor.spawn(Job::new(move |_| send.send(()).unwrap()));
            done.recv().unwrap();
            send_inner.send(()).unwrap();
        }));
        inner.recv().unwrap();
        stop.store(true, Ordering::Relaxed);
    });
}

/// The time that threads of this name prefix have spent on a CPU.
#[cfg(target_os = "linux")]
fn cpu_time(prefix: &str) -> Duration {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        // A thread of another test may end while we look.
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        if name.starts_with(prefix) {
            let schedstat = std::fs::read_to_string(path.join("schedstat")).unwrap();
            sum += schedstat.split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    Duration::from_nanos(sum)
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_pool_uses_no_cpu() {
    watched(|| {
        let pool = StealingPool::builder().threads(4).thread_name(|i| format!("idle-{i}")).build().unwrap();
        assert_eq!(pool.imap(0..1_000, |i| i + 1).count(), 1_000);
        thread::sleep(Duration::from_millis(100));
        let before = cpu_time("idle-");
        assert!(before > Duration::ZERO, "no thread was found by its name");
        thread::sleep(Duration::from_secs(1));
        let used = cpu_time("idle-") - before;
        assert!(used <= Duration::from_millis(5), "an idle second cost {used:?}");
    });
}

#[test]
fn imap_equals_map() {
    for threads in [1, 2, 4] {
        watched(move || {
            let pool = StealingPool::new(threads).unwrap();
            let f = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7;
            assert!(pool.imap(0..100_000, f).eq((0..100_000).map(f)));
        });
    }
}

#[test]
fn debug_shows_the_number_of_threads() {
    let pool = StealingPool::new(2).unwrap();
    assert_eq!(format!("{pool:?}"), "Pool { name: \"pool-stealing\", threads: 2, .. }");
}
