//! `Imap::stats`: how many items are in which place.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use crate::suite::parts::{Gate, LONG, SHORT, soon};
use pool_core::{Executor, ImapStats};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Pulled, waiting, running, blocked, delivered.
fn places(stats: &ImapStats) -> [u64; 5] {
    [stats.pulled, stats.waiting, stats.running, stats.blocked, stats.delivered]
}

promises! {
    fn p2_stats_before_the_imap_begins(subject) {
        let pool = subject.pool(2);
        let imap = pool.imap(0..10, |x| x);
        let stats = imap.stats();
        assert_eq!(places(&stats), [0; 5]);
        assert_eq!(stats.head_age, Duration::ZERO);
    }

    fn p3_stats_of_results_behind_a_head_that_hangs(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let imap = pool.imap(0..100u64, move |x| {
            if x == 3 {
                door.pass();
            }
            if x == 5 { panic_on_purpose(x) } else { x }
        });
        let mut results = imap.window(10).chunk(1).start();
        // A panic is a result that cannot be delivered, like any other.
        soon("all but one are finished", || places(&results.stats()) == [10, 0, 1, 9, 0]);
        for expected in 0..3 {
            assert_eq!(results.next(), Some(expected));
        }
        // The consumer comes to the window's edge only with the next call.
        assert!(results.next_timeout(Duration::ZERO).is_err());
        soon("three more are finished", || places(&results.stats()) == [13, 0, 1, 9, 3]);

        // Asked for twice.
        assert!(results.next_timeout(4 * SHORT).is_err());
        let stats = results.stats();
        assert!(stats.head_age >= 4 * SHORT, "{stats}");
        gate.open();
        assert_eq!(results.catch_panics().count(), 97);
    }

    fn p10_stats_name_the_item_that_hangs(subject) {
        for (threads, chunk, unordered) in [(1, 1, false), (1, 8, false), (2, 1, true), (2, 8, false), (4, 8, true)] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let imap = pool.imap(0..100u64, gate.holds(19)).window(64).chunk(chunk);
            let imap = if unordered { imap.unordered() } else { imap };
            let mut results = imap.start();
            assert!(results.stats().oldest.is_none_or(|oldest| oldest.index <= 19));
            // All that can be finished is, so only this one is left.
            let hangs = |stats: &ImapStats| stats.oldest.is_some_and(|oldest| oldest.index == 19);
            soon("the one that hangs is named", || hangs(&results.stats()));
            let ready = results.stats().blocked.min(5);
            assert_eq!(results.by_ref().take(ready as usize).count() as u64, ready);
            soon("it has run for a while", || results.stats().oldest.unwrap().time > SHORT);
            assert!(hangs(&results.stats()) && results.stats().to_string().contains("item 19 ("));
            gate.open();
            results.by_ref().for_each(drop);
            soon("none runs", || results.stats().oldest.is_none());
        }
    }

    fn p10_stats_name_the_slowest_items(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let f = |x: u64| {
                std::thread::sleep(if x == 7 { 4 * SHORT } else { Duration::ZERO });
                x
            };
            let mut results = pool.imap(0..40, f).chunk(1);
            results.by_ref().for_each(drop);
            let slowest = results.stats().slowest;
            assert!(slowest.iter().any(|slow| slow.index == 7 && slow.time >= 4 * SHORT), "{slowest:?}");
            assert!(slowest.len() == 5 && slowest.is_sorted_by(|before, after| before.time >= after.time));
        }
    }

    fn p10_stats_say_for_how_long_the_head_is_missing(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let mut results = pool.imap(0..2u64, gate.holds(0)).window(2).chunk(1).start();
        soon("item 1 is finished", || results.stats().blocked == 1);
        assert_eq!(results.stats().head_age, Duration::ZERO, "it was not asked for");
        for calls in 1..3 {
            assert!(results.next_timeout(SHORT).is_err());
            let stats = results.stats();
            assert!(stats.head_age >= calls * SHORT, "{stats}");
            assert!(stats.to_string().contains("missing"), "{stats}");
        }
        gate.open();
        assert_eq!(results.next(), Some(0));
        assert_eq!(results.stats().head_age, Duration::ZERO, "another is the head");
        assert_eq!(results.count(), 1);
    }

    fn p3_stats_of_the_items_of_one_chunk(subject) {
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let imap = pool.imap(0..100u64, gate.holds(3));
        let results = imap.window(20).chunk(8).start();
        // The only worker is at its fourth item, of which it tells when its result can be seen.
        soon("three are finished", || results.stats().blocked == 3);
        let [pulled, waiting, running, ..] = places(&results.stats());
        assert!((0..=5).contains(&running) && pulled == 3 + waiting + running && pulled <= 8);
        gate.open();
        soon("the window is full", || places(&results.stats()) == [20, 0, 0, 20, 0]);
        assert!(results.eq(0..100));
    }

    /// The only thread is in the input, and has begun everything that it pulled before.
    fn p4_stats_of_items_before_a_blocked_input(subject) {
        let pool = subject.pool(1);
        let (send, receive) = mpsc::channel();
        (0..4u64).for_each(|x| send.send(x).unwrap());
        let mut results = pool.imap(receive, |x| x).chunk(8).start();
        soon("four are finished", || places(&results.stats()) == [4, 0, 0, 4, 0]);
        assert_eq!(results.next(), Some(0));
        assert_eq!(places(&results.stats()), [4, 0, 0, 3, 1]);
        drop(send);
        assert!(results.by_ref().eq(1..4));
        assert_eq!(places(&results.stats()), [4, 0, 0, 0, 4]);
    }

    /// While the imap is at work the numbers are of one moment, though not of a quiet one.
    fn p11_stats_add_up_at_any_time(subject) {
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

    /// `pulled` counts no item that was given up before it was pulled, and never more than the input gave.
    fn p3_stats_pulled_is_what_the_input_gave(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let (door, given) = (gate.door(), Arc::new(AtomicU64::new(0)));
            let gives = given.clone();
            let (send, receive) = mpsc::channel();
            let input = receive.into_iter().inspect(move |_| _ = gives.fetch_add(1, Ordering::SeqCst));
            let imap = pool.imap(input, move |x: u64| {
                if x == 0 {
                    door.pass();
                }
                x
            });
            let mut imap = imap.timeout(SHORT);
            // Before anything is there, some are given up.
            for _ in 0..3 {
                assert!(imap.next().unwrap().is_err());
                assert!(imap.give_up());
                assert_eq!(imap.get_ref().stats().pulled, 0);
            }
            // One that hangs was given up, and so were the two behind it.
            (0..10).for_each(|x| send.send(x).unwrap());
            let count = || given.load(Ordering::SeqCst);
            soon("the first is pulled", || count() > 0);
            gate.open();
            imap.set_limit(LONG);
            for expected in 3..10 {
                assert_eq!(imap.next(), Some(Ok(expected)));
                let stats = imap.get_ref().stats();
                assert!(stats.pulled <= count() && stats.delivered <= stats.pulled, "{stats}");
            }
            drop(send);
            assert_eq!(imap.next(), None);
            let stats = imap.get_ref().stats();
            assert_eq!((stats.pulled, stats.delivered, count()), (10, 10, 10), "{stats}");
        }
    }

    fn p6_stats_after_a_panic(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..3u64, |x| if x == 1 { panic_on_purpose(x) } else { x });
        assert_eq!(results.next(), Some(0));
        assert!(catch_unwind(AssertUnwindSafe(|| results.next())).is_err());
        assert_eq!(results.stats().delivered, 2, "a panic is handed out, too");
        assert_eq!(results.next(), Some(2));
        assert_eq!(results.next(), None);
        assert_eq!(places(&results.stats()), [3, 0, 0, 0, 3]);
    }

    fn p10_stats_count_what_was_given_up_as_delivered(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let imap = pool.imap(0..3u64, gate.holds(0));
        let mut results = imap.timeout(SHORT);
        assert!(results.next().unwrap().is_err());
        assert!(results.give_up());
        assert_eq!(results.get_ref().stats().delivered, 1);
        results.set_limit(LONG);
        assert!(results.by_ref().map(Result::unwrap).eq(1..3));
        assert_eq!(results.get_ref().stats().delivered, 3);
    }

    fn p11_stats_can_be_printed(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..123u64, |x| x).catch_panics();
        results.by_ref().for_each(drop);
        let stats = results.stats();
        let said = stats.to_string();
        for part in ["123 pulled", "0 waiting", "0 running", "0 blocked", "123 delivered"] {
            assert!(said.contains(part), "{said:?} does not say {part:?}");
        }
        assert_eq!(stats, stats.clone());
    }
}
