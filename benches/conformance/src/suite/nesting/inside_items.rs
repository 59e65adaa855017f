//! P8 nesting.

use crate::subject::AnyPool;
use crate::suite::list::promises;
use pool_core::Executor;
use std::sync::Arc;

fn deep(pool: &Arc<AnyPool>, depth: u32, width: u64) -> u64 {
    if depth == 0 {
        return 1;
    }
    let inner = pool.clone();
    pool.imap(0..width, move |_| deep(&inner, depth - 1, width)).sum()
}

promises! {
    fn p8_imap_inside_f_three_deep(subject) {
        for threads in [1, 2, 4] {
            let pool = Arc::new(subject.pool(threads));
            assert_eq!(deep(&pool, 3, 6), 216, "threads {threads}");
        }
    }

    fn p8_many_short_imaps_inside_f(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let sums = pool.imap(0..2_000u64, move |n| inner.imap(0..n % 20, |x| x).sum::<u64>());
            assert!(sums.eq((0..2_000u64).map(|n| (0..n % 20).sum::<u64>())));
        }
    }

    fn p8_nested_with_small_windows_and_chunks(subject) {
        for threads in [1, 2, 3] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let outer = pool.imap(0..100u64, move |n| {
                inner.imap(0..n % 9, |x| x).window(2).chunk(2).count()
            });
            assert!(outer.window(3).chunk(2).eq((0..100usize).map(|n| n % 9)));
        }
    }

    fn p8_submit_and_join_inside_f(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let results = pool.imap(0..200u64, move |x| {
                let deeper = inner.clone();
                inner.submit(move || deeper.submit(move || x + 1).join().unwrap()).join().unwrap()
            });
            assert!(results.eq(1..=200));
        }
    }

    /// The thread is in the input, so that the consumer runs items itself, and they use the pool.
    fn p8_nested_while_the_input_waits_for_the_result(subject) {
        for chunk in [None, Some(8)] {
            let pool = Arc::new(subject.pool(1));
            let inner = pool.clone();
            let (send, receive) = std::sync::mpsc::channel();
            send.send(0u64).unwrap();
            let nested = move |x| {
                let submitted = inner.submit(move || x).join().unwrap();
                inner.imap([submitted], |x| x + 1).next().unwrap()
            };
            let mut results = pool.imap(receive, nested);
            if let Some(chunk) = chunk {
                results = results.chunk(chunk).window(2 * chunk);
            }
            for expected in 1..=1_000 {
                assert_eq!(results.next(), Some(expected));
                send.send(expected).unwrap();
            }
        }
    }

    fn p8_imap_inside_a_submitted_job(subject) {
        let pool = Arc::new(subject.pool(1));
        let inner = pool.clone();
        let sum = pool.submit(move || inner.imap(0..1_000u64, |x| x).sum::<u64>());
        assert_eq!(sum.join().unwrap(), 499_500);
    }
}
