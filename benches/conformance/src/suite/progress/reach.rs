//! `cancel` and limits reach the consumer in every kind of wait, and after every kind of measurement.

use crate::subject::{AnyPool, AnySubject};
use crate::suite::asks::{
    Ask, by_next, by_next_in_chunks_of_8, by_next_of_a_started_one, by_next_timeout, by_next_unordered,
    by_next_with_panics_caught, by_short_limits, by_stream, by_stream_under_tokio,
};
use crate::suite::list::promises;
use crate::suite::parts::{Door, Gate, LONG, SHORT, soon};
use pool_core::work::xorshift;
use pool_core::{CancelToken, Executor, Imap};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What the consumer waits for when it is to be reached.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hangs {
    Input,
    Item,
}

/// What the imap did before.
#[derive(Debug, Clone, Copy)]
enum Before {
    Nothing,
    /// This number of short items of the same imap.
    Short(u64),
    /// This number of items of 300 µs.
    Long(u64),
    /// Some imaps of 50 short items, with the same function.
    Imaps(u64),
}

const ALL: [Before; 5] =
    [Before::Nothing, Before::Short(20), Before::Short(3_000), Before::Long(20), Before::Imaps(8)];

impl Before {
    fn items(self) -> u64 {
        match self {
            Before::Nothing | Before::Imaps(_) => 0,
            Before::Short(items) | Before::Long(items) => items,
        }
    }
}

/// Runs for this long.
fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// An imap of which item `before.items()` does not come before the door is open.
fn hanging<'p>(pool: &'p AnyPool, hangs: Hangs, before: Before, door: &Door) -> Imap<'p, u64> {
    let at = before.items();
    let time = match before {
        Before::Long(_) => Duration::from_micros(300),
        _ => Duration::ZERO,
    };
    let function = |door: Door| {
        move |x: u64| {
            if hangs == Hangs::Item && x >= at {
                door.pass();
            }
            spin(time);
            x
        }
    };
    if let Before::Imaps(imaps) = before {
        let open = Gate::closed();
        open.open();
        for _ in 0..imaps {
            assert_eq!(pool.imap(0..50, function(open.door())).count(), 50);
        }
    }
    let of_input = door.clone();
    let input = (0..).inspect(move |&x| {
        if hangs == Hangs::Input && x >= at {
            of_input.pass();
        }
    });
    pool.imap(input.take_while(|_| true), function(door.clone()))
}

/// Another thread cancels at some moment, and the consumer gets its end.
fn cancelled_while_it_waits(subject: &AnySubject, ask: Ask, befores: &[Before]) {
    for threads in [1, 2] {
        let pool = subject.pool(threads);
        for hangs in [Hangs::Input, Hangs::Item] {
            for &before in befores {
                for round in 0..4 {
                    let gate = Gate::closed();
                    let token = CancelToken::new();
                    let imap = hanging(&pool, hangs, before, &gate.door()).cancel_with(&token);
                    let imap = if round % 2 == 1 { imap.window(1) } else { imap };
                    let mut next = ask(imap);
                    for expected in 0..before.items() {
                        assert_eq!(next(), Some(expected));
                    }
                    let at = Duration::from_micros(xorshift(round, 5) % 3_000 * round);
                    let canceller = thread::spawn(move || {
                        thread::sleep(at);
                        token.cancel();
                    });
                    assert_eq!(next(), None, "{hangs:?} hangs after {before:?}");
                    canceller.join().unwrap();
                }
            }
        }
    }
}

/// A limit of 20 ms that takes more than 500 is not kept.
#[track_caller]
fn is_kept<T>(ask: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = ask();
    let took = began.elapsed();
    assert!(took < Duration::from_millis(500), "it took {took:?}");
    result
}

const LIMIT: Duration = Duration::from_millis(20);

