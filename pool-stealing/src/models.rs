//! Loom models: the worker loop and the sleep protocol, as they are, on locked queues (`deque_loom.rs`).
//!
//! Run them with `.ci/loom`. A worker that sleeps
//! beside a job shows as a deadlock, which loom reports. Each model says which changes must turn it red.

use crate::queue::Queues;
use crate::sleep::{Next, Sleep};
use crate::sync::{lock, wait};
use crate::worker::{Core, Worker};
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::sync::mpsc::{Receiver, channel};
use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use std::sync::Arc;

/// A job that gets the worker that runs it, so that it can push to that worker's deque.
struct Job(Box<Body>);

type Body = dyn FnOnce(&Worker<Job>);

impl Job {
    fn new(f: impl FnOnce(&Worker<Job>) + 'static) -> Job {
        Job(Box::new(f))
    }
}

struct Pool {
    core: Arc<Core<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    fn new(workers: usize) -> Pool {
        let (core, workers) = Core::new(workers);
        let live = |worker: Worker<Job>| thread::spawn(move || worker.work(|job| (job.0)(&worker)));
        Pool { core, threads: workers.into_iter().map(live).collect() }
    }

    fn inject(&self, f: impl FnOnce(&Worker<Job>) + 'static) {
        self.core.inject(Job::new(f));
    }

    fn join(&mut self) {
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }

    fn close_and_join(mut self) {
        self.core.close();
        self.join();
    }
}

fn model(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    pool_core::explore::explore(preemptions, f);
}

fn expect<T>(receiver: &Receiver<T>) -> T {
    receiver.recv().expect("the job was dropped instead of run")
}

/// A job that pushes another job to its own worker's deque and waits for it. Its end is told to the receiver.
fn inject_job_that_waits_for_its_own(pool: &Pool) -> Receiver<()> {
    let (send_outer, outer) = channel();
    pool.inject(move |worker| {
        let (send_inner, inner) = channel();
        worker.push(Job::new(move |_| send_inner.send(()).unwrap()));
        expect(&inner);
        send_outer.send(()).unwrap();
    });
    outer
}

/// Red without the second look in `Sleep::park`, without the fence there or in `Sleep::pushed`, and if
/// `park` waits without looking for a token first.
#[test]
fn a_push_meets_a_worker_going_to_sleep() {
    model(3, || {
        let pool = Pool::new(1);
        let (send, ran) = channel();
        pool.inject(move |_| send.send(()).unwrap());
        expect(&ran);
        pool.close_and_join();
    });
}

/// The first job waits for the second, so both workers are needed, though one of the pushes may wake
/// none. Red if `Sleep::found` wakes no successor.
#[test]
fn two_pushes_reach_two_workers() {
    model(1, || {
        let pool = Pool::new(2);
        let (send_second, second) = channel();
        let (send_first, first) = channel();
        pool.inject(move |_| {
            expect(&second);
            send_first.send(()).unwrap();
        });
        pool.inject(move |_| send_second.send(()).unwrap());
        expect(&first);
        pool.close_and_join();
    });
}

/// The protocol alone, since the fence concerned shows only in interleavings that are too deep for whole workers: a
/// push wakes no worker since this thread searches, although this thread has already found a job. Red if `Sleep::found`
/// lacks its fence or does not look again.
#[test]
fn a_push_meets_the_end_of_a_search() {
    model(3, || {
        let shared = Arc::new((Queues::new(1).0, Sleep::new(1)));
        let (queues, sleep) = &*shared;
        sleep.search();
        let sleeper = thread::spawn({
            let shared = shared.clone();
            move || {
                let (queues, sleep) = &*shared;
                sleep.search();
                while queues.take_any(0).is_none() {
                    assert_eq!(sleep.park(|| queues.has_job(), || ()), Next::Search);
                }
            }
        });
        let pusher = thread::spawn({
            let shared = shared.clone();
            move || {
                let (queues, sleep) = &*shared;
                queues.inject(());
                sleep.pushed();
            }
        });
        sleep.found(|| queues.has_job());
        pusher.join().unwrap();
        sleeper.join().unwrap();
    });
}

