//! What is shared without the imap's lock, and has none of its types.

use super::parker::Parker;
use super::ring::{Flags, set_all};
use crate::sync::Stamp;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// For how long an imap that had more to do than threads is taken to have so: see [`nesting`](super::nesting).
const BUSY: Duration = Duration::from_millis(2);

/// Alone in its cache lines.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct Padded<A>(pub(crate) A);

/// The part of an imap that a token, a scope and the hot path of `next` can reach.
pub struct Control {
    /// How many results the consumer has been handed. Written for every item.
    pub(super) delivered: Padded<AtomicU64>,
    /// The count of delivered results at which a thread that feeds wants to be called again.
    pub(super) wake_at: Padded<AtomicU64>,
    /// How many items a worker that keeps the input in hand has pulled: for statistics.
    pub(super) pulled: Padded<AtomicU64>,
    /// Begin nothing. Looked at before every chunk, and when a flag is set.
    cancelled: AtomicBool,
    pub(super) flags: Arc<Flags>,
    /// Until when there is more to do than threads to do it, in nanoseconds since the imap was made.
    busy_until: Padded<AtomicU64>,
    made: Stamp,
    /// Where the consumer sleeps.
    pub(super) parker: Parker,
}

impl Control {
    pub(super) fn new() -> Control {
        Control {
            delivered: Padded::default(),
            wake_at: Padded(AtomicU64::new(u64::MAX)),
            pulled: Padded::default(),
            cancelled: AtomicBool::new(false),
            flags: Arc::default(),
            busy_until: Padded::default(),
            made: Stamp::now(),
            parker: Parker::new(),
        }
    }

    /// Notes how many results the consumer has got. Returns whether a thread waits for that.
    ///
    /// Release: pairs with the load in [`Window::room`](super::window::Window::room), so that what the consumer did
    /// with results before is done when an item is pulled in their place.
    #[inline(always)]
    pub(crate) fn deliver(&self, count: u64) -> bool {
        self.delivered.0.store(count, Ordering::Release);
        count >= self.wake_at.0.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether there is more to do than threads to do it.
    pub(super) fn is_busy(&self, now: Stamp) -> bool {
        (now.since(self.made).as_nanos() as u64) < self.busy_until.0.load(Ordering::Relaxed)
    }

    pub(super) fn note_busy(&self, busy: bool, now: Stamp) {
        let until = if busy { now.since(self.made) + BUSY } else { Duration::ZERO };
        self.busy_until.0.store(until.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Nothing begins any more, and the consumer looks up.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        set_all(&self.flags);
        self.parker.notify();
    }
}
