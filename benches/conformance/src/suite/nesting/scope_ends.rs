//! The end of a scope: it waits for its jobs, runs those that no thread has begun, and ends its imaps last.

use crate::suite::list::promises;
use crate::suite::parts::{Gate, LONG};
use pool_core::Executor;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// Sums an imap of `data` whose items take a little while, so that it outlives the body of its scope.
fn slow_sum<'a>(imap: impl Iterator<Item = &'a u64>) -> u64 {
    imap.inspect(|_| thread::yield_now()).sum()
}

promises! {
    /// The thread that ends the scope is the only one that is left for the second job.
    fn p8_scope_end_runs_a_job_that_a_running_one_waits_for(subject) {
        let pool = Arc::new(subject.pool(2));
        let inner = pool.clone();
        let ended = pool.submit(move || {
            inner.scope(|s| {
                let (begin, begun) = mpsc::channel();
                let (send, receive) = mpsc::channel();
                drop(s.submit(move || {
                    begin.send(()).unwrap();
                    receive.recv_timeout(LONG).expect("the other job runs");
                }));
                begun.recv().unwrap();
                drop(s.submit(move || send.send(()).unwrap()));
            });
        });
        ended.join().unwrap();
    }

    /// The running job submits it while the end of the scope waits for that job: at once, or some time later.
    fn p8_scope_end_runs_a_job_that_comes_while_it_waits(subject) {
        let pool = Arc::new(subject.pool(2));
        for round in 0..40 {
            let inner = pool.clone();
            let ended = pool.submit(move || {
                inner.scope(|s| {
                    let (begin, begun) = mpsc::channel();
                    let (leave, left) = mpsc::channel();
                    drop(s.submit(move || {
                        begin.send(()).unwrap();
                        left.recv().unwrap();
                        thread::sleep(Duration::from_micros(100 * (round % 8)));
                        let (send, receive) = mpsc::channel();
                        drop(s.submit(move || send.send(()).unwrap()));
                        receive.recv_timeout(LONG).expect("the other job runs");
                    }));
                    begun.recv().unwrap();
                    leave.send(()).unwrap();
                });
            });
            ended.join().unwrap();
        }
    }

    /// All of a pool's threads meet, again and again: the one that ends the scope is one of them.
    fn p8_scope_end_takes_part_until_no_job_is_left(subject) {
        let pool = Arc::new(subject.pool(2));
        let inner = pool.clone();
        let ended = pool.submit(move || {
            let meeting = Barrier::new(2);
            inner.scope(|s| for _ in 0..20 { drop(s.submit(|| meeting.wait())) });
        });
        ended.join().unwrap();
    }

    /// Jobs that submit jobs, in a job, where no other thread is there.
    fn p8_scope_end_inside_a_job_of_one_thread(subject) {
        let pool = Arc::new(subject.pool(1));
        let inner = pool.clone();
        let ran = pool.submit(move || {
            let ran = AtomicUsize::new(0);
            inner.scope(|s| {
                for _ in 0..20 {
                    drop(s.submit(|| {
                        ran.fetch_add(1, SeqCst);
                        drop(s.submit(|| {
                            ran.fetch_add(1, SeqCst);
                            inner.scope(|s| drop(s.submit(|| ran.fetch_add(1, SeqCst))));
                        }));
                    }));
                }
            });
            ran.into_inner()
        });
        assert_eq!(ran.join().unwrap(), 60);
    }

    fn p12_scope_end_leaves_an_imap_to_the_job_that_iterates_it(subject) {
        let data: Vec<u64> = (0..1_000).collect();
        for threads in [1, 2, 3] {
            let pool = subject.pool(threads);
            for _ in 0..5 {
                let sums = Mutex::new(Vec::new());
                pool.scope(|s| {
                    let sums = &sums;
                    let plain = s.imap(&data, |x| x);
                    drop(s.submit(move || sums.lock().unwrap().push(slow_sum(plain))));
                    let with_state = s.imap_init(&data, || (), |(), x| x).start();
                    drop(s.submit(move || {
                        // Handed on to another job.
                        drop(s.submit(move || sums.lock().unwrap().push(slow_sum(with_state))));
                    }));
                });
                assert_eq!(sums.into_inner().unwrap(), [499_500; 2], "with {threads} threads");
            }
        }
    }

    /// The same inside a job of the pool.
    fn p12_scope_end_leaves_an_imap_to_its_job_inside_a_job(subject) {
        for threads in [1, 2, 3] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let sum = pool.submit(move || {
                let data: Vec<u64> = (0..1_000).collect();
                let mut sum = 0;
                inner.scope(|s| {
                    let imap = s.imap(&data, |x| x);
                    drop(s.submit(|| sum = slow_sum(imap)));
                });
                sum
            });
            assert_eq!(sum.join().unwrap(), 499_500, "with {threads} threads");
        }
    }

    /// An item of an imap that was dropped still runs, and has an imap of its own in its hand.
    fn p12_scope_end_leaves_an_imap_to_the_item_that_iterates_it(subject) {
        let data: Vec<u64> = (0..1_000).collect();
        let pool = subject.pool(2);
        for _ in 0..20 {
            let (sums, gate) = (Mutex::new(Vec::new()), Gate::closed());
            let (door, (begin, begun)) = (gate.door(), mpsc::channel());
            pool.scope(|s| {
                let inner = vec![None, Some(s.imap(&data, |x| x))];
                let sums = &sums;
                let mut outer = s.imap(inner, move |imap| {
                    if let Some(imap) = imap {
                        begin.send(()).unwrap();
                        door.pass();
                        let sum = slow_sum(imap);
                        sums.lock().unwrap().push(sum);
                    }
                }).start();
                assert_eq!(outer.next(), Some(()));
                begun.recv().unwrap();
                drop(outer);
                gate.open();
            });
            assert_eq!(sums.into_inner().unwrap(), [499_500]);
        }
    }

    /// A leaked imap comes to its end although a job has kept the scope open.
    fn p9_scope_end_ends_a_leaked_imap_after_the_jobs(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (running, after) = (AtomicUsize::new(0), AtomicUsize::new(0));
            pool.scope(|s| {
                let endless = s.imap(0u64.., |_| {
                    running.fetch_add(1, SeqCst);
                    // Items submit, too, also at the very end.
                    drop(s.submit(|| after.fetch_add(1, SeqCst)));
                    running.fetch_sub(1, SeqCst);
                });
                let mut endless = endless.window(4);
                drop(s.submit(move || {
                    assert_eq!(endless.next(), Some(()));
                    std::mem::forget(endless);
                }));
            });
            assert_eq!(running.load(SeqCst), 0);
            let ran = after.load(SeqCst);
            assert!(ran > 0);
            pool.map(0..100, |_| ());
            assert_eq!(after.load(SeqCst), ran, "a job ran after the scope");
        }
    }

    /// What was taken back is nothing to wait for, however long the pool's queue is.
    fn p9_scope_end_does_not_wait_for_cancelled_jobs(subject) {
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let (door, (begin, begun)) = (gate.door(), mpsc::channel());
        let busy = pool.submit(move || {
            begin.send(()).unwrap();
            door.pass();
        });
        begun.recv().unwrap();
        let (end, ended) = mpsc::channel();
        thread::scope(|threads| {
            threads.spawn(|| {
                pool.scope(|s| assert!((0..5).all(|_| s.submit(|| ()).cancel())));
                end.send(()).unwrap();
            });
            let ended = ended.recv_timeout(LONG);
            gate.open();
            ended.expect("the scope ends although the pool is busy");
        });
        busy.join().unwrap();
    }
}
