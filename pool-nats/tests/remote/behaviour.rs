//! What an imap does when nothing goes wrong.

use crate::probe::Probe;
use crate::scene::{Scene, Test, eventually};
use crate::server::Server;
use crate::tasks::{BYTES, DEED, Deed, NUMBER, OTHER, Plan, SAME, SLEEP, bytes, check, right, worker};
use pool_core::{CancelToken, Executor};
use pool_nats::{NatsPool, TaskError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub const TESTS: &[(&str, Test)] = &[
    ("p1_order_with_workers_on_all_three_backends", in_order),
    ("p2_nothing_is_pulled_before_the_first_next_or_start", lazy),
    ("p3_the_window_is_exact", window),
    ("p4_the_input_may_depend_on_results", live),
    ("p4_the_input_may_block", blocking_input),
    ("p5_a_slow_item_does_not_hold_back_those_before_it_in_its_batch", prompt),
    ("p5_what_waits_behind_a_slow_item_goes_to_other_workers", handed_back),
    ("p6_a_panic_is_an_error_at_its_place", panics),
    ("p7_a_panic_of_the_input_comes_after_all_results", input_panics),
    ("p9_a_dropped_imap_leaves_no_message_and_its_items_do_not_begin", dropped),
    ("p10_a_timeout_loses_nothing", timeouts),
    ("p11_it_is_fused_and_knows_its_length", manners),
    ("p14_two_masters_share_workers", two_masters),
    ("unordered_results_do_not_wait_for_a_slow_head", unordered),
    ("a_token_cancels_remote_and_local_imaps", cancelled),
    ("results_of_1_kib_1_mib_and_16_mib", sizes),
    ("items_of_16_mib", large_items),
    ("an_endless_input_runs_in_a_bounded_window", endless),
    ("stats_know_the_workers", stats),
    ("p16_waits_neither_take_nor_leave_the_threads_token", park_tokens),
    #[cfg(feature = "stream")]
    ("a_stream_gives_the_same", stream),
];

fn pool(server: &Server) -> NatsPool {
    NatsPool::builder(&server.url()).ack_wait(Duration::from_millis(600)).build().unwrap()
}

fn in_order(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    for backend in ["channel", "stealing", "rayon"] {
        Plan::new(&server.url(), 2).backend(backend).start(scene);
    }
    let pool = pool(&server);
    check(pool.imap(NUMBER, 0..100_000), 100_000);
    check(pool.imap(NUMBER, 0..3000).batch(1), 3000);
    check(pool.imap(NUMBER, 0..3000).batch(7).window(20), 3000);
    check(pool.imap(NUMBER, 0..200).window(1), 200);
    check(pool.imap(NUMBER, 0..0), 0);
}

/// Numbers from 0 on, and how many were pulled.
fn counted(numbers: std::ops::Range<u64>) -> (impl Iterator<Item = u64> + Send, Arc<AtomicU64>) {
    let pulled = Arc::new(AtomicU64::new(0));
    let counter = pulled.clone();
    let numbers = numbers.inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (numbers, pulled)
}

/// Whether the `unpark` token of this thread was there. It is not there any more.
fn takes_token(limit: Duration) -> bool {
    let began = Instant::now();
    std::thread::park_timeout(limit);
    began.elapsed() < limit
}

fn park_tokens(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let shared = pool(&server);
    let nap = || [(0, 30), (1, 30)];
    let ways: [(&str, &dyn Fn()); 4] = [
        ("building and dropping a pool", &|| drop(pool(&server))),
        ("next", &|| assert_eq!(shared.imap(SLEEP, nap()).count(), 2)),
        ("a limit", &|| {
            let mut imap = shared.imap(SLEEP, nap());
            let _ = imap.next_timeout(Duration::from_millis(10));
            assert!(imap.next_timeout(Duration::from_secs(20)).unwrap().is_some());
        }),
        ("a dropped imap", &|| drop(shared.imap(SLEEP, nap()).start())),
    ];
    for (way, wait) in ways {
        std::thread::current().unpark();
        wait();
        assert!(takes_token(Duration::from_secs(20)), "{way} took it");
        // A thread may wake up for no reason, but not each time.
        let left = (0..3).all(|_| {
            std::thread::park_timeout(Duration::ZERO);
            wait();
            takes_token(Duration::from_millis(100))
        });
        assert!(!left, "{way} left one");
    }
}

fn lazy(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let pool = pool(&server);
    let (numbers, pulled) = counted(0..10);
    let imap = pool.imap(NUMBER, numbers);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(pulled.load(Ordering::SeqCst), 0);
    let imap = imap.start();
    eventually(Duration::from_secs(5), "start pulls", || pulled.load(Ordering::SeqCst) == 10);
    check(imap, 10);
}

fn window(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 4);
    let pool = pool(&server);
    for window in [1, 3, 50] {
        let (numbers, pulled) = counted(0..300);
        let mut imap = pool.imap(NUMBER, numbers).window(window);
        for taken in 0..300u64 {
            assert_eq!(imap.next(), Some(Ok(right(taken))));
            if taken % 20 == 0 {
                // It may be full, and never more.
                std::thread::sleep(Duration::from_millis(10));
            }
            // `next` for result `taken` has been called, so those before it are handed out.
            let most = taken + window as u64;
            assert!(pulled.load(Ordering::SeqCst) <= most, "after {taken} with a window of {window}");
        }
        assert_eq!(imap.next(), None);
    }
    // It is used.
    let (numbers, pulled) = counted(0..300);
    let _imap = pool.imap(NUMBER, numbers).window(50).start();
    eventually(Duration::from_secs(5), "50 are pulled", || pulled.load(Ordering::SeqCst) == 50);
}

