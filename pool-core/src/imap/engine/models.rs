//! loom models of the engine: up to two workers and a consumer, with every interleaving up to a bound of preemptions.
//! The policy is the one that takes single items and never naps; a chunk length is asked for where rings matter.
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
    model_of(threads, threads, preemptions, body, after);
}

/// The same, of a pool that says how many threads it has.
fn model_of<A>(
    threads: usize,
    said: usize,
    preemptions: usize,
    body: impl Fn(&Pool) -> A + Send + Sync + 'static,
    after: impl Fn(A) + Send + Sync + 'static,
) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    // One model would take many minutes; its breaks are found in seconds.
    builder.max_duration = Some(std::time::Duration::from_secs(20));
    builder.check(move || {
        let queue = Arc::new(Queue::default());
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let queue = queue.clone();
                loom::thread::spawn(move || queue.work(said))
            })
            .collect();
        let pool = Pool { queue: queue.clone(), threads: said };
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
/// Red when `open_results` does not set the flag of the ring that the consumer waits for, and when `return_input` does
/// not wake it at the end.
#[test]
fn window_of_one() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap(0..2, |x| x * 10).window(1).collect();
        assert_eq!(results, [0, 10]);
    };
    model(2, 2, body, drop);
}

/// Rings of two items: the consumer sleeps beside one while its results come one by one.
///
/// Red when `put_back` does not report the flag.
#[test]
fn window_of_two_in_chunks() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap(0..3, |x| x * 10).window(2).chunk(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model(2, 2, body, drop);
}

/// The second item of a chunk waits until the consumer has the result of the first (P5): only the
/// flag can wake it.
///
/// Red when `push` leaves its fence out, or looks at the flag before it pushes.
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
/// Red when `feed` pulls ahead although no other worker is in its turn.
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

/// The consumer leaves while a worker feeds and works. Every item is dropped, although a job of the imap is still in a
/// queue.
///
/// Red when `clear` leaves out the input.
#[test]
fn dropped_on_the_way() {
    let body = |pool: &Pool| {
        let alive = Arc::new(());
        let items: Vec<_> = (0..2).map(|_| alive.clone()).collect();
        let mut imap = pool.imap(items, |item| item).window(2).chunk(2);
        drop(imap.next());
        let queued = lock(&pool.queue.state).0.pop_front();
        drop(imap);
        (alive, queued)
    };
    model_of(1, 2, 2, body, |(alive, queued)| {
        assert_eq!(Arc::strong_count(&alive), 1);
        drop(queued);
    });
}

/// The pool drops its queue while the consumer waits: it gets `Cancelled`, or all results (P12).
///
/// Red when `discard` does not wake the consumer, and when `try_reserve` goes on asking a pool that drops jobs (loom then
/// reports endless branches).
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
    model(1, 2, body, drop);
}

/// A scope that ends before or while a worker comes for its job: what the job borrows outlives it.
///
/// Red when `finish` does not wait for the thread that has the task.
#[test]
fn scope_and_a_worker() {
    let body = |pool: &Pool| {
        // What is borrowed, as a flag: reading it after its end is a wrong value and not undefined.
        let (alive, late) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (job, item) = (alive.clone(), alive.clone());
        let (job_late, item_late) = (late.clone(), late.clone());
        let first = pool.scope(|s| {
            drop(s.submit(move || job_late.fetch_or(!job.load(Ordering::Relaxed), Ordering::Relaxed)));
            let mut imap = s.imap(0..2, move |x| {
                item_late.fetch_or(!item.load(Ordering::Relaxed), Ordering::Relaxed);
                x + 1
            });
            imap.next()
        });
        assert_eq!(first, Some(1));
        alive.store(false, Ordering::Relaxed);
        late
    };
    model(1, 2, body, |late| assert!(!late.load(Ordering::Relaxed)));
}

/// A task in place of the sleeping thread: its waker is called, or it need not wait.
///
/// Red when `set_task` comes after the last look at the head.
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

/// A number that threads wait for.
#[derive(Default)]
struct Count(Mutex<u64>, Condvar);

