//! The figures where rayon could run one job inside another, and on threads that are not ours.

use pool_rayon::backend::Job;
use pool_rayon::{Executor, RayonPool};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const NAP: Duration = Duration::from_millis(30);
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_job_that_comes_up_inside_another_is_counted_behind_it() {
    let born = Instant::now();
    let pool = Arc::new(RayonPool::new(1).unwrap());
    let (send, ended) = mpsc::channel();
    pool.spawn(Job::new(move |executor| {
        let send_inner = send.clone();
        executor.spawn(Job::new(move |_| {
            thread::sleep(NAP);
            send_inner.send("inner").unwrap();
        }));
        // The only thread finds the inner job here, as it might in `rayon::join`.
        assert_eq!(rayon::yield_now(), Some(rayon::Yield::Executed));
        thread::sleep(NAP);
        send.send("outer").unwrap();
    }));
    assert_eq!(ended.recv_timeout(LIMIT), Ok("outer"));
    assert_eq!(ended.recv_timeout(LIMIT), Ok("inner"));
    // The outer one has not given the thread back.
    let sleeps = || pool.stats().total().sleeps;
    while sleeps() == 0 {
        assert!(born.elapsed() < LIMIT, "{}", pool.stats());
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(NAP);
    assert_eq!(sleeps(), 1);
    let stats = pool.stats();
    let lived = born.elapsed();
    assert_eq!(stats.total().jobs, 2);
    assert!((2 * NAP..=lived).contains(&stats.total().busy), "{stats}\nin {lived:?}");
}

#[test]
fn a_wrapped_pool_has_a_line_for_each_thread_and_counts_only_our_jobs() {
    let rayon = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
    let pool = RayonPool::from_pool(rayon.clone());
    let beside = RayonPool::from_pool(rayon.clone());
    assert_eq!(pool.stats().workers.len(), 3);
    // Not a job of ours.
    rayon.install(|| thread::sleep(NAP));
    assert_eq!(pool.stats().total().jobs, 0);
    assert_eq!(pool.stats().total().busy, Duration::ZERO);

    let ran_on = pool.submit(|| {
        thread::sleep(NAP);
        rayon::current_thread_index().unwrap()
    });
    let index = ran_on.join().unwrap();
    let stats = pool.stats();
    assert_eq!(stats.workers[index].jobs, 1, "{stats}");
    assert!(stats.workers[index].busy >= NAP, "{stats}");
    assert_eq!(stats.total().jobs, 1, "{stats}");
    assert_eq!(beside.stats().total().jobs, 0);
}
