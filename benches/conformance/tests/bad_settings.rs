//! What a caller can get wrong: each gives a clear message, and a panic points at the caller's line.

use pool_channel::ChannelPool;
use pool_core::backend::Build;
use pool_core::doubles::Inline;
use pool_core::watchdog::{LIMIT, within};
use pool_core::{BuildError, Builder, Executor};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};

/// The messages of panics and the files that they point at.
fn log() -> &'static Mutex<Vec<(String, String)>> {
    static LOG: OnceLock<Mutex<Vec<(String, String)>>> = OnceLock::new();
    LOG.get_or_init(|| {
        std::panic::set_hook(Box::new(|info| {
            let file = info.location().map_or(String::new(), |location| location.file().to_string());
            let string = info.payload().downcast_ref::<String>().map(String::as_str);
            let message = string.or(info.payload().downcast_ref::<&str>().copied()).unwrap_or("").to_string();
            log().lock().unwrap().push((message, file));
        }));
        Mutex::default()
    })
}

fn panics_here(message: &str, run: impl FnOnce()) {
    let log = log();
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "no panic: {message}");
    let entries = log.lock().unwrap().clone();
    let found = entries.iter().any(|(said, file)| said.contains(message) && file == file!());
    assert!(found, "no panic here that says {message:?}: {entries:?}");
}

#[test]
fn settings_of_an_imap() {
    panics_here("window(0)", || drop(Inline.imap(0..3, |x| x).window(0)));
    panics_here("chunk(0)", || drop(Inline.imap(0..3, |x| x).chunk(0)));
    panics_here("window must be set before", || {
        let mut imap = Inline.imap(0..3, |x| x);
        imap.next();
        drop(imap.window(3));
    });
    panics_here("item_timeout must be set before", || {
        drop(Inline.imap(0..3, |x| x).start().item_timeout(std::time::Duration::ZERO));
    });
    panics_here("chunk must be set before", || {
        drop(Inline.imap(0..3, |x| x).catch_panics().start().chunk(3));
    });
}

fn builds_badly<P: Build + std::fmt::Debug>(builder: fn() -> Builder<P>) {
    assert!(matches!(builder().threads(0).build(), Err(BuildError::ZeroThreads)));
    let message = builder().threads(0).build().unwrap_err().to_string();
    assert!(message.contains("at least one thread"), "{message}");

    // A stack that no system can give: no thread is left.
    let exits = Arc::new(Mutex::new(Vec::new()));
    let (ends, seen) = (exits.clone(), exits.clone());
    let refused = builder().threads(3).stack_size(usize::MAX / 4).build();
    assert!(matches!(refused, Err(BuildError::Thread { index: 0, .. })), "{refused:?}");

    // The second thread cannot start: the first one ends again.
    let named = builder().threads(3).thread_name(|index| if index == 1 { "\0".into() } else { "x".into() });
    let refused = named.on_exit(move |index| ends.lock().unwrap().push(index)).build();
    assert!(matches!(refused, Err(BuildError::Thread { index: 1, .. })), "{refused:?}");
    assert_eq!(*seen.lock().unwrap(), [0]);

    let hooked = builder().threads(3).on_start(|index| assert_ne!(index, 2, "on purpose"));
    let refused = hooked.build();
    assert!(matches!(&refused, Err(BuildError::Hook(panic)) if panic.message().is_some()), "{refused:?}");
}

#[test]
fn pools_that_cannot_be_built() {
    log();
    within(LIMIT, || {
        builds_badly(ChannelPool::builder);
        builds_badly(StealingPool::builder);
        builds_badly(RayonPool::builder);
    });
}

fn builds_well<P: Build + Executor>(builder: fn() -> Builder<P>) {
    let hooks = Arc::new(Mutex::new(Vec::new()));
    let (starts, exits) = (hooks.clone(), hooks.clone());
    let pool = builder()
        .threads(2)
        .thread_name(|index| format!("mine-{index}"))
        .stack_size(1 << 20)
        .on_start(move |index| starts.lock().unwrap().push(("start", index)))
        .on_exit(move |index| {
            exits.lock().unwrap().push(("exit", index));
            panic!("a panicking exit hook ends there");
        })
        .build()
        .unwrap();
    let name = pool.submit(|| std::thread::current().name().map(str::to_string)).join().unwrap().unwrap();
    assert!(name.starts_with("mine-"), "{name}");
    drop(pool);
    let mut hooks = hooks.lock().unwrap().clone();
    hooks.sort_unstable();
    assert_eq!(hooks, [("exit", 0), ("exit", 1), ("start", 0), ("start", 1)]);
    assert!(builder().build().unwrap().threads() >= 1);
}

#[test]
fn pools_with_everything() {
    log();
    within(LIMIT, || {
        builds_well(ChannelPool::builder);
        builds_well(StealingPool::builder);
        builds_well(RayonPool::builder);
    });
}

#[test]
fn p8_on_a_rayon_pool_made_elsewhere() {
    within(LIMIT, || {
        let rayon = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap());
        let pool = Arc::new(RayonPool::from_pool(rayon.clone()));
        let inside = pool.clone();
        // On the only thread of the pool, in a closure that is not a job of ours.
        let sum = rayon.install(move || inside.imap(0..1_000u64, |x| x).sum::<u64>());
        assert_eq!(sum, 499_500);
        let joined = pool.clone();
        assert_eq!(rayon.install(move || joined.submit(|| 4).join().unwrap()), 4);
        drop(pool);
        // The user's pool lives on.
        assert_eq!(rayon.install(|| 7), 7);
    });
}
