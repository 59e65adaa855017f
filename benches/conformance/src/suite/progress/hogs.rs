//! P4 live, P14 sharing: the pool's other threads are busy with something else, and stay so.

use crate::subject::AnySubject;
use crate::suite::asks::{
    Ask, by_next, by_next_in_chunks_of_8, by_next_in_windows_of_2, by_next_of_a_started_one, by_next_timeout,
    by_next_unordered, by_next_with_panics_caught, by_short_limits, by_stream, by_stream_under_tokio,
};
use crate::suite::list::promises;
use crate::suite::parts::{Door, Gate, LONG};
use pool_core::Executor;
use std::cell::Cell;
use std::sync::{Arc, Mutex, mpsc};

/// How many results are asked for.
const ROUNDS: u64 = 300;

/// Leaves one thread of the pool free, for as long as the gate is closed.
fn occupy(pool: &impl Executor, door: &Door) {
    for _ in 1..pool.threads() {
        let (door, (begun, begins)) = (door.clone(), mpsc::channel());
        drop(pool.submit(move || {
            begun.send(()).unwrap();
            door.pass();
        }));
        begins.recv_timeout(LONG).expect("a foreign job gets a thread beside an imap that waits");
    }
}

/// The input gives item k + `ahead` when the consumer has result k. The others come before result `when`.
fn in_lock_step(subject: &AnySubject, ask: Ask) {
    for threads in [2, 3, 4] {
        for (when, ahead) in [(0, 1), (0, 3), (1, 1), (40, 1), (150, 1), (150, 2), (150, 8)] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let (send, receive) = mpsc::channel();
            (0..ahead).for_each(|x| send.send(x).unwrap());
            if when == 0 {
                occupy(&pool, &gate.door());
            }
            let mut next = ask(pool.imap(receive, |x| x));
            for expected in 0..ROUNDS {
                if when > 0 && when == expected {
                    occupy(&pool, &gate.door());
                }
                let result = next().unwrap();
                // Items under way at the same time may overtake each other in an unordered imap.
                assert!(result == expected || ahead > 1 && result < expected + ahead);
                send.send(expected + ahead).unwrap();
            }
            drop(send);
            assert_eq!(std::iter::from_fn(&mut *next).count() as u64, ahead);
        }
    }
}

/// The same, where the item that is under way brings the others.
fn brought_by_an_item(subject: &AnySubject, ask: Ask) {
    for threads in [2, 3] {
        for when in [0, 1, 100] {
            let pool = Arc::new(subject.pool(threads));
            let gate = Gate::closed();
            let (send, receive) = mpsc::channel();
            let (door, own) = (gate.door(), pool.clone());
            let imap = pool.imap(receive, move |x: u64| {
                if x == when {
                    for _ in 1..own.threads() {
                        let door = door.clone();
                        drop(own.submit(move || door.pass()));
                    }
                }
                x
            });
            let mut next = ask(imap);
            for expected in 0..ROUNDS {
                send.send(expected).unwrap();
                assert_eq!(next(), Some(expected));
            }
        }
    }
}

