//! P4 live, P5 prompt: an input that waits for the effect of the function, and items that wait for the consumer.

use crate::subject::AnySubject;
use crate::suite::asks::{
    Ask, by_next, by_next_of_a_started_one, by_next_timeout, by_next_with_panics_caught, by_short_limits,
    by_stream,
};
use crate::suite::list::promises;
use crate::suite::parts::Gate;
use pool_core::{Executor, Imap, Place};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;

/// A count that can be waited for.
#[derive(Clone, Default)]
struct Count(Arc<(Mutex<u64>, Condvar)>);

impl Count {
    fn add_one(&self) {
        *self.0.0.lock().unwrap() += 1;
        self.0.1.notify_all();
    }

    fn wait_for(&self, least: u64) {
        let mut count = self.0.0.lock().unwrap();
        while *count < least {
            count = self.0.1.wait(count).unwrap();
        }
    }
}

/// An input that gives item k when k - `ahead` items have been worked on, and the function that counts them. The
/// input looks without a pause, so that the test meets many interleavings.
fn by_effect(
    items: u64,
    ahead: u64,
) -> (impl Iterator<Item = u64> + Send, impl Fn(u64) -> u64 + Send + Sync) {
    let done = Arc::new(AtomicU64::new(0));
    let asked = done.clone();
    let input = (0..items).inspect(move |&k| {
        while asked.load(Ordering::SeqCst) + ahead < k {
            thread::yield_now();
        }
    });
    let f = move |k| {
        done.fetch_add(1, Ordering::SeqCst);
        k
    };
    (input, f)
}

/// The settings under which such an input must make progress.
fn with_settings<'p, L: Place>(
    imap: Imap<'p, u64, L>,
    window: Option<usize>,
    chunk: Option<usize>,
) -> Imap<'p, u64, L> {
    let imap = if let Some(window) = window { imap.window(window) } else { imap };
    if let Some(chunk) = chunk { imap.chunk(chunk) } else { imap }
}

const SETTINGS: [(Option<usize>, Option<usize>); 6] =
    [(None, None), (Some(1), None), (Some(2), None), (None, Some(1)), (None, Some(8)), (Some(16), Some(8))];

const ITEMS: u64 = 2_000;

/// Item k waits until the consumer has k results, in a pool and under settings of many kinds. The items before are
/// short and wait for nothing.
fn items_wait_for_the_consumer(subject: &AnySubject, ask: Ask) {
    const WAITING: u64 = 20;
    for threads in [1, 2, 3] {
        let pool = subject.pool(threads);
        for short in [0, 300u64] {
            for window in [None, Some(1), Some(2), Some(8), Some(64)] {
                for chunk in [None, Some(1), Some(3), Some(8), Some(1_000)] {
                    let got = Count::default();
                    let seen = got.clone();
                    let imap = pool.imap(0..short + WAITING, move |x| {
                        if x >= short {
                            seen.wait_for(x);
                        }
                        x
                    });
                    let mut next = ask(with_settings(imap, window, chunk));
                    for _ in 0..short + WAITING {
                        assert!(next().is_some());
                        got.add_one();
                    }
                    assert_eq!(next(), None);
                }
            }
        }
    }
}

