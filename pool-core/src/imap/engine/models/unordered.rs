//! P5 without order: any result is as good as the head.

use super::{Count, Pool, model, model_of};
use crate::Executor;
use std::sync::Arc;

/// Results in the order in which they come.
///
/// Red when `register` looks at the cursor's ring alone, and when `Outputs::open` sets no flag without order.
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
        for x in pool.imap(input, f).window(4).chunk(2).unordered() {
            results.push(x);
            got.set(results.len() as u64);
        }
        assert_eq!(results, [1, 2, 0]);
    };
    // The pool says that it has three threads, of which the third never comes.
    model_of(2, 3, 2, body, drop);
}