fn live(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let (send, receive) = std::sync::mpsc::channel();
    let mut imap = pool(&server).imap(NUMBER, receive);
    let began = Instant::now();
    for x in 0..200 {
        send.send(x).unwrap();
        assert_eq!(imap.next(), Some(Ok(right(x))));
    }
    let each = began.elapsed() / 200;
    assert!(each < Duration::from_millis(50), "{each:?} for a result that the next item depends on");
    drop(send);
    assert_eq!(imap.next(), None);
}

/// Acknowledgements and signs of life go on while the input blocks, so nothing is redelivered.
fn blocking_input(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let (send, receive) = std::sync::mpsc::channel();
    let mut imap = pool(&server).imap(NUMBER, receive).start();
    for x in 0..10 {
        send.send(x).unwrap();
    }
    std::thread::sleep(Duration::from_secs(2));
    check(imap.by_ref().take(10), 10);
    assert_eq!(imap.stats().redelivered, 0);
    drop(send);
    assert_eq!(imap.next(), None);
}

fn prompt(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let items = (0..10).map(|x| (x, if x == 5 { Deed::Sleep(3000) } else { Deed::Nothing }));
    let mut imap = pool(&server).imap(DEED, items).batch(10).start();
    let began = Instant::now();
    for x in 0..5 {
        assert_eq!(imap.next(), Some(Ok(right(x))));
    }
    assert!(began.elapsed() < Duration::from_millis(2000), "held back for {:?}", began.elapsed());
    for x in 5..10 {
        assert_eq!(imap.next(), Some(Ok(right(x))));
    }
    assert_eq!(imap.next(), None);
}

fn handed_back(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let _workers = [worker(scene, &server.url(), 1), worker(scene, &server.url(), 1)];
    let items = (0..20).map(|x| (x, if x == 0 { 2000 } else { 100 }));
    let began = Instant::now();
    check(pool(&server).imap(SLEEP, items).batch(20), 20);
    // One after the other they take 3.9 s.
    assert!(began.elapsed() < Duration::from_millis(3300), "{:?}", began.elapsed());
}

fn panics(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 2);
    let items = (0..100).map(|x| (x, if x % 10 == 3 { Deed::Panic } else { Deed::Nothing }));
    for batch in [1, 25] {
        let mut imap = pool(&server).imap(DEED, items.clone()).batch(batch);
        for x in 0..100 {
            let expected =
                if x % 10 == 3 { Err(TaskError::Panicked(format!("on purpose: {x}"))) } else { Ok(right(x)) };
            assert_eq!(imap.next(), Some(expected));
        }
        assert_eq!(imap.next(), None);
        assert_eq!(imap.stats().redelivered, 0);
    }
}

fn input_panics(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let items = (0..20).map(|x| if x == 12 { std::panic::panic_any(77u8) } else { x });
    let mut imap = pool(&server).imap(NUMBER, items);
    check(imap.by_ref().take(12), 12);
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| imap.next())).unwrap_err();
    assert_eq!(payload.downcast_ref::<u8>(), Some(&77));
    assert_eq!(imap.next(), None);
}