impl Count {
    fn set(&self, count: u64) {
        *lock(&self.0) = count;
        self.1.notify_all();
    }

    fn wait_for(&self, least: u64) {
        let mut count = lock(&self.0);
        while *count < least {
            count = self.1.wait(count).unwrap();
        }
    }
}

/// A token cancels from another thread, while the input blocks until the consumer has left.
///
/// Red when `cancel` does not notify the parker, and when it comes before the parker is prepared and is not looked for
/// afterwards.
#[test]
fn cancelled_from_elsewhere() {
    let body = |pool: &Pool| {
        let left = Arc::new(Count::default());
        let seen = left.clone();
        let input = (0..2).inspect(move |&item| seen.wait_for(item));
        let mut imap = pool.imap(input, |x| x).window(2);
        let token = imap.cancel_token();
        let other = loom::thread::spawn(move || token.cancel());
        let results: Vec<_> = imap.by_ref().collect();
        assert!(results.len() <= 1 && imap.is_cancelled());
        left.set(1);
        other.join().unwrap();
    };
    model(1, 2, body, drop);
}

/// A token cancels while a worker is in a chunk whose second item waits for the consumer to leave: only the flags tell
/// it not to begin with the third.
///
/// Red when `cancel` does not set the flags.
#[test]
fn cancelled_in_a_chunk() {
    let body = |pool: &Pool| {
        let (left, late) = (Arc::new(Count::default()), Arc::new(AtomicBool::new(false)));
        let (seen, begun) = (left.clone(), late.clone());
        let f = move |item| {
            if item == 1 {
                seen.wait_for(1);
            }
            begun.fetch_or(item > 1, Ordering::Relaxed);
        };
        let mut imap = pool.imap(0..3, f).window(3).chunk(3);
        assert_eq!(imap.next(), Some(()));
        imap.cancel_token().cancel();
        left.set(1);
        imap.for_each(drop);
        late
    };
    model(1, 2, body, |late| assert!(!late.load(Ordering::Relaxed)));
}

/// Results in the order in which they come.
///
/// Red when `register` looks at the cursor's ring alone, and when `open_results` sets no flag without order.
#[test]
fn unordered() {
    let body = |pool: &Pool| {
        let mut results: Vec<_> = pool.imap(0..2, |x| x).window(2).unordered().collect();
        results.sort_unstable();
        assert_eq!(results, [0, 1]);
    };
    model(2, 2, body, drop);
}

/// Item 0 waits until the result of item 1 has been handed out.
///
/// Red when `locate_any` looks at the first ring alone.
#[test]
fn unordered_prompt() {
    let body = |pool: &Pool| {
        let got = Arc::new(Count::default());
        let seen = got.clone();
        let f = move |x| {
            if x == 0 {
                seen.wait_for(1);
            }
            x
        };
        let mut results = Vec::new();
        for x in pool.imap(0..2, f).window(2).unordered() {
            results.push(x);
            got.set(1);
        }
        assert_eq!(results, [1, 0]);
    };
    model(2, 2, body, drop);
}

/// The consumer pulls, and a worker takes.
///
/// Red when the consumer calls nobody: neither in `pull_here`, nor before it sleeps.
#[test]
fn local() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap_local(0..3, |x| x * 10).window(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model(2, 2, body, drop);
}

/// The same through a ring of two items.
#[test]
fn local_in_chunks() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap_local(0..3, |x| x * 10).window(3).chunk(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model(1, 3, body, drop);
}

/// The input that the consumer pulls waits until the item before has been worked on (its effect, not its result).
///
/// Red when `pull_here` does not spawn.
#[test]
fn local_input_that_waits_for_the_effect() {
    let body = |pool: &Pool| {
        let done = Arc::new(Count::default());
        let (seen, asked) = (done.clone(), done.clone());
        let input = (0..3).inspect(move |&item| asked.wait_for(item));
        let f = move |x| {
            seen.set(x + 1);
            x
        };
        let results: Vec<_> = pool.imap_local(input, f).window(4).chunk(2).collect();
        assert_eq!(results, [0, 1, 2]);
    };
    model(1, 3, body, drop);
}

