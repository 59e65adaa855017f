//! `Imap::stats`: how many items are in which place.

use super::parts::{Gate, LONG, SHORT, soon};
use super::promises;
use crate::oracle::panic_on_purpose;
use pool_core::ImapStats;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Pulled, waiting, running, blocked, delivered.
fn places(stats: &ImapStats) -> [u64; 5] {
    [stats.pulled, stats.waiting, stats.running, stats.blocked, stats.delivered]
}

promises! {
    fn stats_before_the_line_begins(subject) {
        let pool = subject.pool(2);
        let line = pool.imap(0..10, |x| x);
        let stats = line.stats();
        assert_eq!(places(&stats), [0; 5]);
        assert_eq!((stats.helped, stats.waited, stats.head_blocked), (0, Duration::ZERO, Duration::ZERO));
    }

    fn stats_of_results_behind_a_head_that_hangs(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let line = pool.imap(0..100u64, move |x| {
            if x == 3 {
                door.pass();
            }
            if x == 5 { panic_on_purpose(x) } else { x }
        });
        let mut results = line.window(10).chunk(1).start();
        // A panic is a result that cannot be delivered, like any other.
        soon("all but one are finished", || places(&results.stats()) == [10, 0, 1, 9, 0]);
        for expected in 0..3 {
            assert_eq!(results.next(), Some(expected));
        }
        // The consumer comes to the window's edge only with the next call.
        assert!(results.next_timeout(Duration::ZERO).is_err());
        soon("three more are finished", || places(&results.stats()) == [13, 0, 1, 9, 3]);
        assert_eq!(results.stats().chunk, 1);

        // Sleeping beside results that are finished.
        assert!(results.next_timeout(4 * SHORT).is_err());
        let stats = results.stats();
        assert!(stats.waited >= 3 * SHORT, "{stats}");
        assert!(stats.head_blocked >= 3 * SHORT && stats.head_blocked <= stats.waited, "{stats}");
        gate.open();
        assert_eq!(results.catch_panics().count(), 97);
    }

    fn stats_of_items_in_one_hand(subject) {
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let door = gate.door();
        let line = pool.imap(0..100u64, move |x| {
            if x == 3 {
                door.pass();
            }
            x
        });
        let results = line.window(20).chunk(8).start();
        // The worker has the whole chunk, and is at its fourth item.
        soon("three are finished", || places(&results.stats()) == [8, 0, 5, 3, 0]);
        assert_eq!(results.stats().chunk, 8);
        gate.open();
        soon("the window is full", || places(&results.stats()) == [20, 0, 0, 20, 0]);
        assert!(results.eq(0..100));
    }

    /// The only thread is in the input, and nobody has taken what it has pulled.
    fn stats_of_items_that_wait(subject) {
        let pool = subject.pool(1);
        let (send, receive) = mpsc::channel();
        (0..4u64).for_each(|x| send.send(x).unwrap());
        let mut results = pool.imap(receive, |x| x).chunk(8).start();
        soon("four are pulled", || places(&results.stats()) == [4, 4, 0, 0, 0]);
        assert_eq!(results.next(), Some(0));
        // The consumer took them, and put back what it did not need.
        let stats = results.stats();
        assert_eq!(places(&stats), [4, 3, 0, 0, 1]);
        assert_eq!(stats.helped, 1);
        drop(send);
        assert!(results.by_ref().eq(1..4));
        assert_eq!(places(&results.stats()), [4, 0, 0, 0, 4]);
    }

    /// While the line is at work the numbers are of one moment, though not of a quiet one.
    fn stats_add_up_at_any_time(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..20_000u64, |x| x).window(300);
        let mut pulled = 0;
        for expected in 0..20_000 {
            assert_eq!(results.next(), Some(expected));
            if expected % 64 == 0 {
                let stats = results.stats();
                assert_eq!(stats.delivered, expected + 1);
                let sum = stats.waiting + stats.running + stats.blocked + stats.delivered;
                assert_eq!(stats.pulled, sum, "{stats}");
                assert!(stats.pulled >= pulled && stats.pulled <= expected + 301, "{stats}");
                pulled = stats.pulled;
            }
        }
        assert_eq!(results.next(), None);
        assert_eq!(places(&results.stats()), [20_000, 0, 0, 0, 20_000]);
    }

    fn stats_count_what_the_consumer_ran(subject) {
        let me = thread::current().id();
        // How much it helps is a matter of luck, so there are several rounds.
        for round in 0..12 {
            let pool = subject.pool(1 + round % 2);
            let here = Arc::new(AtomicU64::new(0));
            let count = here.clone();
            let mut results = pool.imap(0..10_000u64, move |x| {
                if thread::current().id() == me {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                x
            });
            assert!(results.by_ref().eq(0..10_000));
            assert_eq!(results.stats().helped, here.load(Ordering::SeqCst), "{}", results.stats());
        }
    }

    fn stats_after_a_panic(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..3u64, |x| if x == 1 { panic_on_purpose(x) } else { x });
        assert_eq!(results.next(), Some(0));
        assert!(catch_unwind(AssertUnwindSafe(|| results.next())).is_err());
        assert_eq!(results.stats().delivered, 2, "a panic is handed out, too");
        assert_eq!(results.next(), Some(2));
        assert_eq!(results.next(), None);
        assert_eq!(places(&results.stats()), [3, 0, 0, 0, 3]);
    }

    fn stats_count_what_was_given_up_as_delivered(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let line = pool.imap(0..3u64, move |x| {
            if x == 0 {
                door.pass();
            }
            x
        });
        let mut results = line.timeout(SHORT);
        assert!(results.next().unwrap().is_err());
        assert!(results.give_up());
        assert_eq!(results.get_ref().stats().delivered, 1);
        results.set_limit(LONG);
        assert!(results.by_ref().map(Result::unwrap).eq(1..3));
        assert_eq!(results.get_ref().stats().delivered, 3);
    }

    fn stats_can_be_printed(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..123u64, |x| x).catch_panics();
        results.by_ref().for_each(drop);
        let stats = results.stats();
        let said = stats.to_string();
        for part in ["123 pulled", "0 waiting", "0 running", "0 blocked", "123 delivered", "consumer"] {
            assert!(said.contains(part), "{said:?} does not say {part:?}");
        }
        assert_eq!(stats, stats.clone());
    }
}
