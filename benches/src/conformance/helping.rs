//! The consumer that helps: what it runs itself, and when it stops.

use super::parts::{Gate, LONG};
use super::promises;
use crate::oracle::panic_on_purpose;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

promises! {
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
}
