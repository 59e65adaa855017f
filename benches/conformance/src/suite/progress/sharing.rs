//! P5 prompt, P14 sharing: work that one thread has pulled is not left to it while others are idle.

use crate::suite::list::promises;
use crate::suite::parts::{Gate, soon};
use pool_core::Executor;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

const LONG_ITEMS: u64 = 300;

/// A thread does at least this part of an even share: on a busy machine one may come late.
const LEAST: u64 = 20;

/// Which threads worked on long items, how many did at the same time, at most, and how many items each had.
#[derive(Default)]
struct Shares {
    inside: AtomicUsize,
    most: AtomicUsize,
    of_each: Mutex<HashMap<ThreadId, u64>>,
}

impl Shares {
    fn work(&self) {
        self.most.fetch_max(self.inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        *self.of_each.lock().unwrap().entry(thread::current().id()).or_default() += 1;
        // It needs no core, so the others are idle only if nothing is left to them.
        thread::sleep(Duration::from_millis(1));
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    #[track_caller]
    fn check(&self, threads: usize, least: u64) {
        let most = self.most.load(Ordering::SeqCst);
        assert_eq!(most, threads, "threads in long items at the same time");
        let shares: Vec<u64> = self.of_each.lock().unwrap().values().copied().collect();
        assert!(shares.len() == threads && shares.iter().all(|&share| share >= least), "{shares:?}");
    }
}

promises! {
    /// The chunk that they are in was made for tiny items, and all of them may be in one.
    fn p14_long_items_among_tiny_ones_are_shared(subject) {
        for threads in [2, 3] {
            for unordered in [false, true] {
                let pool = subject.pool(threads);
                let shares = Arc::new(Shares::default());
                let seen = shares.clone();
                let imap = pool.imap(0..200_000u64, move |x| {
                    if (100_000..100_000 + LONG_ITEMS).contains(&x) {
                        seen.work();
                    }
                    x
                });
                let imap = if unordered { imap.unordered() } else { imap };
                assert_eq!(imap.window(1 << 20).count(), 200_000);
                shares.check(threads, LONG_ITEMS / threads as u64 / LEAST);
            }
        }
    }

    /// Nothing is behind them, so that a thread that has done the others finds nothing to pull.
    fn p14_long_items_at_the_end_are_shared(subject) {
        let threads = 3;
        let pool = subject.pool(threads);
        let shares = Arc::new(Shares::default());
        let seen = shares.clone();
        let imap = pool.imap(0..100_000u64, move |x| {
            if x >= 100_000 - LONG_ITEMS {
                seen.work();
            }
            x
        });
        assert!(imap.window(1 << 20).eq(0..100_000));
        shares.check(threads, LONG_ITEMS / threads as u64 / LEAST);
    }

    fn p14_long_items_of_a_stream_are_shared(subject) {
        let threads = 3;
        let pool = subject.pool(threads);
        let shares = Arc::new(Shares::default());
        let seen = shares.clone();
        let imap = pool.imap(0..100_000u64, move |x| {
            if (50_000..50_000 + LONG_ITEMS).contains(&x) {
                seen.work();
            }
            x
        });
        let mut next = crate::suite::asks::by_stream(imap.window(1 << 20));
        assert!(std::iter::from_fn(&mut *next).eq(0..100_000));
        shares.check(threads, LONG_ITEMS / threads as u64 / LEAST);
    }

    /// Long items come again and again, so that the engine must forget its measurements each time.
    fn p14_long_items_now_and_then_are_shared(subject) {
        let threads = 3;
        let pool = subject.pool(threads);
        let shares = Arc::new(Shares::default());
        let seen = shares.clone();
        let imap = pool.imap(0..200_000u64, move |x| {
            if x % 50_000 >= 50_000 - 100 {
                seen.work();
            }
            x
        });
        assert!(imap.window(1 << 20).eq(0..200_000));
        shares.check(threads, 400 / threads as u64 / LEAST);
    }

    /// The threads have all come, and the consumer looked in a moment ago and is away.
    fn p14_no_thread_is_idle_beside_what_was_pulled(subject) {
        let pool = subject.pool(3);
        for _ in 0..5 {
            let shares = Arc::new(Shares::default());
            let (gate, seen) = (Gate::closed(), shares.clone());
            let door = gate.door();
            let imap = pool.imap(0..60_000u64, move |x| match x {
                0..30_000 => {}
                30_000 => door.pass(),
                _ if x < 30_000 + LONG_ITEMS / 2 => seen.work(),
                _ => {}
            });
            let mut imap = imap.window(1 << 20);
            for _ in 0..30_000 {
                imap.next().unwrap();
            }
            gate.open();
            soon("all is finished", || imap.stats().blocked == 30_000);
            shares.check(3, LONG_ITEMS / 2 / 3 / LEAST);
        }
    }
}