/// The other worker must come and steal the job behind the one that waits. Red if `Worker::push` does not call
/// `Sleep::pushed`, or if `take_any` leaves out the deques. It has more orders than fit into ten seconds.
#[test]
fn a_job_behind_a_long_job_is_stolen() {
    model(2, || {
        let pool = Pool::new(2);
        let outer = inject_job_that_waits_for_its_own(&pool);
        expect(&outer);
        pool.close_and_join();
    });
}

/// Red if `Sleep::close` or `Sleep::park` does not call `end_if_idle`, or if that notifies one thread
/// only.
#[test]
fn closing_meets_workers_going_to_sleep() {
    model(3, || Pool::new(2).close_and_join());
}

/// Red if `Sleep::terminate` does not store the stage, or notifies before it stores it.
#[test]
fn terminating_meets_workers_going_to_sleep() {
    model(3, || {
        let mut pool = Pool::new(2);
        drop(pool.core.terminate());
        pool.join();
    });
}

/// Red if workers of a closed pool end when they find no job, instead of parking until all are idle, and
/// if `end_if_idle` ignores the tokens on their way.
#[test]
fn a_job_spawned_while_closing_is_run() {
    model(2, || {
        let pool = Pool::new(2);
        let outer = inject_job_that_waits_for_its_own(&pool);
        pool.close_and_join();
        expect(&outer);
    });
}

/// Counts when it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// When the threads have ended, every job has been run or dropped. Red if `Core::terminate` or `Core::pushed` does not
/// take what is queued, and without the fence of `terminate`.
#[test]
fn terminating_leaves_no_job_behind() {
    model(2, || {
        let gone = Arc::new(AtomicUsize::new(0));
        let (outer, inner) = (Counted(gone.clone()), Counted(gone.clone()));
        let mut pool = Pool::new(1);
        pool.inject(move |worker| {
            worker.push(Job::new(move |_| drop(inner)));
            drop(outer);
        });
        drop(pool.core.terminate());
        pool.join();
        assert_eq!(gone.load(Relaxed), 2);
    });
}

/// The same for a job that another thread pushes meanwhile. Red if `Core::pushed` does not look whether the pool has been
/// terminated.
#[test]
fn terminating_meets_a_push_from_outside() {
    model(2, || {
        let gone = Arc::new(AtomicUsize::new(0));
        let counted = Counted(gone.clone());
        let mut pool = Pool::new(1);
        let core = pool.core.clone();
        let pushes = thread::spawn(move || core.inject(Job::new(move |_| drop(counted))));
        drop(pool.core.terminate());
        pushes.join().unwrap();
        pool.join();
        assert_eq!(gone.load(Relaxed), 1);
    });
}

/// Tells when it is dropped. (A receiver of loom's is not told when its sender is dropped.)
struct Gone(Arc<(Mutex<bool>, Condvar)>);

impl Drop for Gone {
    fn drop(&mut self) {
        let (gone, told) = &*self.0;
        *lock(gone) = true;
        told.notify_one();
    }
}

/// The same for a job that a running job pushes, which waits for it: the worker that would drop it at its end never comes
/// to its end. Red if `Core::pushed` does not look whether the pool has been terminated. It has more orders than fit into ten
/// seconds.
#[test]
fn terminating_meets_a_push_from_inside() {
    model(2, || {
        let mut pool = Pool::new(2);
        pool.inject(|worker| {
            let shared = Arc::new((Mutex::new(false), Condvar::new()));
            let inner = Gone(shared.clone());
            worker.push(Job::new(move |_| drop(inner)));
            let (gone, told) = &*shared;
            let mut is_gone = lock(gone);
            while !*is_gone {
                is_gone = wait(told, is_gone);
            }
        });
        drop(pool.core.terminate());
        pool.join();
    });
}
