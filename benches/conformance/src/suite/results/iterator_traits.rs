//! P11 iterator traits, and unusual inputs and values.

use crate::suite::list::promises;
use pool_core::{Executor, Imap};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

fn is_send<T: Send>(_: &T) {}

/// Says what it likes about its length.
struct Liar {
    items: std::ops::Range<u32>,
    hint: (usize, Option<usize>),
}

impl Iterator for Liar {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hint
    }
}

/// `Send`, and not `Sync`.
#[derive(Debug, PartialEq)]
struct Lonely(Cell<u32>);

promises! {
    fn p11_empty_input(subject) {
        let pool = subject.pool(2);
        let mut imap = pool.imap(std::iter::empty::<u32>(), |x| x);
        assert_eq!(imap.size_hint(), (0, Some(0)));
        assert_eq!(imap.next(), None);
        assert_eq!(imap.next(), None);
    }

    fn p11_fused_over_an_input_that_is_not(subject) {
        let pool = subject.pool(2);
        let mut calls = 0;
        let input = std::iter::from_fn(move || {
            calls += 1;
            (calls != 4).then_some(calls)
        });
        let mut imap = pool.imap(input, |x| x);
        assert_eq!(imap.by_ref().collect::<Vec<_>>(), [1, 2, 3]);
        for _ in 0..5 {
            assert_eq!(imap.next(), None);
        }
    }

    fn p11_size_hint_counts_what_is_in_flight(subject) {
        let pool = subject.pool(2);
        let mut imap = pool.imap(0..100u32, |x| x).window(10).chunk(3);
        for left in (0..=100usize).rev() {
            assert_eq!(imap.size_hint(), (left, Some(left)));
            assert_eq!(imap.next().is_some(), left > 0);
        }
        assert_eq!(imap.size_hint(), (0, Some(0)));
        // An upper bound stays one.
        let mut odd = pool.imap((0..100u32).filter(|x| x % 2 == 1), |x| x);
        assert_eq!(odd.size_hint(), (0, Some(100)));
        for left in (0..50usize).rev() {
            odd.next();
            let (least, most) = odd.size_hint();
            assert!(least <= left && most.is_none_or(|most| most >= left));
        }
    }

    fn p11_debug_and_send(subject) {
        let pool = subject.pool(2);
        let imap: Imap<'_, u32> = pool.imap(0..3u32, |x| x);
        is_send(&imap);
        assert!(format!("{imap:?}").starts_with("Imap"));
        let counted = std::thread::scope(|scope| scope.spawn(|| imap.count()).join().unwrap());
        assert_eq!(counted, 3);
    }

    fn p11_neither_sync_items_nor_clone_functions_are_asked_for(subject) {
        let pool = subject.pool(2);
        let calls = AtomicUsize::new(0);
        let items = (0..50).map(|x| Lonely(Cell::new(x)));
        let results = pool.imap(items, move |item| {
            calls.fetch_add(1, Ordering::Relaxed);
            item.0.set(item.0.get() + 1);
            item
        });
        assert!(results.eq((1..=50).map(|x| Lonely(Cell::new(x)))));
    }

    fn p11_bad_input_size_hints_that_lie(subject) {
        let pool = subject.pool(2);
        for hint in [(0, Some(0)), (0, None), (5, Some(2)), (usize::MAX, None), (usize::MAX, Some(usize::MAX))] {
            let liar = Liar { items: 0..5_000, hint };
            let mut imap = pool.imap(liar, |x| x);
            for expected in 0..5_000 {
                let _ = imap.size_hint();
                assert_eq!(imap.next(), Some(expected), "hint {hint:?}");
            }
            assert_eq!(imap.next(), None);
        }
    }

    fn p3_bad_input_windows_and_chunks_without_bounds(subject) {
        let pool = subject.pool(2);
        let imap = pool.imap(0..10_000, |x| x).window(usize::MAX).chunk(usize::MAX);
        assert!(imap.eq(0..10_000));
        assert!(pool.imap(0..10_000, |x| x).chunk(usize::MAX).eq(0..10_000));
    }

    fn p1_results_of_no_size(subject) {
        let pool = subject.pool(2);
        assert_eq!(pool.imap(std::iter::repeat_n((), 100_000), |()| ()).count(), 100_000);
    }

    fn p1_results_of_a_mebibyte(subject) {
        let pool = subject.pool(2);
        let mut blocks = pool.imap(0..64u8, |x| vec![x; 1 << 20]).window(8);
        for expected in 0..64 {
            let block = blocks.next().unwrap();
            assert!(block.len() == 1 << 20 && block.iter().all(|&byte| byte == expected));
        }
        let mut arrays = pool.imap(0..8u8, |x| [x; 1 << 16]).window(4);
        assert!((0..8).all(|x| arrays.next().unwrap()[1 << 15] == x));
    }

    fn p1_sixty_four_threads(subject) {
        let pool = subject.pool(64);
        assert_eq!(pool.threads(), 64);
        assert!(pool.imap(0..50_000u32, |x| x).eq(0..50_000));
    }
}
