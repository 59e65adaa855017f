//! What an imap of any kind promises.

use crate::Test;
use crate::tasks::{ACT, Act, BYTES, DOUBLE, NARROW, SHUT, Shut, UNKNOWN, builder, pool};
use pool_process::{CancelToken, TaskError};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

pub const TESTS: &[Test] = &[
    ("p1_results_are_in_order", results_are_in_order),
    ("p1_unordered_gives_each_once", unordered_gives_each_once),
    ("p2_nothing_is_pulled_before_it_is_asked_for", nothing_is_pulled_before),
    ("p3_the_window_is_exact", the_window_is_exact),
    ("p4_a_result_does_not_wait_for_the_next_item", a_result_does_not_wait),
    ("p4_an_input_may_depend_on_results", an_input_may_depend_on_results),
    ("p5_a_result_does_not_wait_for_a_slow_neighbour", no_slow_neighbour),
    ("p7_a_panic_of_the_input_comes_last", a_panic_of_the_input),
    ("p9_a_dropped_imap_frees_its_children", a_dropped_imap_frees_its_children),
    ("p10_a_late_result_is_not_lost", a_late_result_is_not_lost),
    ("p12_terminate_is_told", terminate_is_told),
    ("p13_an_idle_pool_uses_no_time", an_idle_pool_uses_no_time),
    ("p14_imaps_share_a_pool", imaps_share_a_pool),
    ("p17_work_behind_a_slow_item_goes_to_others", work_behind_a_slow_item),
    ("cancel_is_told_at_its_place", cancel_is_told),
    ("errors_are_at_their_places", errors_are_at_their_places),
    ("large_items_both_ways", large_items_both_ways),
    ("a_task_that_is_not_offered_is_an_error", not_offered),
    ("what_functions_print_and_read_is_not_the_protocol", prints_and_reads),
    ("a_pool_in_a_child_is_an_error", nested),
    ("children_have_their_initializer_and_variables", initializer),
    ("children_are_replaced_after_max_items", max_items),
    ("children_are_replaced_above_max_memory", max_memory),
    ("threads_of_a_child_work_at_the_same_time", threads),
];

fn results_are_in_order() {
    let pool = pool();
    let expected: Vec<u64> = (0..200_000).map(|x| x * 2).collect();
    let results: Result<Vec<u64>, _> = pool.imap(DOUBLE, 0..200_000).collect();
    assert_eq!(results.unwrap(), expected);
    // One item a message, a small window.
    let results: Result<Vec<u64>, _> = pool.imap(DOUBLE, 0..2_000).batch(1).window(7).collect();
    assert_eq!(results.unwrap(), expected[..2_000]);
}

fn unordered_gives_each_once() {
    let pool = pool();
    let results: BTreeSet<u64> = pool.imap(DOUBLE, 0..10_000).unordered().map(Result::unwrap).collect();
    assert_eq!(results, (0..10_000).map(|x| x * 2).collect());
    let acts = [Act::Sleep(1_000), Act::Give(1), Act::Give(2)];
    let results: Vec<u64> = pool.imap(ACT, acts).batch(1).unordered().map(Result::unwrap).collect();
    assert_eq!(results, [1, 2, 1_000]);
}

/// Counts what is pulled.
fn counted(count: u64) -> (impl Iterator<Item = u64> + Send + 'static, Arc<AtomicU64>) {
    let pulled: Arc<AtomicU64> = Arc::default();
    let counter = pulled.clone();
    (
        (0..count).inspect(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        }),
        pulled,
    )
}

fn nothing_is_pulled_before() {
    let pool = pool();
    let (input, pulled) = counted(10);
    let imap = pool.imap(DOUBLE, input);
    assert_eq!((pulled.load(Ordering::SeqCst), imap.size_hint()), (0, (10, Some(10))));
    let imap = imap.start();
    while pulled.load(Ordering::SeqCst) < 10 {
        std::thread::yield_now();
    }
    assert_eq!(imap.count(), 10);
}

fn the_window_is_exact() {
    let pool = pool();
    let (input, pulled) = counted(1_000);
    let mut imap = pool.imap(DOUBLE, input).window(8);
    for delivered in 1..=1_000u64 {
        assert_eq!(imap.next(), Some(Ok((delivered - 1) * 2)));
        // What `next` was asked for is delivered only when the next call comes.
        assert!(pulled.load(Ordering::SeqCst) < delivered + 8, "{pulled:?} after {delivered}");
    }
    assert_eq!(imap.next(), None);
    assert_eq!(imap.next(), None);
}

fn a_result_does_not_wait() {
    let pool = pool();
    let (send, receive) = mpsc::channel();
    let mut imap = pool.imap(DOUBLE, receive);
    for x in 0..100 {
        send.send(x).unwrap();
        assert_eq!(imap.next(), Some(Ok(x * 2)));
    }
    drop(send);
    assert_eq!(imap.next(), None);
}