/// Two workers, and an input that waits for the effect of the item before: a worker that ends its turn while the other
/// one fills its ring either takes what is there, or is seen to have left.
///
/// Red when `may_leave` does not set the flag of the ring that is being filled or does not look at it again, and when
/// `fill` goes on at a flag.
#[test]
fn a_worker_leaves_while_another_fills() {
    let body = |pool: &Pool| {
        let done = Arc::new(Count::default());
        let (seen, asked) = (done.clone(), done.clone());
        let input = (0..3).inspect(move |&item| asked.wait_for(item));
        let f = move |x| {
            seen.set(x + 1);
            x
        };
        let results: Vec<_> = pool.imap(input, f).window(4).chunk(2).collect();
        assert_eq!(results, [0, 1, 2]);
    };
    model(2, 3, body, drop);
}

/// The pool's other thread is with foreign work until all results have come, and the input has each item only after the
/// result of the one before.
///
/// Red when queued jobs count as active in `may_pull_ahead`.
#[test]
fn the_other_thread_is_busy_elsewhere() {
    let body = |pool: &Pool| {
        let (got, over) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (seen, asked) = (over.clone(), got.clone());
        pool.spawn(Job::new(move |_| seen.wait_for(1)));
        let input = (0..3).inspect(move |&item| asked.wait_for(item));
        for (index, result) in (0..).zip(pool.imap(input, |x| x).window(2).chunk(2)) {
            assert_eq!(result, index);
            got.set(index + 1);
        }
        over.set(1);
    };
    model(2, 2, body, drop);
}

/// A worker hangs in item 0 until results 1 and 2 have come, which are pulled one after the other.
///
/// Red when two active workers are enough for `may_pull_ahead` without order.
#[test]
fn the_taker_hangs() {
    let body = |pool: &Pool| {
        let got = Arc::new(Count::default());
        let (seen, asked) = (got.clone(), got.clone());
        // Item 2 is there when result 1 has been had.
        let input = (0..3).inspect(move |&item| asked.wait_for(item / 2));
        let f = move |x| {
            if x == 0 {
                seen.wait_for(2);
            }
            x
        };
        let mut results = Vec::new();
        for x in pool.imap(input, f).window(3).chunk(2).unordered() {
            results.push(x);
            got.set(results.len() as u64);
        }
        assert_eq!(results, [1, 2, 0]);
    };
    // The pool says that it has three threads, of which the third never comes.
    model_of(2, 3, 2, body, drop);
}

/// An imap inside an item of another, where there is no other thread.
///
/// Red when `work_on_head` does not pull.
#[test]
fn nested_on_one_thread() {
    let body = |pool: &Pool| {
        let inner = Pool { queue: pool.queue.clone(), threads: 1 };
        let sum = move |x: u32| inner.imap(0..2, move |y| x + y).window(2).sum();
        let results: Vec<u32> = pool.imap(0..1, sum).window(1).collect();
        assert_eq!(results, [1]);
    };
    model(1, 2, body, drop);
}

/// Started, and consumed later.
///
/// Red when the consumer calls nobody: neither when there is room again, nor before it sleeps.
#[test]
fn started() {
    let body = |pool: &Pool| {
        let mut imap = pool.imap(0..2, |x| x).window(1).start();
        loom::thread::yield_now();
        assert_eq!(imap.next(), Some(0));
        assert_eq!(imap.next(), Some(1));
        assert_eq!(imap.next(), None);
    };
    model(1, 3, body, drop);
}

/// A panic in a chunk: the results behind it go to another ring.
///
/// Red when `note_panic` does not wake the consumer.
#[test]
fn panics() {
    let body = |pool: &Pool| {
        let f = |x| if x == 0 { std::panic::panic_any(7) } else { x };
        let results: Vec<_> = pool.imap(0..2, f).window(2).chunk(2).catch_panics().collect();
        assert!(results.len() == 2 && results[0].is_err() && *results[1].as_ref().unwrap() == 1);
    };
    model(1, 3, body, drop);
}
