//! P4 live, P5 prompt, P10 time-outs.

use crate::suite::list::promises;
use pool_core::{Executor, TimedOut};
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

promises! {
    /// Item k + 1 is sent only when the consumer has result k.
    fn p4_ping_pong(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::channel();
            send.send(0u32).unwrap();
            let mut results = pool.imap(receive, |x| x + 1);
            for expected in 1..=500 {
                let result = results.next().unwrap();
                assert_eq!(result, expected, "threads {threads}");
                send.send(result).unwrap();
            }
            drop(send);
            assert_eq!(results.next(), Some(501));
            assert_eq!(results.next(), None);
        }
    }

    fn p4_ping_pong_in_fixed_chunks(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::channel();
            send.send(0u32).unwrap();
            let mut results = pool.imap(receive, |x| x + 1).chunk(8).window(16);
            for expected in 1..=300 {
                let result = results.next().unwrap();
                assert_eq!(result, expected);
                send.send(result).unwrap();
            }
        }
    }

    /// Many quick items, so that chunks have grown, and then the input blocks.
    fn p4_a_burst_before_a_blocked_input(subject) {
        for threads in [1, 2] {
            for burst in [1, 2, 3, 100, 1_000, 30_000] {
                let pool = subject.pool(threads);
                let (send, receive) = mpsc::channel();
                (0..burst).for_each(|item| send.send(item).unwrap());
                let mut results = pool.imap(receive, |x: u32| x);
                for expected in 0..burst {
                    assert_eq!(results.next(), Some(expected), "threads {threads} burst {burst}");
                }
                drop(send);
                assert_eq!(results.next(), None);
            }
        }
    }

    fn p4_a_burst_before_a_blocked_input_with_a_limit(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::channel();
            (0..1_000u32).for_each(|item| send.send(item).unwrap());
            let mut results = pool.imap(receive, |x| x);
            for expected in 0..1_000 {
                assert_eq!(results.next_timeout(Duration::from_secs(30)), Ok(Some(expected)));
            }
            drop(send);
            assert_eq!(results.next_timeout(Duration::from_secs(30)), Ok(None));
        }
    }

    /// What was pulled ahead for calls without a limit is delivered to calls with one.
    fn p4_a_limit_after_a_burst(subject) {
        for threads in [1, 2] {
            for taken in [1, 100, 400, 996] {
                let pool = subject.pool(threads);
                let (send, receive) = mpsc::channel();
                (0..1_000u32).for_each(|item| send.send(item).unwrap());
                let mut results = pool.imap(receive, |x| x).start();
                for expected in 0..taken {
                    assert_eq!(results.next(), Some(expected));
                }
                for expected in taken..1_000 {
                    assert_eq!(results.next_timeout(Duration::from_secs(30)), Ok(Some(expected)));
                }
                drop(send);
            }
        }
    }

    /// One item of a chunk waits until the consumer has the results before it.
    fn p5_results_inside_a_chunk_are_not_held_back(subject) {
        for blocked in [1u32, 3, 6] {
            let pool = subject.pool(1);
            let (open, gate) = mpsc::channel::<()>();
            let gate = Mutex::new(gate);
            let mut results = pool.imap(0..8u32, move |item| {
                // Long enough that the consumer does not help: it would wait for itself.
                thread::sleep(Duration::from_micros(300));
                if item == blocked {
                    gate.lock().unwrap().recv().unwrap();
                }
                item
            }).chunk(8).window(8);
            for expected in 0..blocked {
                assert_eq!(results.next(), Some(expected));
            }
            open.send(()).unwrap();
            assert!(results.eq(blocked..8));
        }
    }

    fn p5_a_ready_result_does_not_wait_for_the_window(subject) {
        let pool = subject.pool(2);
        let (open, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let mut results = pool.imap(0..10, move |item| {
            if item == 1 {
                gate.lock().unwrap().recv().unwrap();
            }
            item
        }).window(10).chunk(1);
        assert_eq!(results.next(), Some(0));
        open.send(()).unwrap();
        assert!(results.eq(1..10));
    }

    fn p10_a_time_out_loses_nothing(subject) {
        let pool = subject.pool(2);
        let (open, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let mut results = pool.imap(0..6u64, move |item| {
            if item == 2 {
                gate.lock().unwrap().recv().unwrap();
            }
            item
        });
        let short = Duration::from_millis(20);
        let long = Duration::from_secs(30);
        assert_eq!(results.next_timeout(long), Ok(Some(0)));
        assert_eq!(results.next_timeout(long), Ok(Some(1)));
        for _ in 0..3 {
            let started = Instant::now();
            let late: TimedOut = results.next_timeout(short).unwrap_err();
            assert!(started.elapsed() >= short);
            assert_eq!((late.index(), late.waited()), (2, short));
        }
        assert!(results.next_timeout(Duration::ZERO).is_err());
        open.send(()).unwrap();
        for expected in 2..6 {
            assert_eq!(results.next_timeout(long), Ok(Some(expected)));
        }
        assert_eq!(results.next_timeout(long), Ok(None));
        assert_eq!(results.next_timeout(long), Ok(None));
    }

    /// An item that arrives while a call with a limit waits, after calls without one.
    fn p10_an_item_that_arrives_in_time_is_delivered(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::channel();
            let mut results = pool.imap(receive, |x: u32| x).chunk(16);
            for round in 0..50 {
                send.send(2 * round).unwrap();
                assert_eq!(results.next(), Some(2 * round));
                send.send(2 * round + 1).unwrap();
                assert_eq!(results.next_timeout(Duration::from_secs(30)), Ok(Some(2 * round + 1)));
            }
        }
    }

    /// Calls with and without a limit take turns.
    fn p10_limits_can_come_and_go(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..20_000u64, |x| x);
        for expected in 0..20_000 {
            let result = match expected % 1_000 {
                0..500 => results.next(),
                _ => results.next_timeout(Duration::from_secs(30)).unwrap(),
            };
            assert_eq!(result, Some(expected));
        }
        assert_eq!(results.next(), None);
    }
}
