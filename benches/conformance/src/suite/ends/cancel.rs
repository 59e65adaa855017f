//! Tokens: an imap is ended from somewhere else.

use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, LONG, SHORT, soon};
use pool_core::{CancelToken, Executor};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn is_send_sync_clone<T: Send + Sync + Clone>(_: &T) {}

promises! {
    fn p9_cancel_ends_an_endless_imap(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let mut endless = pool.imap(0u64.., |x| x);
            let token = endless.cancel_token();
            is_send_sync_clone(&token);
            let other = token.clone();
            for expected in 0..1_000 {
                assert_eq!(endless.next(), Some(expected));
            }
            assert!(!endless.is_cancelled() && !token.is_cancelled());
            thread::spawn(move || other.cancel());
            // The results before the end are those of the first items, without a gap.
            endless.by_ref().zip(1_000..).for_each(|(result, expected)| assert_eq!(result, expected));
            assert!(endless.is_cancelled() && token.is_cancelled());
            assert_eq!(endless.next(), None);
            assert_eq!(endless.size_hint(), (0, Some(0)));
        }
    }

    fn p9_cancel_delivers_what_is_finished_up_to_the_first_gap(subject) {
        for chunk in [1, 4] {
            let pool = subject.pool(2);
            let gate = Gate::closed();
            let imap = pool.imap(0..100u64, gate.holds(5));
            let mut results = imap.window(20).chunk(chunk).start();
            // All but the one that hangs, and those behind it in its chunk.
            let least = if chunk == 1 { 19 } else { 16 };
            soon("the others are finished", || results.stats().blocked >= least);
            results.cancel_token().cancel();
            for expected in 0..5 {
                assert_eq!(results.next(), Some(expected));
            }
            assert!(!results.is_cancelled(), "not before the end");
            assert_eq!(results.next(), None);
            assert!(results.is_cancelled());
            gate.open();
            assert_eq!(results.next(), None, "the item comes too late");
        }
    }

    fn p9_cancel_is_not_the_end_of_the_input(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..100, |x| x);
        let token = results.cancel_token();
        assert!(results.by_ref().eq(0..100));
        assert!(!results.is_cancelled());
        // The imap has ended, so this changes nothing.
        token.cancel();
        assert_eq!(results.next(), None);
        assert!(token.is_cancelled() && !results.is_cancelled());
    }

    fn p16_cancel_wakes_a_consumer_that_waits_for_an_item(subject) {
        let pool = subject.pool(2);
        for round in 0..20 {
            let gate = Gate::closed();
            let door = gate.door();
            let mut results = pool.imap(0..10, move |x| (door.pass(), x).1).window(1);
            let token = results.cancel_token();
            let canceller = thread::spawn(move || {
                thread::sleep(Duration::from_micros(round * 100));
                token.cancel();
            });
            let next = match round % 2 {
                0 => results.next(),
                _ => results.next_timeout(LONG).unwrap(),
            };
            assert_eq!(next, None);
            assert!(results.is_cancelled());
            canceller.join().unwrap();
        }
    }

    fn p16_cancel_wakes_a_consumer_that_waits_for_the_input(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for round in 0..10 {
                let (send, receive) = mpsc::channel();
                send.send(0u64).unwrap();
                let mut results = pool.imap(receive, |x| x);
                assert_eq!(results.next(), Some(0));
                let token = results.cancel_token();
                let canceller = thread::spawn(move || {
                    thread::sleep(Duration::from_micros(round * 200));
                    token.cancel();
                });
                assert_eq!(results.next(), None);
                assert!(results.is_cancelled());
                canceller.join().unwrap();
                drop(send);
            }
        }
    }

    /// Every thread is in an item when the token comes; they come back to an imap that has ended.
    fn p9_cancel_lets_nothing_begin_and_nothing_be_pulled(subject) {
        for (threads, chunk) in [(1, 1), (1, 8), (2, 1), (4, 1)] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let door = gate.door();
            let (begun, pulled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
            let (begins, pulls) = (begun.clone(), pulled.clone());
            let input = (0u64..).inspect(move |_| _ = pulls.fetch_add(1, Ordering::SeqCst));
            let imap = pool.imap(input, move |x| {
                begins.fetch_add(1, Ordering::SeqCst);
                door.pass();
                x
            });
            let imap = imap.chunk(chunk).window(100).start();
            soon("every thread is in an item", || begun.load(Ordering::SeqCst) == threads);
            let before = pulled.load(Ordering::SeqCst);
            imap.cancel_token().cancel();
            gate.open();
            // The imap stays, and its consumer asks for nothing. A job on each thread comes after what they had.
            soon("the imap is at rest", || imap.stats().running == 0 || chunk > 1);
            thread::sleep(SHORT);
            assert_eq!(begun.load(Ordering::SeqCst), threads, "an item began after the token");
            assert_eq!(pulled.load(Ordering::SeqCst), before, "an item was pulled after the token");
            drop(imap);
            drop(pool);
            assert_eq!(begun.load(Ordering::SeqCst), threads, "an item began after the imap");
        }
    }

    fn p9_cancel_drops_everything_exactly_once(subject) {
        for threads in [1, 2] {
            for taken in [0, 1, 100, 777] {
                for iterates in [false, true] {
                    let pool = subject.pool(threads);
                    let alive = Alive::default();
                    let (of_items, of_results) = (alive.clone(), alive.clone());
                    let input = (0u64..).map(move |_| of_items.new_one());
                    let mut imap = pool.imap(input, move |item| (item, of_results.new_one())).window(500);
                    assert_eq!(imap.by_ref().take(taken).count(), taken);
                    imap.cancel_token().cancel();
                    if iterates {
                        imap.by_ref().for_each(drop);
                        // Not only when the imap is dropped.
                        alive.wait_for(0);
                        assert!(imap.is_cancelled());
                    }
                    drop(imap);
                    alive.wait_for(0);
                }
            }
        }
    }

    fn p9_cancel_before_the_imap_begins(subject) {
        let pool = subject.pool(2);
        let pulled = Arc::new(AtomicUsize::new(0));
        let token = CancelToken::new();
        token.cancel();
        for start in [false, true] {
            let count = pulled.clone();
            let input = (0u64..).inspect(move |_| _ = count.fetch_add(1, Ordering::SeqCst));
            let mut imap = pool.imap(input, |_| panic!("it must not begin"));
            if start {
                imap = imap.cancel_with(&token).start();
            } else {
                imap.cancel_token().cancel();
            }
            assert_eq!(imap.next(), None::<()>);
            assert!(imap.is_cancelled());
        }
        assert_eq!(pulled.load(Ordering::SeqCst), 0);
    }

    fn p9_cancel_from_inside_the_function(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let token = CancelToken::new();
            let own = token.clone();
            let imap = pool.imap(0u64.., move |x| {
                if x == 5_000 {
                    own.cancel();
                }
                x
            });
            let mut imap = imap.cancel_with(&token);
            let count = imap.by_ref().enumerate().map(|(index, x)| assert_eq!(index as u64, x)).count();
            assert!(imap.is_cancelled());
            // The item that cancels is not behind the window of any other.
            assert!(count <= 5_000 + threads * pool_core::MAX_DEFAULT_WINDOW_PER_THREAD, "{count}");
        }
    }

    fn p9_cancel_ends_all_imaps_of_a_token(subject) {
        let pool = subject.pool(2);
        let token = CancelToken::new();
        let mut imaps: Vec<_> = (0..5u64).map(|n| pool.imap(n.., |x| x).cancel_with(&token)).collect();
        let mut other = pool.imap(0..10u64, |x| x);
        for (n, imap) in (0..).zip(&mut imaps) {
            assert_eq!(imap.next(), Some(n));
        }
        // A token taken from one of the imaps is the same one.
        imaps[3].cancel_token().cancel();
        assert!(token.is_cancelled());
        for imap in &mut imaps {
            imap.by_ref().for_each(drop);
            assert!(imap.is_cancelled());
        }
        assert!(other.by_ref().eq(0..10));
        assert!(!other.is_cancelled());
    }

    fn p9_cancel_by_any_token_of_an_imap(subject) {
        let pool = subject.pool(2);
        for which in 0..3 {
            let mut imap = pool.imap(0u64.., |x| x);
            let tokens = [imap.cancel_token(), CancelToken::new(), CancelToken::new()];
            imap = imap.cancel_with(&tokens[1]).cancel_with(&tokens[2]);
            assert_eq!(imap.next(), Some(0));
            tokens[which].cancel();
            imap.by_ref().for_each(drop);
            assert!(imap.is_cancelled(), "token {which}");
            assert_eq!(tokens.iter().filter(|token| token.is_cancelled()).count(), 1);
        }
    }

    fn p9_cancel_after_the_imap_is_gone(subject) {
        let token = CancelToken::new();
        let pool = subject.pool(2);
        let alive = Alive::default();
        for _ in 0..100 {
            let item = alive.new_one();
            // The token of an imap that is gone keeps nothing of it.
            drop(pool.imap([item], |item| item).cancel_with(&token).start());
        }
        alive.wait_for(0);
        let started = pool.imap(0u64.., |x| x).cancel_with(&token).start();
        drop(started);
        drop(pool);
        token.cancel();
        token.cancel();
        assert!(token.is_cancelled());
        assert!(format!("{token:?}").contains("true"));
    }

    fn p9_cancel_under_catch_panics_and_timeout(subject) {
        let pool = subject.pool(2);
        let mut caught = pool.imap(0u64.., |x| x).catch_panics();
        assert_eq!(caught.next().unwrap().unwrap(), 0);
        let token = caught.cancel_token();
        token.cancel();
        caught.by_ref().for_each(drop);
        assert!(caught.is_cancelled());

        let other = CancelToken::new();
        let mut limited = pool.imap(0u64.., |x| x).catch_panics().cancel_with(&other).timeout(LONG);
        assert_eq!(limited.next().unwrap().unwrap().unwrap(), 0);
        other.cancel();
        limited.by_ref().for_each(drop);
        assert!(limited.get_ref().is_cancelled());
    }

    /// An item that was given up is a gap no more.
    fn p9_cancel_after_giving_up(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let imap = pool.imap(0u64.., gate.holds(0));
        let mut results = imap.window(10).timeout(SHORT);
        assert!(results.next().unwrap().is_err());
        assert!(results.give_up());
        soon("the others are finished", || results.get_ref().stats().blocked >= 9);
        results.get_ref().cancel_token().cancel();
        let rest = results.by_ref().zip(1..).map(|(result, expected)| assert_eq!(result, Ok(expected)));
        assert!(rest.count() >= 9);
        assert!(results.get_ref().is_cancelled());
    }
}
