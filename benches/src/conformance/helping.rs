//! The consumer that helps: what it runs itself, and when it stops.

use super::parts::{Gate, LONG, SHORT, soon};
use super::promises;
use crate::oracle::panic_on_purpose;
use crate::work::xorshift;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

promises! {
    /// After many short lines the consumer begins with the head itself, instead of sleeping until it is known to
    /// be short.
    fn p5_after_many_short_lines_the_consumer_runs_the_head(subject) {
        let pool = subject.pool(2);
        soon("the consumer has run a first item", || {
            let threads: Vec<_> = pool.imap(0..10, |_| thread::current().id()).collect();
            threads[0] == thread::current().id()
        });
    }

    /// While the consumer is in an item, its line has one thread of the pool less, however long that takes.
    fn p14_a_consumer_that_is_in_an_item_is_one_of_the_threads(subject) {
        let pool = subject.pool(2);
        let me = thread::current().id();
        soon("the consumer has run a long first item, and one thread the others", || {
            let (running, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
            let (here, over) = (AtomicBool::new(false), AtomicBool::new(false));
            let f = |(line, x): (u32, u64)| match (line, x) {
                (9, 0) => {
                    here.store(thread::current().id() == me, Ordering::SeqCst);
                    soon("the others go on", || done.load(Ordering::SeqCst) >= 200);
                    over.store(true, Ordering::SeqCst);
                }
                (9, _) => {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    if !over.load(Ordering::SeqCst) {
                        most.fetch_max(now, Ordering::SeqCst);
                    }
                    thread::sleep(Duration::from_micros(200));
                    running.fetch_sub(1, Ordering::SeqCst);
                    done.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            };
            // It begins with an item itself only if the last lines were short.
            for line in 0..10 {
                let items = if line == 9 { 300 } else { 10 };
                pool.scope(|s| s.imap((0..items).map(|x| (line, x)), f).for_each(drop));
            }
            here.into_inner() && most.into_inner() == 1
        });
    }

    /// A consumer that must be prompt cannot afford to run an item while a thread of the pool is free.
    fn p10_a_call_with_a_limit_runs_nothing_itself(subject) {
        let me = thread::current().id();
        for threads in [1, 2, 3] {
            let pool = subject.pool(threads);
            let mut results = pool.imap(0..1_000u64, move |x| (x, thread::current().id()));
            for expected in 0..1_000 {
                let (result, runner) = results.next_timeout(LONG).unwrap().unwrap();
                assert_eq!(result, expected);
                assert_ne!(runner, me, "item {result} ran on the consumer's thread");
            }
        }
    }

    /// One thread is in the input, and has pulled the head; the other one is free to come for it.
    fn p10_a_call_with_a_limit_leaves_what_was_pulled_before_to_a_free_thread(subject) {
        let me = thread::current().id();
        let pool = subject.pool(2);
        for _ in 0..20 {
            let (send, receive) = mpsc::channel();
            let mut results = pool.imap(receive, |x: u64| (x, thread::current().id())).chunk(8);
            send.send(0).unwrap();
            assert_eq!(results.next().map(|result| result.0), Some(0));
            for expected in 1..8 {
                // It runs on the free thread, when that has done with the line.
                pool.submit(|| ()).join().unwrap();
                send.send(expected).unwrap();
                let (result, runner) = results.next_timeout(LONG).unwrap().unwrap();
                assert_eq!(result, expected);
                assert_ne!(runner, me, "item {result} ran on the consumer's thread");
            }
        }
    }

    /// The head panics in the consumer's hand, with the rest of its chunk behind it.
    fn p6_a_helping_consumer_stops_at_a_panic(subject) {
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let door = gate.door();
        let (send, receive) = mpsc::channel();
        (0..4u64).for_each(|x| send.send(x).unwrap());
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let mut results = pool.imap(receive, move |x| {
            count.fetch_add(1, Ordering::SeqCst);
            match x {
                0 => panic_on_purpose(x),
                1 => door.pass(),
                _ => {}
            }
            x
        }).chunk(8);
        // The only thread is in the input: the consumer takes what was pulled.
        assert!(catch_unwind(AssertUnwindSafe(|| results.next())).is_err());
        assert_eq!(begun.load(Ordering::SeqCst), 1, "the consumer ran on behind the panic");
        gate.open();
        for expected in 1..4 {
            assert_eq!(results.next(), Some(expected));
        }
        drop(send);
        assert_eq!(results.next(), None);
    }

    /// Short items, so that chunks are long and the consumer helps, and then long ones. It goes on for longer
    /// than 32 items where the worker that has the head is switched out, so one round may be bad.
    fn p5_a_helping_consumer_is_not_held_up_by_many_long_items(subject) {
        const SHORT_ITEMS: u64 = 2_000;
        const ROUND: u64 = SHORT_ITEMS + 100;
        let me = thread::current().id();
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let here = Arc::new(AtomicUsize::new(0));
            let count = here.clone();
            let mut results = pool.imap(0..6 * ROUND, move |x| {
                if x % ROUND >= SHORT_ITEMS {
                    thread::sleep(Duration::from_micros(300));
                    if thread::current().id() == me {
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                }
                x
            });
            let mut most = [0; 6];
            for expected in 0..6 * ROUND {
                let before = here.load(Ordering::SeqCst);
                assert_eq!(results.next(), Some(expected));
                let ran = here.load(Ordering::SeqCst) - before;
                let most = &mut most[(expected / ROUND) as usize];
                *most = ran.max(*most);
            }
            let bad = most.iter().filter(|&&most| most > 33).count();
            assert!(bad <= 1, "in each round some call ran so many long items: {most:?}");
        }
    }

    /// An item ends only when many behind it have, while the consumer helps with short ones. There is room for these
    /// whoever has it: it may be the consumer, with a whole window of results before it.
    fn p5_a_pool_is_not_idle_beside_one_long_item(subject) {
        let pool = subject.pool(2);
        let done = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Gate::closed());
        let opener = gate.clone();
        let results = pool.imap(0..20_000u64, move |x| {
            if x == 10_000 {
                opener.door().pass();
            } else if x > 10_000 && done.fetch_add(1, Ordering::SeqCst) == 3_000 {
                opener.open();
            }
            x
        });
        assert!(results.window(20_000).eq(0..20_000));
    }

    /// The consumer has helped, and then has other things to do: a thread of the pool comes in its place.
    fn p5_a_pool_is_not_idle_while_its_consumer_is_away(subject) {
        // Several rounds, since the consumer may also have slept last instead of having helped.
        for _ in 0..8 {
            let pool = subject.pool(2);
            let gate = Gate::closed();
            let door = gate.door();
            let armed = Arc::new(AtomicBool::new(false));
            let (hung, passed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
            let (arm, hangs, passes) = (armed.clone(), hung.clone(), passed.clone());
            let ran = Arc::new(AtomicUsize::new(0));
            let runs = ran.clone();
            let line = pool.imap(0u64.., move |x| {
                runs.fetch_add(1, Ordering::SeqCst);
                if hangs.load(Ordering::SeqCst) {
                    passes.fetch_add(1, Ordering::SeqCst);
                } else if arm.swap(false, Ordering::SeqCst) {
                    hangs.store(true, Ordering::SeqCst);
                    door.pass();
                }
                xorshift(x, 20)
            });
            let mut results = line.window(1 << 20);
            for _ in 0..3_000 {
                results.next().unwrap();
            }
            // Long enough that it is not expected back at once. The pool goes on meanwhile.
            thread::sleep(2 * SHORT);
            let before = ran.load(Ordering::SeqCst);
            soon("it does", || ran.load(Ordering::SeqCst) > before + 5_000);
            armed.store(true, Ordering::SeqCst);
            soon("an item hangs", || hung.load(Ordering::SeqCst));
            soon("the others go on", || passed.load(Ordering::SeqCst) > 1_000);
        }
    }
}
