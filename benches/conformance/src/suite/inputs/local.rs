//! `imap_local`: the input stays on the consumer's thread.

use crate::oracle::{OnPurpose, Outcome, assert_same, caught, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, LONG, SHORT, soon};
use pool_core::work::xorshift;
use pool_core::{Executor, IterExt};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

promises! {
    fn p1_local_results_come_in_input_order(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for window in [1, 2, 7, 64, 10_000] {
                for chunk in [None, Some(1), Some(5), Some(1_000)] {
                    // An input that cannot leave this thread.
                    let offset = Rc::new(3);
                    let input = (0..300u64).map(move |x| x + *offset);
                    let imap = pool.imap_local(input, |x| xorshift(x, x % 17 * 100)).window(window);
                    let imap = match chunk {
                        Some(chunk) => imap.chunk(chunk),
                        None => imap,
                    };
                    let expected = (3..303u64).map(|x| xorshift(x, x % 17 * 100));
                    assert!(imap.eq(expected), "threads {threads} window {window} chunk {chunk:?}");
                }
            }
            assert!(pool.imap_local(0..50_000u64, |x| x).eq(0..50_000), "threads {threads}");
        }
    }

    fn p16_local_input_may_borrow(subject) {
        let pool = subject.pool(2);
        let text = String::from("some\nlines\n\nof text");
        let mut lines = text.lines();
        let input = lines.by_ref().map(String::from);
        assert_eq!(pool.imap_local(input, |imap| imap.len()).collect::<Vec<_>>(), [4, 5, 0, 7]);
        assert_eq!(lines.next(), None);
    }

    fn p16_local_input_with_a_state_on_a_borrowed_pool(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let (pulled, me) = (Cell::new(0), thread::current().id());
            let input = (0..1_000u64).inspect(|_| {
                assert_eq!(thread::current().id(), me);
                pulled.set(pulled.get() + 1);
            });
            let states = Arc::new(AtomicU64::new(0));
            let count = states.clone();
            let init = move || {
                assert_ne!(thread::current().id(), me);
                count.fetch_add(1, Ordering::SeqCst);
                10
            };
            let mut results = pool.imap_init(input.local(), init, |factor, x| *factor * x).window(20);
            assert_eq!(results.next(), Some(0));
            assert!((1..=20).contains(&pulled.get()), "P3: {}", pulled.get());
            assert!(results.eq((1..1_000).map(|x| 10 * x)));
            assert!((1..=threads as u64).contains(&states.load(Ordering::SeqCst)));
        }
    }

    fn p2_local_nothing_is_pulled_before_the_first_next(subject) {
        let pool = subject.pool(2);
        let pulled = Cell::new(0);
        let input = (0..10).inspect(|_| pulled.set(pulled.get() + 1));
        // Not even `start` pulls: only a call of `next` on this thread does.
        let mut imap = pool.imap_local(input, |x| x).start();
        pool.submit(|| ()).join().unwrap();
        assert_eq!(pulled.get(), 0);
        assert_eq!(imap.next(), Some(0));
        assert!(pulled.get() > 0);
    }

    fn p3_local_window_is_exact(subject) {
        for (threads, window, chunk) in [(1, 1, 1), (2, 1, 4), (2, 3, 2), (4, 8, 3), (2, 100, 16)] {
            for unordered in [false, true] {
                let pool = subject.pool(threads);
                let handed = Cell::new(0u64);
                let input = (0..1_000u64).inspect(|item| {
                    let handed = handed.get();
                    assert!(*item < handed + window, "item {item} was pulled at {handed}");
                });
                let mut imap = pool.imap_local(input, |x| x).window(window as usize).chunk(chunk);
                if unordered {
                    imap = imap.unordered();
                }
                for result in imap {
                    assert!(unordered || result == handed.get());
                    handed.set(handed.get() + 1);
                }
                assert_eq!(handed.get(), 1_000);
            }
        }
    }

    /// With a window of one, the input can even use the result.
    fn p4_local_an_input_that_depends_on_the_result(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let last = Cell::new(0u64);
            let input = std::iter::from_fn(|| Some(last.get()));
            let mut results = pool.imap_local(input, |x| x + 1).window(1);
            for expected in 1..=300 {
                assert_eq!(results.next(), Some(expected), "threads {threads}");
                last.set(expected);
            }
        }
    }

    /// The first item waits until the window is full. Then all are finished before the next call.
    fn p5_local_a_ready_result_comes_before_any_pull(subject) {
        for chunk in [1, 3, 8] {
            let pool = subject.pool(2);
            let gate = Gate::closed();
            let door = gate.door();
            let pulled = Cell::new(0);
            let input = (0..100u64).inspect(|&x| {
                pulled.set(pulled.get() + 1);
                if x == 7 {
                    gate.open();
                }
            });
            let imap = pool.imap_local(input, move |x| (door.pass(), x).1);
            let mut results = imap.window(8).chunk(chunk);
            assert_eq!(results.next(), Some(0));
            assert_eq!(pulled.get(), 8);
            soon("the others are finished", || results.stats().blocked == 7);
            // Both threads have brought back what they had.
            let meeting = Arc::new(Barrier::new(2));
            let meet = || {
                let meeting = meeting.clone();
                pool.submit(move || _ = meeting.wait())
            };
            let (one, other) = (meet(), meet());
            one.join().unwrap();
            other.join().unwrap();
            for expected in 1..8 {
                assert_eq!(results.next(), Some(expected));
                assert_eq!(pulled.get(), 8, "pulled before result {expected}, which was ready");
            }
            assert!(results.eq(8..100));
            assert_eq!(pulled.get(), 100);
        }
    }

    /// The head becomes ready while the consumer pulls: then it stops pulling.
    fn p5_local_a_result_that_comes_between_two_pulls(subject) {
        let attempt = || {
            let pool = subject.pool(2);
            // Items 0 and 1 are held up until items 7 and 9 are pulled.
            let (gates, done) = ([Gate::closed(), Gate::closed()], Arc::new(AtomicU64::new(0)));
            let (doors, counts) = ([gates[0].door(), gates[1].door()], done.clone());
            let pulled = Cell::new(0u64);
            let input = (0..100u64).inspect(|&x| {
                pulled.set(x + 1);
                let Some(gate) = [7, 9].iter().position(|&at| at == x) else { return };
                gates[gate].open();
                soon("the item is done", || done.load(Ordering::SeqCst) > gate as u64);
                thread::sleep(SHORT);
            });
            let mut results = pool.imap_local(input, move |x| {
                if let Some(door) = doors.get(x as usize) {
                    door.pass();
                    counts.fetch_add(1, Ordering::SeqCst);
                }
                x
            }).chunk(8);
            assert_eq!(results.next(), Some(0));
            assert_eq!(results.next(), Some(1));
            pulled.get() == 10
        };
        // A worker may be switched out on the last bit of its way.
        assert!((0..5).any(|_| attempt()), "it went on pulling beside a result that was ready");
    }

    fn p16_local_input_is_pulled_on_the_consumers_thread(subject) {
        let me = thread::current().id();
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let runners: Rc<RefCell<HashSet<_>>> = Rc::default();
            let seen = runners.clone();
            let input = (0..5_000u64).inspect(move |_| _ = seen.borrow_mut().insert(thread::current().id()));
            let limited = Arc::new(AtomicBool::new(false));
            let is_limited = limited.clone();
            let mut results = pool.imap_local(input, move |x| {
                let here = thread::current().id() == me;
                assert!(!here || !is_limited.load(Ordering::SeqCst), "item {x} ran in a call with a limit");
                x
            });
            assert!(results.by_ref().take(2_000).eq(0..2_000));
            limited.store(true, Ordering::SeqCst);
            for expected in 2_000..5_000 {
                assert_eq!(results.next_timeout(LONG), Ok(Some(expected)));
            }
            assert_eq!(results.next(), None);
            assert!(runners.borrow().iter().all(|&runner| runner == me));
            // The input is dropped with the imap, as in sequential code.
            drop(results);
            assert_eq!(Rc::strong_count(&runners), 1);
        }
    }

    fn p6_local_panics_surface_at_their_positions(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for chunk in [1, 4, 100] {
                let f = |x: u64| if x % 7 == 3 { panic_on_purpose(x) } else { x };
                let got = caught(pool.imap_local(0..200u64, f).chunk(chunk).catch_panics());
                let expect = |x| if x % 7 == 3 { Outcome::Panicked(x) } else { Outcome::Value(x) };
                assert_same(&(0..200).map(expect).collect::<Vec<_>>(), &got);
            }
        }
    }

    fn p7_local_a_panic_of_the_input_comes_after_the_results(subject) {
        for threads in [1, 2] {
            for at in [0u64, 1, 5, 3_000] {
                let pool = subject.pool(threads);
                let alive = Rc::new(());
                let held = alive.clone();
                let input = (0..10_000u64).inspect(move |&x| {
                    let _held = &held;
                    if x == at {
                        panic_on_purpose(x);
                    }
                });
                let mut imap = pool.imap_local(input, |x| x);
                for expected in 0..at {
                    assert_eq!(imap.next(), Some(expected));
                }
                let payload = catch_unwind(AssertUnwindSafe(|| imap.next())).unwrap_err();
                assert_eq!(payload.downcast_ref(), Some(&OnPurpose(at)));
                assert_eq!(imap.next(), None);
                drop(imap);
                assert_eq!(Rc::strong_count(&alive), 1, "an input that has panicked is dropped, too");
            }
        }
    }

    fn p8_local_inside_a_job(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let sums = pool.imap_local(0..300u64, move |n| {
                let input = Rc::new(n % 20);
                inner.imap_local((0..20).filter(move |x| *x < *input), |x| x).sum::<u64>()
            });
            assert!(sums.eq((0..300u64).map(|n| (0..n % 20).sum::<u64>())));
        }
    }

    fn p9_local_everything_is_dropped_exactly_once(subject) {
        for threads in [1, 2] {
            for (taken, chunk) in [(0, 1), (1, 1), (10, 4), (100, 7), (999, 3), (1_000, 16)] {
                let pool = subject.pool(threads);
                let alive = Alive::default();
                let (of_items, of_results) = (alive.clone(), alive.clone());
                let whole = Rc::new(());
                let part = whole.clone();
                let input = (0..1_000).map(move |_| (Rc::strong_count(&part), of_items.new_one()).1);
                let mut imap = pool.imap_local(input, move |item| (item, of_results.new_one())).chunk(chunk);
                assert_eq!(imap.by_ref().take(taken).count(), taken);
                drop(imap);
                // At once, on this thread.
                assert_eq!(Rc::strong_count(&whole), 1);
                alive.wait_for(0);
            }
        }
    }

    fn p10_local_limits(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let imap = pool.imap_local(0..40u64, gate.holds(3));
        let mut results = imap.timeout(SHORT);
        let mut seen = Vec::new();
        while let Some(result) = results.next() {
            match result {
                Ok(result) => seen.push(result),
                Err(late) if late.index() == 3 => assert!(results.give_up()),
                Err(late) => assert_eq!(late.index(), seen.len() as u64 + u64::from(seen.len() > 3)),
            }
        }
        assert!(seen.into_iter().eq((0..40).filter(|&x| x != 3)));
    }

    fn p11_local_size_hint_counts_what_is_in_flight(subject) {
        let pool = subject.pool(2);
        let mut imap = pool.imap_local(0..100u32, |x| x).window(10).chunk(3);
        for left in (0..=100usize).rev() {
            assert_eq!(imap.size_hint(), (left, Some(left)));
            assert_eq!(imap.next().is_some(), left > 0);
        }
        assert!(format!("{imap:?}").starts_with("Imap"));
    }

    fn p1_local_unordered(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let input = Rc::new(5_000u64);
            let mut results: Vec<u64> = pool.imap_local(0..*input, |x| x).unordered().collect();
            results.sort_unstable();
            assert!(results.into_iter().eq(0..5_000));
        }
    }

    /// The consumer is in the input, and a thread hangs in the item before.
    fn p14_local_leaves_no_thread_idle_beside_an_item_that_was_pulled(subject) {
        let pool = subject.pool(2);
        let gates: Vec<_> = (0..3).map(|_| Gate::closed()).collect();
        let [held, first, second] = [0, 1, 2].map(|gate: usize| gates[gate].door());
        let hold = || {
            let held = held.clone();
            pool.submit(move || held.pass())
        };
        let busy = [hold(), hold()];
        let (begun, hangs) = ([first.clone(), second.clone()], second.clone());
        let gates = Arc::new(gates);
        let opened = gates.clone();
        let input = (0..4usize).inspect(|&item| match item {
            // No thread is free before item 1 is asked for, and it is there when item 0 has begun.
            1 => {
                gates[0].open();
                begun[0].pass();
            }
            2 => begun[1].pass(),
            _ => {}
        });
        let f = move |item: usize| {
            if item < 2 {
                opened[item + 1].open();
            }
            if item == 0 {
                hangs.pass();
            }
            item
        };
        assert!(pool.imap_local(input, f).window(100).chunk(8).eq(0..4));
        drop(busy);
    }

    fn p9_local_cancel(subject) {
        let pool = subject.pool(2);
        let pulled = AtomicU64::new(0);
        let input = (0u64..).inspect(|_| _ = pulled.fetch_add(1, Ordering::SeqCst));
        let mut results = pool.imap_local(input, |x| x).window(50);
        assert_eq!(results.next(), Some(0));
        results.cancel_token().cancel();
        let before = pulled.load(Ordering::SeqCst);
        assert!(results.by_ref().count() < 50);
        assert!(results.is_cancelled());
        assert_eq!(pulled.load(Ordering::SeqCst), before);
    }
}
