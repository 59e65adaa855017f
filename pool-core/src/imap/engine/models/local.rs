//! The input is with the consumer, which pulls for workers: see [`local`](super::super::local).

use super::{Pool, model, waits_for_the_effect};
use crate::Executor;

/// The consumer pulls, and a worker takes.
///
/// Red when the consumer spawns no job, neither while it offers items nor when it asks what to do.
#[test]
fn local() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap_local(0..3, |x| x * 10).window(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model(2, 2, body, drop);
}

/// The same through rings of two items.
///
/// Red as well without the fence of `settle`.
#[test]
fn local_in_chunks() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap_local(0..3, |x| x * 10).window(4).chunk(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model(1, 3, body, drop);
}

/// The input that the consumer pulls waits until the item before has been worked on (its effect, not its result).
///
/// Red when `offer_more` does not spawn.
#[test]
fn local_input_that_waits_for_the_effect() {
    let body = |pool: &Pool| {
        let (input, f) = waits_for_the_effect(3);
        let results: Vec<_> = pool.imap_local(input, f).window(4).chunk(2).collect();
        assert_eq!(results, [0, 1, 2]);
    };
    model(1, 3, body, drop);
}