promises! {
    fn p16_cancel_reaches_next(subject) {
        cancelled_while_it_waits(&subject, by_next, &ALL);
    }

    fn p16_cancel_reaches_next_of_a_started_imap(subject) {
        cancelled_while_it_waits(&subject, by_next_of_a_started_one, &ALL);
    }

    fn p16_cancel_reaches_next_with_panics_caught(subject) {
        cancelled_while_it_waits(&subject, by_next_with_panics_caught, &ALL);
    }

    fn p16_cancel_reaches_next_in_chunks(subject) {
        cancelled_while_it_waits(&subject, by_next_in_chunks_of_8, &ALL);
    }

    /// Before, one item is under way at a time; otherwise results would be out of order.
    fn p16_cancel_reaches_next_unordered(subject) {
        cancelled_while_it_waits(&subject, by_next_unordered, &[Before::Nothing, Before::Imaps(8)]);
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for hangs in [Hangs::Input, Hangs::Item] {
                for before in ALL {
                    let gate = Gate::closed();
                    let mut imap = hanging(&pool, hangs, before, &gate.door()).unordered();
                    let token = imap.cancel_token();
                    // An item that hangs may hold some that are in the same chunk.
                    let least = before.items().saturating_sub(if hangs == Hangs::Item { 4_000 } else { 0 });
                    assert_eq!(imap.by_ref().take(least as usize).count() as u64, least);
                    let canceller = thread::spawn(move || {
                        thread::sleep(2 * SHORT);
                        token.cancel();
                    });
                    imap.by_ref().for_each(drop);
                    assert!(imap.is_cancelled(), "{hangs:?} hangs after {before:?}");
                    canceller.join().unwrap();
                }
            }
        }
    }

    fn p16_cancel_reaches_next_timeout(subject) {
        cancelled_while_it_waits(&subject, by_next_timeout, &ALL);
    }

    fn p16_cancel_reaches_timeout(subject) {
        cancelled_while_it_waits(&subject, by_short_limits, &ALL);
    }

    fn p16_cancel_reaches_a_stream(subject) {
        cancelled_while_it_waits(&subject, by_stream, &ALL);
        cancelled_while_it_waits(&subject, by_stream_under_tokio, &[Before::Short(20)]);
    }

    /// In its input it cannot be reached, but it can when it waits for an item.
    fn p16_cancel_reaches_next_of_a_local_imap(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for short in [0, 20, 3_000u64] {
                for window in [1, 2, 50] {
                    let gate = Gate::closed();
                    let door = gate.door();
                    let imap = pool.imap_local(0u64.., move |x| {
                        if x >= short {
                            door.pass();
                        }
                        x
                    });
                    let mut imap = imap.window(window);
                    let token = imap.cancel_token();
                    assert!(imap.by_ref().take(short as usize).eq(0..short));
                    let canceller = thread::spawn(move || {
                        thread::sleep(SHORT);
                        token.cancel();
                    });
                    assert_eq!(imap.next(), None);
                    assert!(imap.is_cancelled());
                    canceller.join().unwrap();
                }
            }
        }
    }

    /// From the first call on, the whole pool is busy elsewhere.
    fn p16_cancel_reaches_next_while_no_thread_is_free(subject) {
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let (door, (begun, begins)) = (gate.door(), mpsc::channel());
        drop(pool.submit(move || {
            begun.send(()).unwrap();
            door.pass();
        }));
        begins.recv_timeout(LONG).unwrap();
        for ask in [by_next, by_next_unordered, by_stream, by_next_timeout, by_next_of_a_started_one] {
            let token = CancelToken::new();
            let mut next = ask(pool.imap(0.., |x| x).cancel_with(&token));
            let canceller = thread::spawn(move || {
                thread::sleep(SHORT);
                token.cancel();
            });
            assert_eq!(next(), None);
            canceller.join().unwrap();
        }
    }

    fn p10_a_limit_is_kept_whatever_was_measured_before(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            for hangs in [Hangs::Input, Hangs::Item] {
                for before in ALL {
                    for started in [false, true] {
                        let gate = Gate::closed();
                        let imap = hanging(&pool, hangs, before, &gate.door());
                        let mut imap = if started { imap.start() } else { imap };
                        // All without a limit, so that what was measured is as good as it gets.
                        assert!(imap.by_ref().take(before.items() as usize).eq(0..before.items()));
                        for _ in 0..4 {
                            let late = is_kept(|| imap.next_timeout(LIMIT)).unwrap_err();
                            assert_eq!(late.index(), before.items(), "{hangs:?} hangs after {before:?}");
                        }
                        is_kept(|| imap.next_timeout(Duration::ZERO)).unwrap_err();
                        is_kept(|| drop(imap));
                    }
                }
            }
        }
    }

    /// The item before the one at which the input blocks hangs, and was pulled by calls without a limit.
    fn p10_a_limit_is_kept_beside_a_thread_in_the_input(subject) {
        for (threads, item) in [(1, 3_000u64), (2, 3_000), (1, 20), (2, 20)] {
            for chunk in [None, Some(8)] {
                let pool = subject.pool(threads);
                let gate = Gate::closed();
                let (of_input, of_item) = (gate.door(), gate.door());
                let input = (0..10_000u64).inspect(move |&x| {
                    if x == item + 1 {
                        of_input.pass();
                    }
                });
                let imap = pool.imap(input, move |x| {
                    if x == item {
                        of_item.pass();
                    }
                    x
                });
                let imap = if let Some(chunk) = chunk { imap.chunk(chunk) } else { imap };
                let mut imap = imap.window(10_000).start();
                assert!(imap.by_ref().take(10).eq(0..10));
                soon("the others are pulled", || imap.stats().pulled >= item);
                let mut next = 10;
                let mut lates = 0;
                while lates < 4 {
                    match is_kept(|| imap.next_timeout(LIMIT)) {
                        Ok(result) => {
                            assert_eq!(result, Some(next));
                            next += 1;
                        }
                        Err(late) => {
                            assert_eq!(late.index(), next);
                            lates += 1;
                        }
                    }
                }
                gate.open();
                assert!(imap.eq(next..10_000));
            }
        }
    }

    fn p10_a_limit_is_kept_while_no_thread_is_free(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        for _ in 0..2 {
            let (door, (begun, begins)) = (gate.door(), mpsc::channel());
            drop(pool.submit(move || {
                begun.send(()).unwrap();
                door.pass();
            }));
            begins.recv_timeout(LONG).unwrap();
        }
        for unordered in [false, true] {
            let imap = pool.imap(0..100u64, |x| x);
            let mut imap = if unordered { imap.unordered() } else { imap };
            for _ in 0..4 {
                is_kept(|| imap.next_timeout(LIMIT)).unwrap_err();
            }
        }
        let mut handle = pool.submit(|| 3);
        for _ in 0..4 {
            assert!(is_kept(|| handle.join_timeout(LIMIT)).is_err());
        }
    }
}
