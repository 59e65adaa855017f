//! Executors, destructors and wakers that panic: nothing is lost but what they were to do.
//!
//! The first list runs on every backend, wrapped in an executor that panics once. The second has a pool of its
//! own that panics all the time ([`Hostile`]): results that come are right, borrowed values are still there,
//! everything is dropped once, and nothing hangs.

use super::bombs::Bomb;
use crate::chaos::{HOSTILE, Hostile};
use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::subject::AnyPool;
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Counted};
use crate::suite::wrapped::{Wrapped, Wrapper};
use futures::Stream;
use pool_core::backend::Job;
use pool_core::{CancelToken, Cancelled, Executor, JobError, JobHandle};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

/// A pool with a method that panics once, at its next call.
type Armed = Wrapped<PanicsOnce>;

struct PanicsOnce {
    pool: AnyPool,
    method: &'static str,
    armed: AtomicBool,
}

/// All methods but `spawn`, whose panic is the caller's.
const ASKED: [&str; 4] = ["threads", "has_waiting", "is_worker", "pool_id"];

impl Armed {
    fn new(pool: AnyPool, method: &'static str) -> Armed {
        Wrapped(PanicsOnce { pool, method, armed: AtomicBool::new(false) })
    }

    fn arm(&self) {
        self.0.armed.store(true, SeqCst);
    }
}

impl Wrapper for PanicsOnce {
    fn pool(&self) -> &dyn Executor {
        &self.pool
    }

    fn asked(&self, method: &str) {
        if method == self.method && self.armed.swap(false, SeqCst) {
            panic_on_purpose(HOSTILE);
        }
    }

    fn spawn(&self, job: Job) {
        self.asked("spawn, dropped");
        if self.method == "spawn, leaked" && self.armed.load(SeqCst) {
            std::mem::forget(job);
            return self.asked("spawn, leaked");
        }
        self.pool.spawn(job);
        self.asked("spawn, queued");
    }
}

/// Whether a payload is that of a panic of the executor.
fn is_hostile(payload: &(dyn std::any::Any + Send)) -> bool {
    payload.downcast_ref() == Some(&OnPurpose(HOSTILE))
}

/// A waker that panics when it wakes and when it is dropped.
struct Bad;

impl Wake for Bad {
    fn wake(self: Arc<Self>) {
        panic_on_purpose(1);
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        panic_on_purpose(2);
    }
}

/// Keeps one thread of a pool busy until the sender is dropped.
fn occupy(pool: &impl Executor) -> (mpsc::Sender<()>, JobHandle<()>) {
    let (open, gate) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let busy = pool.submit(move || {
        begin.send(()).unwrap();
        let _ = gate.recv();
    });
    begun.recv().unwrap();
    (open, busy)
}

/// Reads what is borrowed for a while, and says whether it was always there.
fn is_intact(data: &[u64]) -> bool {
    (0..10).all(|_| {
        thread::sleep(Duration::from_millis(1));
        data.iter().all(|x| *x == 7)
    })
}

