//! What looks at an imap from inside: from its input and its function.

use super::scenario::{Bytes, Call, Plan, Results};
use super::values::Ledger;
use pool_core::{CancelToken, MAX_DEFAULT_WINDOW_PER_THREAD};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

pub(super) struct Watch {
    ledger: Ledger,
    window: u64,
    /// The limit of bytes, where it is exact.
    bytes: Option<u64>,
    /// How many threads may be at work.
    most: usize,
    /// The thread that only waits (P16).
    consumer: Option<ThreadId>,
    local: bool,
    asked: Mutex<Asked>,
    changed: Condvar,
    running: AtomicUsize,
    /// Set before the imap is cancelled.
    pub cancelled: AtomicBool,
    pub token: CancelToken,
    /// A copy of `asked.handed`, for the function.
    handed: AtomicU64,
}

/// What the consumer has asked for.
#[derive(Default)]
struct Asked {
    /// It has begun.
    begun: bool,
    /// It has these results, and calls again.
    handed: u64,
    bytes: u64,
    /// It has this many results, whether or not it has called again.
    received: u64,
    /// It does not ask any more.
    over: bool,
}

impl Watch {
    /// Of an imap on a pool with this many threads. `waits` says that this thread consumes, and must not work.
    pub(super) fn new(plan: &Plan, threads: usize, waits: bool, ledger: &Ledger) -> Watch {
        let settings = &plan.settings;
        let most = settings.threads.map_or(threads, |most| most.min(threads));
        let default = MAX_DEFAULT_WINDOW_PER_THREAD * threads;
        let in_time = plan.call == Call::Next && !matches!(plan.results, Results::ItemLimit(_));
        Watch {
            ledger: ledger.clone(),
            window: settings.window.unwrap_or(default) as u64,
            bytes: match settings.bytes {
                Bytes::Own(limit) if in_time => Some(limit as u64),
                _ => None,
            },
            most,
            consumer: waits.then(|| thread::current().id()),
            local: plan.local,
            asked: Mutex::default(),
            changed: Condvar::new(),
            running: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
            token: CancelToken::new(),
            handed: AtomicU64::new(0),
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The consumer has this many results, of this many bytes, and asks for the next.
    pub(super) fn ask(&self, handed: u64, bytes: u64) {
        let mut asked = self.asked();
        asked.begun = true;
        asked.handed = handed;
        asked.bytes = bytes;
        self.handed.store(handed, Ordering::SeqCst);
    }

    /// The consumer has got this many results.
    pub(super) fn receive(&self, received: u64) {
        self.asked().received = received;
        self.changed.notify_all();
    }

    /// The consumer asks for nothing more.
    pub(super) fn end(&self) {
        self.asked().over = true;
        self.changed.notify_all();
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.token.cancel();
    }

    /// The input's `next` was called for this item; the items before it have this many bytes.
    pub(super) fn check_pull(&self, item: u64, pulled: u64) {
        let asked = self.asked();
        if !asked.begun {
            self.ledger.note("P2: pulled before it was asked for");
        }
        if item >= asked.handed + self.window {
            self.ledger.note(format!("P3: item {item} pulled when {} were handed out", asked.handed));
        }
        if self.bytes.is_some_and(|limit| pulled - asked.bytes.min(pulled) >= limit) && item > asked.handed {
            self.ledger.note(format!("P3: item {item} pulled beside {} bytes", pulled - asked.bytes));
        }
        drop(asked);
        if !self.local {
            self.check_thread("the input");
        }
    }

    fn check_thread(&self, what: &str) {
        if self.consumer == Some(thread::current().id()) {
            self.ledger.note(format!("P16: {what} ran on the consumer's thread"));
        }
    }

    /// Waits until the consumer has this many results, or is gone.
    pub(super) fn wait_for(&self, received: u64) {
        let mut asked = self.asked();
        while asked.received < received && !asked.over && !self.token.is_cancelled() {
            asked = self.changed.wait_timeout(asked, super::TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// An item has begun. It ends when this is dropped.
    pub(super) fn begin(&self, item: u64) -> Running<'_> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        if running > self.most {
            self.ledger.note(format!("{running} items ran at the same time, of at most {}", self.most));
        }
        if item >= self.handed.load(Ordering::SeqCst) + self.window {
            self.ledger.note(format!("P3: item {item} began outside of the window"));
        }
        self.check_thread("the function");
        Running(self)
    }

    /// Notes a fault if an item still runs.
    pub(super) fn check_idle(&self) {
        let running = self.running.load(Ordering::SeqCst);
        if running > 0 {
            self.ledger.note(format!("{running} items ran behind the end of their scope"));
        }
    }
}

pub(super) struct Running<'a>(&'a Watch);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
