//! A stream as the input: an imap as a stage of an asynchronous chain.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, on_threads, soon, within_window};
use crate::suite::tasks::{
    Woken, current_thread, has_panics_as_values, is_cancelled_when_dropped, is_held_up_by_its_head_only,
    is_woken_by_a_slow_input, is_woken_for, multi_thread, panics_at_their_places, plays_ping_pong,
    says_what_is_left,
};
use futures::channel::mpsc;
use futures::executor::block_on;
use futures::{Stream, StreamExt, stream};
use pool_core::{Cancelled, Executor, StreamImapExt};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// A stream that is pending each second time, and wakes its task at once.
fn hesitant(items: u64) -> impl Stream<Item = u64> + Send {
    let (mut next, mut hesitates) = (0, false);
    stream::poll_fn(move |context| {
        hesitates = !hesitates;
        if hesitates {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        next += 1;
        Poll::Ready((next <= items).then_some(next - 1))
    })
}

promises! {
    fn p1_stage_results_come_in_the_order_of_the_stream(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            for (window, chunk) in [(1, 1), (3, 2), (100, 7), (10_000, 1_000)] {
                let results = stream::iter(0..2_000u64).imap(&pool, |x| x).window(window).chunk(chunk);
                let results: Vec<u64> = block_on(results.collect());
                assert!(results.into_iter().eq(0..2_000), "threads {threads} window {window} chunk {chunk}");
            }
            let results: Vec<u64> = block_on(stream::iter(0..20_000u64).imap(&pool, |x| x).collect());
            assert!(results.into_iter().eq(0..20_000), "threads {threads}");
            let results: Vec<u64> = block_on(hesitant(1_000).imap(&pool, |x| x).collect());
            assert!(results.into_iter().eq(0..1_000), "threads {threads}");
        }
    }

    fn p1_stages_in_a_chain_under_tokio(subject) {
        for runtime in [current_thread(), multi_thread()] {
            for threads in [1, 2] {
                let pool = subject.pool(threads);
                let sums = runtime.block_on(async {
                    let chains = (1..=6u64).map(|n| {
                        // It is not `Unpin`.
                        let input = stream::unfold(0, |x| async move {
                            if x % 10 == 0 {
                                tokio::task::yield_now().await;
                            }
                            (x < 1_000).then_some((x, x + 1))
                        });
                        let chain = input.imap(&pool, move |x| x * n).imap_init(&pool, move || n, |n, x| x * *n).window(10);
                        chain.enumerate().fold(0, move |sum, (index, x)| async move {
                            assert_eq!(x, index as u64 * n * n);
                            sum + x
                        })
                    });
                    futures::future::join_all(chains).await
                });
                assert!(sums.into_iter().eq((1..=6).map(|n| 499_500 * n * n)));
            }
        }
    }

    fn p1_stage_unordered_gives_each_result_once(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let mut got = HashSet::new();
            let results = hesitant(2_000).imap(&pool, |x| x).unordered();
            block_on(results.for_each(|x| {
                assert!(got.insert(x), "{x} came twice");
                std::future::ready(())
            }));
            assert!(got.len() == 2_000 && (0..2_000).all(|x| got.contains(&x)));
        }
    }

    fn p2_stage_nothing_is_polled_before_the_first_poll(subject) {
        let pool = subject.pool(2);
        let polled = AtomicUsize::new(0);
        let input = stream::iter(0..3).inspect(|_| _ = polled.fetch_add(1, Ordering::SeqCst));
        let results = input.imap(&pool, |x| x);
        pool.submit(|| ()).join().unwrap();
        assert_eq!(polled.load(Ordering::SeqCst), 0);
        assert_eq!(block_on(results.collect::<Vec<_>>()), [0, 1, 2]);
    }

    fn p3_stage_window_is_exact(subject) {
        for (threads, window, chunk) in [(1, 1, 1), (2, 1, 4), (2, 3, 2), (4, 8, 3), (2, 100, 16)] {
            for unordered in [false, true] {
                let pool = subject.pool(threads);
                let (input, handed) = within_window(1_000, window);
                let mut results = stream::iter(input).imap(&pool, |x| x).window(window as usize).chunk(chunk);
                if unordered {
                    results = results.unordered();
                }
                block_on(results.for_each(|x| {
                    let before = handed.fetch_add(1, Ordering::SeqCst);
                    assert!(unordered || x == before);
                    std::future::ready(())
                }));
                assert_eq!(handed.load(Ordering::SeqCst), 1_000);
            }
        }
    }

    /// Item k + 1 is sent only when the task has result k.
    fn p4_stage_ping_pong(subject) {
        for threads in [1, 2, 4] {
            for unordered in [false, true] {
                let pool = subject.pool(threads);
                let (send, receive) = mpsc::unbounded();
                let mut results = receive.imap(&pool, |x| x + 1);
                if unordered {
                    results = results.unordered();
                }
                plays_ping_pong(results, threads, move |x| send.unbounded_send(x).unwrap());
            }
        }
    }

    fn p5_stage_is_woken_when_the_stream_is_slow(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let (send, receive) = mpsc::unbounded();
            let results = receive.imap(&pool, |x: u64| x);
            is_woken_by_a_slow_input(results, move |x| send.unbounded_send(x).unwrap());
        }
    }

    fn p5_stage_a_hanging_item_holds_up_nothing_before_it(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let results = stream::iter(0..20u64).imap(&pool, gate.holds(3)).chunk(8);
        is_held_up_by_its_head_only(results, &gate);
    }

    /// The task comes back when all that the window has room for is finished; then each result that it takes
    /// makes room for an item that begins while the task is away.
    fn p5_stage_works_on_while_the_task_is_busy(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let finished = Arc::new(AtomicU64::new(0));
            let (counts, gate) = (finished.clone(), Gate::closed());
            let door = gate.door();
            let f = move |x| {
                door.pass();
                counts.fetch_add(1, Ordering::SeqCst);
                x
            };
            let mut results = stream::iter(0..40u64).imap(&pool, f).window(8);
            let task = Arc::new(Woken::default());
            // More than one poll, if the first takes long.
            soon("the window is full of items", || {
                assert!(task.poll(&mut results).is_pending());
                results.stats().pulled == 8
            });
            gate.open();
            soon("the window is full", || finished.load(Ordering::SeqCst) == 8);
            for expected in 0..30 {
                soon("it comes", || match task.poll(&mut results) {
                    Poll::Ready(result) => {
                        assert_eq!(result, Some(expected));
                        true
                    }
                    // A stream may have paused.
                    Poll::Pending => false,
                });
                // The result counts as handed over when the next is asked for.
                soon("the next items are finished", || finished.load(Ordering::SeqCst) == 8 + expected);
            }
        }
    }

    fn p13_stage_a_burst_wakes_the_task_once(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let (send, receive) = mpsc::unbounded();
            let mut results = receive.imap(&pool, gate.holds(0)).window(100);
            let task = Arc::new(Woken::default());
            assert!(task.poll(&mut results).is_pending());
            (0..60).for_each(|x| send.unbounded_send(x).unwrap());
            assert_eq!(task.count(), 1, "by the first item of the burst");
            soon("all are pulled", || {
                assert!(task.poll(&mut results).is_pending());
                results.stats().pulled == 60
            });
            let woken = task.count();
            gate.open();
            soon("all are finished", || results.stats().blocked == 60);
            soon("the task is woken", || task.count() == woken + 1);
            let mut pauses = 0;
            for expected in 0..60 {
                let mut next = task.poll(&mut results);
                while next.is_pending() {
                    pauses += 1;
                    next = task.poll(&mut results);
                }
                assert_eq!(next, Poll::Ready(Some(expected)));
            }
            assert_eq!(task.count(), woken + 1 + pauses, "each pause wakes, and nothing else");
            assert!(task.poll(&mut results).is_pending());
        }
    }

    fn p6_stage_panics_surface_in_poll_next(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let f = |x: u64| if x % 5 == 3 { panic_on_purpose(x) } else { x };
            panics_at_their_places(hesitant(50).imap(&pool, f));
            has_panics_as_values(stream::iter(0..50u64).imap(&pool, f).catch_panics());
        }
    }

    fn p7_stage_a_panic_of_the_stream_comes_last(subject) {
        for threads in [1, 2] {
            for items in [0, 1, 40] {
                let pool = subject.pool(threads);
                let mut polled = 0;
                let input = stream::poll_fn(move |_| {
                    polled += 1;
                    assert!(polled <= items + 1, "polled after its panic");
                    if polled > items { panic_on_purpose(items) } else { Poll::Ready(Some(polled - 1)) }
                });
                let mut results = input.imap(&pool, |x| x);
                for expected in 0..items {
                    assert_eq!(block_on(results.next()), Some(expected));
                }
                let payload = catch_unwind(AssertUnwindSafe(|| block_on(results.next()))).unwrap_err();
                assert_eq!(payload.downcast_ref(), Some(&OnPurpose(items)));
                assert_eq!(block_on(results.next()), None);
            }
        }
    }

    fn p9_stage_dropping_it_cancels(subject) {
        let pool = subject.pool(2);
        let alive = Alive::default();
        let gate = Gate::closed();
        let (door, of_items) = (gate.door(), alive.clone());
        let input = stream::iter(0u64..).map(move |x| (x, of_items.new_one()));
        let results = input.imap(&pool, move |(x, item)| {
            if x >= 10 {
                door.pass();
            }
            item
        }).window(100);
        is_cancelled_when_dropped(results, &gate, &alive);
    }

    fn p11_stage_hint_and_traits(subject) {
        fn sent<T: Send + Unpin>(value: T) -> T {
            value
        }
        let pool = subject.pool(2);
        let mut results = sent(stream::iter(0..100u64).imap(&pool, |x| x).window(10));
        says_what_is_left(&mut results);
        assert!(format!("{results:?}").starts_with("StreamImap"));
        // Fused, though the stream is not.
        let mut ended = false;
        let input = stream::poll_fn(move |_| {
            assert!(!ended, "polled after its end");
            ended = true;
            Poll::Ready(None::<u64>)
        });
        let mut results = input.imap(&pool, |x| x);
        assert!((0..3).all(|_| block_on(results.next()).is_none()));
        assert!(!results.is_cancelled());
    }

    fn p12_stage_tells_of_an_early_end(subject) {
        let pool = subject.pool(2);
        // By its own token, also while the stream has nothing.
        let (send, receive) = mpsc::unbounded::<u64>();
        let mut results = receive.imap(&pool, |x| x);
        let (token, task) = (results.cancel_token(), Arc::new(Woken::default()));
        assert!(task.poll(&mut results).is_pending());
        token.cancel();
        assert!(task.count() > 0);
        assert_eq!(task.poll(&mut results), Poll::Ready(None));
        assert!(results.is_cancelled());
        drop(send);
        // By the imap that the stream is made of.
        let first = pool.imap(0..1_000u64, |x| x).window(8);
        let token = first.cancel_token();
        let mut results = first.into_stream().map(|x| x + 1).imap(&pool, |x| x);
        assert_eq!(block_on(results.next()), Some(1));
        token.cancel();
        let rest: Vec<_> = block_on(results.by_ref().collect());
        assert!(rest.len() < 999 && rest.into_iter().zip(2..).all(|(x, expected)| x == expected));
        assert!(results.is_cancelled());
    }

    fn p12_stage_tells_that_its_pool_was_terminated(subject) {
        if !subject.terminates() {
            return;
        }
        let pool = subject.pool(1);
        let gate = Gate::closed();
        let (door, begun) = (gate.door(), Arc::new(AtomicU64::new(0)));
        let begins = begun.clone();
        let hog = pool.submit(move || {
            begins.fetch_add(1, Ordering::SeqCst);
            door.pass();
        });
        soon("the thread hangs", || begun.load(Ordering::SeqCst) == 1);
        let mut results = stream::iter(0..100u64).imap(&pool, |x| x).window(8);
        let task = Arc::new(Woken::default());
        assert!(task.poll(&mut results).is_pending());
        pool.terminate();
        soon("the task is woken", || task.count() > 0);
        let payload = catch_unwind(AssertUnwindSafe(|| block_on(results.next()))).expect_err("it tells");
        assert!(payload.is::<Cancelled>());
        assert_eq!(block_on(results.next()), None);
        gate.open();
        let _ = hog.join();
    }

    /// Each poll of the stream takes 20 µs, and it is always ready.
    fn p14_stage_leaves_the_thread_to_others(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let input = stream::iter(0u64..).inspect(|_| {
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(20) {}
        });
        let mut results = input.imap(&pool, gate.holds(0)).window(5_000);
        let task = Arc::new(Woken::default());
        for polls in 1..=5 {
            assert!(task.poll(&mut results).is_pending());
            assert_eq!(task.count(), polls, "it could go on, and wakes its task");
            assert!(results.stats().pulled <= 10 * polls as u64, "it holds up its thread");
        }
    }

    /// Also where that is less than is worth a pull while items wait.
    fn p17_stage_all_room_is_used_before_the_task_sleeps(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let door = gate.door();
            let f = move |x| {
                door.pass();
                x
            };
            let mut results = stream::iter(0..200u64).imap(&pool, f).window(95).chunk(20);
            let task = Arc::new(Woken::default());
            let mut woken = 0;
            // More than one poll, if one takes long.
            assert!(task.poll(&mut results).is_pending());
            while task.count() > woken {
                woken = task.count();
                assert!(task.poll(&mut results).is_pending());
            }
            assert_eq!(results.stats().pulled, 95);
            gate.open();
            assert!(block_on(results.collect::<Vec<_>>()).into_iter().eq(0..200));
        }
    }

    fn p17_stage_on_fewer_threads_than_the_pool_has(subject) {
        let pool = subject.pool(4);
        for threads in [1, 2] {
            let results = stream::iter(0..200u64).imap(&pool, on_threads(threads)).threads(threads);
            assert!(block_on(results.collect::<Vec<_>>()).into_iter().eq(0..200));
        }
    }

    fn p9_stage_nothing_begins_behind_an_item_that_has_failed(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let begun = Arc::new(AtomicUsize::new(0));
            let begins = begun.clone();
            let f = move |x| {
                begins.fetch_add(1, Ordering::SeqCst);
                if x < 40 { Ok(x) } else { Err(x) }
            };
            let results = hesitant(1_000).imap(&pool, f).fail_fast();
            let results: Vec<_> = block_on(results.collect());
            assert!(results.into_iter().eq((0..40).map(Ok).chain([Err(40)])));
            assert!(begun.load(Ordering::SeqCst) <= 41 + threads);
        }
    }

    fn p16_stage_runs_the_function_on_the_pool_and_the_stream_here(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let polled = Mutex::new(HashSet::new());
            let input = stream::iter(0..3_000u64).inspect(|_| {
                polled.lock().unwrap().insert(thread::current().id());
            });
            let runners: HashSet<_> = block_on(input.imap(&pool, |_| thread::current().id()).collect());
            let here = HashSet::from([thread::current().id()]);
            assert!(runners.is_disjoint(&here) && runners.len() <= threads);
            assert_eq!(polled.into_inner().unwrap(), here);
        }
    }

    /// The task that polled last is woken, by the stream and by the pool.
    fn p5_stage_moves_between_tasks(subject) {
        let pool = subject.pool(2);
        let (send, receive) = mpsc::unbounded();
        let mut results = receive.imap(&pool, |x: u64| x);
        for expected in 0..50 {
            let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
            assert!(first.poll(&mut results).is_pending());
            assert!(second.poll(&mut results).is_pending());
            send.unbounded_send(expected).unwrap();
            is_woken_for(&second, &mut results, expected);
            assert_eq!(Arc::strong_count(&first), 1, "the waker of a task that left is kept");
        }
    }
}