fn dropped(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let process = worker(scene, &server.url(), 1);
    let probe = Probe::new(&server.url());
    let pool = pool(&server);
    let notes = scene.folder().join("notes");
    let items = (0..).map({
        let notes = notes.clone();
        move |x| (x, 100, notes.clone())
    });
    let mut imap = pool.imap(crate::tasks::NOTE, items).window(40);
    assert_eq!(imap.next(), Some(Ok(right(0))));
    assert!(probe.messages("pool").unwrap() > 5);
    let began = Instant::now();
    drop(imap);
    assert!(began.elapsed() < Duration::from_millis(200), "dropping took {:?}", began.elapsed());
    eventually(Duration::from_secs(2), "no message is left", || probe.messages("pool") == Some(0));
    // What the worker held and had not begun does not begin.
    std::thread::sleep(Duration::from_millis(200));
    let begun = std::fs::read_to_string(&notes).unwrap().lines().count();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(std::fs::read_to_string(&notes).unwrap().lines().count(), begun);
    assert!(process.status().is_none());
    // The last act of a program: what it drops is purged before the pool is gone.
    let mut imap = pool.imap(SLEEP, (0..).map(|x| (x, 100)));
    assert_eq!(imap.next(), Some(Ok(right(0))));
    drop(imap);
    drop(pool);
    assert_eq!(probe.messages("pool"), Some(0));
}

fn timeouts(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let items = [(0, 0), (1, 700), (2, 0)];
    let mut late = 0;
    let mut results = Vec::new();
    for result in pool(&server).imap(SLEEP, items).timeout(Duration::from_millis(200)) {
        match result {
            Ok(result) => results.push(result),
            Err(error) => {
                // The first may wait for the connection.
                assert!(error.index() < 2 && error.waited() == Duration::from_millis(200));
                late += 1;
            }
        }
    }
    check(results, 3);
    assert!(late >= 2, "{late}");
}

fn manners(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let mut imap = pool(&server).imap(NUMBER, 0..30);
    for left in (1..=30).rev() {
        assert_eq!(imap.size_hint(), (left, Some(left)));
        assert!(imap.next().is_some());
    }
    for _ in 0..3 {
        assert_eq!((imap.size_hint(), imap.next()), ((0, Some(0)), None));
    }
    assert!(format!("{imap:?}").contains("number"));
    let zero = std::panic::catch_unwind(|| pool(&server).imap(NUMBER, 0..1).window(0));
    assert!(zero.unwrap_err().downcast_ref::<&str>().unwrap().contains("window(0)"));
    let mut begun = pool(&server).imap(NUMBER, 0..1).start();
    assert_eq!(begun.next(), Some(Ok(right(0))));
    let late = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| begun.window(2)));
    assert!(late.unwrap_err().downcast_ref::<String>().unwrap().contains("before the iteration begins"));
}

fn two_masters(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let _workers = [worker(scene, &server.url(), 2), worker(scene, &server.url(), 2)];
    std::thread::scope(|scope| {
        for task in [NUMBER, NUMBER, OTHER] {
            let server = &server;
            scope.spawn(move || check(pool(server).imap(task, 0..30_000), 30_000));
        }
    });
    let pool = pool(&server);
    let both = pool.imap(NUMBER, 0..500).batch(1).zip(pool.imap(OTHER, 0..500).batch(1));
    let both: Vec<_> = both.collect();
    assert!(both.iter().all(|(one, other)| one == other && one.is_ok()) && both.len() == 500);
}

fn unordered(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 2);
    let items = (0..50).map(|x| (x, if x == 0 { 1500 } else { 1 }));
    let mut results: Vec<u64> =
        pool(&server).imap(SLEEP, items).unordered().collect::<Result<_, _>>().unwrap();
    assert_eq!(results.last(), Some(&right(0)));
    let mut expected: Vec<u64> = (0..50).map(right).collect();
    // The one test of values whose order is not promised.
    results.sort_unstable();
    expected.sort_unstable();
    assert_eq!(results, expected);
}

