//! What a builder sets for the threads, on every backend: hooks, also those that panic, names and stacks.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use pool_conformance::in_own_process;
use pool_core::{BuildError, Builder};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

/// What has happened, in order; every hook and job holds a clone, so it also tells when all are gone.
type Log = Arc<Mutex<Vec<(&'static str, usize)>>>;

fn note(log: &Log, what: &'static str, index: usize) {
    log.lock().unwrap().push((what, index));
}

fn sorted(log: &Log) -> Vec<(&'static str, usize)> {
    let mut entries = log.lock().unwrap().clone();
    entries.sort_unstable();
    entries
}

/// Waits, under the watchdog, for threads that are not joined.
fn until_gone(log: &Log) {
    while Arc::strong_count(log) > 1 {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Both ways to end a pool and to wait for it.
fn ends<P: Backend>() -> [fn(P); 2] {
    [drop, |pool| P::TERMINATE(&pool)]
}

on_every_backend! {
    p16_hooks_begin_and_end_each_thread
    p16_start_hooks_have_run_when_the_pool_is_there
    p16_hooks_may_wait_for_each_other
    a_panicking_start_hook_fails_the_build
    start_hooks_panic_on_all_threads
    p12_a_panicking_exit_hook_ends_there
    p12_an_exit_hook_runs_where_a_job_drops_the_pool
    p9_hooks_that_panic_when_dropped
    p16_threads_have_names
    a_panicking_name_goes_to_the_caller
    p16_a_stack_can_be_large
}

/// A payload that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("the payload of a panic panics on purpose");
        }
    }
}

/// Panics when it is dropped, also while another panic unwinds.
struct Loaded(Log);

impl Drop for Loaded {
    fn drop(&mut self) {
        panic!("a destructor panics on purpose");
    }
}

/// Two that panic in one `drop` would abort the process, so it is one of its own.
fn p9_hooks_that_panic_when_dropped<P: Backend>() {
    let backend = P::NAME.trim_start_matches("pool-");
    in_own_process(&format!("p9_hooks_that_panic_when_dropped::{backend}"), || {
        let log = Log::default();
        let loaded = || {
            let loaded = Loaded(log.clone());
            move |index: usize| note(&loaded.0, "hook", index)
        };
        let builder = || {
            let named = loaded();
            let builder = Builder::<P>::new().threads(2).on_start(loaded()).on_exit(loaded());
            builder.thread_name(move |index| {
                named(index);
                format!("named-{index}")
            })
        };
        for end in ends() {
            let quietly = catch_unwind(AssertUnwindSafe(|| {
                end(builder().on_start(loaded()).build().unwrap());
                drop(builder());
                assert!(builder().threads(0).build().is_err());
            }));
            assert!(quietly.is_ok(), "a panic of a destructor came out");
            until_gone(&log);
        }
    });
}

fn p16_hooks_begin_and_end_each_thread<P: Backend>() {
    for end in ends() {
        let log = Log::default();
        let (starts, exits, jobs) = (log.clone(), log.clone(), log.clone());
        let builder = Builder::<P>::new().threads(1);
        let builder = builder.on_start(move |index| note(&starts, "start", index));
        let pool = builder.on_exit(move |index| note(&exits, "exit", index)).build().unwrap();
        pool.submit(move || note(&jobs, "job", 0)).join().unwrap();
        end(pool);
        assert_eq!(*log.lock().unwrap(), [("start", 0), ("job", 0), ("exit", 0)]);
        assert_eq!(Arc::strong_count(&log), 1, "a hook outlives the pool");
    }
}

fn p16_start_hooks_have_run_when_the_pool_is_there<P: Backend>() {
    let log = Log::default();
    let starts = log.clone();
    let slow = Builder::<P>::new().threads(3).on_start(move |index| {
        thread::sleep(Duration::from_millis(20));
        note(&starts, "start", index);
    });
    let pool = slow.build().unwrap();
    assert_eq!(sorted(&log), [("start", 0), ("start", 1), ("start", 2)]);
    drop(pool);
}

fn p16_hooks_may_wait_for_each_other<P: Backend>() {
    for end in ends() {
        let (starts, exits) = (Barrier::new(3), Barrier::new(3));
        let builder = Builder::<P>::new().threads(3).on_start(move |_| _ = starts.wait());
        end(builder.on_exit(move |_| _ = exits.wait()).build().unwrap());
    }
}

fn a_panicking_start_hook_fails_the_build<P: Backend>() {
    for bad in 0..3 {
        let log = Log::default();
        let (starts, exits) = (log.clone(), log.clone());
        let builder = Builder::<P>::new().threads(3).on_start(move |index| {
            if index == bad {
                panic_any(index);
            }
            note(&starts, "start", index);
        });
        let refused = builder.on_exit(move |index| note(&exits, "exit", index)).build().map(drop);
        let Err(BuildError::Hook(panic)) = refused else { panic!("{refused:?}") };
        assert_eq!(panic.into_payload().downcast_ref(), Some(&bad), "the hook's own payload");
        // Nothing is left, and each thread that began has also ended.
        assert_eq!(Arc::strong_count(&log), 1);
        let others = (0..3).filter(|&index| index != bad);
        let expected: Vec<_> =
            others.clone().map(|i| ("exit", i)).chain(others.map(|i| ("start", i))).collect();
        assert_eq!(sorted(&log), expected);
    }
}

