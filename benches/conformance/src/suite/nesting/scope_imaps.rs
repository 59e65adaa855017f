//! `imap_init` and `imap_local` of a scope: what they use may borrow.

use crate::oracle::{Outcome, assert_same, caught, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Gate, LONG, soon};
use pool_core::{Executor, IterExt};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

promises! {
    fn p9_scope_imap_init_borrows_items_state_and_function(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let words: Vec<String> = (0..500).map(|x| x.to_string()).collect();
            let (states, suffix) = (AtomicUsize::new(0), String::from("!"));
            let shouted: Vec<_> = pool.scope(|s| {
                let init = || {
                    states.fetch_add(1, Ordering::SeqCst);
                    // The state borrows, too.
                    (&suffix, String::new())
                };
                let shout = |(suffix, buffer): &mut (&String, String), word: &String| {
                    buffer.clear();
                    buffer.extend([word.as_str(), suffix.as_str()]);
                    buffer.clone()
                };
                s.imap_init(&words, init, shout).collect()
            });
            assert!(shouted.into_iter().eq(words.iter().map(|word| word.clone() + "!")));
            assert!((1..=threads + 1).contains(&states.load(Ordering::SeqCst)));
        }
    }

    fn p6_scope_imap_init_a_panic_costs_its_state_and_nothing_else(subject) {
        let pool = subject.pool(2);
        let items: Vec<u64> = (0..200).collect();
        let got = pool.scope(|s| {
            let f = |spoiled: &mut bool, x: &u64| {
                assert!(!*spoiled, "a state that has seen a panic is used again");
                if x % 7 == 3 {
                    *spoiled = true;
                    panic_on_purpose(*x);
                }
                *x
            };
            caught(s.imap_init(&items, || false, f).catch_panics())
        });
        let expect = |x| if x % 7 == 3 { Outcome::Panicked(x) } else { Outcome::Value(x) };
        assert_same(&(0..200).map(expect).collect::<Vec<_>>(), &got);
    }

    fn p9_scope_imap_local_borrows_what_stays_here(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let text: String = (0..2_000).map(|x| format!("line {x}\n")).collect();
            // An input that borrows and cannot leave this thread, with items that borrow.
            let (skipped, me) = (Rc::new(Cell::new(0)), thread::current().id());
            let lines = text.lines().inspect(|_| {
                assert_eq!(thread::current().id(), me);
                skipped.set(skipped.get() + 1);
            });
            let numbers: Vec<&str> = pool.scope(|s| s.imap_local(lines, |line| &line[5..]).collect());
            assert!(numbers.into_iter().eq(text.lines().map(|line| &line[5..])));
            assert_eq!(skipped.get(), 2_000);
        }
    }

    fn p9_scope_imap_init_of_a_local_input_borrows_all_of_them(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let text: String = (0..2_000).map(|x| format!("line {x}\n")).collect();
            let (states, suffix, me) = (AtomicUsize::new(0), String::from("!"), thread::current().id());
            let pulled = Rc::new(Cell::new(0));
            let lines = text.lines().inspect(|_| {
                assert_eq!(thread::current().id(), me);
                pulled.set(pulled.get() + 1);
            });
            let init = || {
                states.fetch_add(1, Ordering::SeqCst);
                (&suffix, String::new())
            };
            let shout = |(suffix, buffer): &mut (&String, String), line: &str| {
                buffer.clear();
                buffer.extend([line, suffix.as_str()]);
                buffer.clone()
            };
            let shouted: Vec<_> = pool.scope(|s| s.imap_init(lines.local(), init, shout).collect());
            assert!(shouted.into_iter().eq(text.lines().map(|line| format!("{line}!"))));
            assert_eq!(pulled.get(), 2_000);
            assert!((1..=threads + 1).contains(&states.load(Ordering::SeqCst)));
        }
    }

    fn p9_scope_imap_local_the_scope_waits_for_what_runs_alone(subject) {
        for leaks in [false, true] {
            let pool = subject.pool(2);
            let items: Vec<u64> = (0..1_000).collect();
            let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let gate = Gate::closed();
            let door = gate.door();
            pool.scope(|s| {
                let mut imap = s.imap_local(items.iter(), |x| {
                    begun.fetch_add(1, Ordering::SeqCst);
                    if *x > 0 {
                        door.pass();
                    }
                    ended.fetch_add(1, Ordering::SeqCst);
                    *x
                });
                assert_eq!(imap.next_timeout(LONG), Ok(Some(0)));
                let _ = imap.next_timeout(std::time::Duration::ZERO);
                soon("another item hangs", || begun.load(Ordering::SeqCst) > 1);
                if leaks {
                    std::mem::forget(imap);
                } else {
                    drop(imap);
                }
                gate.open();
            });
            assert_eq!(begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst));
            assert!(ended.load(Ordering::SeqCst) < 1_000);
        }
    }

    fn p8_scope_imap_local_and_imap_init_inside_a_job(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let rows: Vec<Vec<u64>> = (0..20).map(|x| (0..x).collect()).collect();
            let sums = pool.map(&rows, |row| {
                pool.scope(|s| {
                    let doubled = s.imap_local(row.iter(), |x| 2 * x).sum::<u64>();
                    doubled + s.imap_init(row, || 3, |factor, x| *factor * x).sum::<u64>()
                })
            });
            assert!(sums.into_iter().eq(rows.iter().map(|row| 5 * row.iter().sum::<u64>())));
        }
    }
}
