//! P9 drop.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use pool_core::Executor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Counts itself while it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Counted {
        alive.fetch_add(1, Ordering::SeqCst);
        Counted(alive.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let before = self.0.fetch_sub(1, Ordering::SeqCst);
        assert!(before > 0, "dropped more often than made");
    }
}

/// Panics when it is dropped.
struct Explosive(#[expect(dead_code, reason = "only its drop counts")] Counted);

impl Drop for Explosive {
    fn drop(&mut self) {
        panic_on_purpose(0);
    }
}

fn wait_until_none(alive: &AtomicUsize) {
    let started = Instant::now();
    while alive.load(Ordering::SeqCst) > 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "{alive:?} are never dropped");
        std::thread::sleep(Duration::from_millis(1));
    }
}

promises! {
    fn p9_everything_is_dropped_exactly_once(subject) {
        for threads in [1, 2] {
            for (taken, chunk) in [(0, 1), (1, 1), (10, 4), (100, 7), (999, 3)] {
                let pool = subject.pool(threads);
                let alive = Arc::new(AtomicUsize::new(0));
                let (of_items, of_results) = (alive.clone(), alive.clone());
                let input = (0..1_000).map(move |_| Counted::new(&of_items));
                let mut imap = pool.imap(input, move |item| (item, Counted::new(&of_results))).chunk(chunk);
                assert_eq!(imap.by_ref().take(taken).count(), taken);
                drop(imap);
                drop(pool);
                wait_until_none(&alive);
            }
        }
    }

    fn p9_dropped_before_it_began(subject) {
        let pool = subject.pool(1);
        let alive = Arc::new(AtomicUsize::new(0));
        let item = Counted::new(&alive);
        drop(pool.imap([item], |item| item));
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }

    fn p9_returns_while_an_item_hangs(subject) {
        let pool = subject.pool(2);
        let (open, gate) = mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let (begun, begins) = mpsc::channel();
        let mut imap = pool.imap(0..10, move |item| {
            if item == 1 {
                begun.send(()).unwrap();
                gate.lock().unwrap().recv().unwrap();
            }
            item
        }).chunk(1);
        assert_eq!(imap.next(), Some(0));
        begins.recv().unwrap();
        drop(imap);
        // The item still runs: the drop has not waited for it.
        open.send(()).unwrap();
    }

    fn p9_returns_while_the_input_blocks(subject) {
        let pool = subject.pool(2);
        let (send, receive) = mpsc::channel::<u32>();
        send.send(7).unwrap();
        let mut imap = pool.imap(receive, |x| x);
        assert_eq!(imap.next(), Some(7));
        drop(imap);
        drop(send);
    }

    fn p9_nothing_new_starts_afterwards(subject) {
        let pool = subject.pool(2);
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let (left, gone) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (dropped, late) = (left.clone(), gone.clone());
        let mut imap = pool.imap(0..1_000_000, move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            if dropped.load(Ordering::SeqCst) {
                late.fetch_add(1, Ordering::SeqCst);
            }
            std::thread::sleep(Duration::from_micros(20));
        });
        imap.next();
        drop(imap);
        left.store(true, Ordering::SeqCst);
        drop(pool);
        // Each thread may have been on its way into one item.
        assert!(gone.load(Ordering::SeqCst) <= 2, "{gone:?} items began after the drop");
        assert!(begun.load(Ordering::SeqCst) < 1_000_000);
    }

    fn p9_a_panicking_drop_of_what_is_discarded_ends_there(subject) {
        let pool = subject.pool(2);
        let alive = Arc::new(AtomicUsize::new(0));
        let (of_items, of_results) = (alive.clone(), alive.clone());
        let input = (0..100).map(move |_| Explosive(Counted::new(&of_items)));
        // The items are forgotten here, or each call would panic.
        let f = move |item: Explosive| (std::mem::forget(item), Explosive(Counted::new(&of_results))).1;
        let mut imap = pool.imap(input, f).chunk(4).window(20);
        std::mem::forget(imap.next());
        drop(imap);
        // The pool is as good as new.
        assert!(pool.imap(0..100, |x| x).eq(0..100));
    }
}