fn an_input_may_depend_on_results() {
    let pool = pool();
    let (send, receive) = mpsc::channel();
    send.send(1).unwrap();
    let mut imap = pool.imap(DOUBLE, receive);
    let mut x = 1;
    for _ in 0..60 {
        x = imap.next().unwrap().unwrap();
        let _ = send.send(x);
    }
    assert_eq!(x, 1 << 60);
}

fn no_slow_neighbour() {
    let pool = builder().processes(1).build().unwrap();
    // All in one message.
    let acts = vec![Act::Give(1), Act::Give(2), Act::Sleep(1_000), Act::Give(3)];
    let began = Instant::now();
    let mut imap = pool.imap(ACT, acts).batch(4);
    assert_eq!((imap.next(), imap.next()), (Some(Ok(1)), Some(Ok(2))));
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    assert_eq!((imap.next(), imap.next(), imap.next()), (Some(Ok(1_000)), Some(Ok(3)), None));
}

fn a_panic_of_the_input() {
    let pool = pool();
    let input = (0..).map(|x: u64| if x == 50 { panic!("the input is torn") } else { x });
    let mut imap = pool.imap(DOUBLE, input);
    for x in 0..50 {
        assert_eq!(imap.next(), Some(Ok(x * 2)));
    }
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| imap.next())).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the input is torn"));
    assert_eq!(imap.next(), None);
}

fn a_dropped_imap_frees_its_children() {
    let pool = builder().grace(Duration::from_millis(50)).build().unwrap();
    let imap = pool.imap(ACT, vec![Act::Hang; 50]).start();
    // They have begun.
    while imap.stats().sent < 2 {
        std::thread::yield_now();
    }
    let began = Instant::now();
    drop(imap);
    assert!(began.elapsed() < Duration::from_millis(40), "{:?}", began.elapsed());
    let results: Result<Vec<u64>, _> = pool.imap(DOUBLE, 0..100).collect();
    assert_eq!(results.unwrap().len(), 100);
}

fn a_late_result_is_not_lost() {
    let pool = pool();
    let mut imap = pool.imap(ACT, [Act::Sleep(300), Act::Give(1)]);
    let late = imap.next_timeout(Duration::from_millis(20)).unwrap_err();
    assert_eq!((late.index(), late.waited()), (0, Duration::from_millis(20)));
    assert!(imap.next_timeout(Duration::ZERO).is_err());
    assert_eq!(imap.next(), Some(Ok(300)));
    let mut rest = imap.timeout(Duration::from_secs(30));
    assert_eq!((rest.next(), rest.next()), (Some(Ok(Ok(1))), None));
}

fn terminate_is_told() {
    let pool = pool();
    let mut imap = pool.imap(ACT, std::iter::repeat(Act::Sleep(1)));
    assert_eq!(imap.next(), Some(Ok(1)));
    pool.terminate();
    assert_eq!(imap.find(Result::is_err), Some(Err(TaskError::Cancelled)));
    assert_eq!(pool.imap(DOUBLE, 0..3).next(), Some(Err(TaskError::Cancelled)));
}

/// The time that a process has used, in ticks of 10 ms.
fn ticks(process: u64) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
    fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
}

fn an_idle_pool_uses_no_time() {
    let pool = builder().processes(4).build().unwrap();
    let children: BTreeSet<u64> =
        pool.imap(ACT, vec![Act::Process; 400]).batch(1).map(Result::unwrap).collect();
    let thread = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        tasks.map(|task| format!("self/task/{}", task.unwrap().file_name().display())).collect::<Vec<_>>()
    };
    let _ = thread();
    let before: u64 = children.iter().map(|&child| ticks(child)).sum();
    std::thread::sleep(Duration::from_millis(1_000));
    let after: u64 = children.iter().map(|&child| ticks(child)).sum();
    assert!(after <= before + 1, "{} ticks in a second", after - before);
}

fn imaps_share_a_pool() {
    let pool = pool();
    let mut slow = pool.imap(ACT, vec![Act::Sleep(5); 200]).start();
    let began = Instant::now();
    let quick: Result<Vec<u64>, _> = pool.imap(DOUBLE, 0..1_000).collect();
    assert_eq!(quick.unwrap().len(), 1_000);
    assert!(began.elapsed() < Duration::from_millis(450), "it waited for the other one");
    assert_eq!(slow.by_ref().count(), 200);
}

fn work_behind_a_slow_item() {
    let pool = pool();
    let mut acts = vec![Act::Give(7); 40];
    acts[0] = Act::Sleep(1_000);
    let began = Instant::now();
    let mut results = pool.imap(ACT, acts).batch(40).unordered();
    let quick: Vec<u64> = results.by_ref().take(39).map(Result::unwrap).collect();
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    assert_eq!((quick, results.next()), (vec![7; 39], Some(Ok(1_000))));
}

