//! What a pool tells about its workers, for backends that have `stats()`; and P13 idle, by these figures.

use crate::suite::list::promises;
use pool_core::Executor;
use std::thread;
use std::time::{Duration, Instant};

const NAP: Duration = Duration::from_millis(20);

promises! {
    fn p12_stats_count_every_submit_once(subject) {
        if !subject.counts() {
            return;
        }
        for threads in [1, 2, 5] {
            let pool = subject.pool(threads);
            assert_eq!(pool.stats().total().jobs, 0);
            for count in [1, 1, 498] {
                let before = pool.stats().total().jobs;
                let handles: Vec<_> = (0..count).map(|x| pool.submit(move || x)).collect();
                for (x, handle) in handles.into_iter().enumerate() {
                    assert_eq!(handle.join().unwrap(), x);
                }
                assert_eq!(pool.stats().total().jobs - before, count as u64);
            }
            let all = pool.stats();
            assert_eq!(all.workers.len(), threads);
            assert_eq!(all.workers.iter().map(|worker| worker.jobs).sum::<u64>(), 500);
        }
    }

    /// As soon as the result is there: no caller has to wait for the worker to finish counting.
    fn p12_stats_know_a_job_when_its_result_is_there(subject) {
        if !subject.counts() {
            return;
        }
        let pool = subject.pool(2);
        for joined in 1..=2_000 {
            pool.submit(|| ()).join().unwrap();
            assert_eq!(pool.stats().total().jobs, joined);
        }
    }

    fn p6_stats_count_jobs_that_panic(subject) {
        if !subject.counts() {
            return;
        }
        let pool = subject.pool(1);
        for _ in 0..3 {
            assert!(pool.submit(|| panic!("on purpose")).join().is_err());
        }
        pool.submit(|| thread::sleep(NAP)).join().unwrap();
        let total = pool.stats().total();
        assert_eq!(total.jobs, 4);
        assert!(total.busy >= NAP, "{total:?}");
    }

    fn p13_stats_time_what_is_spent_in_jobs(subject) {
        if !subject.counts() {
            return;
        }
        let threads = 3;
        let began = Instant::now();
        let pool = subject.pool(threads);
        for round in 1..=4 {
            let handles: Vec<_> = (0..threads).map(|_| pool.submit(|| thread::sleep(NAP))).collect();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
            let busy = pool.stats().total().busy;
            let lived = began.elapsed();
            assert!(busy >= NAP * round * threads as u32, "{busy:?} in {round} rounds");
            assert!(busy <= lived * threads as u32, "{busy:?} in {lived:?}");
        }
        for worker in pool.stats().workers {
            assert!(worker.busy <= began.elapsed(), "{worker:?}");
        }
    }

    /// One thread, so that work and rest cannot be side by side.
    fn p13_stats_do_not_count_rest_as_work(subject) {
        if !subject.counts() {
            return;
        }
        let pool = subject.pool(1);
        let began = Instant::now();
        for _ in 0..5 {
            pool.submit(|| ()).join().unwrap();
            thread::sleep(NAP);
        }
        let (busy, rested) = (pool.stats().total().busy, 5 * NAP);
        let lived = began.elapsed();
        assert!(busy <= lived - rested, "busy for {busy:?} of {lived:?}, of which {rested:?} were rest");
    }

    /// The consumer is inside a job and waits for an imap on the same pool: one thread, busy all the time.
    fn p8_stats_do_not_count_nested_time_twice(subject) {
        if !subject.counts() {
            return;
        }
        let began = Instant::now();
        let pool = std::sync::Arc::new(subject.pool(1));
        let inner = pool.clone();
        let outer = pool.submit(move || inner.imap(0..4, |_| thread::sleep(NAP)).count());
        assert_eq!(outer.join().unwrap(), 4);
        let busy = pool.stats().total().busy;
        assert!(busy >= 4 * NAP, "{busy:?}");
        assert!(busy <= began.elapsed(), "{busy:?} in {:?}", began.elapsed());
    }

    fn p13_idle_workers_stay_asleep(subject) {
        if !subject.counts() {
            return;
        }
        let pool = subject.pool(3);
        for round in 0..3 {
            let before = pool.stats().total().sleeps;
            assert!(pool.imap(0..1_000u64, |x| x).eq(0..1_000));
            pool.submit(|| ()).join().unwrap();
            // Under the watchdog: a worker that has had a job goes to sleep after it.
            while pool.stats().total().sleeps == before {
                thread::sleep(Duration::from_millis(1));
            }
            // The others may be late on a machine with other things to do; one that polls is never done.
            let idle = (0..20).any(|_| {
                let settled = pool.stats();
                thread::sleep(5 * NAP);
                settled == pool.stats()
            });
            assert!(idle, "round {round}: an idle pool goes on counting: {}", pool.stats());
        }
    }

    fn p13_stats_print_as_a_table(subject) {
        if !subject.counts() {
            return;
        }
        let pool = subject.pool(2);
        for _ in 0..7 {
            pool.submit(|| ()).join().unwrap();
        }
        let table = pool.stats().to_string();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["worker", "jobs", "busy", "sleeps", "steals"], "{table}");
        let names: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
        assert_eq!(names, ["0", "1", "total"], "{table}");
        assert_eq!(rows[3][1], "7", "{table}");
        assert!(rows.iter().all(|row| row.len() == 5), "{table}");
    }
}
