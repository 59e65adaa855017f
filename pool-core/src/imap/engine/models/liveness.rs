//! P4, P8: no item that was pulled waits for the input, and imaps nest. The argument is in the module docs of
//! `state/step.rs`.

use super::{Count, Pool, model, waits_for_the_effect};
use crate::Executor;
use crate::job::Job;
use std::sync::Arc;

/// One thread, whose feeder waits inside `next` for the consumer to have the item before (P4).
///
/// Red when `may_pull_ahead` says yes although no other worker is in its turn.
#[test]
fn input_that_waits_for_the_result() {
    let body = |pool: &Pool| {
        let received = Arc::new(Count::default());
        let seen = received.clone();
        let input = (0..2).inspect(move |&item| seen.wait_for(item));
        for (index, result) in (0..).zip(pool.imap(input, |x| x).window(4).chunk(2)) {
            assert_eq!(index, result);
            received.set(index + 1);
        }
    };
    model(1, 2, body, drop);
}

/// Two workers, and an input that waits for the effect of the item before: a worker that ends its turn while the other
/// one fills its ring either takes what is there, or is seen to have left.
///
/// Red when `may_leave` does not ask all to look up, when `fill` goes on all the same or reads the count of calls after the
/// lock was left, and without the fence of `push` or that of `settle`. That a worker looks into the ring again is seen in
/// [`busy`](super::busy), with a consumer in its place.
#[test]
fn a_worker_leaves_while_another_fills() {
    let body = |pool: &Pool| {
        let (input, f) = waits_for_the_effect(3);
        let results: Vec<_> = pool.imap(input, f).window(4).chunk(2).collect();
        assert_eq!(results, [0, 1, 2]);
    };
    model(2, 2, body, drop);
}

/// The pool's other thread is with foreign work until all results have come, and the input has each item only after the
/// result of the one before.
///
/// Red when queued jobs count as active, and when `may_pull_ahead` says yes although no other worker is in its turn.
#[test]
fn the_other_thread_is_busy_elsewhere() {
    let body = |pool: &Pool| {
        let (got, over) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (seen, asked) = (over.clone(), got.clone());
        pool.spawn(Job::new(move |_| seen.wait_for(1)));
        let input = (0..3).inspect(move |&item| asked.wait_for(item));
        for (index, result) in (0..).zip(pool.imap(input, |x| x).window(4).chunk(2)) {
            assert_eq!(result, index);
            got.set(index + 1);
        }
        over.set(1);
    };
    model(2, 2, body, drop);
}

/// An imap inside an item of another, where there is no other thread.
///
/// Red when `find_work` does not pull the head for a consumer.
#[test]
fn nested_on_one_thread() {
    let body = |pool: &Pool| {
        let inner = Pool::new(&pool.queue, 1);
        let sum = move |x: u32| inner.imap(0..2, move |y| x + y).window(2).sum();
        let results: Vec<u32> = pool.imap(0..1, sum).window(1).collect();
        assert_eq!(results, [1]);
    };
    model(1, 2, body, drop);
}
