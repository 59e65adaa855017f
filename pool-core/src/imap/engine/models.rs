//! loom models of the line: two workers and a consumer, with every interleaving up to a bound of
//! preemptions.
//!
//! What they look for is a stall, which loom reports as a deadlock, and a wrong result. Each says which
//! deliberate break turns it red. Run them with `.ci/loom`.

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, lock};
use crate::{Executor, Job};
use std::collections::VecDeque;
use std::sync::Arc;

/// A shared queue, on loom's mutex.
#[derive(Default)]
struct Queue {
    state: Mutex<(VecDeque<Job>, bool)>,
    pushed: Condvar,
}

struct Pool {
    queue: Arc<Queue>,
    threads: usize,
}

impl Executor for Pool {
    fn threads(&self) -> usize {
        self.threads
    }

    fn spawn(&self, job: Job) {
        let mut state = lock(&self.queue.state);
        if state.1 {
            drop(state);
            drop(job);
            return;
        }
        state.0.push_back(job);
        drop(state);
        self.queue.pushed.notify_one();
    }
}

impl Queue {
    fn work(self: &Arc<Self>, threads: usize) {
        let pool = Pool { queue: self.clone(), threads };
        loop {
            let mut state = lock(&self.state);
            let job = loop {
                if let Some(job) = state.0.pop_front() {
                    break job;
                }
                if state.1 {
                    return;
                }
                state = self.pushed.wait(state).unwrap();
            };
            drop(state);
            job.run(&pool);
        }
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.1 = true;
        let jobs = std::mem::take(&mut state.0);
        drop(state);
        drop(jobs);
        self.pushed.notify_all();
    }
}

/// Explores `body`, which gets a pool of so many threads, and then `after`, when they have ended.
fn model<A>(
    threads: usize,
    preemptions: usize,
    body: impl Fn(&Pool) -> A + Send + Sync + 'static,
    after: impl Fn(A) + Send + Sync + 'static,
) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(move || {
        let queue = Arc::new(Queue::default());
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let queue = queue.clone();
                loom::thread::spawn(move || queue.work(threads))
            })
            .collect();
        let pool = Pool { queue: queue.clone(), threads };
        let kept = body(&pool);
        queue.close();
        for worker in workers {
            worker.join().unwrap();
        }
        after(kept);
    });
}

/// Feed, take, publish, consume, sleep, end; the window is read outside the lock.
///
/// Red when `open_results` does not set the bell of the lane that the consumer waits for, and when
/// `return_feeder` does not wake it at the end.
#[test]
fn window_of_one() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap(0..2, |x| x * 10).window(1).collect();
        assert_eq!(results, [0, 10]);
    };
    model(2, 2, body, drop);
}

/// Lanes of two items: the consumer sleeps beside a lane while its results come one by one.
///
/// Red when `put_back` does not report the bell, and when `step` does not put an exhausted lane away
/// before it looks whether there is one.
#[test]
fn window_of_two_in_chunks() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap(0..3, |x| x * 10).window(2).chunk(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model(2, 2, body, drop);
}

/// The second item of a chunk waits until the consumer has the result of the first (P5): nobody but the
/// bell can wake it.
///
/// Red when `push` leaves its fence out, or looks at the bell before it pushes.
#[test]
fn item_that_waits_for_the_result() {
    let body = |pool: &Pool| {
        let received = Arc::new((Mutex::new(0), Condvar::new()));
        let seen = received.clone();
        let wait_for_result = move |item| {
            let mut count = lock(&seen.0);
            while *count < item {
                count = seen.1.wait(count).unwrap();
            }
            item
        };
        for (index, result) in pool.imap(0..2, wait_for_result).window(2).chunk(2).enumerate() {
            assert_eq!(index, result);
            *lock(&received.0) += 1;
            received.1.notify_one();
        }
    };
    model(1, 3, body, drop);
}

