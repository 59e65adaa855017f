//! P5 without order: any result is as good as the head.

use super::{Count, Pool, model, model_of};
use crate::Executor;
use std::sync::Arc;

/// Results in the order in which they come.
///
/// Red when a result that is told wakes no consumer that waits for any.
#[test]
fn unordered() {
    let body = |pool: &Pool| {
        let mut results: Vec<_> = pool.imap(0..2, |x| x).window(2).unordered().collect();
        results.sort_unstable();
        assert_eq!(results, [0, 1]);
    };
    model(2, 2, body, drop);
}

/// The same through rings, of which each may have the next result.
///
/// Red when a push wakes no consumer that waits for any, and when `push` leaves its fence out.
#[test]
fn unordered_in_chunks() {
    let body = |pool: &Pool| {
        let mut results: Vec<_> = pool.imap(0..3, |x| x).window(4).chunk(2).unordered().collect();
        results.sort_unstable();
        assert_eq!(results, [0, 1, 2]);
    };
    model(2, 2, body, drop);
}

/// Item 0 waits until another result has been handed out, which comes through another ring.
///
/// Red when a result that is told wakes no consumer that waits for any, and when `push` leaves its fence out.
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
        for x in pool.imap(0..4, f).window(8).chunk(2).unordered() {
            results.push(x);
            got.set(1);
        }
        assert_ne!(results[0], 0);
        results.sort_unstable();
        assert_eq!(results, [0, 1, 2, 3]);
    };
    model(2, 2, body, drop);
}

/// A worker hangs in item 0 until results 1 and 2 have come, which are pulled one after the other.
///
/// Red when two active workers are enough for `may_pull_ahead` without order, however many threads the pool has.
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
        for x in pool.imap(input, f).window(4).chunk(2).unordered() {
            results.push(x);
            got.set(results.len() as u64);
        }
        assert_eq!(results, [1, 2, 0]);
    };
    // The pool says that it has three threads, of which the third never comes.
    model_of(2, 3, 2, body, drop);
}
