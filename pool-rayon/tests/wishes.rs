//! What users have asked rayon for, each as a test: the question, in our words, and what comes out here. The number is that
//! of the issue in rayon's list, <https://github.com/rayon-rs/rayon/issues>.

use pool_core::watchdog::{LIMIT, within};
use pool_rayon::{Executor, IterExt, RayonPool};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

fn rayon_pool(threads: usize) -> Arc<rayon::ThreadPool> {
    Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

/// 210: “A parallel iterator back into a sequential one: in order, the first result before the last one is computed, on an
/// input that may have no end.”
#[test]
fn wish_210_results_in_order_from_an_endless_input() {
    within(LIMIT, || {
        let pool = RayonPool::from_pool(rayon_pool(3));
        let lines = (0u64..).map(|number| format!("{number} {}", number % 7));
        let longest = pool.imap(lines, |line| line.len());
        let expected = (0u64..).map(|number| format!("{number} {}", number % 7).len());
        assert!(longest.take(5_000).eq(expected.take(5_000)));
    });
}

/// 592: “A function locks a mutex and uses rayon inside. The thread that waits steals another call of the same function, which
/// locks the mutex again, and hangs. What can one do?”
///
/// A thread that waits for an imap runs items of that imap alone, and one that waits inside rayon runs no item of ours.
#[test]
fn wish_592_a_lock_that_is_held_while_the_pool_is_used() {
    within(LIMIT, || {
        for threads in [1, 2, 3] {
            let rayon = rayon_pool(threads);
            let pool = Arc::new(RayonPool::from_pool(rayon.clone()));
            for round in 0..20 {
                let (inner, locked) = (pool.clone(), Arc::new(Mutex::new(0u64)));
                let sums = pool.imap(0..20u64, move |item| {
                    let mut calls = locked.lock().unwrap();
                    *calls += 1;
                    match (item + round) % 3 {
                        0 => inner.imap(0..item, |x| x).sum::<u64>(),
                        1 => inner.map(0..item, |x| x).into_iter().sum(),
                        _ => (0..item).into_par_iter().sum(),
                    }
                });
                assert!(
                    sums.chunk(1).eq((0..20).map(|item| item * (item.max(1) - 1) / 2)),
                    "{threads} threads"
                );
            }
        }
    });
}

/// 858: “The opposite of `par_bridge`: results go one by one into a writer of one thread, which holds the rest up while it is
/// slow, and whose first error ends all.”
#[test]
fn wish_858_results_go_into_a_writer_which_may_fail() {
    /// Not `Send`; full after 100 bytes.
    struct Full(Rc<RefCell<Vec<u8>>>);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.0.borrow_mut();
            if written.len() >= 100 {
                return Err(io::Error::other("full"));
            }
            written.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    within(LIMIT, || {
        let pool = RayonPool::from_pool(rayon_pool(2));
        let (pulled, written) = (Arc::new(AtomicUsize::new(0)), Rc::default());
        let (counts, mut writer) = (pulled.clone(), Full(Rc::clone(&written)));
        let numbers = (0..1_000_000u64).inspect(move |_| _ = counts.fetch_add(1, SeqCst));
        let mut squares = pool.imap(numbers, |n| format!("{}\n", n * n)).window(8);
        let error = squares.try_for_each(|square| writer.write_all(square.as_bytes())).unwrap_err();
        assert_eq!(error.to_string(), "full");
        let expected: String = (0..100u64).map(|n| format!("{}\n", n * n)).collect();
        let written = written.borrow();
        assert!(written.len() >= 100 && expected.as_bytes().starts_with(&written));
        let lines = written.iter().filter(|&&byte| byte == b'\n').count();
        assert!(pulled.load(SeqCst) <= lines + 1 + 8, "the window holds the input up");
    });
}

/// 1068: “Pieces of a file that does not fit into memory: is there a promise of how many are there at a time?”
#[test]
fn wish_1068_no_more_items_in_memory_than_the_window() {
    struct Piece(Arc<AtomicUsize>, u64);

    impl Drop for Piece {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }

    within(LIMIT, || {
        let pool = RayonPool::from_pool(rayon_pool(3));
        let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counts, highest) = (alive.clone(), most.clone());
        let pieces = (0..2_000).map(move |number| {
            highest.fetch_max(counts.fetch_add(1, SeqCst) + 1, SeqCst);
            Piece(counts.clone(), number)
        });
        // The pieces themselves come out, so that each lives until it is handed out.
        let hashes = pool.imap(pieces, |piece| piece).window(5).map(|piece| piece.1 % 251);
        assert!(hashes.eq((0..2_000).map(|number| number % 251)));
        assert_eq!(alive.load(SeqCst), 0);
        assert!((2..=5).contains(&most.load(SeqCst)), "{most:?}");
    });
}

/// 1142: “`par_bridge` hangs now and then if the iterator's `next` uses rayon itself: threads wait for its lock that the inner
/// call needs.”
///
/// A thread that finds the input taken does not wait for it.
#[test]
fn wish_1142_an_input_that_uses_the_pool_itself() {
    within(LIMIT, || {
        for threads in [1, 2, 8] {
            let rayon = rayon_pool(threads);
            let pool = Arc::new(RayonPool::from_pool(rayon.clone()));
            for _ in 0..10 {
                let inner = pool.clone();
                let items = (0..100u64).map(move |n| match n % 2 {
                    0 => inner.imap(0..n, |x| x).sum::<u64>(),
                    _ => (0..n).into_par_iter().sum(),
                });
                let doubled = pool.imap(items, |sum| (0..2u64).into_par_iter().map(|_| sum).sum::<u64>());
                assert!(doubled.eq((0..100).map(|n: u64| n * n.saturating_sub(1))), "{threads} threads");
            }
        }
    });
}

/// 1250: “A `par_bridge` that keeps the order, and a trait that leads back to a sequential iterator.”
#[test]
fn wish_1250_from_an_iterator_to_an_iterator() {
    within(LIMIT, || {
        let pool = Arc::new(RayonPool::from_pool(rayon_pool(2)));
        let text = "3 x 1 4 y 1 5";
        let numbers = text.split(' ').imap(pool.clone(), |word| word.parse::<usize>());
        let stars = numbers.filter_map(Result::ok).imap(pool, |number| "*".repeat(number));
        let lines: Vec<_> = stars.enumerate().map(|(number, stars)| format!("{number}{stars}")).collect();
        assert_eq!(lines, ["0***", "1*", "2****", "3*", "4*****"]);
    });
}
