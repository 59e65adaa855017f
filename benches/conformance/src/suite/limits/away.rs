//! The pool works without the consumer's help: while the consumer does not ask, asks with a limit of zero, or items
//! take long.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use crate::suite::parts::{Gate, LONG, SHORT, soon};
use pool_core::Executor;
use pool_core::work::xorshift;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

promises! {
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
                // This job runs on the free thread, after the imap's job there has ended.
                pool.submit(|| ()).join().unwrap();
                send.send(expected).unwrap();
                let (result, runner) = results.next_timeout(LONG).unwrap().unwrap();
                assert_eq!(result, expected);
                assert_ne!(runner, me, "item {result} ran on the consumer's thread");
            }
        }
    }

    /// The head panics, and the item behind it in its chunk hangs.
    fn p6_a_panic_comes_while_the_next_item_of_its_chunk_hangs(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let door = gate.door();
            let (send, receive) = mpsc::channel();
            (0..4u64).for_each(|x| send.send(x).unwrap());
            let mut results = pool.imap(receive, move |x| {
                match x {
                    0 => panic_on_purpose(x),
                    1 => door.pass(),
                    _ => {}
                }
                x
            }).chunk(8);
            assert!(catch_unwind(AssertUnwindSafe(|| results.next())).is_err());
            gate.open();
            for expected in 1..4 {
                assert_eq!(results.next(), Some(expected));
            }
            drop(send);
            assert_eq!(results.next(), None);
        }
    }

    /// An item ends only when many behind it have.
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

    /// The consumer has asked at once for a long time, and then does other work.
    fn p5_a_pool_is_not_idle_while_its_consumer_is_away(subject) {
        for _ in 0..8 {
            let pool = subject.pool(2);
            let gate = Gate::closed();
            let door = gate.door();
            let armed = Arc::new(AtomicBool::new(false));
            let (hung, passed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
            let (arm, hangs, passes) = (armed.clone(), hung.clone(), passed.clone());
            let ran = Arc::new(AtomicUsize::new(0));
            let runs = ran.clone();
            let imap = pool.imap(0u64.., move |x| {
                runs.fetch_add(1, Ordering::SeqCst);
                if hangs.load(Ordering::SeqCst) {
                    passes.fetch_add(1, Ordering::SeqCst);
                } else if arm.swap(false, Ordering::SeqCst) {
                    hangs.store(true, Ordering::SeqCst);
                    door.pass();
                }
                xorshift(x, 20)
            });
            let mut results = imap.window(1 << 20);
            for _ in 0..3_000 {
                results.next().unwrap();
            }
            // The pool goes on meanwhile.
            thread::sleep(2 * SHORT);
            let before = ran.load(Ordering::SeqCst);
            soon("it does", || ran.load(Ordering::SeqCst) > before + 5_000);
            armed.store(true, Ordering::SeqCst);
            soon("an item hangs", || hung.load(Ordering::SeqCst));
            soon("the others go on", || passed.load(Ordering::SeqCst) > 1_000);
        }
    }
}
