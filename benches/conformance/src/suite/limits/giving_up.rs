//! P10 time-outs: what is late can be given up, and the rest goes on.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, SHORT, at_last, late, soon};
use pool_core::Executor;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

/// A result that says when it has been dropped.
struct Told(u64, Arc<[AtomicBool]>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(dropped) = self.1.get(self.0 as usize) {
            assert!(!dropped.swap(true, Ordering::SeqCst), "result {} was dropped twice", self.0);
        }
    }
}

promises! {
    fn p10_give_up_goes_on_with_the_next_item(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let mut results = pool.imap(0..5_000u64, move |x| {
            if x == 3_000 {
                door.pass();
            }
            x
        }).timeout(SHORT);
        assert!(!results.give_up(), "nothing has been asked for");
        for expected in 0..3_000 {
            assert_eq!(at_last(&mut results), Some(expected));
        }
        assert!(!results.give_up(), "a result has come");
        assert_eq!(late(&mut results), 3_000);
        assert!(results.give_up());
        assert!(!results.give_up(), "once");
        // It still hangs, and its chunk has no others, though they are short.
        for expected in 3_001..5_000 {
            assert_eq!(at_last(&mut results), Some(expected));
        }
        assert_eq!(at_last(&mut results), None);
        assert!(!results.give_up(), "nothing is left");
    }

    fn p10_give_up_and_then_wait_for_ever(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let mut results = pool.imap(0..2_000u64, gate.holds(0)).timeout(SHORT);
        assert_eq!(late(&mut results), 0);
        assert!(results.give_up());
        assert_eq!(results.size_hint().0, 1_999);
        assert!(results.into_inner().eq(1..2_000));
    }

    /// The others of its chunk come late, too, but none is lost, and none is out of order.
    fn p10_give_up_an_item_among_others_of_its_chunk(subject) {
        for (hangs, given_up) in [(0, 1), (3, 1), (3, 2), (3, 5), (6, 1), (7, 1), (9, 4)] {
            for panics in [false, true] {
                let pool = subject.pool(2);
                let alive = Alive::default();
                let gate = Gate::closed();
                let (door, of_items, of_results) = (gate.door(), alive.clone(), alive.clone());
                let (begun, begins) = mpsc::channel();
                let input = (0..40u64).map(move |x| (x, of_items.new_one()));
                let imap = pool.imap(input, move |(x, item)| {
                    if x == hangs {
                        begun.send(()).unwrap();
                        door.pass();
                        if panics {
                            panic_on_purpose(x);
                        }
                    }
                    (x, item, of_results.new_one())
                });
                let mut results = imap.chunk(8).start().timeout(SHORT);
                begins.recv().unwrap();
                // The items that may be given up, and those that were.
                let candidates = hangs..hangs + given_up;
                let mut skipped = HashSet::new();
                let mut expected = 0;
                while let Some(result) = results.next() {
                    match result {
                        Ok((index, ..)) => {
                            assert_eq!(index, expected, "{hangs} hangs, {given_up} given up");
                            expected += 1;
                        }
                        Err(late) => {
                            assert_eq!(late.index(), expected);
                            if candidates.contains(&expected) {
                                assert!(results.give_up());
                                skipped.insert(expected);
                                expected += 1;
                            } else if expected > hangs {
                                gate.open();
                            }
                        }
                    }
                }
                assert_eq!(expected, 40);
                assert!(skipped.contains(&hangs));
                gate.open();
                drop(results);
                drop(pool);
                alive.wait_for(0);
            }
        }
    }

    fn p10_give_up_the_last_item(subject) {
        for chunk in [1, 8] {
            let pool = subject.pool(2);
            let alive = Alive::default();
            let gate = Gate::closed();
            let (door, of_results) = (gate.door(), alive.clone());
            let imap = pool.imap(0..4u64, move |x| {
                if x == 3 {
                    door.pass();
                }
                (x, of_results.new_one())
            });
            let mut results = imap.chunk(chunk).start().timeout(SHORT);
            for expected in 0..3 {
                assert_eq!(at_last(&mut results).map(|result| result.0), Some(expected));
            }
            assert_eq!(late(&mut results), 3);
            assert!(results.give_up());
            // The end has to be found, which takes a look at the input.
            assert!(at_last(&mut results).is_none());
            gate.open();
            alive.wait_for(0);
        }
    }

    fn p10_give_up_the_last_item_after_all_other_threads_have_left(subject) {
        for forever in [false, true] {
            let pool = subject.pool(2);
            let gate = Gate::closed();
            let door = gate.door();
            // Exact about what is left, and slow with the last: the other worker ends its turn meanwhile.
            let input = (0..4u64).inspect(|x| {
                if *x == 3 {
                    std::thread::sleep(SHORT);
                }
            });
            let imap = pool.imap(input, move |x| {
                if x == 3 {
                    door.pass();
                }
                x
            });
            let mut results = imap.chunk(1).timeout(SHORT);
            for expected in 0..3 {
                assert_eq!(at_last(&mut results), Some(expected));
            }
            assert_eq!(late(&mut results), 3);
            assert!(results.give_up());
            if forever {
                assert_eq!(results.into_inner().next(), None);
            } else {
                assert_eq!(at_last(&mut results), None);
            }
            gate.open();
        }
    }

    fn p10_give_up_an_item_that_panics_later(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let imap = pool.imap(0u64.., move |x| {
            if x == 1 {
                door.pass();
                panic_on_purpose(x);
            }
            x
        });
        let mut results = imap.window(16).timeout(SHORT);
        assert_eq!(at_last(&mut results), Some(0));
        assert_eq!(late(&mut results), 1);
        assert!(results.give_up());
        assert_eq!(at_last(&mut results), Some(2));
        gate.open();
        // No panic surfaces, and the window does not fill up with what was given up.
        for expected in 3..500 {
            assert_eq!(at_last(&mut results), Some(expected));
        }
    }

    fn p10_give_up_items_that_have_not_been_pulled(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::channel();
            let alive = Alive::default();
            let of_results = alive.clone();
            let mut results = pool.imap(receive, move |x: u64| (x, of_results.new_one())).timeout(SHORT);
            for index in 0..3 {
                assert_eq!(late(&mut results), index);
                assert!(results.give_up());
            }
            // The late ones come, and are discarded.
            for x in 0..10 {
                send.send(x).unwrap();
            }
            for expected in 3..10 {
                assert_eq!(at_last(&mut results).map(|result| result.0), Some(expected));
            }
            // A result that was given up is dropped by the first call that waits after it has come.
            soon("all results dropped", || late(&mut results) == 10 && alive.count() == 0);
            // More are given up than come.
            assert!(results.give_up());
            assert_eq!(late(&mut results), 11);
            assert!(results.give_up());
            send.send(10).unwrap();
            drop(send);
            assert!(at_last(&mut results).is_none());
            alive.wait_for(0);
        }
    }

    fn p10_give_up_several_in_a_row(subject) {
        let pool = subject.pool(4);
        let gate = Gate::closed();
        let door = gate.door();
        let mut results = pool.imap(0..200u64, move |x| {
            if (5..8).contains(&x) {
                door.pass();
            }
            x
        }).timeout(SHORT);
        for expected in 0..5 {
            assert_eq!(at_last(&mut results), Some(expected));
        }
        for expected in 5..8 {
            assert_eq!(late(&mut results), expected);
            assert!(results.give_up());
        }
        // One thread is left.
        for expected in 8..100 {
            assert_eq!(at_last(&mut results), Some(expected));
        }
        gate.open();
        for expected in 100..200 {
            assert_eq!(at_last(&mut results), Some(expected));
        }
        assert_eq!(at_last(&mut results), None);
    }

    /// Not only when the imap ends.
    fn p9_give_up_drops_the_result_when_it_comes(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let dropped: Arc<[AtomicBool]> = (0..3).map(|_| AtomicBool::new(false)).collect();
        let told = dropped.clone();
        let mut results = pool.imap(0u64.., move |x| {
            if x == 2 {
                door.pass();
            }
            Told(x, told.clone())
        }).window(64).timeout(SHORT);
        for _ in 0..2 {
            drop(at_last(&mut results));
        }
        assert_eq!(late(&mut results), 2);
        assert!(results.give_up());
        drop(at_last(&mut results));
        assert!(!dropped[2].load(Ordering::SeqCst));
        gate.open();
        soon("the discarded result is dropped", || {
            drop(at_last(&mut results));
            dropped[2].load(Ordering::SeqCst)
        });
    }

    fn p10_give_up_is_for_ordered_imaps(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let mut results = pool.imap(0..2u64, move |x| (door.pass(), x).1).unordered().timeout(SHORT);
        assert!(results.next().unwrap().is_err());
        assert!(!results.give_up());
        gate.open();
        let mut both: Vec<_> = std::iter::from_fn(|| at_last(&mut results)).collect();
        both.sort_unstable();
        assert_eq!(both, [0, 1]);
    }

    fn p10_give_up_under_catch_panics(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let imap = pool.imap(0..9u64, move |x| {
            if x == 1 {
                door.pass();
            }
            if x == 3 { panic_on_purpose(x) } else { x }
        });
        let mut results = imap.catch_panics().timeout(SHORT);
        let mut seen = Vec::new();
        while let Some(result) = results.next() {
            match result {
                Ok(result) => seen.push(result.ok()),
                Err(late) if late.index() == 1 => assert!(results.give_up()),
                Err(_) => {}
            }
        }
        let expected = [Some(0), Some(2), None, Some(4), Some(5), Some(6), Some(7), Some(8)];
        assert_eq!(seen, expected);
    }
}
