//! What tests of several promises need: a gate, values that count themselves, and limits.

use pool_core::Timeout;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes that does not hang.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// A limit that hanging items run into.
pub(super) const SHORT: Duration = Duration::from_millis(5);

/// Holds up each thread that comes, until it is opened or dropped. To be declared after the pool, so that a test
/// that fails lets go of the pool's threads.
pub(super) struct Gate(Door);

/// Where to wait for a gate.
#[derive(Clone, Default)]
pub(super) struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(super) fn closed() -> Gate {
        Gate(Door::default())
    }

    pub(super) fn door(&self) -> Door {
        self.0.clone()
    }

    /// A function that gives back its item, and holds this one up.
    pub(super) fn holds(&self, held: u64) -> impl Fn(u64) -> u64 + Send + Sync + use<> {
        let door = self.door();
        move |item| {
            if item == held {
                door.pass();
            }
            item
        }
    }

    pub(super) fn open(&self) {
        *self.0.0.0.lock().unwrap() = true;
        self.0.0.1.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl Door {
    pub(super) fn pass(&self) {
        let mut open = self.0.0.lock().unwrap();
        while !*open {
            open = self.0.1.wait(open).unwrap();
        }
    }
}

/// A function that gives back its item, and fails where more threads than this are in it.
pub(super) fn on_threads(most: usize) -> impl Fn(u64) -> u64 + Send + Sync + 'static {
    let inside = AtomicUsize::new(0);
    move |item| {
        let before = inside.fetch_add(1, Ordering::SeqCst);
        assert!(before < most, "{} threads are at work", before + 1);
        thread::sleep(Duration::from_micros(100));
        inside.fetch_sub(1, Ordering::SeqCst);
        item
    }
}

/// How many [`Counted`] are alive.
#[derive(Clone, Debug, Default)]
pub(super) struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// A value that counts while it lives.
    pub(super) fn new_one(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.0.clone())
    }

    /// Waits until `count` are left.
    #[track_caller]
    pub(super) fn wait_for(&self, count: usize) {
        soon(&format!("{count} values alive"), || self.count() == count);
    }
}

pub(super) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        let before = self.0.fetch_sub(1, Ordering::SeqCst);
        assert!(before > 0, "dropped more often than made");
    }
}

/// An input of this many items that looks itself whether it is pulled too early: item k + `window` not before k + 1 results
/// have been handed over, which the caller counts.
pub(super) fn within_window(
    items: u64,
    window: u64,
) -> (impl Iterator<Item = u64> + Send + 'static, Arc<AtomicU64>) {
    let handed = Arc::new(AtomicU64::new(0));
    let seen = handed.clone();
    let input = (0..items).inspect(move |item| {
        let handed = seen.load(Ordering::SeqCst);
        assert!(*item < handed + window, "item {item} was pulled when {handed} had been handed over");
    });
    (input, handed)
}

/// Waits until something is so.
///
/// # Panics
///
/// If it does not become so.
#[track_caller]
pub(super) fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONG, "never so: {what}");
        thread::sleep(Duration::from_micros(200));
    }
}

/// The index of the item that the next call finds late.
#[track_caller]
pub(super) fn late<T>(imap: &mut Timeout<'_, T>) -> u64 {
    match imap.next() {
        Some(Err(late)) => late.index(),
        Some(Ok(_)) => panic!("a result, though its item hangs"),
        None => panic!("the end, though an item hangs"),
    }
}

/// The next result, however often a busy machine makes it late.
pub(super) fn at_last<T>(imap: &mut Timeout<'_, T>) -> Option<T> {
    loop {
        match imap.next() {
            Some(Ok(value)) => return Some(value),
            Some(Err(_)) => {}
            None => return None,
        }
    }
}
