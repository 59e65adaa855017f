//! What is shared without the imap's lock, and has none of its types.

use super::ring::{Flags, set_all};
use crate::sync::Parker;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

/// What the consumer touches for every item, alone in its cache lines.
#[repr(align(128))]
pub(super) struct Progress {
    /// How many results the consumer has been handed.
    pub(super) delivered: AtomicU64,
    /// The count of delivered results at which a thread that feeds wants to be called again.
    pub(super) wake_at: AtomicU64,
}

/// The part of an imap that a token, a scope and the hot path of `next` can reach.
pub struct Control {
    pub(super) progress: Progress,
    /// How many items a worker that keeps the input in hand has pulled: for statistics.
    pub(super) pulled: AtomicU64,
    /// Begin nothing. Looked at before every chunk, and when a flag is set.
    cancelled: AtomicBool,
    pub(super) flags: Arc<Flags>,
    /// There was more to do than threads to do it when a thread last looked: see [`nesting`](super::nesting).
    busy: AtomicBool,
    /// Where the consumer sleeps.
    pub(super) parker: Parker,
}

impl Control {
    pub(super) fn new() -> Control {
        Control {
            progress: Progress { delivered: AtomicU64::new(0), wake_at: AtomicU64::new(u64::MAX) },
            pulled: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            flags: Arc::default(),
            busy: AtomicBool::new(false),
            parker: Parker::new(),
        }
    }

    /// Notes how many results the consumer has got. Returns whether a thread waits for that.
    ///
    /// Release: pairs with the load in [`Window::room`](super::window::Window::room), so that what the consumer did
    /// with results before is done when an item is pulled in their place.
    #[inline(always)]
    pub(crate) fn deliver(&self, count: u64) -> bool {
        self.progress.delivered.store(count, Ordering::Release);
        count >= self.progress.wake_at.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether there is more to do than threads to do it.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    pub(super) fn note_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
    }

    /// Nothing begins any more, and the consumer looks up.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        set_all(&self.flags);
        self.parker.notify();
    }
}
