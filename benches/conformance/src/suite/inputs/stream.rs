//! The imap as a `Stream`: the task is woken where a thread would have slept.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, soon};
use crate::suite::tasks::{
    Woken, current_thread, has_panics_as_values, is_cancelled_when_dropped, is_held_up_by_its_head_only,
    is_woken_by_a_slow_input, is_woken_for, multi_thread, panics_at_their_places, plays_ping_pong,
    says_what_is_left,
};
use futures::StreamExt;
use futures::executor::block_on;
use pool_core::Executor;
use std::collections::HashSet;
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

promises! {
    fn p1_stream_results_come_in_input_order(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for (window, chunk) in [(1, 1), (3, 2), (100, 7), (10_000, 1_000)] {
                let stream = pool.imap(0..2_000u64, |x| x).window(window).chunk(chunk).into_stream();
                let results: Vec<u64> = block_on(stream.collect());
                assert!(results.into_iter().eq(0..2_000), "threads {threads} window {window} chunk {chunk}");
            }
            let results: Vec<u64> = block_on(pool.imap(0..10_000u64, |x| x).into_stream().collect());
            assert!(results.into_iter().eq(0..10_000), "threads {threads}");
        }
    }

    fn p1_stream_under_tokio(subject) {
        for runtime in [current_thread(), multi_thread()] {
            for threads in [1, 2] {
                let pool = subject.pool(threads);
                let sums = runtime.block_on(async {
                    let imaps = (1..=8u64).map(|n| {
                        let stream = pool.imap(0..2_000, move |x| x * n).into_stream();
                        stream.enumerate().fold(0, move |sum, (index, x)| async move {
                            assert_eq!(x, index as u64 * n);
                            sum + x
                        })
                    });
                    futures::future::join_all(imaps).await
                });
                assert!(sums.into_iter().eq((1..=8).map(|n| 1_999_000 * n)));
            }
        }
    }

    /// Spawned tasks: a stream cannot outlive its pool, but a pool can live as long as the runtime.
    fn p11_stream_in_spawned_tasks(subject) {
        let pool: &'static _ = Box::leak(Box::new(subject.pool(2)));
        let runtime = multi_thread();
        let tasks: Vec<_> = (0..6u64).map(|n| {
            runtime.spawn(pool.imap(n..n + 3_000, |x| x).into_stream().collect::<Vec<_>>())
        }).collect();
        for (n, task) in (0..).zip(tasks) {
            assert!(runtime.block_on(task).unwrap().into_iter().eq(n..n + 3_000));
        }
    }

    fn p16_stream_runs_nothing_on_the_thread_that_polls(subject) {
        let me = thread::current().id();
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let stream = pool.imap(0..5_000, |_| thread::current().id()).into_stream();
            let runners: HashSet<_> = block_on(stream.collect());
            assert!(!runners.contains(&me) && runners.len() <= threads);
        }
    }

    /// Item k + 1 is sent only when the task has result k.
    fn p4_stream_ping_pong(subject) {
        for threads in [1, 2, 4] {
            for chunk in [None, Some(8)] {
                let pool = subject.pool(threads);
                let (send, receive) = mpsc::channel();
                let mut imap = pool.imap(receive, |x| x + 1);
                if let Some(chunk) = chunk {
                    imap = imap.chunk(chunk);
                }
                plays_ping_pong(imap.into_stream(), threads, move |x| send.send(x).unwrap());
            }
        }
    }

    /// The input is slow, and the task sleeps between any two results.
    fn p5_stream_is_woken_when_the_input_is_slow(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::channel();
            let results = pool.imap(receive, |x: u64| x).into_stream();
            is_woken_by_a_slow_input(results, move |x| send.send(x).unwrap());
        }
    }

    fn p5_stream_a_hanging_item_holds_up_nothing_before_it(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let imap = pool.imap(0..20u64, gate.holds(3));
        is_held_up_by_its_head_only(imap.chunk(8).into_stream(), &gate);
    }

    /// The only thread has begun what it pulled, and waits in the input: the task gets that, and does not wait.
    fn p16_stream_poll_returns_while_the_input_blocks(subject) {
        for chunk in [None, Some(8)] {
            let pool = subject.pool(1);
            let (send, receive) = mpsc::channel();
            (0..4u64).for_each(|x| send.send(x).unwrap());
            let imap = pool.imap(receive, |x| x);
            let imap = if let Some(chunk) = chunk { imap.chunk(chunk) } else { imap };
            let mut results = imap.start().into_stream();
            soon("the items are finished", || results.get_ref().stats().blocked == 4);
            let task = Arc::new(Woken::default());
            for expected in 0..4 {
                soon("it comes", || match task.poll(&mut results) {
                    Poll::Ready(result) => {
                        assert_eq!(result, Some(expected));
                        true
                    }
                    // A stream may have paused.
                    Poll::Pending => false,
                });
            }
            assert!(task.poll(&mut results).is_pending());
            drop(send);
            assert_eq!(block_on(results.next()), None);
        }
    }

    /// The task that polled last is woken.
    fn p5_stream_moves_between_tasks(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::channel();
            let mut results = pool.imap(receive, |x: u64| x).into_stream();
            for expected in 0..50 {
                let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
                while first.poll(&mut results).is_ready() {}
                while second.poll(&mut results).is_ready() {}
                send.send(expected).unwrap();
                is_woken_for(&second, &mut results, expected);
                assert_eq!(Arc::strong_count(&first), 1, "the waker of a task that left is kept");
            }
            drop(send);
            assert_eq!(block_on(results.next()), None);
        }
    }

    fn p6_stream_panics_surface_in_poll_next(subject) {
        let pool = subject.pool(2);
        let f = |x: u64| if x % 5 == 3 { panic_on_purpose(x) } else { x };
        panics_at_their_places(pool.imap(0..50u64, f).into_stream());
        has_panics_as_values(pool.imap(0..50u64, f).catch_panics().into_stream());
    }

    fn p9_stream_dropping_it_cancels(subject) {
        let pool = subject.pool(2);
        let alive = Alive::default();
        let gate = Gate::closed();
        let (door, of_items) = (gate.door(), alive.clone());
        let input = (0u64..).map(move |x| (x, of_items.new_one()));
        let results = pool.imap(input, move |(x, item)| {
            if x >= 10 {
                door.pass();
            }
            item
        }).window(100).into_stream();
        is_cancelled_when_dropped(results, &gate, &alive);
    }

    fn p16_stream_is_woken_by_a_token(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let mut results = pool.imap(0u64.., move |_| door.pass()).window(5).into_stream();
        let token = results.get_ref().cancel_token();
        let task = Arc::new(Woken::default());
        assert!(task.poll(&mut results).is_pending());
        token.cancel();
        assert!(task.count() > 0);
        assert_eq!(task.poll(&mut results), Poll::Ready(None));
        assert!(results.get_ref().is_cancelled());
    }

    fn p11_stream_size_hint_counts_what_is_in_flight(subject) {
        let pool = subject.pool(2);
        let mut results = pool.imap(0..100u64, |x| x).window(10).into_stream();
        says_what_is_left(&mut results);
        assert!(format!("{results:?}").starts_with("ImapStream"));
    }

    fn p1_stream_unordered(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for chunk in [None, Some(8)] {
                let mut imap = pool.imap(0..5_000u64, |x| x).unordered();
                if let Some(chunk) = chunk {
                    imap = imap.chunk(chunk);
                }
                let mut results: Vec<u64> = block_on(imap.into_stream().collect());
                results.sort_unstable();
                assert!(results.into_iter().eq(0..5_000));
            }
        }
    }

    /// Items of some 20 µs, of which a chunk would hold several; but no other is in the chunk of the one that
    /// hangs.
    fn p5_stream_unordered_passes_an_item_that_hangs(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let door = gate.door();
        let imap = pool.imap(0..400u64, move |x| {
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(20) {}
            if x == 200 {
                door.pass();
            }
            x
        });
        let mut results = imap.unordered().into_stream();
        let others: HashSet<u64> = block_on(results.by_ref().take(399).collect());
        assert!(others.len() == 399 && !others.contains(&200));
        gate.open();
        assert_eq!(block_on(results.next()), Some(200));
        assert_eq!(block_on(results.next()), None);
    }
}