/// One thread, whose feeder waits inside `next` for the consumer to have the item before (P4).
///
/// Red when `help` does not take what is stuck, and when `feed` does not set the bell of a lane that
/// the consumer waits for.
#[test]
fn input_that_waits_for_the_result() {
    let body = |pool: &Pool| {
        let received = Arc::new((Mutex::new(0), Condvar::new()));
        let seen = received.clone();
        let input = (0..2).inspect(move |&item| {
            let mut count = lock(&seen.0);
            while *count < item {
                count = seen.1.wait(count).unwrap();
            }
        });
        for (index, result) in pool.imap(input, |x| x).window(2).chunk(2).enumerate() {
            assert_eq!(index, result);
            *lock(&received.0) += 1;
            received.1.notify_one();
        }
    };
    model(1, 2, body, drop);
}

/// The consumer leaves while workers feed and work; every item is dropped, and nobody stays behind.
///
/// Red when `return_feeder` leaks the input of a cancelled line, and when `cancel` leaks what is staged.
#[test]
fn dropped_on_the_way() {
    let body = |pool: &Pool| {
        let alive = Arc::new(());
        let items: Vec<_> = (0..2).map(|_| alive.clone()).collect();
        let mut imap = pool.imap(items, |item| item).window(2).chunk(2);
        drop(imap.next());
        drop(imap);
        alive
    };
    model(2, 2, body, |alive| assert_eq!(Arc::strong_count(&alive), 1));
}

/// The pool drops its queue while the consumer waits: it gets `Cancelled`, or all results (P12).
///
/// Red when `discard` does not wake the consumer, and when `call` goes on calling tickets from a pool that
/// drops them (loom then reports endless branches).
#[test]
fn terminated_pool() {
    let body = |pool: &Pool| {
        let queue = pool.queue.clone();
        let closer = loom::thread::spawn(move || queue.close());
        let results: Vec<_> = pool.imap(0..2, |x| x).window(1).catch_panics().collect();
        match results.last() {
            // At the latest when both results are there and nobody looks for the end.
            Some(Err(panic)) => assert!(results.len() <= 3, "{panic}"),
            _ => assert_eq!(results.len(), 2),
        }
        closer.join().unwrap();
    };
    model(2, 2, body, drop);
}

/// A scope that ends before or while a worker comes for its job: what the job borrows outlives it.
///
/// Red when `finish` does not wait for whoever has the task.
#[test]
fn scope_and_a_worker() {
    let body = |pool: &Pool| {
        // What is borrowed, as a flag: reading it after its end is a wrong value and not undefined.
        let (alive, late) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (job, item) = (alive.clone(), alive.clone());
        let (job_late, item_late) = (late.clone(), late.clone());
        let first = pool.scope(|s| {
            drop(s.submit(move || job_late.fetch_or(!job.load(Ordering::Relaxed), Ordering::Relaxed)));
            let mut line = s.imap(0..2, move |x| {
                item_late.fetch_or(!item.load(Ordering::Relaxed), Ordering::Relaxed);
                x + 1
            });
            line.next()
        });
        assert_eq!(first, Some(1));
        alive.store(false, Ordering::Relaxed);
        late
    };
    model(1, 2, body, |late| assert!(!late.load(Ordering::Relaxed)));
}

/// A task in place of the sleeping thread: its waker is called, or it need not wait.
///
/// Red when `prepare_task` comes after the last look at the head.
#[cfg(feature = "stream")]
#[test]
fn task_that_waits() {
    use futures_core::Stream;
    use std::pin::Pin;
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    struct Alarm(Mutex<bool>, Condvar);
    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            *lock(&self.0) = true;
            self.1.notify_one();
        }
    }

    let body = |pool: &Pool| {
        let alarm = Arc::new(Alarm::default());
        let waker = Waker::from(alarm.clone());
        let mut stream = pool.imap(0..2, |x| x * 10).window(2).chunk(2).into_stream();
        let mut results = Vec::new();
        loop {
            match Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker)) {
                Poll::Ready(Some(result)) => results.push(result),
                Poll::Ready(None) => break,
                Poll::Pending => {
                    let mut woken = lock(&alarm.0);
                    while !*woken {
                        woken = alarm.1.wait(woken).unwrap();
                    }
                    *woken = false;
                }
            }
        }
        assert_eq!(results, [0, 10]);
    };
    model(2, 2, body, drop);
}
