//! P17: a consumer on a thread that its pool needs is a worker, beside other workers. The argument is in the module docs of
//! `state/step.rs`.

use super::{Count, Pool, model_of, waits_for_the_effect};
use crate::Executor;
use std::sync::Arc;

/// A function whose items wait until this many have begun: with one thread fewer at work they would wait for ever.
fn meets(threads: u64) -> impl Fn(u64) -> u64 + Send + Sync {
    let begun = Arc::new(Count::default());
    move |item| {
        begun.add(1);
        begun.wait_for(threads);
        item
    }
}

/// A worker and a consumer: two items are worked on at the same time.
///
/// Red when a consumer in a job runs its head only.
#[test]
fn a_consumer_and_a_worker() {
    let body = |pool: &Pool| {
        let pool = pool.from_inside();
        let results: Vec<_> = pool.imap(0..3, meets(2)).window(4).chunk(1).collect();
        assert_eq!(results, [0, 1, 2]);
    };
    model_of(1, 2, 3, body, drop);
}

/// Two workers and a consumer: three items are worked on at the same time. No break has turned this one red alone: what a
/// consumer leaves, the workers take.
#[test]
fn a_consumer_and_two_workers() {
    let body = |pool: &Pool| {
        let pool = pool.from_inside();
        let results: Vec<_> = pool.imap(0..3, meets(3)).window(6).chunk(1).collect();
        assert_eq!(results, [0, 1, 2]);
    };
    model_of(2, 3, 2, body, drop);
}

/// The input waits for the effect of the item before, so the consumer comes for what a feeder has pulled, also out of its
/// sleep (P4).
///
/// Red when a consumer in a job registers without looking whether it may stop coming back, when nothing wakes one that
/// could work, when it runs its head only, and with the breaks of
/// [`a_worker_leaves_while_another_fills`](super::liveness).
#[test]
fn a_consumer_comes_for_what_was_pulled() {
    let body = |pool: &Pool| {
        let (input, f) = waits_for_the_effect(3);
        let results: Vec<_> = pool.from_inside().imap(input, f).window(4).chunk(2).collect();
        assert_eq!(results, [0, 1, 2]);
    };
    model_of(1, 2, 3, body, drop);
}

/// The same with two workers.
///
/// Red when a consumer in a job runs its head only.
#[test]
fn two_workers_and_a_consumer_come_for_what_was_pulled() {
    let body = |pool: &Pool| {
        let (input, f) = waits_for_the_effect(2);
        let results: Vec<_> = pool.from_inside().imap(input, f).window(4).chunk(2).collect();
        assert_eq!(results, [0, 1]);
    };
    model_of(2, 3, 2, body, drop);
}

/// The head is in a worker's chunk when the consumer has nothing to do: it sleeps, and is woken for the head (P5).
///
/// Red when a consumer in a job runs its head only.
#[test]
fn a_consumer_in_a_job_sleeps_beside_its_head() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.from_inside().imap(0..3, |x| x * 10).window(4).chunk(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model_of(1, 2, 3, body, drop);
}

/// A consumer in a job that pulls for a worker, and works on what is left of that.
///
/// Red when a consumer in a job runs its head only.
#[test]
fn a_consumer_in_a_job_offers_its_own_input() {
    let body = |pool: &Pool| {
        let (input, f) = waits_for_the_effect(3);
        let results: Vec<_> = pool.from_inside().imap_local(input, f).window(4).chunk(2).collect();
        assert_eq!(results, [0, 1, 2]);
    };
    model_of(1, 2, 3, body, drop);
}

/// A consumer leaves its job with its imap half done, and goes on where it only waits.
///
/// Red when a feeder does not pull for a consumer that works, when what is told wakes no consumer, and with the breaks of
/// [`a_worker_leaves_while_another_fills`](super::liveness).
#[test]
fn a_consumer_leaves_its_job() {
    let body = |pool: &Pool| {
        let inside = pool.from_inside();
        let (input, f) = waits_for_the_effect(3);
        let mut imap = inside.imap(input, f).window(4).chunk(2);
        assert_eq!(imap.next(), Some(0));
        assert_eq!(imap.next_timeout(std::time::Duration::MAX), Ok(Some(1)));
        assert_eq!(imap.next(), Some(2));
    };
    model_of(2, 3, 2, body, drop);
}