promises! {
    fn p9_scope_waits_whatever_an_executor_does(subject) {
        for method in ASKED {
            let pool = Armed::new(subject.pool(2), method);
            let data = vec![7u64; 1 << 10];
            let ended = AtomicUsize::new(0);
            pool.scope(|s| {
                for _ in 0..3 {
                    drop(s.submit(|| {
                        assert!(is_intact(&data));
                        ended.fetch_add(1, SeqCst);
                    }));
                }
                pool.arm();
            });
            assert_eq!(ended.load(SeqCst), 3, "{method}");
        }
    }

    fn p9_scope_waits_whatever_a_waker_does(subject) {
        let pool = subject.pool(2);
        let data = vec![7u64; 1 << 10];
        let ended = AtomicUsize::new(0);
        pool.scope(|s| {
            let mut stream = s.imap([1], |_| thread::sleep(Duration::from_millis(20))).into_stream();
            let waker = Waker::from(Arc::new(Bad));
            assert!(Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker)).is_pending());
            std::mem::forget((stream, waker));
            drop(s.submit(|| {
                assert!(is_intact(&data));
                ended.fetch_add(1, SeqCst);
            }));
        });
        assert_eq!(ended.load(SeqCst), 1);
    }

    fn p9_scope_waits_whatever_spawn_does(subject) {
        for method in ["spawn, dropped", "spawn, queued", "spawn, leaked"] {
            let pool = Armed::new(subject.pool(2), method);
            let data = vec![7u64; 1 << 10];
            let ended = AtomicUsize::new(0);
            let payload = catch_unwind(AssertUnwindSafe(|| {
                pool.scope(|s| {
                    let job = || {
                        assert!(is_intact(&data));
                        ended.fetch_add(1, SeqCst);
                    };
                    drop(s.submit(job));
                    pool.arm();
                    drop(s.submit(job));
                });
            })).expect_err(method);
            assert!(is_hostile(&*payload), "{method}");
            // The second may have begun before.
            let ended = ended.load(SeqCst);
            assert!(ended == 1 || (ended == 2 && method == "spawn, queued"), "{ended} with {method}");
        }
    }

    fn p9_a_job_whose_spawn_panics_is_dropped_once(subject) {
        for method in ["spawn, dropped", "spawn, queued", "spawn, leaked"] {
            let pool = Armed::new(subject.pool(1), method);
            let alive = Alive::default();
            let captured = alive.new_one();
            pool.arm();
            let payload = catch_unwind(AssertUnwindSafe(|| pool.submit(move || captured))).expect_err(method);
            assert!(is_hostile(&*payload), "{method}");
            alive.wait_for(0);
            assert_eq!(pool.submit(|| 1).join().unwrap(), 1);
        }
    }

    fn p9_map_works_whatever_an_executor_answers(subject) {
        for method in ASKED {
            let pool = Armed::new(subject.pool(2), method);
            pool.arm();
            assert!(pool.map(0..1_000u64, |x| x + 1).into_iter().eq(1..=1_000), "{method}");
        }
    }

    fn p9_imap_works_whatever_an_executor_answers(subject) {
        for method in ASKED {
            let pool = Armed::new(subject.pool(2), method);
            pool.arm();
            let mut imap = pool.imap(0..1_000u64, |x| x + 1);
            for k in 0..1_000 {
                if k % 100 == 1 {
                    pool.arm();
                }
                assert_eq!(imap.next(), Some(k + 1), "{method}");
            }
            assert_eq!(imap.next(), None);
        }
    }

    fn p9_imap_ends_whatever_spawn_does(subject) {
        for method in ["spawn, dropped", "spawn, queued", "spawn, leaked"] {
            let alive = Alive::default();
            let pool = Armed::new(subject.pool(2), method);
            let of_items = alive.clone();
            let items = (0..100u64).map(move |k| (k, of_items.new_one()));
            let mut imap = pool.imap(items, |(k, item)| (k + 1, item));
            pool.arm();
            let payload = catch_unwind(AssertUnwindSafe(|| imap.next())).err();
            assert!(payload.is_some_and(|payload| is_hostile(&*payload)), "{method}: not the caller's");
            check_results(&mut imap, |(k, _)| k, 100);
            drop(imap);
            drop(pool);
            alive.wait_for(0);
        }
    }

    fn p9_map_drops_what_panics_when_dropped(subject) {
        let pool = subject.pool(2);
        let alive = Alive::default();
        for _ in 0..20 {
            // Not a `Vec`: what is left of one is dropped in one go, which is not for the engine to change.
            let items = (0..300).map(|n| (n, Bomb::new(&alive)));
            let payload = catch_unwind(AssertUnwindSafe(|| {
                // The panic at 200 leaves results before it and items behind it.
                pool.map(items, |(n, bomb)| {
                    if n == 200 {
                        std::mem::forget(bomb);
                        panic_on_purpose(n);
                    }
                    bomb
                })
            })).err().expect("the panic of an item");
            assert_eq!(payload.downcast_ref(), Some(&OnPurpose(200)));
        }
        // Each round has forgotten one.
        alive.wait_for(20);
    }

    fn p9_results_of_jobs_that_panic_when_dropped(subject) {
        let pool = subject.pool(1);
        let alive = Alive::default();
        let handles: Vec<_> = (0..10).map(|_| { let bomb = Bomb::new(&alive); pool.submit(|| bomb) }).collect();
        pool.submit(|| ()).join().unwrap();
        // In one go: a second panic would abort.
        drop(handles);
        alive.wait_for(0);
        pool.scope(|s| for _ in 0..10 { let bomb = Bomb::new(&alive); drop(s.submit(|| bomb)) });
        assert_eq!(alive.count(), 0);
    }

    fn p9_cancelled_functions_that_panic_when_dropped(subject) {
        let pool = subject.pool(1);
        let alive = Alive::default();
        let (open, busy) = occupy(&pool);
        let handles: Vec<_> = (0..10).map(|_| { let bomb = Bomb::new(&alive); pool.submit(|| drop(bomb)) }).collect();
        let cancelled = handles.iter().filter(|handle| handle.cancel()).count();
        drop(open);
        busy.join().unwrap();
        drop(handles);
        assert_eq!(cancelled, 10);
        alive.wait_for(0);
    }

    fn p9_payloads_that_panic_when_dropped(subject) {
        let pool = subject.pool(2);
        let alive = Alive::default();
        let caught: Vec<_> = {
            let alive = alive.clone();
            pool.imap(0..10, move |_| panic_any(Bomb::new(&alive))).catch_panics().collect()
        };
        assert!(caught.iter().all(Result::is_err));
        drop(caught);
        alive.wait_for(0);
        let payload = catch_unwind(AssertUnwindSafe(|| {
            pool.scope(|s| for _ in 0..5 { drop(s.submit(|| panic_any(Bomb::new(&alive)))) });
        })).unwrap_err();
        assert_eq!(alive.count(), 1, "the first is the scope's");
        assert!(catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err());
    }

    fn p9_a_waker_that_panics_costs_one_wake_up(subject) {
        let pool = subject.pool(1);
        for end in ["done", "cancelled"] {
            let (open, busy) = occupy(&pool);
            let mut handle = pool.submit(|| 5);
            let waker = Waker::from(Arc::new(Bad));
            assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(&waker)).is_pending());
            std::mem::forget(waker);
            if end == "cancelled" {
                assert!(handle.cancel());
            }
            drop(open);
            busy.join().unwrap();
            match handle.join() {
                Ok(5) if end == "done" => {}
                Err(JobError::Cancelled) if end == "cancelled" => {}
                other => panic!("{end}: {other:?}"),
            }
            assert_eq!(pool.submit(|| 1).join().unwrap(), 1, "the worker is well");
        }
    }

    fn p9_a_waker_that_panics_does_not_stop_cancel(subject) {
        let pool = subject.pool(1);
        let token = CancelToken::new();
        let (open, busy) = occupy(&pool);
        let mut streams = Vec::new();
        for _ in 0..3 {
            let mut stream = pool.imap(0u64.., |x| x).cancel_with(&token).into_stream();
            let waker = Waker::from(Arc::new(Bad));
            assert!(Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker)).is_pending());
            std::mem::forget(waker);
            streams.push(stream);
        }
        let mut imap = pool.imap(0u64.., |x| x).cancel_with(&token).start();
        token.cancel();
        assert_eq!(imap.next(), None);
        assert!(imap.is_cancelled());
        drop(open);
        busy.join().unwrap();
        for stream in &mut streams {
            let waker = Waker::noop();
            assert!(Pin::new(stream).poll_next(&mut Context::from_waker(waker)).is_ready());
        }
    }
}

