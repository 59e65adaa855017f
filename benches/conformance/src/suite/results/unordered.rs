//! `unordered`: results as they finish, and every other promise as in order. Results are compared sorted here,
//! and nowhere else.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, LONG, SHORT, within_window};
use pool_core::Executor;
use pool_core::work::xorshift;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn sorted<T: Ord>(results: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut results: Vec<T> = results.into_iter().collect();
    results.sort_unstable();
    results
}

promises! {
    /// Each result with the item that it is of, whatever the order.
    fn p11_numbered_without_order_says_which_item(subject) {
        for chunk in [1, 16] {
            let pool = subject.pool(2);
            let f = |x: u64| if x % 7 == 3 { crate::oracle::panic_on_purpose(x) } else { x + 100 };
            let results = pool.imap(0..1_000u64, f).chunk(chunk).unordered().catch_panics().numbered();
            let mut seen = vec![false; 1_000];
            for (index, result) in results {
                assert!(!std::mem::replace(&mut seen[index as usize], true), "{index} came twice");
                match result {
                    Ok(value) => assert_eq!(value, index + 100),
                    Err(panic) => assert_eq!((panic.index(), index % 7), (Some(index), 3)),
                }
            }
            assert!(seen.into_iter().all(|seen| seen));
        }
        // The first item comes last.
        let (pool, gate) = (subject.pool(2), Gate::closed());
        let mut results = pool.imap(0..4, gate.holds(0)).window(8).chunk(1).unordered().numbered();
        for _ in 1..4 {
            let (index, result) = results.next().unwrap();
            assert_eq!((index, index > 0), (result, true));
        }
        gate.open();
        assert!(results.eq([(0, 0)]));
    }

    fn p1_unordered_gives_each_result_once(subject) {
        let f = |x: u64| xorshift(x, x % 17 * 100);
        let expected = sorted((0..300).map(f));
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for window in [1, 2, 7, 10_000] {
                for chunk in [None, Some(1), Some(5), Some(1_000)] {
                    let imap = pool.imap(0..300u64, f).window(window).unordered();
                    let imap = match chunk {
                        Some(chunk) => imap.chunk(chunk),
                        None => imap,
                    };
                    assert_eq!(sorted(imap), expected, "threads {threads} window {window} chunk {chunk:?}");
                }
            }
            let many = pool.imap(0..30_000u64, |x| x).unordered();
            assert!(sorted(many).into_iter().eq(0..30_000), "threads {threads}");
        }
    }

    fn p6_unordered_panics_surface_once_each(subject) {
        let f = |x: u64| if x % 7 == 3 { panic_on_purpose(x) } else { x };
        let right = |x: &u64| x % 7 != 3;
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for chunk in [1, 3, 100] {
                let (mut values, mut panics) = (Vec::new(), Vec::new());
                for result in pool.imap(0..500u64, f).unordered().chunk(chunk).catch_panics() {
                    match result {
                        Ok(value) => values.push(value),
                        Err(panic) => panics.push(panic.into_payload().downcast::<OnPurpose>().unwrap().0),
                    }
                }
                assert!(sorted(values).into_iter().eq((0..500).filter(right)));
                assert!(sorted(panics).into_iter().eq((0..500).filter(|x| !right(x))));
            }
            // Uncaught, each goes through one call of `next`.
            let mut imap = pool.imap(0..50u64, f).unordered();
            let (mut values, mut panics) = (0, 0);
            loop {
                match catch_unwind(AssertUnwindSafe(|| imap.next())) {
                    Ok(Some(_)) => values += 1,
                    Ok(None) => break,
                    Err(_) => panics += 1,
                }
            }
            assert_eq!((values, panics), (43, 7));
        }
    }

    fn p7_unordered_panic_of_the_input_comes_last(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let input = (0..1_000u64).inspect(|&x| if x == 300 { panic_on_purpose(x) });
            let mut results: Vec<_> = pool.imap(input, |x| x).unordered().catch_panics().collect();
            assert!(results.pop().unwrap().is_err());
            assert!(sorted(results.into_iter().map(Result::unwrap)).into_iter().eq(0..300));
        }
    }

    /// Item k + W is not pulled before k + 1 results have been handed over: the input itself looks.
    fn p3_unordered_window_is_exact(subject) {
        for (threads, window, chunk) in [(1, 1, 1), (2, 1, 4), (2, 3, 2), (4, 8, 3), (2, 100, 16)] {
            let pool = subject.pool(threads);
            let (input, handed) = within_window(2_000, window);
            let imap = pool.imap(input, |x| x).unordered().window(window as usize).chunk(chunk);
            for _ in imap {
                handed.fetch_add(1, Ordering::SeqCst);
            }
            assert_eq!(handed.load(Ordering::SeqCst), 2_000);
        }
    }

    /// The next item is sent only when the consumer has the result.
    fn p4_unordered_ping_pong(subject) {
        for threads in [1, 2, 4] {
            for chunk in [None, Some(8)] {
                let pool = subject.pool(threads);
                let (send, receive) = mpsc::channel();
                send.send(0u32).unwrap();
                let mut results = pool.imap(receive, |x| x + 1).unordered();
                if let Some(chunk) = chunk {
                    results = results.chunk(chunk);
                }
                for expected in 1..=300 {
                    let result = results.next().unwrap();
                    assert_eq!(result, expected, "threads {threads}");
                    send.send(result).unwrap();
                }
                drop(send);
                assert_eq!(results.next(), Some(301));
                assert_eq!(results.next(), None);
            }
        }
    }

    /// Several are under way, and the input blocks behind each burst.
    fn p4_unordered_bursts(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::channel();
            let mut results = pool.imap(receive, |x: u64| x).unordered();
            for burst in [1, 2, 3, 100, 1_000, 5_000u64] {
                (0..burst).for_each(|x| send.send(x).unwrap());
                let got = results.by_ref().take(burst as usize);
                assert!(sorted(got).into_iter().eq(0..burst), "threads {threads} burst {burst}");
            }
            drop(send);
            assert_eq!(results.next(), None);
        }
    }

    fn p5_unordered_all_others_pass_an_item_that_hangs(subject) {
        for threads in [2, 4] {
            for hangs in [0, 3, 50] {
                for with_limit in [false, true] {
                    let pool = subject.pool(threads);
                    let gate = Gate::closed();
                    let door = gate.door();
                    let mut results = pool.imap(0..100u64, move |x| {
                        // Long enough that the consumer does not help: it could take the one that hangs.
                        thread::sleep(Duration::from_micros(if with_limit { 0 } else { 200 }));
                        if x == hangs {
                            door.pass();
                        }
                        x
                    }).unordered();
                    let mut next = || match with_limit {
                        true => results.next_timeout(LONG).unwrap(),
                        false => results.next(),
                    };
                    let others: HashSet<u64> = (0..99).map(|_| next().unwrap()).collect();
                    assert!(others.len() == 99 && !others.contains(&hangs));
                    gate.open();
                    assert_eq!(next(), Some(hangs));
                    assert_eq!(next(), None);
                }
            }
        }
    }

    /// One thread has an item, the other waits in the input, and so the consumer must sleep.
    fn p6_unordered_a_panic_beside_a_blocked_input(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let (door, (begun, begins)) = (gate.door(), mpsc::channel());
        let (send, receive) = mpsc::channel();
        let imap = pool.imap(receive, move |x: u64| {
            if x == 0 {
                begun.send(()).unwrap();
                door.pass();
                panic_on_purpose(x);
            }
            x
        });
        let mut results = imap.unordered().chunk(8).catch_panics().start();
        (0..12).for_each(|x| send.send(x).unwrap());
        begins.recv_timeout(LONG).unwrap();
        let opener = thread::spawn(move || {
            // The consumer should be waiting by then.
            thread::sleep(4 * SHORT);
            gate.open();
        });
        let (mut values, mut panics) = (Vec::new(), 0);
        for result in results.by_ref().take(12) {
            match result {
                Ok(value) => values.push(value),
                Err(_) => panics += 1,
            }
        }
        assert_eq!(panics, 1);
        assert!(sorted(values).into_iter().eq(1..12));
        drop(send);
        assert!(results.next().is_none());
        opener.join().unwrap();
    }

    fn p9_unordered_drops_everything_exactly_once(subject) {
        for threads in [1, 2] {
            for (taken, chunk) in [(0, 1), (1, 1), (10, 4), (100, 7), (999, 3), (1_000, 16)] {
                let pool = subject.pool(threads);
                let alive = Alive::default();
                let (of_items, of_results) = (alive.clone(), alive.clone());
                let input = (0..1_000).map(move |_| of_items.new_one());
                let imap = pool.imap(input, move |item| (item, of_results.new_one()));
                let mut imap = imap.unordered().chunk(chunk).window(64);
                assert_eq!(imap.by_ref().take(taken).count(), taken);
                drop(imap);
                drop(pool);
                alive.wait_for(0);
            }
        }
    }

    fn p10_unordered_time_outs_lose_nothing(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let mut results = pool.imap(0..50u64, move |x| (door.pass(), x).1).unordered().timeout(SHORT);
        for _ in 0..3 {
            assert!(results.next().unwrap().is_err());
        }
        gate.open();
        results.set_limit(LONG);
        assert!(sorted(results.map(Result::unwrap)).into_iter().eq(0..50));
    }

    /// Without a limit at first, so that chunks have been pulled ahead.
    fn p10_unordered_limits_can_come_and_go(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let mut results = pool.imap(0..8_000u64, |x| x).unordered();
            let mut got = Vec::new();
            for turn in 0..8_000 {
                got.push(match turn % 1_000 {
                    0..500 => results.next().unwrap(),
                    _ => results.next_timeout(LONG).unwrap().unwrap(),
                });
            }
            assert!(sorted(got).into_iter().eq(0..8_000));
            assert_eq!(results.next(), None);
        }
    }

    fn p11_unordered_size_hint_counts_what_is_in_flight(subject) {
        let pool = subject.pool(2);
        let mut imap = pool.imap(0..100u32, |x| x).unordered().window(10).chunk(3);
        for left in (0..=100usize).rev() {
            assert_eq!(imap.size_hint(), (left, Some(left)));
            assert_eq!(imap.next().is_some(), left > 0);
        }
    }

    fn p8_unordered_inside_a_job(subject) {
        let pool = Arc::new(subject.pool(1));
        let inner = pool.clone();
        let sums = pool.imap(0..200u64, move |n| inner.imap(0..n % 20, |x| x).unordered().sum::<u64>());
        assert!(sorted(sums.unordered()) == sorted((0..200u64).map(|n| (0..n % 20).sum::<u64>())));
    }
}
