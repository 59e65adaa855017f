//! What is shared without the imap's lock, and has none of its types.
//!
//! Two *signals* are looked at with every push, and lie in one cache line: which result the consumer waits for, and how often
//! workers were asked to look up. Both are rarely written.

use super::span::Span;
use super::unwanted::Unwanted;
use crate::executor::Terminated;
use crate::sync::Parker;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

/// No result is waited for.
const NONE: u64 = u64::MAX;
/// Any result is waited for. Also what [`Control::await_result`] takes.
pub(super) const ANY: u64 = u64::MAX - 1;

#[repr(align(128))]
struct Signals {
    /// The index of the result for which the consumer sleeps.
    awaited: AtomicU64,
    /// How often a worker was asked to look up from its chunk: since a thread is idle, or the imap was cancelled.
    look_up: AtomicU64,
}

/// An item of an imap, and its index.
pub(super) type Item = (Arc<Control>, u64);

/// The part of an imap that a token, a scope and the hot path of a worker can reach.
pub struct Control {
    signals: Signals,
    /// Begin nothing. Looked at before every chunk, and where workers look up.
    cancelled: AtomicBool,
    /// The lowest index of an item that has failed, behind which nothing begins.
    failed: AtomicU64,
    /// Under the lock there is something for the consumer that it has not taken.
    news: AtomicBool,
    /// There was more to do than threads to do it when a thread last looked: see [`nesting`](super::nesting).
    busy: AtomicBool,
    /// Where the consumer sleeps.
    parker: Parker,
    unwanted: Unwanted<Control>,
    span: Span,
}

impl Control {
    /// Of an imap on this pool that is made inside of this item.
    pub(super) fn new(outer: Option<Item>, pool: Option<Terminated>) -> Control {
        Control {
            signals: Signals { awaited: AtomicU64::new(NONE), look_up: AtomicU64::new(0) },
            cancelled: AtomicBool::new(false),
            failed: AtomicU64::new(NONE),
            news: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            parker: Parker::new(),
            unwanted: Unwanted::new(outer, pool),
            span: Span::new(),
        }
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Nothing begins any more, and the consumer looks up.
    ///
    /// The store comes before the call to look up, which a worker reads with Acquire before it looks for this, and before
    /// the notification: the parker's lock pairs it with the look that a consumer takes after
    /// [`prepare`](Parker::prepare).
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.call_workers();
        self.parker.notify();
    }

    /// The item with this index has failed: none behind it begins any more. Ordered like [`cancel`](Control::cancel).
    #[cold]
    pub(super) fn fail(&self, index: u64) {
        self.failed.fetch_min(index, Ordering::Relaxed);
        self.call_workers();
    }

    /// The same for an item whose result says so, or which has panicked. One that was given up does not fail: its result is not
    /// handed out, so no consumer would learn why the imap has ended.
    #[cold]
    pub(super) fn fail_by_result(&self, index: u64) {
        self.unwanted.unless_given_up(index, || self.fail(index));
    }

    /// Gives up the head of an imap in order. Returns `false` if it has failed: then its result comes.
    pub(in crate::imap) fn give_up_head(&self, index: u64) -> bool {
        self.unwanted.give_up_to(index, || self.failed() == Some(index))
    }

    /// Gives up an item of an imap without order. Returns `false` if it has failed.
    pub(super) fn give_up(&self, index: u64) -> bool {
        self.unwanted.give_up(index, || self.failed() == Some(index))
    }

    /// The lowest index of an item that has failed.
    pub(super) fn failed(&self) -> Option<u64> {
        Some(self.failed.load(Ordering::Relaxed)).filter(|&index| index != NONE)
    }

    /// Whether the item with this index is not to begin.
    pub(super) fn keeps_from(&self, index: u64) -> bool {
        self.is_cancelled() || self.failed.load(Ordering::Relaxed) < index
    }

    /// Whether the result of this item, which may run, is not wanted any more.
    pub(super) fn is_unwanted(&self, index: u64) -> bool {
        self.keeps_from(index) || self.unwanted.contains(index, Control::is_unwanted)
    }

    pub(in crate::imap) fn span(&self) -> &Span {
        &self.span
    }

    /// More reasons for which a result may not be wanted.
    pub(in crate::imap) fn unwanted(&self) -> &Unwanted<Control> {
        &self.unwanted
    }

    /// Asks all workers to look up after their present item. Release: pairs with the load in
    /// [`look_up`](Control::look_up).
    pub(super) fn call_workers(&self) {
        self.signals.look_up.fetch_add(1, Ordering::Release);
    }

    /// How often workers have been asked to look up.
    pub(super) fn look_up(&self) -> u64 {
        self.signals.look_up.load(Ordering::Acquire)
    }

    /// Whether workers have been asked to look up since this was read.
    #[inline(always)]
    pub(super) fn has_called(&self, seen: u64) -> bool {
        self.signals.look_up.load(Ordering::Relaxed) != seen
    }

    /// The consumer will sleep for this result. Not ordered by itself: the lock orders it for rings that are opened later,
    /// and [`settle`](super::ring::Receiver::settle) for those that are open.
    pub(super) fn await_result(&self, index: u64) {
        self.signals.awaited.store(index, Ordering::Relaxed);
    }

    /// The consumer is awake.
    pub(super) fn await_nothing(&self) {
        self.signals.awaited.store(NONE, Ordering::Relaxed);
    }

    /// Whether the consumer waits for this result, which was pushed just now.
    #[inline(always)]
    pub(super) fn is_awaited(&self, index: u64) -> bool {
        let awaited = self.signals.awaited.load(Ordering::Relaxed);
        awaited == index || awaited == ANY
    }

    /// Wakes the consumer if it waits for this result. It may have registered anew meanwhile: then it is notified all the
    /// same, and registers once more.
    #[cold]
    pub(super) fn answer(&self, index: u64) {
        if self.is_awaited(index) {
            self.signals.awaited.swap(NONE, Ordering::AcqRel);
            self.parker.notify();
        }
    }

    /// Whether there is something for the consumer under the lock. Relaxed: it is a hint for one that looks.
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Relaxed)
    }

    pub(super) fn set_news(&self, news: bool) {
        if self.has_news() != news {
            self.news.store(news, Ordering::Relaxed);
        }
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
}
