//! What is shared without the imap's lock, and has none of its types.

use super::ring::Flags;
use super::window::Progress;
use crate::sync::Parker;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

/// The part of an imap that a token, a scope and the hot path of `next` can reach.
pub struct Control {
    progress: Progress,
    /// How many items a worker that keeps the input in hand has pulled: for statistics.
    pulled: AtomicU64,
    /// Begin nothing. Looked at before every chunk, and when a flag is set.
    cancelled: AtomicBool,
    flags: Arc<Flags>,
    /// There was more to do than threads to do it when a thread last looked: see [`nesting`](super::nesting).
    busy: AtomicBool,
    /// Where the consumer sleeps.
    parker: Parker,
}

impl Control {
    pub(super) fn new() -> Control {
        Control {
            progress: Progress::new(),
            pulled: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            flags: Arc::default(),
            busy: AtomicBool::new(false),
            parker: Parker::new(),
        }
    }

    /// Notes how many results the consumer has got. Returns whether a thread waits for that.
    #[inline(always)]
    pub(crate) fn deliver(&self, count: u64) -> bool {
        self.progress.deliver(count)
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Nothing begins any more, and the consumer looks up.
    ///
    /// The store comes before the flags (see [`Flags::set_all`]), and before the notification: the parker's lock pairs it
    /// with the look that a consumer takes after [`prepare`](Parker::prepare).
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.flags.set_all();
        self.parker.notify();
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    pub(super) fn flags(&self) -> &Arc<Flags> {
        &self.flags
    }

    pub(super) fn parker(&self) -> &Parker {
        &self.parker
    }

    /// Whether there is more to do than threads to do it.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    pub(super) fn note_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
    }

    /// How many items were pulled by a worker that keeps the input in hand, when it last told.
    pub(super) fn pulled_in_hand(&self) -> u64 {
        self.pulled.load(Ordering::Relaxed)
    }

    pub(super) fn note_pulled_in_hand(&self, pulled: u64) {
        self.pulled.store(pulled, Ordering::Relaxed);
    }
}