/// One of the panics is in the error. The others end where they are, even if their payloads panic.
fn start_hooks_panic_on_all_threads<P: Backend>() {
    let log = Log::default();
    let starts = log.clone();
    let together = Barrier::new(4);
    let builder = Builder::<P>::new().threads(4).on_start(move |index| {
        note(&starts, "start", index);
        together.wait();
        panic_any(Bomb);
    });
    let refused = builder.build().map(drop);
    let Err(BuildError::Hook(panic)) = refused else { panic!("{refused:?}") };
    std::mem::forget(panic.into_payload());
    assert_eq!(Arc::strong_count(&log), 1);
    assert_eq!(log.lock().unwrap().len(), 4);

    // A thread that cannot start comes first, and takes the panics of the others with it.
    let unnamed = Builder::<P>::new().threads(3).on_start(|_| panic_any(Bomb));
    let unnamed = unnamed.thread_name(|index| if index == 2 { "\0".into() } else { "x".into() });
    let refused = unnamed.build().map(drop);
    assert!(matches!(refused, Err(BuildError::Thread { index: 2, .. })), "{refused:?}");
}

fn p12_a_panicking_exit_hook_ends_there<P: Backend>() {
    for end in ends() {
        let log = Log::default();
        let exits = log.clone();
        let builder = Builder::<P>::new().threads(3).on_exit(move |index| {
            note(&exits, "exit", index);
            panic_any(Bomb);
        });
        let pool = builder.build().unwrap();
        assert!(pool.imap(0..100, |x| x + 1).eq(1..101));
        end(pool);
        assert_eq!(sorted(&log), [("exit", 0), ("exit", 1), ("exit", 2)]);
        assert_eq!(Arc::strong_count(&log), 1);
    }
}

/// The threads end by themselves then, so the hooks come later.
fn p12_an_exit_hook_runs_where_a_job_drops_the_pool<P: Backend>() {
    let log = Log::default();
    let exits = log.clone();
    let builder = Builder::<P>::new().threads(2).on_exit(move |index| {
        note(&exits, "exit", index);
        panic!("a panicking exit hook ends there");
    });
    let pool = Arc::new(builder.build().unwrap());
    let (own, wait) = (pool.clone(), Arc::new(Barrier::new(2)));
    let dropped = wait.clone();
    let last = pool.submit(move || {
        wait.wait();
        drop(own);
    });
    drop(pool);
    dropped.wait();
    last.join().unwrap();
    until_gone(&log);
    assert_eq!(sorted(&log), [("exit", 0), ("exit", 1)]);
}

fn p16_threads_have_names<P: Backend>() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let name_of = |seen: &Arc<Mutex<Vec<String>>>| {
        let seen = seen.clone();
        move |index: usize| {
            let name = thread::current().name().map(String::from);
            seen.lock().unwrap().push(format!("{index}: {}", name.unwrap_or_default()));
        }
    };
    let builder = Builder::<P>::new().threads(2).thread_name(|index| format!("name of {index}"));
    let pool = builder.on_start(name_of(&seen)).on_exit(name_of(&seen)).build().unwrap();
    // Two jobs that meet, so that each thread has one.
    let meet = Arc::new(Barrier::new(2));
    let jobs: Vec<_> = (0..2)
        .map(|_| {
            let meet = meet.clone();
            pool.submit(move || {
                meet.wait();
                thread::current().name().map(String::from)
            })
        })
        .collect();
    let mut names: Vec<_> = jobs.into_iter().filter_map(|job| job.join().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["name of 0", "name of 1"]);
    drop(pool);
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable();
    assert_eq!(seen, ["0: name of 0", "0: name of 0", "1: name of 1", "1: name of 1"]);

    let pool = Builder::<P>::new().threads(1).build().unwrap();
    let name = pool.submit(|| thread::current().name().map(String::from)).join().unwrap();
    assert_eq!(name, Some(format!("{}-0", P::NAME)));
}

/// It is called on the thread that builds. Those already started end.
fn a_panicking_name_goes_to_the_caller<P: Backend>() {
    let log = Log::default();
    let (starts, exits) = (log.clone(), log.clone());
    let builder = Builder::<P>::new().threads(3).on_start(move |index| note(&starts, "start", index));
    let builder = builder.on_exit(move |index| note(&exits, "exit", index));
    let builder = builder.thread_name(|index| if index == 2 { panic_any("no name") } else { "x".into() });
    let built = catch_unwind(AssertUnwindSafe(|| builder.build().map(drop)));
    assert_eq!(built.unwrap_err().downcast_ref(), Some(&"no name"));
    until_gone(&log);
    assert_eq!(sorted(&log), [("exit", 0), ("exit", 1), ("start", 0), ("start", 1)]);
}

/// More than a thread gets unasked; without optimisation each frame takes several times its array. If the
/// stack is not there the process ends.
fn p16_a_stack_can_be_large<P: Backend>() {
    const FRAME: usize = 64 << 10;
    fn descend(left: usize) -> usize {
        let frame = std::hint::black_box([1u8; FRAME]);
        let below = if left > FRAME { descend(left - FRAME) } else { 0 };
        below + usize::from(frame[left % FRAME])
    }
    let pool = Builder::<P>::new().threads(2).stack_size(128 << 20).build().unwrap();
    let depth = 16 << 20;
    assert_eq!(pool.submit(move || descend(depth)).join().unwrap(), depth / FRAME);
}
