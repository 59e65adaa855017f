//! Imaps without threads and without a clock: what a library does for a caller who has no pool. `.ci/wasm` builds it for
//! `wasm32-unknown-unknown`, where std panics if it is asked for a thread or the time, and runs it.

use pool_core::{Executor, IterExt, Sequential, TimedOut};
use std::time::Duration;

/// What a library may do: the lengths of all words, in their order, on the caller's pool.
fn lengths(pool: &impl Executor, text: &str) -> Vec<usize> {
    pool.scope(|s| s.imap(text.split(' '), str::len).collect())
}

fn main() {
    let no_pool = None::<Sequential>;
    assert_eq!(lengths(&no_pool, "hello wide world"), [5, 4, 5]);
    assert_eq!(lengths(&Sequential, "hello wide world"), [5, 4, 5]);

    // Each form of an imap.
    let add = |one: &mut u32, x: u32| x + *one;
    assert!(Sequential.imap(0..3, |x| x + 1).eq(1..4));
    assert!(Sequential.imap_init(0..3, || 1, add).eq(1..4));
    assert!(Sequential.imap_init((0..3).local(), || 1, add).eq(1..4));
    assert!((0..3).imap(Sequential, |x| x + 1).local().imap(no_pool, |x| 2 * x).eq([2, 4, 6]));
    assert!(Sequential.imap(0..3_u32, |x| Sequential.imap(0..x, |y| y).sum::<u32>()).eq([0, 0, 1]));
    assert_eq!(Sequential.map(0..3, |x| x + 1), [1, 2, 3]);

    // Each kind of wait, also with a limit.
    let limit = Duration::from_secs(1);
    let mut imap = Sequential.imap(0..3, |x| x).unordered().start();
    assert_eq!(imap.next_timeout(Duration::ZERO), Ok(Some(0)));
    assert_eq!(imap.stats().delivered, 1);
    assert!(imap.timeout(limit).eq([Ok::<_, TimedOut>(1), Ok(2)]));
    assert!(Sequential.imap(0..3, |x| x).item_timeout(limit).eq((0..3).map(Ok)));
    assert_eq!(Sequential.submit(|| 42).join().unwrap(), 42);
    assert!(matches!(Sequential.submit(|| 42).join_timeout(limit), Ok(Ok(42))));
}