/// Takes what an imap of `k + 1` for `0..len` still gives. Panics of the executor, and the end of those whose jobs
/// were dropped, may come; results are right, in order, and come once.
#[track_caller]
fn check_results<T>(imap: &mut impl Iterator<Item = T>, number: impl Fn(T) -> u64, len: u64) {
    let (mut last, mut panics) = (0, 0);
    loop {
        match catch_unwind(AssertUnwindSafe(|| imap.next())) {
            Ok(None) => break,
            Ok(Some(value)) => {
                let value = number(value);
                assert!(last < value && value <= len, "{value} after {last}");
                last = value;
            }
            Err(payload) => {
                panics += 1;
                assert!(is_hostile(&*payload) || payload.is::<Cancelled>(), "not a panic of the executor");
                assert!(panics < 10_000, "it panics for ever");
            }
        }
    }
    assert!(imap.next().is_none(), "fused");
}

/// The tests that have a hostile pool of their own.
pub(in crate::suite) fn on_hostile_pools() -> Vec<(&'static str, fn())> {
    vec![
        ("p9_submit", submit),
        ("p9_scope", scope),
        ("p9_map", map),
        ("p9_imap", imap),
        ("p9_imap_left_early", imap_left_early),
        ("p9_unordered", unordered),
        ("p9_local", local),
        ("p9_stream", stream),
        ("p9_nested", nested),
    ]
}

/// Pools that panic at different times, often and seldom.
fn pools() -> impl Iterator<Item = Hostile> {
    (1..=20)
        .flat_map(|seed| [(1, 4), (2, 20), (3, 100)].map(|(threads, odds)| Hostile::new(threads, seed, odds)))
}