fn cancelled(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let token = CancelToken::new();
    let mut remote = pool(&server).imap(NUMBER, 0..).cancel_with(&token);
    let local = pool_channel::ChannelPool::new(1).unwrap();
    let mut local = local.imap(0u64.., right).cancel_with(&token);
    assert_eq!((remote.next(), local.next()), (Some(Ok(right(0))), Some(right(0))));
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        token.cancel();
    });
    let mut expected = 1..;
    let last = remote.by_ref().find(|result| *result != Ok(right(expected.next().unwrap())));
    assert_eq!((last, remote.next()), (Some(Err(TaskError::Cancelled)), None));
    local.by_ref().for_each(drop);
    assert!(local.is_cancelled());
    canceller.join().unwrap();
    // While the consumer waits for an item that takes long; and of its own.
    let mut waits = pool(&server).imap(SLEEP, [(0, 30_000)]);
    let token = waits.cancel_token();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        token.cancel();
    });
    let began = Instant::now();
    assert_eq!((waits.next(), waits.next()), (Some(Err(TaskError::Cancelled)), None));
    assert!(began.elapsed() < Duration::from_secs(2));
    canceller.join().unwrap();
}

fn sizes(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let _workers = [worker(scene, &server.url(), 1), worker(scene, &server.url(), 1)];
    let pool = pool(&server);
    for (length, count) in [(1 << 10, 300), (1 << 20, 20), (16 << 20, 5)] {
        let mut imap = pool.imap(BYTES, (0..count).map(move |seed| (seed, length)));
        for seed in 0..count {
            let result = imap.next().unwrap().unwrap();
            assert!(result == bytes(seed, length), "result {seed} of {length} bytes");
        }
        assert_eq!((imap.next(), imap.stats().redelivered), (None, 0));
    }
    // A mixture, so that small ones wait behind large ones.
    let length = |x: u64| [10, 700_000, 3_000_000][x as usize % 3];
    let mut imap = pool.imap(BYTES, (0..12).map(move |x| (x, length(x))));
    for x in 0..12 {
        assert!(imap.next().unwrap().unwrap() == bytes(x, length(x)), "{x}");
    }
}

fn large_items(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 2);
    let pool = pool(&server);
    let lengths = [5, 16 << 20, 1 << 20, 600_000, 0, 3 << 20];
    let items = lengths.map(|length| bytes(length as u64, length));
    let mut imap = pool.imap(SAME, items.clone());
    for item in items {
        assert!(imap.next().unwrap().unwrap() == item, "{} bytes", item.len());
    }
    assert_eq!((imap.next(), imap.stats().redelivered), (None, 0));
}

fn endless(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let (numbers, pulled) = counted(0..u64::MAX);
    let mut imap = pool(&server).imap(NUMBER, numbers);
    check(imap.by_ref().take(50_000), 50_000);
    let ahead = pulled.load(Ordering::SeqCst) - 50_000;
    assert!(ahead <= 65_536, "{ahead}");
}

fn stats(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let _workers = [worker(scene, &server.url(), 2), worker(scene, &server.url(), 1)];
    let mut imap = pool(&server).imap(SLEEP, (0..600).map(|x| (x, 2))).batch(1);
    check(imap.by_ref(), 600);
    let stats = imap.stats();
    assert_eq!((stats.pulled, stats.finished, stats.delivered), (600, 600, 600));
    // On a busy machine some are given back, and sent once more.
    assert!(stats.sent >= 600);
    assert_eq!((stats.duplicates, stats.strays, stats.redelivered, stats.stalls), (0, 0, 0, 0));
    let mut threads: Vec<u32> = stats.workers.values().map(|worker| worker.threads).collect();
    threads.sort_unstable();
    assert_eq!(threads, [1, 2]);
    let (items, busy) = stats.workers.values().fold((0, Duration::ZERO), |(items, busy), worker| {
        assert!(worker.items > 0);
        (items + worker.items, busy + worker.busy)
    });
    assert!(items == 600 && busy >= Duration::from_millis(1200));
    assert!(stats.to_string().contains("600 delivered"));
}

#[cfg(feature = "stream")]
fn stream(scene: &Arc<Scene>) {
    use futures::StreamExt;
    let server = Server::start(scene);
    worker(scene, &server.url(), 2);
    let stream = pool(&server).imap(NUMBER, 0..5000).into_stream();
    check(futures::executor::block_on(stream.collect::<Vec<_>>()), 5000);
}