fn unordered(imap: Imap<'_, u64>) -> Box<dyn FnMut() -> Option<u64> + '_> {
    by_next(imap.unordered())
}

promises! {
    fn p4_an_input_that_waits_for_the_effect(subject) {
        for threads in [1, 2, 3] {
            let pool = subject.pool(threads);
            for ahead in [0, 1, 3] {
                for (window, chunk) in SETTINGS {
                    let (input, f) = by_effect(ITEMS / 4, ahead);
                    let imap = with_settings(pool.imap(input, f), window, chunk);
                    assert!(imap.eq(0..ITEMS / 4), "ahead {ahead}, window {window:?}, chunk {chunk:?}");
                }
            }
        }
    }

    fn p4_an_input_of_a_stream_that_waits_for_the_effect(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for (window, chunk) in SETTINGS {
                let (input, f) = by_effect(ITEMS / 2, 0);
                let mut next = by_stream(with_settings(pool.imap(input, f), window, chunk));
                assert!(std::iter::from_fn(&mut *next).eq(0..ITEMS / 2), "window {window:?}, chunk {chunk:?}");
            }
        }
    }

    fn p4_an_input_with_limits_that_waits_for_the_effect(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for (window, chunk) in SETTINGS {
                let (input, f) = by_effect(ITEMS / 2, 0);
                let mut next = by_next_timeout(with_settings(pool.imap(input, f), window, chunk));
                assert!(std::iter::from_fn(&mut *next).eq(0..ITEMS / 2), "window {window:?}, chunk {chunk:?}");
            }
        }
    }

    fn p4_an_unordered_input_that_waits_for_the_effect(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for (window, chunk) in SETTINGS {
                let (input, f) = by_effect(ITEMS / 2, 0);
                let imap = with_settings(pool.imap(input, f), window, chunk);
                assert_eq!(imap.unordered().count() as u64, ITEMS / 2, "window {window:?}, chunk {chunk:?}");
            }
        }
    }

    /// While the consumer asks for no result.
    fn p4_a_started_input_that_waits_for_the_effect(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for chunk in [None, Some(1), Some(8)] {
                let (input, f) = by_effect(ITEMS, 0);
                let imap = with_settings(pool.imap(input, f), Some(ITEMS as usize), chunk).start();
                crate::suite::parts::soon("all are finished", || imap.stats().blocked == ITEMS);
                assert!(imap.eq(0..ITEMS));
            }
        }
    }

    fn p4_a_local_input_that_waits_for_the_effect(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for ahead in [0, 1, 3] {
                for (window, chunk) in SETTINGS {
                    let (input, f) = by_effect(ITEMS, ahead);
                    let imap = with_settings(pool.imap_local(input, f), window, chunk);
                    assert!(imap.eq(0..ITEMS), "ahead {ahead}, window {window:?}, chunk {chunk:?}");
                }
            }
        }
    }

    fn p4_a_local_unordered_input_that_waits_for_the_effect(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for (window, chunk) in SETTINGS {
                let (input, f) = by_effect(ITEMS, 0);
                let imap = with_settings(pool.imap_local(input, f), window, chunk);
                assert_eq!(imap.unordered().count() as u64, ITEMS, "window {window:?}, chunk {chunk:?}");
            }
        }
    }

    fn p5_items_that_wait_for_the_consumer(subject) {
        items_wait_for_the_consumer(&subject, by_next);
    }

    fn p5_items_of_a_started_imap_that_wait_for_the_consumer(subject) {
        items_wait_for_the_consumer(&subject, by_next_of_a_started_one);
    }

    fn p5_caught_items_that_wait_for_the_consumer(subject) {
        items_wait_for_the_consumer(&subject, by_next_with_panics_caught);
    }

    fn p5_items_with_a_limit_that_wait_for_the_consumer(subject) {
        items_wait_for_the_consumer(&subject, by_next_timeout);
        items_wait_for_the_consumer(&subject, by_short_limits);
    }

    fn p5_items_of_a_stream_that_wait_for_the_consumer(subject) {
        items_wait_for_the_consumer(&subject, by_stream);
    }

    fn p5_unordered_items_that_wait_for_the_consumer(subject) {
        items_wait_for_the_consumer(&subject, unordered);
    }

    fn p5_items_of_a_local_imap_that_wait_for_the_consumer(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for short in [0, 300u64] {
                for (window, chunk) in SETTINGS {
                    let got = Count::default();
                    let seen = got.clone();
                    let imap = pool.imap_local(0..short + 20, move |x| {
                        if x >= short {
                            seen.wait_for(x);
                        }
                        x
                    });
                    for _ in with_settings(imap, window, chunk) {
                        got.add_one();
                    }
                }
            }
        }
    }

    /// One item waits for one that the consumer has had for long.
    fn p5_an_item_that_waits_for_an_earlier_result(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for behind in [1, 2, 7, 100u64] {
                for chunk in [None, Some(8), Some(64)] {
                    let got = Count::default();
                    let seen = got.clone();
                    let imap = pool.imap(0..3_000u64, move |x| {
                        if x % 50 == 49 {
                            seen.wait_for((x + 1).saturating_sub(behind));
                        }
                        x
                    });
                    for (expected, x) in (0..).zip(with_settings(imap, None, chunk)) {
                        assert_eq!(x, expected);
                        got.add_one();
                    }
                }
            }
        }
    }

    /// One item hangs. The others come one by one, each when it is asked for, and none is put where it would wait for
    /// that one.
    fn p5_unordered_items_pass_one_that_hangs(subject) {
        for threads in [3, 4] {
            for warm_up in [0, 100, 5_000u64] {
                let pool = subject.pool(threads);
                let gate = Gate::closed();
                let door = gate.door();
                let (send, receive) = mpsc::channel();
                let imap = pool.imap(receive, move |x| {
                    if x == warm_up {
                        door.pass();
                    }
                    x
                });
                let mut imap = imap.unordered();
                for x in 0..warm_up {
                    send.send(x).unwrap();
                    assert_eq!(imap.next(), Some(x));
                }
                send.send(warm_up).unwrap();
                for x in warm_up + 1..warm_up + 5_000 {
                    send.send(x).unwrap();
                    assert_eq!(imap.next(), Some(x));
                }
                gate.open();
                assert_eq!(imap.next(), Some(warm_up));
            }
        }
    }
}
