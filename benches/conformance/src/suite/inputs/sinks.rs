//! The push side: items are pushed, and a function on the same thread gets the results.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, on_threads, soon};
use pool_core::work::xorshift;
use pool_core::{Cancelled, Executor, Sink};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_on_purpose(0);
    }
}

fn payload_of(call: impl FnOnce()) -> Option<Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(call)).err()
}

promises! {
    fn p1_sink_results_come_in_the_order_of_the_pushes(subject) {
        let f = |x: u64| xorshift(x, x % 17 * 100);
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for window in [None, Some(1), Some(2), Some(7), Some(64)] {
                let mut got = Vec::new();
                let mut sink = pool.sink(f, |result| got.push(result)).chunk(3);
                if let Some(window) = window {
                    sink = sink.window(window);
                }
                (0..500).for_each(|x| sink.push(x));
                sink.finish();
                assert!(got.into_iter().eq((0..500).map(f)), "threads {threads} window {window:?}");
            }
        }
    }

    fn p1_sink_unordered_gives_each_result_once(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let mut got = HashSet::new();
            let mut sink = pool.sink(|x: u64| x, |x| assert!(got.insert(x), "{x} came twice")).unordered();
            (0..1_000).for_each(|x| sink.push(x));
            sink.finish();
            assert!(got.len() == 1_000 && (0..1_000).all(|x| got.contains(&x)));
        }
    }

    fn p3_sink_window_is_exact_at_each_push(subject) {
        for (threads, window) in [(1, 1), (2, 1), (2, 3), (4, 8), (2, 100)] {
            for unordered in [false, true] {
                let pool = subject.pool(threads);
                let handed = Arc::new(AtomicU64::new(0));
                let seen = handed.clone();
                let f = move |x| {
                    let handed = seen.load(Ordering::SeqCst);
                    assert!(x < handed + window, "item {x} began when {handed} had been handed over");
                    x
                };
                let mut sink = pool.sink(f, |x| {
                    let before = handed.fetch_add(1, Ordering::SeqCst);
                    assert!(unordered || x == before);
                });
                if unordered {
                    sink = sink.unordered();
                }
                sink = sink.window(window as usize);
                for x in 0..1_000u64 {
                    sink.push(x);
                    let under_way = x + 1 - handed.load(Ordering::SeqCst);
                    assert!(under_way <= window, "{under_way} are under way behind push {x}");
                }
                sink.finish();
                assert_eq!(handed.load(Ordering::SeqCst), 1_000);
            }
        }
    }

    /// Items that hang fill the window, and no push waits before that.
    fn p4_sink_a_push_waits_for_room_only(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let got = RefCell::new(Vec::new());
            let mut sink = pool.sink(gate.holds(0), |x| got.borrow_mut().push(x)).window(8);
            (0..8).for_each(|x| sink.push(x));
            sink.consume_ready();
            assert!(got.borrow().is_empty());
            thread::scope(|s| {
                s.spawn(|| {
                    gate.open();
                });
                sink.push(8);
            });
            assert!(!got.borrow().is_empty(), "there was no room before");
            sink.finish();
            assert!(got.into_inner().into_iter().eq(0..9));
        }
    }

    /// An item begins at once, and its result is there by the next call, whatever that is.
    fn p4_sink_a_result_does_not_wait_for_the_next_push(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let got = Cell::new(0);
            let mut sink = pool.sink(|x: u64| x, |x| {
                assert_eq!(x, got.get());
                got.set(x + 1);
            });
            for x in 0..100 {
                sink.push(x);
                if x % 3 == 0 {
                    soon("it comes", || {
                        sink.consume_ready();
                        got.get() == x + 1
                    });
                } else {
                    soon("it is finished", || got.get() == x + 1 || sink.stats().blocked == x + 1 - got.get());
                }
            }
            sink.flush();
            assert_eq!(got.get(), 100);
            // There is a next one after a flush.
            sink.push(100);
            sink.finish();
            assert_eq!(got.get(), 101);
        }
    }

    /// What is pushed begins before the results that are ready are handed on: their consumer may take long.
    fn p5_sink_the_pool_works_while_results_are_consumed(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let begun = Arc::new(AtomicU64::new(0));
            let (counts, pushed, consumed) = (begun.clone(), Cell::new(0), Cell::new(0));
            let f = move |x: u64| {
                counts.fetch_add(1, Ordering::SeqCst);
                x
            };
            let mut sink = pool.sink(f, |_| {
                soon("what was pushed has begun", || begun.load(Ordering::SeqCst) == pushed.get());
                consumed.set(consumed.get() + 1);
            });
            for x in 0..50 {
                pushed.set(x + 1);
                sink.push(x);
                soon("it is finished", || sink.stats().blocked + consumed.get() == x + 1);
            }
            sink.finish();
        }
    }

    fn p6_sink_panics_come_out_at_their_places(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for window in [1, 3, 100] {
                let f = |x: u64| if x % 7 == 3 { panic_on_purpose(x) } else { x };
                let seen = RefCell::new(Vec::new());
                let mut sink = pool.sink(f, |x| seen.borrow_mut().push(x)).window(window);
                let note = |payload: Box<dyn Any + Send>| {
                    let OnPurpose(x) = payload.downcast_ref().expect("its own payload");
                    seen.borrow_mut().push(*x);
                };
                for x in 0..200 {
                    payload_of(|| sink.push(x)).into_iter().for_each(note);
                }
                while let Some(payload) = payload_of(|| sink.flush()) {
                    note(payload);
                }
                sink.finish();
                assert!(seen.into_inner().into_iter().eq(0..200), "threads {threads} window {window}");
            }
            assert_eq!(pool.map([1, 2], |x| x), [1, 2], "the pool is usable");
        }
    }

    /// An error loses nothing: neither the item of its call nor what is behind it.
    fn p6_sink_errors_are_returned_by_the_call_that_meets_them(subject) {
        for threads in [1, 2] {
            for window in [1, 3, 100] {
                let pool = subject.pool(threads);
                let (seen, failed) = (RefCell::new(Vec::new()), Cell::new(0));
                let mut sink = pool.sink(|x: u64| x, |x| {
                    seen.borrow_mut().push(x);
                    if x % 5 == 2 { Err(x) } else { Ok(()) }
                }).window(window);
                let check = |result: Result<(), u64>| {
                    if let Err(x) = result {
                        assert_eq!(seen.borrow().last(), Some(&x));
                        failed.set(failed.get() + 1);
                    }
                    result.is_err()
                };
                for x in 0..100 {
                    check(sink.push(x));
                }
                while check(sink.flush()) {}
                assert_eq!(sink.finish(), Ok(()));
                assert_eq!(failed.get(), 20);
                assert!(seen.into_inner().into_iter().eq(0..100), "threads {threads} window {window}");
            }
        }
    }

    fn p6_sink_a_break_and_a_panic_of_the_consumer(subject) {
        let pool = subject.pool(2);
        let mut sink = pool.sink(|x: u64| x, |x| if x == 7 { ControlFlow::Break(x) } else { ControlFlow::Continue(()) });
        let broken = (0..20).try_for_each(|x| sink.push(x));
        assert_eq!(if broken.is_continue() { sink.finish() } else { broken }, ControlFlow::Break(7));
        let seen = RefCell::new(Vec::new());
        let mut sink = pool.sink(|x: u64| x, |x| {
            seen.borrow_mut().push(x);
            if x == 7 {
                panic_on_purpose(x);
            }
        });
        let panics = (0..20).filter(|x| payload_of(|| sink.push(*x)).is_some()).count();
        let panics = panics + usize::from(payload_of(|| sink.flush()).is_some());
        sink.finish();
        assert_eq!(panics, 1);
        assert!(seen.into_inner().into_iter().eq(0..20));
    }

    fn p9_sink_dropping_it_cancels_and_does_not_wait(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (alive, begun, consumed) = (Alive::default(), Arc::new(AtomicU64::new(0)), Cell::new(false));
            let gate = Gate::closed();
            let (door, counts) = (gate.door(), begun.clone());
            let f = move |item| {
                counts.fetch_add(1, Ordering::SeqCst);
                door.pass();
                item
            };
            let mut sink = pool.sink(f, |_| consumed.set(true)).window(20);
            (0..20).for_each(|_| sink.push(alive.new_one()));
            soon("all threads hang", || begun.load(Ordering::SeqCst) == threads as u64);
            drop(sink);
            assert_eq!(alive.count(), threads, "what has not begun is dropped");
            gate.open();
            alive.wait_for(0);
            assert!(!consumed.get());
            assert_eq!(begun.load(Ordering::SeqCst), threads as u64, "nothing begins behind the drop");
        }
    }

    /// Items, results and the consumer panic when they are dropped: items that wait, one that was not pulled, results.
    fn p9_sink_dropping_it_never_panics(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let door = gate.door();
            let bomb = Bomb;
            let f = move |(x, bomb): (u64, Bomb)| {
                if x == 3 {
                    door.pass();
                }
                bomb
            };
            let mut sink = pool.sink(f, move |result| {
                let _ = &bomb;
                std::mem::forget(result);
                Err(())
            }).window(6);
            let failed = (0..12).filter(|x| sink.push((*x, Bomb)).is_err()).take(2).count();
            assert_eq!(failed, 2);
            assert!(payload_of(|| drop(sink)).is_none(), "the drop panicked");
            gate.open();
        }
    }

    fn p12_sink_tells_that_its_pool_was_terminated(subject) {
        if !subject.terminates() {
            return;
        }
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let door = gate.door();
        let (begun, begins) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let sets = begun.clone();
        let hog = pool.submit(move || {
            sets.store(true, Ordering::SeqCst);
            door.pass();
        });
        soon("the thread hangs", || begun.load(Ordering::SeqCst));
        let notes = begins.clone();
        let mut sink = pool.sink(move |x: u64| (notes.store(true, Ordering::SeqCst), x).1, |_| ());
        (0..4).for_each(|x| sink.push(x));
        pool.terminate();
        for _ in 0..2 {
            let payload = payload_of(|| sink.flush()).expect("it tells");
            assert!(payload.is::<Cancelled>());
        }
        assert!(payload_of(|| sink.push(4)).is_some_and(|payload| payload.is::<Cancelled>()));
        drop(sink);
        gate.open();
        let _ = hog.join();
        assert!(!begins.load(Ordering::SeqCst));
    }

    /// In a job, the thread that waits for room works.
    fn p8_sink_in_a_job(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for window in [None, Some(1), Some(5)] {
                let inner = |n: u64| {
                    let mut got = Vec::new();
                    let mut sink = pool.sink(move |x: u64| x * n, |x| got.push(x));
                    if let Some(window) = window {
                        sink = sink.window(window);
                    }
                    (0..100).for_each(|x| sink.push(x));
                    sink.finish();
                    assert!(got.iter().copied().eq((0..100).map(|x| x * n)));
                    got.len()
                };
                assert_eq!(pool.map(0..6, inner), [100; 6]);
            }
        }
    }

    fn p17_sink_on_fewer_threads_than_the_pool_has(subject) {
        let pool = subject.pool(4);
        for threads in [1, 2] {
            let mut got = Vec::new();
            let mut sink = pool.sink(on_threads(threads), |result| got.push(result)).threads(threads);
            (0..200).for_each(|x| sink.push(x));
            sink.finish();
            assert!(got.into_iter().eq(0..200));
        }
    }

    fn p14_sink_a_dozen_on_one_pool(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let results: Vec<_> = (0..12).map(|_| RefCell::new(Vec::new())).collect();
            let mut sinks: Vec<_> = results.iter().zip(0u64..).map(|(got, n)| {
                pool.sink(move |x: u64| x * n, |x| got.borrow_mut().push(x)).window(4)
            }).collect();
            for x in 0..200 {
                sinks.iter_mut().for_each(|sink| sink.push(x));
            }
            sinks.into_iter().for_each(Sink::finish);
            for (got, n) in results.into_iter().zip(0u64..) {
                assert!(got.into_inner().into_iter().eq((0..200).map(|x| x * n)));
            }
        }
    }

    fn p9_sink_of_a_scope_borrows(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let (text, suffix) = ((0..300).map(|x| format!("{x} ")).collect::<String>(), String::from("!"));
            let (mut plain, mut with_state) = (Vec::new(), Vec::new());
            pool.scope(|s| {
                let mut sink = s.sink(|word: &str| word.len() + suffix.len(), |length| plain.push(length));
                let init = || (&suffix, String::new());
                let shout = |(suffix, buffer): &mut (&String, String), word: &str| {
                    buffer.clear();
                    buffer.extend([word, suffix.as_str()]);
                    buffer.clone()
                };
                let mut other = s.sink_init(init, shout, |word| with_state.push(word));
                for word in text.split_terminator(' ') {
                    sink.push(word);
                    other.push(word);
                }
                sink.finish();
                other.finish();
                // The scope does not wait for what has not begun.
                let mut dropped = s.sink(|word: &str| word.len(), |_| ());
                text.split(' ').take(3).for_each(|word| dropped.push(word));
            });
            let words = || text.split_terminator(' ');
            assert!(plain.into_iter().eq(words().map(|word| word.len() + 1)));
            assert!(with_state.into_iter().eq(words().map(|word| word.to_owned() + "!")));
        }
    }

    fn p11_sink_can_be_moved_and_printed(subject) {
        let pool: Arc<dyn Executor> = Arc::new(subject.pool(2));
        let (send, results) = std::sync::mpsc::channel();
        let mut sink = pool.into_sink(|x: u64| x + 1, move |x| send.send(x));
        sink.push(0).unwrap();
        assert!(format!("{sink:?}").starts_with("Sink { pushed: 1"));
        let other = thread::spawn(move || {
            sink.push(1).unwrap();
            sink.finish()
        });
        other.join().unwrap().unwrap();
        assert!(results.into_iter().eq([1, 2]));
    }
}