fn cancel_is_told() {
    let pool = pool();
    let token = CancelToken::new();
    let mut imap = pool.imap(ACT, std::iter::repeat(Act::Sleep(1))).cancel_with(&token);
    assert_eq!(imap.next(), Some(Ok(1)));
    let other = token.clone();
    std::thread::spawn(move || other.cancel()).join().unwrap();
    assert_eq!(imap.find(Result::is_err), Some(Err(TaskError::Cancelled)));
    assert_eq!(imap.next(), None);
    assert_eq!(pool.imap(DOUBLE, 0..3).cancel_with(&token).next(), Some(Err(TaskError::Cancelled)));
}

fn errors_are_at_their_places() {
    let pool = pool();
    let shut: Vec<_> = pool.imap(SHUT, [Shut(true), Shut(false)]).collect();
    assert!(matches!(&shut[..], [Err(TaskError::Encode(_)), Err(TaskError::Encode(_))]), "{shut:?}");
    let limited = pool.imap(BYTES, [(vec![1], 5), (vec![1; 200], 5), (vec![1], 200)]).size_limit(100);
    let limited: Vec<_> = limited.collect();
    assert_eq!(limited[0], Ok(vec![1; 5]));
    assert!(matches!(limited[1], Err(TaskError::TooLarge { size: 203, limit: 100 })), "{limited:?}");
    assert!(matches!(limited[2], Err(TaskError::TooLarge { size: 202, limit: 100 })), "{limited:?}");
    assert_eq!(pool.imap(NARROW, [9]).next(), Some(Ok(true)));
}

fn large_items_both_ways() {
    let pool = pool();
    let size = 20 << 20;
    let items = (0..6u8).map(move |x| (vec![x; size], size));
    let mut imap = pool.imap(BYTES, items).window(4).window_bytes(1 << 30);
    for x in 0..6u8 {
        let sum = (0..size).fold(0u8, |sum, _| sum.wrapping_add(x));
        assert!(imap.next().unwrap().unwrap() == vec![sum; size]);
    }
    let mut imap = pool.imap(BYTES, [(vec![1], 100 << 20)]).size_limit(1 << 30);
    assert_eq!(imap.next().unwrap().unwrap().len(), 100 << 20);
}

fn not_offered() {
    let pool = pool();
    let mut imap = pool.imap(UNKNOWN, [1, 2]);
    let error = imap.next().unwrap().unwrap_err();
    assert!(error.is_final() && error.to_string().contains("unknown, version 1"), "{error}");
    assert_eq!(imap.next(), None);
}

fn prints_and_reads() {
    let pool = pool();
    let text = "what a function says\0\u{1}\n".repeat(50);
    let acts = [Act::Print(text.clone()), Act::ReadInput, Act::Print(text.clone()), Act::Give(1)];
    let results: Vec<u64> = pool.imap(ACT, acts).map(Result::unwrap).collect();
    assert_eq!(results, [text.len() as u64, 0, text.len() as u64, 1]);
}

fn nested() {
    assert_eq!(pool().imap(ACT, [Act::Nested]).next(), Some(Ok(1)));
}

fn initializer() {
    let pool = builder().env("POOL_PROCESS_TEST", "four").build().unwrap();
    let acts = [Act::Initialized, Act::Variable("POOL_PROCESS_TEST".into()), Act::Parent];
    let results: Vec<u64> = pool.imap(ACT, acts).map(Result::unwrap).collect();
    assert_eq!(results, [42, 4, std::process::id().into()]);
}

fn max_items() {
    let pool = builder().max_items(10).build().unwrap();
    let children: Vec<u64> = pool.imap(ACT, vec![Act::Process; 200]).batch(1).map(Result::unwrap).collect();
    let different: BTreeSet<u64> = children.iter().copied().collect();
    assert_eq!(children.len(), 200);
    assert!(different.len() >= 20, "{} children", different.len());
}

fn max_memory() {
    let pool = builder().processes(1).max_memory(64 << 20).build().unwrap();
    let mut acts = vec![Act::Leak(1 << 20); 200];
    // Memory is measured from time to time.
    acts.extend(vec![Act::Sleep(1); 10]);
    let children: BTreeSet<u64> =
        pool.imap(ACT, acts).batch(1).map(Result::unwrap).filter(|&child| child > 1).collect();
    assert!((2..20).contains(&children.len()), "{} children", children.len());
}

fn threads() {
    let pool = builder().processes(1).threads(4).build().unwrap();
    let began = Instant::now();
    let results: Vec<u64> = pool.imap(ACT, vec![Act::Sleep(200); 8]).batch(1).map(Result::unwrap).collect();
    assert_eq!(results, [200; 8]);
    assert!(began.elapsed() < Duration::from_millis(1_200), "{:?}", began.elapsed());
    let results: Result<Vec<u64>, _> = pool.imap(DOUBLE, 0..50_000).collect();
    assert_eq!(results.unwrap(), (0..50_000).map(|x| x * 2).collect::<Vec<_>>());
}
