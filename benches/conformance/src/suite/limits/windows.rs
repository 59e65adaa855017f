//! P3 window: the default one goes by measured time.

use crate::suite::list::promises;
use crate::suite::parts::{Gate, SHORT, soon};
use pool_core::{Executor, Imap, MAX_DEFAULT_WINDOW_PER_THREAD};
use std::thread;
use std::time::Duration;

/// At least this number of items for each thread, however long they are.
const LEAST_PER_THREAD: u64 = 16;

promises! {
    fn p3_the_default_window_of_tiny_items_is_wide(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let mut imap = pool.imap(0u64.., |x| x);
            assert!(imap.by_ref().take(100_000).eq(0..100_000));
            let ahead = |imap: &Imap<'_, u64>| {
                let stats = imap.stats();
                stats.pulled - stats.delivered
            };
            // One is taken now and then: a thread that is switched out in each of the last items makes the window narrow
            // for a while.
            soon("more than a thousand items are ahead", || {
                let is_wide = ahead(&imap) > 1_000;
                if !is_wide {
                    imap.next();
                }
                is_wide
            });
            thread::sleep(10 * SHORT);
            let most = (threads * MAX_DEFAULT_WINDOW_PER_THREAD) as u64;
            assert!(ahead(&imap) <= most, "{} items are ahead", ahead(&imap));
        }
    }

    /// Also while nothing has been measured yet.
    fn p3_the_default_window_has_room_for_a_few_long_items(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let door = gate.door();
            let imap = pool.imap(0u64.., move |x| {
                if x == 0 && threads > 1 {
                    door.pass();
                }
                thread::sleep(Duration::from_millis(10));
            });
            let imap = imap.start();
            let least = LEAST_PER_THREAD * threads as u64;
            soon("the least window is filled", || imap.stats().pulled >= least);
        }
    }

    fn p3_the_default_window_of_long_items_is_narrow(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            // 100 ms of work are five items of a thread, so the minimum counts.
            let mut imap = pool.imap(0u64.., |x| (thread::sleep(Duration::from_millis(20)), x).1);
            assert!(imap.by_ref().take(3 * threads).eq(0..3 * threads as u64));
            // What takes too long comes to rest at the window's edge.
            let most = 2 * LEAST_PER_THREAD * threads as u64;
            for _ in 0..4 {
                thread::sleep(Duration::from_millis(300));
                let stats = imap.stats();
                let ahead = stats.pulled - stats.delivered;
                assert!(ahead <= most, "{ahead} items are ahead, with {threads} threads: {stats}");
            }
        }
    }

    /// Tiny items first, so that the window is as wide as it gets. A narrower window only stops pulling.
    fn p3_the_default_window_shrinks_for_items_that_turn_long(subject) {
        let pool = subject.pool(2);
        let mut imap = pool.imap(0u64.., |x| {
            if x >= 100_000 {
                thread::sleep(Duration::from_millis(2));
            }
            x
        });
        assert!(imap.by_ref().take(100_500).eq(0..100_500));
        // Fifty such items are 100 ms of a thread's work, and some may have been pulled before.
        let ahead = |imap: &pool_core::Imap<'_, u64>| {
            let stats = imap.stats();
            stats.pulled - stats.delivered
        };
        let mut rest = 100_500..;
        soon("the window is narrow", || {
            let narrow = ahead(&imap) < 500;
            assert_eq!(imap.next(), rest.next());
            narrow
        });
        for _ in 0..4 {
            thread::sleep(Duration::from_millis(100));
            assert!(ahead(&imap) < 500, "{} items are ahead", ahead(&imap));
        }
    }
}
