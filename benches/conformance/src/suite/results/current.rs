//! An item that sees itself: its index, and whether its result is still wanted.

use crate::suite::list::promises;
use crate::suite::parts::{LONG, SHORT, late};
use pool_core::{CancelToken, Executor, IterExt, current};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

/// The item and what it knows of itself.
fn itself(item: u64) -> (u64, Option<u64>) {
    (item, current().index())
}

fn agree(results: impl Iterator<Item = (u64, Option<u64>)>, items: u64) {
    let mut seen = 0;
    for (item, index) in results {
        assert_eq!(index, Some(item));
        seen += 1;
    }
    assert_eq!(seen, items);
}

/// Items that run until they see that they are not wanted.
#[derive(Clone)]
struct Waits {
    begun: Arc<Mutex<Sender<u64>>>,
    ended: Arc<Mutex<Sender<u64>>>,
    may_end: Arc<AtomicBool>,
}

impl Waits {
    fn new() -> (Waits, Receiver<u64>, Receiver<u64>) {
        let ((begun, has_begun), (ended, has_ended)) = (mpsc::channel(), mpsc::channel());
        let (begun, ended) = (Arc::new(Mutex::new(begun)), Arc::new(Mutex::new(ended)));
        (Waits { begun, ended, may_end: Arc::default() }, has_begun, has_ended)
    }

    fn wait(&self, item: u64) -> u64 {
        let _ = self.begun.lock().unwrap().send(item);
        while !current().is_cancelled() {
            thread::yield_now();
        }
        assert!(self.may_end.load(Ordering::SeqCst), "item {item} is still wanted");
        let _ = self.ended.lock().unwrap().send(item);
        item
    }

    /// From now on the result is not wanted.
    fn unwanted(&self) {
        self.may_end.store(true, Ordering::SeqCst);
    }
}

