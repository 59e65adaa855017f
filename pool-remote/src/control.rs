//! What the consumer, the input and the job of one imap have in common.

use crate::error::TaskError;
use crate::stats::RemoteStats;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What is set on a [`RemoteImap`](crate::RemoteImap).
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many items may be between the input and the consumer; `None`: as the pace says.
    pub window: Option<u64>,
    /// How many bytes of items and results.
    pub window_bytes: u64,
    /// How many items go into a message; `None`: as the pace says.
    pub batch: Option<u64>,
    /// How often an item is tried.
    pub attempts: u32,
    /// How long an item may take.
    pub item_timeout: Option<Duration>,
    /// How long there may be no worker.
    pub no_worker_timeout: Option<Duration>,
    /// How large an item or a result may be.
    pub size_limit: u64,
    /// Whether results come as they are there.
    pub unordered: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            window: None,
            window_bytes: 32 << 20,
            batch: None,
            attempts: 1,
            item_timeout: None,
            no_worker_timeout: None,
            size_limit: 64 << 20,
            unordered: false,
        }
    }
}

/// How a job is told that there is something to look at. The transport says how; before it has, nothing happens.
#[derive(Default)]
pub struct Bell(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl Bell {
    /// Calls this from now on. The first one counts.
    pub fn set(&self, ring: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(ring));
    }

    /// Tells the job.
    pub fn ring(&self) {
        if let Some(ring) = self.0.get() {
            ring();
        }
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").finish_non_exhaustive()
    }
}

/// Whether the imap goes on, and how it is doing.
#[derive(Debug, Default)]
pub struct Control {
    stopped: AtomicBool,
    stop: Arc<Bell>,
    failure: Mutex<Option<TaskError>>,
    stats: Mutex<RemoteStats>,
}

impl Control {
    /// One that tells the job by `stop` that it is over.
    pub fn new(stop: Arc<Bell>) -> Control {
        Control { stop, ..Control::default() }
    }

    /// Ends the job; the consumer is told why.
    pub fn cancel(&self) {
        self.fail(TaskError::Cancelled);
        self.end();
    }

    /// Ends the job.
    pub fn end(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.stop.ring();
    }

    /// Whether the job is to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// The first failure is the one that is told.
    pub fn fail(&self, error: TaskError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }

    /// The failure, once.
    pub fn take_failure(&self) -> Option<TaskError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How it is doing, to be read and to be changed.
    pub fn stats(&self) -> MutexGuard<'_, RemoteStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
