//! P12 pool drop, P14 sharing.

use crate::suite::list::promises;
use pool_core::{Cancelled, Executor, JobError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

promises! {
    fn p12_dropping_the_pool_runs_what_is_queued(subject) {
        let pool = subject.pool(2);
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..1_000 {
            let ran = ran.clone();
            drop(pool.submit(move || ran.fetch_add(1, Ordering::SeqCst)));
        }
        drop(pool);
        assert_eq!(ran.load(Ordering::SeqCst), 1_000);
    }

    fn p12_dropped_from_another_thread(subject) {
        let pool = subject.pool(2);
        let handles: Vec<_> = (0..100).map(|x| pool.submit(move || x)).collect();
        thread::spawn(move || drop(pool)).join().unwrap();
        for (index, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.join().unwrap(), index);
        }
    }

    fn p12_dropped_from_its_own_job(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let (go, gate) = mpsc::channel::<()>();
            let own = pool.clone();
            let first = pool.submit(move || {
                gate.recv().unwrap();
                drop(own);
            });
            let rest: Vec<_> = (0..50).map(|x| pool.submit(move || x)).collect();
            drop(pool);
            // Now the job has the last handle of the pool.
            go.send(()).unwrap();
            first.join().unwrap();
            for (index, handle) in rest.into_iter().enumerate() {
                assert_eq!(handle.join().unwrap(), index);
            }
        }
    }

    fn p12_terminate_cancels_what_is_queued(subject) {
        if !subject.terminates() {
            return;
        }
        let pool = subject.pool(1);
        let (open, gate) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let running = pool.submit(move || {
            begun.send(()).unwrap();
            gate.recv().unwrap();
            5
        });
        let queued: Vec<_> = (0..20).map(|_| pool.submit(|| ())).collect();
        begins.recv().unwrap();
        pool.terminate();
        for handle in queued {
            assert!(matches!(handle.join(), Err(JobError::Cancelled)));
        }
        open.send(()).unwrap();
        assert_eq!(running.join().unwrap(), 5);
        drop(pool);
    }

    /// Where there is always room, no worker leaves by itself.
    fn p12_terminate_ends_an_imap_that_is_being_read(subject) {
        if !subject.terminates() {
            return;
        }
        for (threads, window) in [(1, 10), (2, 10), (1, 10_000), (2, 10_000)] {
            let pool = subject.pool(threads);
            let mut results = pool.imap(0u64.., |x| x).window(window);
            assert!(results.by_ref().take(100).eq(0..100));
            pool.terminate();
            let told = loop {
                match catch_unwind(AssertUnwindSafe(|| results.next())) {
                    Ok(result) => assert!(result.is_some(), "an endless imap has ended"),
                    Err(payload) => break payload.is::<Cancelled>(),
                }
            };
            assert!(told, "by a panic with Cancelled");
        }
    }

    /// A job that waits for what it has submitted goes on: that is run or dropped, also if the pool is terminated between
    /// two submits, or in the middle of one.
    fn p12_terminate_beside_a_job_that_submits(subject) {
        if !subject.terminates() {
            return;
        }
        for _ in 0..50 {
            let pool = Arc::new(subject.pool(2));
            let inside = pool.clone();
            let (begun, begins) = mpsc::channel();
            let (stop, stops) = mpsc::channel::<()>();
            let submits = pool.submit(move || {
                let live = Arc::new(());
                while stops.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
                    if Arc::strong_count(&live) < 100 {
                        let one = live.clone();
                        drop(inside.submit(move || drop(one)));
                    }
                    let _ = begun.send(());
                }
                // Under the watchdog.
                while Arc::strong_count(&live) > 1 {
                    thread::yield_now();
                }
            });
            begins.iter().take(20).for_each(drop);
            pool.terminate();
            drop(stop);
            submits.join().unwrap();
        }
    }

    fn p14_two_hundred_imaps_share_two_threads(subject) {
        let pool = subject.pool(2);
        let mut imaps: Vec<_> = (0..200u64).map(|n| pool.imap(n..n + 50, |x| x * 3)).collect();
        for step in 0..50 {
            for (n, imap) in imaps.iter_mut().enumerate() {
                assert_eq!(imap.next(), Some((n as u64 + step) * 3));
            }
        }
        assert!(imaps.iter_mut().all(|imap| imap.next().is_none()));
    }

    fn p14_two_hundred_consumers_at_once(subject) {
        let pool = subject.pool(2);
        thread::scope(|scope| {
            for n in 0..200u64 {
                let pool = &pool;
                scope.spawn(move || assert!(pool.imap(n..n + 200, |x| x).eq(n..n + 200)));
            }
        });
    }

    /// An endless imap, with a consumer that always wants more, beside a short one.
    fn p14_an_endless_imap_does_not_starve_another(subject) {
        let pool = subject.pool(1);
        let stop = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let endless = pool.imap(0u64.., |x| pool_core::work::xorshift(x, 100));
                for _ in endless {
                    if stop.load(Ordering::Relaxed) > 0 {
                        return;
                    }
                }
            });
            for _ in 0..20 {
                // Items that are long for their consumer to help with.
                let slow = pool.imap(0..3, |x| (thread::sleep(std::time::Duration::from_micros(200)), x).1);
                assert!(slow.eq(0..3));
            }
            stop.store(1, Ordering::Relaxed);
        });
    }
}