promises! {
    fn p1_an_item_knows_its_index(subject) {
        for threads in [1, 2, 4] {
            let pool = Arc::new(subject.pool(threads));
            agree(pool.imap(0..3_000, itself), 3_000);
            agree(pool.imap(0..300, itself).chunk(7).start(), 300);
            agree(pool.imap(0..300, itself).window(1), 300);
            agree(pool.imap(0..3_000, itself).unordered(), 3_000);
            agree(pool.imap(0..300, itself).item_timeout(LONG).map(Result::unwrap), 300);
            agree((0..300).local().imap(&pool, itself), 300);
            agree(pool.imap_init(0..300, || (), |(), item| itself(item)), 300);
            pool.scope(|s| agree(s.imap(0..300, itself), 300));
            agree(pool.map(0..3_000, itself).into_iter(), 3_000);
            assert_eq!(pool.submit(|| current().index()).join().unwrap(), None);
        }
        agree(pool_core::Sequential.imap(0..30, itself), 30);
        assert_eq!(current().index(), None);
        assert!(!current().is_cancelled());
    }

    fn p8_an_item_knows_its_index_behind_an_imap_inside_it(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let nested = move |item| {
                agree(inner.imap(0..20, itself), 20);
                agree(inner.map(0..20, itself).into_iter(), 20);
                agree(pool_core::Sequential.imap(0..20, itself), 20);
                inner.submit(|| ()).join().unwrap();
                itself(item)
            };
            agree(pool.imap(0..100, nested), 100);
        }
    }

    fn p6_an_input_is_in_no_item(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let input = (0..300u64).inspect(|_| assert_eq!(current().index(), None));
            let f = |item| if item % 50 == 7 { panic!("on purpose") } else { itself(item) };
            let results = pool.imap(input, f).catch_panics();
            agree(results.filter_map(Result::ok), 294);
        }
    }

    fn p9_an_item_sees_that_its_imap_was_dropped_or_cancelled(subject) {
        for (threads, by_token) in [(1, false), (2, false), (1, true), (2, true)] {
            let pool = subject.pool(threads);
            let (waits, begun, ended) = Waits::new();
            let waiting = waits.clone();
            let token = CancelToken::new();
            let results = pool.imap(0.., move |x| waiting.wait(x)).cancel_with(&token).start();
            let item = begun.recv().unwrap();
            waits.unwanted();
            if by_token { token.cancel() } else { drop(results) };
            // Another one may be the first to end.
            assert!(ended.recv_timeout(LONG).is_ok(), "item {item} goes on");
        }
    }

    fn p12_an_item_sees_that_its_pool_was_terminated(subject) {
        if !subject.terminates() {
            return;
        }
        let pool = subject.pool(2);
        let (waits, begun, ended) = Waits::new();
        let waiting = waits.clone();
        let results = pool.imap(0..1, move |x| waiting.wait(x)).start();
        begun.recv().unwrap();
        waits.unwanted();
        pool.terminate();
        assert_eq!(ended.recv_timeout(LONG), Ok(0));
        drop(results);
    }

    fn p9_an_item_sees_that_one_before_it_has_failed(subject) {
        let pool = subject.pool(2);
        let (waits, begun, ended) = Waits::new();
        let (waiting, begun) = (waits.clone(), Mutex::new(begun));
        let f = move |x| {
            if x == 0 {
                begun.lock().unwrap().recv().unwrap();
                waits.unwanted();
                return Err("failed");
            }
            Ok(waiting.wait(x))
        };
        let mut results = pool.imap(0..2, f).chunk(1).fail_fast().start();
        assert_eq!(ended.recv_timeout(LONG), Ok(1));
        assert_eq!((results.next(), results.next()), (Some(Err("failed")), None));
    }

    fn p10_an_item_sees_that_it_was_given_up(subject) {
        for unordered in [false, true] {
            let pool = subject.pool(2);
            let (waits, _begun, ended) = Waits::new();
            waits.unwanted();
            let results = pool.imap(0..1, move |x| waits.wait(x)).item_timeout(SHORT);
            let mut results = if unordered { results.unordered() } else { results };
            assert!(results.next().unwrap().is_err());
            assert_eq!(ended.recv_timeout(LONG), Ok(0));
        }
        let pool = subject.pool(2);
        let (waits, begun, ended) = Waits::new();
        let waiting = waits.clone();
        let f = move |x| if x == 0 { waiting.wait(x) } else { x };
        let mut results = pool.imap(0..2, f).timeout(SHORT).start();
        begun.recv().unwrap();
        assert_eq!(late(&mut results), 0);
        waits.unwanted();
        assert!(results.give_up());
        assert_eq!(ended.recv_timeout(LONG), Ok(0));
    }

    fn p8_an_item_sees_that_the_item_around_its_imap_is_not_wanted(subject) {
        for threads in [1, 3] {
            let pool = Arc::new(subject.pool(threads));
            let (waits, begun, ended) = Waits::new();
            let (waiting, inner) = (waits.clone(), pool.clone());
            let f = move |_| {
                let waiting = waiting.clone();
                inner.imap(0..2, move |x| waiting.wait(x)).chunk(1).count()
            };
            let results = pool.imap(0..1, f).start();
            begun.recv().unwrap();
            waits.unwanted();
            drop(results);
            ended.recv_timeout(LONG).unwrap();
            ended.recv_timeout(LONG).unwrap();
        }
    }

    /// The end of the item in which it was made says nothing about it.
    fn p8_an_imap_that_has_left_its_item_is_wanted(subject) {
        let pool = Arc::new(subject.pool(2));
        let inner = pool.clone();
        let begin = move |_: u64| inner.clone().into_imap(0..100, |_: u64| current().is_cancelled()).window(2);
        let mut outer = pool.imap(0..1, begin);
        let mut left = outer.next().unwrap();
        assert_eq!(left.next(), Some(false));
        drop(outer);
        assert!(left.all(|is_cancelled| !is_cancelled));
    }
}
