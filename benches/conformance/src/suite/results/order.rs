//! P1 order, P2 lazy, P3 window, P15 scale.

use crate::suite::list::promises;
use crate::suite::parts::within_window;
use pool_core::Executor;
use pool_core::work::xorshift;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

promises! {
    fn p1_results_come_in_input_order(subject) {
        for threads in [1, 2, 3, 4] {
            let pool = subject.pool(threads);
            for window in [1, 2, 3, 7, 64, 10_000] {
                for chunk in [None, Some(1), Some(2), Some(5), Some(1000)] {
                    // Items of very different cost overtake one another.
                    let imap = pool.imap(0..300u64, |x| xorshift(x, x % 17 * 100)).window(window);
                    let imap = match chunk {
                        Some(chunk) => imap.chunk(chunk),
                        None => imap,
                    };
                    let expected = (0..300u64).map(|x| xorshift(x, x % 17 * 100));
                    assert!(imap.eq(expected), "threads {threads} window {window} chunk {chunk:?}");
                }
            }
        }
    }

    fn p1_many_tiny_items_keep_their_order(subject) {
        for threads in [1, 2, 4, 64] {
            let pool = subject.pool(threads);
            assert!(pool.imap(0..200_000u64, |x| x + 1).eq(1..=200_000), "threads {threads}");
        }
    }

    fn p2_nothing_is_pulled_before_the_first_next(subject) {
        let pool = subject.pool(2);
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = pulled.clone();
        let input = (0..10).inspect(move |_| { count.fetch_add(1, Ordering::SeqCst); });
        let mut imap = pool.imap(input, |x| x).window(4).chunk(2);
        // This job runs after any that the imap has queued.
        pool.submit(|| ()).join().unwrap();
        assert_eq!(pulled.load(Ordering::SeqCst), 0);
        assert_eq!(imap.next(), Some(0));
        assert!(pulled.load(Ordering::SeqCst) > 0);
    }

    fn p2_start_begins_without_a_next(subject) {
        let pool = subject.pool(1);
        let (send, receive) = mpsc::channel();
        let imap = pool.imap(0..3, move |x| send.send(x).unwrap()).start();
        assert_eq!(receive.iter().take(3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(imap.count(), 3);
    }

    /// Item k + W is not pulled before result k has been handed over: the input itself looks.
    fn p3_window_is_exact(subject) {
        for (threads, window, chunk) in [(1, 1, 1), (2, 1, 4), (2, 3, 2), (4, 8, 3), (2, 100, 16)] {
            let pool = subject.pool(threads);
            let (input, handed) = within_window(2_000, window);
            let imap = pool.imap(input, |x| x).window(window as usize).chunk(chunk);
            for (index, result) in imap.enumerate() {
                assert_eq!(result, index as u64);
                handed.fetch_add(1, Ordering::SeqCst);
            }
            assert_eq!(handed.load(Ordering::SeqCst), 2_000);
        }
    }

    fn p3_a_slow_head_fills_the_window_and_no_more(subject) {
        let pool = subject.pool(2);
        let (open, gate) = mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let (pulled, pulls) = mpsc::channel();
        let input = (0..100).inspect(move |&item| pulled.send(item).unwrap());
        let imap = pool.imap(input, move |item| {
            if item == 0 {
                gate.lock().unwrap().recv().unwrap();
            }
            item
        });
        let imap = imap.window(10).chunk(1).start();
        // The other thread goes on up to the window, and stops there.
        assert!(pulls.iter().take(10).eq(0..10));
        pool.submit(|| ()).join().unwrap();
        assert_eq!(pulls.try_recv(), Err(mpsc::TryRecvError::Empty));
        open.send(()).unwrap();
        assert!(imap.eq(0..100));
    }

    fn p3_the_default_window_is_finite(subject) {
        let pool = subject.pool(2);
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = pulled.clone();
        let endless = (0u64..).inspect(move |_| { count.fetch_add(1, Ordering::SeqCst); });
        let mut imap = pool.imap(endless, |x| x);
        assert_eq!(imap.next(), Some(0));
        // Consumes nothing more: jobs that come after the imap's find it at rest.
        let mut before = usize::MAX;
        while before != pulled.load(Ordering::SeqCst) {
            before = pulled.load(Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(before <= 2 * pool_core::MAX_DEFAULT_WINDOW_PER_THREAD + 1, "{before} items were pulled");
    }

    fn p15_a_long_stream_is_as_good_as_a_short_one(subject) {
        let pool = subject.pool(2);
        let sum = pool.imap(0..3_000_000u64, |x| x).fold(0, pool_core::work::checksum);
        assert_eq!(sum, (0..3_000_000u64).fold(0, pool_core::work::checksum));
    }
}
