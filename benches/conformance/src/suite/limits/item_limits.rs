//! `item_timeout`: a limit for each item, from when it began.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Counted, Door, Gate, LONG, SHORT, soon};
use pool_core::{Executor, IterExt, TimedOut};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than it takes a busy machine to run an item that does not hang.
const LIMIT: Duration = Duration::from_millis(300);

/// A function that hangs on some items, until the door is open.
fn hanging(door: Door, hangs: impl Fn(u64) -> bool + Send + Sync) -> impl Fn(u64) -> u64 + Send + Sync {
    move |x| {
        if hangs(x) {
            door.pass();
        }
        x
    }
}

/// What comes of `0..count` if those that hang are late: each at its place.
fn expected(count: u64, hangs: impl Fn(u64) -> bool) -> Vec<Result<u64, u64>> {
    (0..count).map(|x| if hangs(x) { Err(x) } else { Ok(x) }).collect()
}

/// The results, with the index of each late item.
fn outcomes(results: impl Iterator<Item = Result<u64, TimedOut>>) -> Vec<Result<u64, u64>> {
    let check = |late: TimedOut| {
        assert_eq!(late.waited(), LIMIT);
        late.index()
    };
    results.map(|result| result.map_err(check)).collect()
}

promises! {
    /// About one limit in all, not ten.
    fn p10_item_timeout_two_hundred_pages_of_which_ten_hang(subject) {
        let limit = Duration::from_millis(500);
        let pool = subject.pool(64);
        let gate = Gate::closed();
        let door = gate.door();
        let hangs = |x: u64| x % 20 == 7;
        let started = Instant::now();
        let pages = pool.imap(0..200u64, move |x| {
            if hangs(x) {
                door.pass();
            }
            thread::sleep(Duration::from_millis(10));
            x
        });
        let pages: Vec<_> = pages.item_timeout(limit).map(|page| page.map_err(|late| late.index())).collect();
        let took = started.elapsed();
        assert_eq!(pages, expected(200, hangs));
        assert!(took >= limit && took < Duration::from_millis(1_700), "it took {took:?}");
    }

    fn p10_item_timeout_puts_late_items_at_their_places(subject) {
        for hung in [[0, 1, 21], [5, 38, 39]] {
            let pool = subject.pool(5);
            let gate = Gate::closed();
            let hangs = move |x: u64| hung.contains(&x);
            let mut results = pool.imap(0..40u64, hanging(gate.door(), hangs)).item_timeout(LIMIT);
            for left in (0..=40).rev() {
                assert_eq!(results.size_hint(), (left, Some(left)));
                let (at, result) = (40 - left as u64, results.next());
                match result {
                    Some(Ok(x)) => assert!(x == at && !hangs(x)),
                    Some(Err(late)) => assert!(late.index() == at && late.waited() == LIMIT && hangs(at)),
                    None => assert_eq!(at, 40),
                }
            }
            assert!(results.next().is_none(), "fused");
            assert_eq!(results.stats().delivered, 40);
        }
    }

    fn p10_item_timeout_gives_all_where_nothing_hangs(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for window in [1, 3, 1_000] {
                let results = pool.imap(0..2_000u64, |x| x + 1).window(window).item_timeout(LONG);
                assert!(results.map(Result::unwrap).eq(1..2_001));
            }
        }
    }

    /// An item that has not begun has no limit yet, and a limit for the call can be put on top.
    fn p10_item_timeout_with_every_thread_hung(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let hangs = |x: u64| x < 2;
        let results = pool.imap(0..6u64, hanging(gate.door(), hangs)).item_timeout(LIMIT);
        let mut results = results.timeout(LONG);
        for index in 0..2 {
            assert_eq!(results.next().unwrap().unwrap().unwrap_err().index(), index);
        }
        results.set_limit(LIMIT);
        for _ in 0..2 {
            let late = results.next().unwrap().unwrap_err();
            assert_eq!((late.index(), late.waited()), (2, LIMIT));
        }
        gate.open();
        results.set_limit(LONG);
        assert!(results.map(|result| result.unwrap().unwrap()).eq(2..6));
    }

    fn p10_item_timeout_waits_for_the_input_without_a_limit(subject) {
        let pool = subject.pool(2);
        let (send, receive) = std::sync::mpsc::channel::<u64>();
        let sender = thread::spawn(move || {
            for x in 0..3 {
                thread::sleep(4 * SHORT);
                send.send(x).unwrap();
            }
        });
        // Each item comes later than its limit is long; it counts from when the item began.
        let late = |result: &Result<u64, TimedOut>| result.is_err();
        let results: Vec<_> = pool.imap(receive, |x| x).item_timeout(SHORT).collect();
        // A busy machine may switch a thread out for longer than that.
        assert!(results.len() == 3 && results.iter().filter(|result| late(result)).count() < 3);
        sender.join().unwrap();
    }

    /// A result that is there is handed out, however long it took.
    fn p10_item_timeout_is_no_matter_of_a_slow_consumer(subject) {
        let pool = subject.pool(2);
        let sleeps = |x: u64| (thread::sleep(4 * SHORT), x).1;
        let mut results = pool.imap(0..3u64, sleeps).item_timeout(SHORT).start();
        soon("all are finished", || results.stats().blocked == 3);
        assert!(results.by_ref().eq([Ok(0), Ok(1), Ok(2)]));
    }

    fn p10_item_timeout_unordered(subject) {
        let pool = subject.pool(4);
        let alive = Alive::default();
        let gate = Gate::closed();
        let (f, of_results) = (hanging(gate.door(), |x| x % 40 == 3), alive.clone());
        let imap = pool.imap(0..120u64, move |x| (f(x), of_results.new_one())).unordered();
        let (mut values, mut late) = (HashSet::new(), HashSet::new());
        let mut results = imap.item_timeout(LIMIT);
        for (count, result) in results.by_ref().enumerate() {
            let new = match result {
                Ok((x, _)) => values.insert(x),
                Err(error) => late.insert(error.index()),
            };
            assert!(new, "twice, at {count}");
        }
        // It has ended, though three of them hang still.
        assert_eq!(late, HashSet::from([3, 43, 83]));
        assert!(values.len() == 117 && values.is_disjoint(&late));
        assert_eq!(results.size_hint(), (0, Some(0)));
        gate.open();
        alive.wait_for(0);
    }

    /// What was given up comes, panics or not, while the iteration goes on.
    fn p10_item_timeout_unordered_drops_what_comes_late(subject) {
        for panics in [false, true] {
            let pool = subject.pool(3);
            let alive = Alive::default();
            let gate = Gate::closed();
            let (door, of_results) = (gate.door(), alive.clone());
            let (send, receive) = std::sync::mpsc::channel();
            let imap = pool.imap(receive, move |x: u64| {
                let result = of_results.new_one();
                if x < 2 {
                    door.pass();
                    if panics {
                        panic_on_purpose(x);
                    }
                }
                (x, result)
            });
            let mut results = imap.unordered().item_timeout(LIMIT);
            (0..3).for_each(|x| send.send(x).unwrap());
            let mut late: Vec<_> = Vec::new();
            for _ in 0..3 {
                match results.next().unwrap() {
                    Ok((x, _)) => assert_eq!(x, 2),
                    Err(error) => late.push(error.index()),
                }
            }
            late.sort_unstable();
            assert_eq!(late, [0, 1]);
            gate.open();
            for x in 3..100 {
                send.send(x).unwrap();
                assert_eq!(results.next().unwrap().unwrap().0, x);
            }
            // The last of those that were late may be the only one left.
            drop(send);
            assert!(results.next().is_none());
            alive.wait_for(0);
        }
    }

    fn p10_item_timeout_in_a_scope(subject) {
        let pool = subject.pool(4);
        let gate = Gate::closed();
        let (door, words) = (gate.door(), ["a", "hangs", "b", "c"].map(String::from));
        let results = pool.scope(|s| {
            let firsts = s.imap(&words, |word| {
                if word == "hangs" {
                    door.pass();
                }
                &word[..1]
            });
            let results: Vec<_> = firsts.item_timeout(LIMIT).map(Result::ok).collect();
            // The scope waits for what still runs.
            gate.open();
            results
        });
        assert_eq!(results, [Some("a"), None, Some("b"), Some("c")]);
    }

    /// A head that the consumer runs itself cannot be left; one that another thread runs is.
    fn p10_item_timeout_on_a_thread_of_the_pool(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let gate = Gate::closed();
            let (inner, door) = (pool.clone(), gate.door());
            let consumed = pool.submit(move || {
                let me = thread::current().id();
                let hung = Arc::new(AtomicUsize::new(0));
                let hangs = hung.clone();
                let imap = inner.imap(0..60u64, move |x| {
                    // Only elsewhere, and once: a thread is left for the rest.
                    if x >= 5 && thread::current().id() != me && hangs.fetch_add(1, Ordering::SeqCst) == 0 {
                        door.pass();
                    }
                    x
                });
                let mut late = 0;
                for (at, result) in imap.item_timeout(LIMIT).enumerate() {
                    match result {
                        Ok(x) => assert_eq!(x, at as u64),
                        Err(error) => {
                            assert_eq!(error.index(), at as u64);
                            late += 1;
                        }
                    }
                }
                assert_eq!(late, usize::from(hung.load(Ordering::SeqCst) > 0));
            });
            consumed.join().unwrap();
        }
    }

    fn p10_item_timeout_with_enumerate_before_and_after(subject) {
        let pool = subject.pool(3);
        let gate = Gate::closed();
        let f = hanging(gate.door(), |x| x == 4);
        let items = (0..10u64).map(|x| x + 100).enumerate();
        let before = pool.imap(items, move |(index, x)| (f(index as u64), x).1);
        let results: Vec<_> = before.item_timeout(LIMIT).enumerate().collect();
        for (at, result) in &results {
            match result {
                Ok(x) => assert_eq!(*x, *at as u64 + 100),
                Err(late) => assert_eq!((late.index(), *at), (4, 4)),
            }
        }
        assert!(results.len() == 10 && results[4].1.is_err());
    }

    fn p10_item_timeout_of_a_local_input(subject) {
        let pool = subject.pool(3);
        let gate = Gate::closed();
        let hangs = |x: u64| x == 2 || x == 9;
        let text = (0..20).map(|x| x.to_string()).collect::<Vec<_>>().join("\n");
        let numbers = text.lines().map(|imap| imap.parse().unwrap());
        let results = numbers.local().imap(&pool, hanging(gate.door(), hangs)).item_timeout(LIMIT);
        assert_eq!(outcomes(results), expected(20, hangs));
    }

    fn p6_item_timeout_panics_come_at_their_places(subject) {
        let f = |x: u64| if x % 7 == 3 { panic_on_purpose(x) } else { x };
        for unordered in [false, true] {
            let pool = subject.pool(2);
            let imap = pool.imap(0..50u64, f);
            let imap = if unordered { imap.unordered() } else { imap };
            let mut results = imap.item_timeout(LONG);
            let (mut panics, mut values) = (0, 0);
            loop {
                match catch_unwind(AssertUnwindSafe(|| results.next())) {
                    Ok(None) => break,
                    Ok(Some(result)) => {
                        let x = result.unwrap();
                        assert!(x % 7 != 3 && (unordered || x == values + panics));
                        values += 1;
                    }
                    Err(payload) => {
                        let OnPurpose(x) = *payload.downcast().unwrap();
                        assert!(x % 7 == 3 && (unordered || x == values + panics));
                        panics += 1;
                    }
                }
            }
            assert_eq!((values, panics), (43, 7));
            let caught = pool.imap(0..50u64, f).catch_panics().item_timeout(LONG);
            let panicked: Vec<_> = caught.map(|result| result.unwrap().is_err()).collect();
            assert!(panicked.into_iter().eq((0..50).map(|x| x % 7 == 3)));
        }
    }

    fn p9_item_timeout_everything_is_dropped_once(subject) {
        for ended in [false, true] {
            let pool = subject.pool(4);
            let alive = Alive::default();
            let gate = Gate::closed();
            let (door, of_items) = (gate.door(), alive.clone());
            let items = (0..200u64).map(move |x| (x, of_items.new_one()));
            let imap = pool.imap(items, move |(x, item): (u64, Counted)| {
                if x == 5 || x == 6 {
                    door.pass();
                }
                item
            });
            let mut results = imap.item_timeout(LIMIT);
            let late = results.by_ref().take(if ended { 200 } else { 20 }).filter(Result::is_err).count();
            assert_eq!(late, 2);
            drop(results);
            soon("only what hangs is left", || alive.count() == 2);
            gate.open();
            alive.wait_for(0);
        }
    }

    fn p9_item_timeout_ends_by_a_token(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let token = pool_core::CancelToken::new();
        let f = hanging(gate.door(), |x| x < 2);
        let mut results = pool.imap(0u64.., f).item_timeout(LIMIT).cancel_with(&token);
        assert!(results.next().unwrap().is_err() && results.next().unwrap().is_err());
        thread::scope(|scope| {
            // Every thread hangs, so the consumer waits without a limit.
            scope.spawn(|| (thread::sleep(4 * SHORT), token.cancel()));
            assert!(results.next().is_none());
        });
        assert!(results.is_cancelled());
    }
}