promises! {
    fn p4_next_beside_hogs(subject) {
        in_lock_step(&subject, by_next);
    }

    fn p4_next_of_a_started_imap_beside_hogs(subject) {
        in_lock_step(&subject, by_next_of_a_started_one);
    }

    fn p4_next_with_panics_caught_beside_hogs(subject) {
        in_lock_step(&subject, by_next_with_panics_caught);
    }

    fn p4_next_in_chunks_beside_hogs(subject) {
        in_lock_step(&subject, by_next_in_chunks_of_8);
    }

    fn p4_next_in_small_windows_beside_hogs(subject) {
        in_lock_step(&subject, by_next_in_windows_of_2);
    }

    fn p4_next_unordered_beside_hogs(subject) {
        in_lock_step(&subject, by_next_unordered);
    }

    fn p4_next_timeout_beside_hogs(subject) {
        in_lock_step(&subject, by_next_timeout);
    }

    fn p4_timeout_beside_hogs(subject) {
        in_lock_step(&subject, by_short_limits);
    }

    fn p4_stream_beside_hogs(subject) {
        in_lock_step(&subject, by_stream);
    }

    fn p4_stream_under_tokio_beside_hogs(subject) {
        in_lock_step(&subject, by_stream_under_tokio);
    }

    fn p4_hogs_that_an_item_brings(subject) {
        brought_by_an_item(&subject, by_next);
        brought_by_an_item(&subject, by_next_unordered);
    }

    fn p4_hogs_that_an_item_of_a_stream_brings(subject) {
        brought_by_an_item(&subject, by_stream);
    }

    fn p4_hogs_that_an_item_with_a_limit_brings(subject) {
        brought_by_an_item(&subject, by_next_timeout);
    }

    /// The input stays with the consumer, and uses the last result.
    fn p4_local_beside_hogs(subject) {
        for threads in [2, 3] {
            for when in [0, 100] {
                let pool = subject.pool(threads);
                let gate = Gate::closed();
                let last = Cell::new(0);
                let input = std::iter::from_fn(|| Some(last.get()));
                let mut imap = pool.imap_local(input, |x| x + 1).window(1);
                for expected in 1..=ROUNDS {
                    if when == expected - 1 {
                        occupy(&pool, &gate.door());
                    }
                    assert_eq!(imap.next(), Some(expected));
                    last.set(expected);
                }
                // With the default window, and an input that never waits.
                assert!(pool.imap_local(0..3_000, |x| x).eq(0..3_000));
                assert!(pool.imap_local(0..3_000, |x| x).chunk(8).eq(0..3_000));
            }
        }
    }

    fn p4_map_and_scope_beside_hogs(subject) {
        for threads in [2, 3] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            occupy(&pool, &gate.door());
            assert!(pool.map(0..3_000, |x| x).into_iter().eq(0..3_000));
            let (send, receive) = mpsc::channel();
            pool.scope(|s| {
                let mut imap = s.imap(receive, |x: u64| x);
                for expected in 0..ROUNDS {
                    send.send(expected).unwrap();
                    assert_eq!(imap.next(), Some(expected));
                }
                drop(send);
                assert_eq!(s.submit(|| 5).join().unwrap(), 5);
            });
        }
    }

    /// Several imaps, whose inputs all block, and one thread for what comes.
    fn p14_inputs_that_block_leave_a_thread_to_others(subject) {
        for threads in [2, 3, 4] {
            let pool = subject.pool(threads);
            let mut imaps: Vec<_> = (1..threads).map(|_| {
                let (send, receive) = mpsc::channel();
                (send, pool.imap(receive, |x: u64| x).start())
            }).collect();
            for expected in 0..ROUNDS {
                for (send, imap) in &mut imaps {
                    send.send(expected).unwrap();
                    assert_eq!(imap.next(), Some(expected));
                }
                assert_eq!(pool.submit(move || expected).join().unwrap(), expected);
            }
        }
    }

    /// The hog is an item of another imap, which was pulled from in chunks.
    fn p14_an_item_of_another_imap_is_a_hog(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let (door, (begun, begins)) = (gate.door(), mpsc::channel());
        let begun = Mutex::new(begun);
        let other = pool.imap(0..u64::MAX, move |x| {
            if x == 5_000 {
                begun.lock().unwrap().send(()).unwrap();
                door.pass();
            }
            x
        });
        // Its other thread stops at the window's edge.
        let mut other = other.window(6_000);
        assert!(other.by_ref().take(5_000).eq(0..5_000));
        begins.recv_timeout(LONG).unwrap();
        let (send, receive) = mpsc::channel();
        let mut next = by_stream(pool.imap(receive, |x| x));
        for expected in 0..ROUNDS {
            send.send(expected).unwrap();
            assert_eq!(next(), Some(expected));
        }
    }
}
