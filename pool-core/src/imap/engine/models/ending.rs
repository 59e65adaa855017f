//! P7, P9, P12: an imap that is dropped, cancelled or loses its pool keeps nothing and leaves no thread waiting.

use super::{Count, Pool, model, model_of};
use crate::Executor;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};
use std::sync::Arc;

/// The consumer leaves while a worker feeds and works. Every item is dropped, although a job of the imap is still in a
/// queue.
///
/// Red when `take_leftovers` leaves out the input.
#[test]
fn dropped_on_the_way() {
    let body = |pool: &Pool| {
        let alive = Arc::new(());
        let items: Vec<_> = (0..4).map(|_| alive.clone()).collect();
        let mut imap = pool.imap(items, |item| item).window(2);
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
/// Red when `discard_job` does not wake the consumer, and when `try_reserve` goes on asking a pool that drops jobs while a
/// worker is in its turn.
#[test]
fn terminated_pool() {
    let body = |pool: &Pool| {
        let queue = pool.queue.clone();
        let closer = loom::thread::spawn(move || queue.close());
        let results: Vec<_> = pool.imap(0..2, |x| x).window(1).catch_panics().collect();
        match results.last() {
            // At the latest when both results are there and no thread looks for the end.
            Some(Err(panic)) => assert!(results.len() <= 3, "{panic}"),
            _ => assert_eq!(results.len(), 2),
        }
        closer.join().unwrap();
    };
    model_of(1, 2, 2, body, drop);
}

/// A token cancels from another thread, while the input blocks until the consumer has left.
///
/// Red when `cancel` does not notify the parker, and when `register` does not look for it after the parker was prepared.
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

/// A token cancels while a worker is in a chunk whose second item waits for the consumer to leave: only the call to look up
/// tells it not to begin with the third.
///
/// Red when `cancel` does not ask workers to look up.
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
        let mut imap = pool.imap(0..3, f).window(6).chunk(3);
        assert_eq!(imap.next(), Some(()));
        imap.cancel_token().cancel();
        left.set(1);
        imap.for_each(drop);
        late
    };
    model(1, 2, body, |late| assert!(!late.load(Ordering::Relaxed)));
}

/// The same where the worker has looked up before, since the other one was idle and left.
///
/// Red when a worker looks up once in a chunk only.
#[test]
fn cancelled_after_another_look_up() {
    let body = |pool: &Pool| {
        let (left, late) = (Arc::new(Count::default()), Arc::new(AtomicBool::new(false)));
        let (seen, begun, waited) = (left.clone(), late.clone(), Mutex::new(None));
        let f = move |item| {
            let me = loom::thread::current().id();
            if item == 2 {
                *lock(&waited) = Some(me);
                seen.wait_for(1);
            }
            begun.fetch_or(item > 2 && *lock(&waited) == Some(me), Ordering::Relaxed);
        };
        let mut imap = pool.imap(0..4, f).window(8).chunk(4);
        assert_eq!(imap.next(), Some(()));
        imap.cancel_token().cancel();
        left.set(1);
        imap.for_each(drop);
        late
    };
    model(2, 2, body, |late| assert!(!late.load(Ordering::Relaxed)));
}

/// A scope that ends before or while a worker comes for its job: what the job borrows outlives it.
///
/// Red when `Leases::finish` returns without waiting for the threads that have a task.
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
