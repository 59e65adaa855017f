//! P16 home: the function, its `init` and the input run on the pool's threads.

use crate::oracle::panic_on_purpose;
use crate::subject::AnySubject;
use crate::suite::asks::{
    Ask, by_next, by_next_in_chunks_of_8, by_next_in_windows_of_2, by_next_of_a_started_one, by_next_timeout,
    by_next_unordered, by_next_with_panics_caught, by_short_limits, by_stream, by_stream_under_tokio,
};
use crate::suite::list::promises;
use crate::suite::parts::{Gate, LONG, SHORT, soon};
use crate::suite::whereabouts::{Call, Calls, Home};
use futures::Stream;
use pool_core::{Executor, IterExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

const ITEMS: u64 = 5_000;

/// Short items, asked for in that way, with a state and without.
fn short_items(subject: &AnySubject, ask: Ask) {
    for threads in [1, 2, 4] {
        let pool = subject.pool(threads);
        let home = Home::of(&pool);
        for with_state in [false, true] {
            let calls = Calls::new();
            let (input, f) = (calls.input(ITEMS), calls.function());
            let imap = match with_state {
                true => pool.imap_init(input, calls.init(), move |(), x| f(x)),
                false => pool.imap(input, f),
            };
            let mut next = ask(imap);
            let sum: u64 = std::iter::from_fn(&mut *next).sum();
            assert_eq!(sum, ITEMS * (ITEMS - 1) / 2);
            home.check(&calls, &format!("threads {threads}"));
            assert_eq!(with_state, !calls.threads_of(Call::Init).is_empty());
        }
    }
}

/// The next result of a stream, asked for again and again with a waker that does nothing.
fn by_polling<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    loop {
        match Pin::new(&mut *stream).poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// Tells where its `size_hint` is asked.
struct Hinting<I>(I, Arc<AtomicUsize>, ThreadId);

impl<I: Iterator> Iterator for Hinting<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if thread::current().id() == self.2 {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
        self.0.size_hint()
    }
}

promises! {
    fn p16_next(subject) {
        short_items(&subject, by_next);
    }

    fn p16_next_of_a_started_imap(subject) {
        short_items(&subject, by_next_of_a_started_one);
    }

    fn p16_next_with_panics_caught(subject) {
        short_items(&subject, by_next_with_panics_caught);
    }

    fn p16_next_in_chunks(subject) {
        short_items(&subject, by_next_in_chunks_of_8);
    }

    fn p16_next_in_small_windows(subject) {
        short_items(&subject, by_next_in_windows_of_2);
    }

    fn p16_next_unordered(subject) {
        short_items(&subject, by_next_unordered);
    }

    fn p16_next_timeout(subject) {
        short_items(&subject, by_next_timeout);
    }

    fn p16_timeout(subject) {
        short_items(&subject, by_short_limits);
    }

    fn p16_stream(subject) {
        short_items(&subject, by_stream);
    }

    fn p16_stream_under_tokio(subject) {
        short_items(&subject, by_stream_under_tokio);
    }

    fn p16_stream_polled_by_hand(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            let calls = Calls::new();
            let mut stream = pool.imap(calls.input(ITEMS), calls.function()).into_stream();
            for expected in 0..ITEMS {
                assert_eq!(by_polling(&mut stream), Some(expected));
            }
            assert_eq!(by_polling(&mut stream), None);
            home.check(&calls, &format!("threads {threads}"));
        }
    }

    fn p16_map(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            for items in [1, 2, 10, ITEMS] {
                let calls = Calls::new();
                assert!(pool.map(calls.input(items), calls.function()).into_iter().eq(0..items));
                home.check(&calls, &format!("threads {threads}, {items} items"));
            }
        }
    }

    fn p16_scope(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            let calls = Calls::new();
            pool.scope(|s| {
                let lent = &calls;
                let jobs: Vec<_> = (0..50).map(|_| s.submit(|| lent.note(Call::Function))).collect();
                (0..50).for_each(|_| drop(s.submit(|| lent.note(Call::Function))));
                let note = |x| (lent.note(Call::Function), x).1;
                assert!(s.imap(lent.input(ITEMS), note).eq(0..ITEMS));
                jobs.into_iter().for_each(|job| job.join().unwrap());
            });
            home.check(&calls, &format!("threads {threads}"));
        }
    }

    fn p16_submit(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            let calls = Calls::new();
            for _ in 0..200 {
                let f = calls.function();
                assert_eq!(pool.submit(move || f(3)).join().unwrap(), 3);
                let f = calls.function();
                let mut limited = pool.submit(move || f(4));
                assert_eq!(limited.join_timeout(LONG).unwrap().unwrap(), 4);
            }
            home.check(&calls, &format!("threads {threads}"));
        }
    }

    /// Only the input of an `imap_local` is pulled where it is iterated.
    fn p16_the_function_of_a_local_imap(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            let calls = Calls::new();
            assert!(pool.imap_local(0..ITEMS, calls.function()).eq(0..ITEMS));
            assert!(pool.imap_local(0..ITEMS, calls.function()).window(2).eq(0..ITEMS));
            let mut limited = pool.imap_local(0..ITEMS, calls.function());
            for expected in 0..ITEMS {
                assert_eq!(limited.next_timeout(LONG), Ok(Some(expected)));
            }
            assert_eq!(pool.imap_local(0..ITEMS, calls.function()).unordered().count() as u64, ITEMS);
            // The second stage pulls from the first one here.
            let chained = (0..ITEMS).imap(&pool, calls.function()).local().imap(&pool, calls.function());
            assert!(chained.eq(0..ITEMS));
            home.check(&calls, &format!("threads {threads}"));
        }
    }

    /// Measurements of earlier imaps with the same function are no reason to run it here.
    fn p16_many_short_imaps(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            for items in [1, 3, 10] {
                let calls = Calls::new();
                for _ in 0..200 {
                    assert!(pool.imap(calls.input(items), calls.function()).eq(0..items));
                }
                home.check(&calls, &format!("threads {threads}, {items} items"));
            }
        }
    }

    fn p16_many_short_scopes(subject) {
        let pool = subject.pool(2);
        let home = Home::of(&pool);
        let calls = Calls::new();
        for _ in 0..200 {
            let f = calls.function();
            let sum = pool.scope(|s| s.imap(calls.input(10), &f).sum::<u64>());
            assert_eq!(sum, 45);
        }
        home.check(&calls, "scopes");
    }

    fn p16_short_items_that_turn_long(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            let calls = Calls::new();
            let f = calls.function();
            let imap = pool.imap(calls.input(3_100), move |x| {
                if x >= 3_000 {
                    thread::sleep(Duration::from_micros(500));
                }
                f(x)
            });
            assert!(imap.eq(0..3_100));
            home.check(&calls, &format!("threads {threads}"));
        }
    }

    /// Items are pulled, and then the input blocks: the feeder comes back for them first.
    fn p16_a_head_that_was_pulled_before_the_input_blocks(subject) {
        for threads in [1, 2] {
            for warm_up in [0, 1_000] {
                for chunk in [None, Some(8)] {
                    let pool = subject.pool(threads);
                    let home = Home::of(&pool);
                    let calls = Calls::new();
                    let (send, receive) = mpsc::channel();
                    let imap = pool.imap(calls.noted(receive.into_iter()), calls.function());
                    let mut imap = if let Some(chunk) = chunk { imap.chunk(chunk) } else { imap };
                    let mut results = 0..;
                    for burst in [warm_up, 1, 1, 2, 4, 7, 1, 20] {
                        (results.start..results.start + burst).for_each(|x| send.send(x).unwrap());
                        for expected in results.by_ref().take(burst as usize) {
                            assert_eq!(imap.next(), Some(expected));
                        }
                    }
                    drop(send);
                    assert_eq!(imap.next(), None);
                    home.check(&calls, &format!("threads {threads}, after {warm_up}, chunk {chunk:?}"));
                }
            }
        }
    }

    /// All threads are busy elsewhere: the consumers wait for them, as they would for an item.
    fn p16_while_no_thread_is_free(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            let gate = Gate::closed();
            for _ in 0..threads {
                let (door, (begun, begins)) = (gate.door(), mpsc::channel());
                drop(pool.submit(move || {
                    begun.send(()).unwrap();
                    door.pass();
                }));
                begins.recv_timeout(LONG).unwrap();
            }
            let calls = Calls::new();
            let mut imap = pool.imap(calls.input(100), calls.function()).start();
            assert!(imap.next_timeout(SHORT).is_err());
            let opener = thread::spawn(move || {
                // The consumer should be waiting by then.
                thread::sleep(4 * SHORT);
                gate.open();
            });
            assert!(imap.by_ref().eq(0..100));
            assert!(pool.map(calls.input(100), calls.function()).into_iter().eq(0..100));
            home.check(&calls, &format!("threads {threads}"));
            opener.join().unwrap();
        }
    }

    fn p16_where_items_panic(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let home = Home::of(&pool);
            let calls = Calls::new();
            let f = calls.function();
            let fragile = move |x| if f(x) % 100 == 7 { panic_on_purpose(x) } else { x };
            let mut imap = pool.imap_init(calls.input(2_000), calls.init(), move |(), x| fragile(x));
            let mut panics = 0;
            loop {
                match catch_unwind(AssertUnwindSafe(|| imap.next())) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => panics += 1,
                }
            }
            assert_eq!(panics, 20);
            home.check(&calls, &format!("threads {threads}"));
        }
    }

    /// So a pool of one thread uses one core.
    fn p16_one_thread_runs_one_item_at_a_time(subject) {
        let pool = subject.pool(1);
        for unordered in [false, true] {
            let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (runs, top) = (running.clone(), most.clone());
            let imap = pool.imap(0..20_000u64, move |x| {
                top.fetch_max(runs.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let result = pool_core::work::xorshift(x, 50);
                runs.fetch_sub(1, Ordering::SeqCst);
                result
            });
            let imap = if unordered { imap.unordered() } else { imap };
            assert_eq!(imap.count(), 20_000);
            assert_eq!(most.load(Ordering::SeqCst), 1);
        }
    }

    fn p16_the_size_is_asked_once_by_the_caller(subject) {
        let pool = subject.pool(2);
        let asked = Arc::new(AtomicUsize::new(0));
        let hinting = |items| Hinting(0..items, asked.clone(), thread::current().id());
        let mut imap = pool.imap(hinting(ITEMS), |x| x);
        let before = asked.load(Ordering::SeqCst);
        assert!(before <= 1, "asked {before} times while the imap was made");
        for left in (0..ITEMS as usize).rev() {
            assert!(imap.next().is_some());
            assert_eq!(imap.size_hint(), (left, Some(left)));
        }
        assert_eq!(imap.next(), None);
        for expected in 0..100 {
            let mut imap = pool.imap(hinting(expected), |x| x).start();
            soon("it has ended", || imap.stats().blocked == expected);
            assert!(imap.by_ref().eq(0..expected));
        }
        let asked = asked.load(Ordering::SeqCst);
        assert!(asked <= 101, "asked {asked} times for 101 imaps");
    }
}