/// What `f` returns, unless the executor panics or has dropped a job.
#[track_caller]
fn unless_hostile<R>(f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => Some(result),
        Err(payload) if is_hostile(&*payload) || payload.is::<Cancelled>() => None,
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

fn submit() {
    for pool in pools() {
        let alive = Alive::default();
        for k in 0..50u64 {
            let captured = alive.new_one();
            let Some(handle) = unless_hostile(|| pool.submit(move || (k, captured))) else { continue };
            match handle.join() {
                Ok((value, _)) => assert_eq!(value, k),
                Err(JobError::Cancelled) => {}
                Err(other) => panic!("{other}"),
            }
        }
        drop(pool);
        alive.wait_for(0);
    }
}

fn scope() {
    for pool in pools() {
        for _ in 0..10 {
            // Freed at the end of each round.
            let data = vec![7u64; 256];
            let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
            unless_hostile(|| {
                pool.scope(|s| {
                    drop(s.submit(|| {
                        begun.fetch_add(1, SeqCst);
                        assert!(data.iter().all(|x| *x == 7));
                        thread::yield_now();
                        ended.fetch_add(1, SeqCst);
                    }));
                    let mut imap = s.imap(&data, |x| {
                        begun.fetch_add(1, SeqCst);
                        thread::yield_now();
                        ended.fetch_add(1, SeqCst);
                        *x
                    });
                    assert!(imap.next().is_none_or(|x| x == 7));
                    std::mem::forget(imap);
                });
            });
            assert_eq!(begun.load(SeqCst), ended.load(SeqCst));
        }
    }
}

fn map() {
    for pool in pools() {
        let alive = Alive::default();
        let items: Vec<_> = (0..200u64).map(|k| (k, alive.new_one())).collect();
        if let Some(mapped) = unless_hostile(|| pool.map(items, |(k, item)| (k + 1, item))) {
            assert!(mapped.iter().map(|(k, _)| *k).eq(1..=200));
        }
        assert_eq!(alive.count(), 0, "map borrows, so nothing is left behind");
    }
}

/// Items and results that count themselves, through an imap that `take` takes results from.
fn counted(pool: &Hostile, alive: &Alive, take: impl FnOnce(pool_core::Imap<'_, (u64, Counted)>)) {
    let (of_items, of_results) = (alive.clone(), alive.clone());
    let items = (0..200u64).map(move |k| (k, of_items.new_one()));
    unless_hostile(|| take(pool.imap(items, move |(k, _item)| (k + 1, of_results.new_one()))));
}

fn imap() {
    for pool in pools() {
        let alive = Alive::default();
        counted(&pool, &alive, |mut imap| check_results(&mut imap, |(k, _)| k, 200));
        drop(pool);
        alive.wait_for(0);
    }
}

fn imap_left_early() {
    for pool in pools() {
        let alive = Alive::default();
        counted(&pool, &alive, |mut imap| drop(imap.by_ref().take(10).collect::<Vec<_>>()));
        drop(pool);
        alive.wait_for(0);
    }
}

fn unordered() {
    for pool in pools() {
        let alive = Alive::default();
        counted(&pool, &alive, |imap| {
            let mut seen = [false; 201];
            for (k, _) in imap.unordered() {
                assert!(!std::mem::replace(&mut seen[k as usize], true), "{k} twice");
            }
        });
        drop(pool);
        alive.wait_for(0);
    }
}

fn local() {
    for pool in pools() {
        unless_hostile(|| check_results(&mut pool.imap_local(0..200u64, |k| k + 1), |k| k, 200));
    }
}

fn stream() {
    for pool in pools() {
        let alive = Alive::default();
        counted(&pool, &alive, |imap| {
            let mut stream = futures::executor::block_on_stream(imap.into_stream());
            check_results(&mut stream, |(k, _)| k, 200);
        });
        drop(pool);
        alive.wait_for(0);
    }
}

fn nested() {
    for pool in pools() {
        let pool = Arc::new(pool);
        let inner = pool.clone();
        unless_hostile(|| {
            let sums = pool.imap(0..30u64, move |n| {
                unless_hostile(|| {
                    let mapped = inner.map(0..n, |x| x).into_iter().sum::<u64>();
                    let submitted = inner.submit(move || n).join();
                    let scoped = inner.scope(|s| s.imap(0..n, |x| x).sum::<u64>());
                    (mapped, submitted.ok(), scoped)
                })
                .map(|sums| (n, sums))
            });
            for (n, (mapped, submitted, scoped)) in sums.flatten() {
                let sum = n * n.saturating_sub(1) / 2;
                assert_eq!((mapped, scoped), (sum, sum));
                assert!(submitted.is_none_or(|value| value == n));
            }
        });
    }
}
